"""What a trained model answers.

python scripts/predict.py RUN --input FILE [--output FILE]

RUN is a run's folder, an exported folder, a record's file, or the first digits of an identity. FILE is .txt (a text a
line, the two of a pair with a tab between them), .jsonl, .csv, .tsv or .parquet in the task's columns, or - for
standard input, a text a line. Answers go to standard output, a line each, or to a new .txt or .jsonl file.
"""

import argparse
import os
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))
from petl import tasks  # noqa: E402
from petl.config import UserError  # noqa: E402
from petl.refusals import screen  # noqa: E402
from petl.tuned import texts  # noqa: E402
from petl.tuned.find import find  # noqa: E402


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", metavar="RUN")
    parser.add_argument("--input", required=True, metavar="FILE", help="what it is to answer; - is standard input")
    parser.add_argument("--output", default=texts.STDIN, metavar="FILE", help="a new .jsonl or .txt file")
    parser.add_argument("--json", action="store_true", help="JSON lines on standard output, too")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--backbone", metavar="PATH", help="where the backbone is, if not where it was")
    try:
        predict(parser.parse_args(arguments))
    except UserError as error:
        print(f"error: {screen(str(error))}", file=sys.stderr)
        return UserError.exit_code
    except BrokenPipeError:  # the reader, as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def predict(asked: argparse.Namespace) -> None:
    found = find(asked.run)
    texts.check(asked.output)
    given = texts.read(asked.input, tasks.find(found.record["config"]["task"]["name"]))
    from petl.tuned.restore import restore  # torch is loaded once the input has been read

    tuned = restore(found, asked.device, asked.backbone)
    texts.write(asked.output, given, tuned.predict([row.text for row in given]), asked.json)
    if tuned.cut:
        print(
            f"{tuned.cut:,} of {len(given):,} texts were cut to {tuned.config.task.max_source} tokens", file=sys.stderr
        )


if __name__ == "__main__":
    sys.exit(main())
