"""Score texts of any system, or post-process Romanian as the paper does before BLEU. UTF-8, one text a line.

python scripts/score.py rouge --hyp FILE --ref FILE       rouge1 rouge2 rougeL rougeLsum
python scripts/score.py bleu --hyp FILE --ref FILE        bleu (sacreBLEU 13a) and bleu_moses (the paper's, Romanian)
python scripts/score.py romanian < raw > processed        the post-processing alone
"""

import argparse
import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1]))
from petl import metrics  # noqa: E402
from petl.config import UserError  # noqa: E402
from petl.tasks import files  # noqa: E402

KINDS = {"rouge": ("rouge",), "bleu": ("bleu", "bleu_moses")}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True, metavar="rouge | bleu | romanian")
    for kind in KINDS:
        command = commands.add_parser(kind)
        command.add_argument("--hyp", type=Path, required=True, metavar="FILE", help="what the system said")
        command.add_argument("--ref", type=Path, required=True, metavar="FILE", help="what it should have said")
    commands.add_parser("romanian")
    given = parser.parse_args(arguments)
    try:
        if given.command == "romanian":
            post_process(sys.stdin.buffer)
        else:
            print(json.dumps(scored(given.command, given.hyp, given.ref), indent=1))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return UserError.exit_code
    except BrokenPipeError:  # the reader, as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def scored(kind: str, hyp: Path, ref: Path) -> dict[str, Any]:
    hypotheses, references = texts(hyp), texts(ref)
    if len(hypotheses) != len(references):
        counts = f"{hyp} has {len(hypotheses):,} lines, {ref} has {len(references):,}"
        raise UserError(f"{counts}; line by line they must belong together.")
    if not references:
        raise UserError(f"{hyp} and {ref} are empty: there is nothing to score.")
    measures = [metrics.measure(name) for name in KINDS[kind]]
    scores: dict[str, float] = {}
    for measure in measures:
        scores |= measure.scores(hypotheses, references)
    signatures = {name: measure.signature for name, measure in zip(KINDS[kind], measures, strict=True)}
    return {"metrics": scores, "lines": len(references), "signatures": signatures}


def texts(path: Path) -> list[str]:
    """The lines of a file, also of a .gz; the last needs no line break."""
    try:
        return [line.rstrip("\r\n") for _, line in files.lines(path)]
    except (OSError, EOFError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UserError(f"{path}: cannot be read ({why}).") from error


def post_process(lines: Iterable[bytes]) -> None:
    from petl.metrics.romanian import process

    for number, line in enumerate(lines, start=1):
        try:
            text = line.decode()
        except UnicodeDecodeError as error:
            raise UserError(
                f"standard input, line {number}: byte 0x{line[error.start]:02x} at position {error.start + 1} is not "
                f"UTF-8. Convert the text first, for example: iconv -f latin1 -t utf-8"
            ) from error
        sys.stdout.buffer.write(f"{process(text.removesuffix(chr(10)))}\n".encode())
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
