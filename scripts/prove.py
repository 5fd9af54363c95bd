"""The promises of docs/reliability.md, each tried as often as it says there: `resume 200/200`.

python scripts/prove.py                         all of them; hours
python scripts/prove.py fuzz resume             these
python scripts/prove.py --share 0.1             a tenth of the cases, spread over all
python scripts/prove.py resume --case 17        one case again

Every outcome is kept in outputs/prove/NAME.jsonl, so that the same command goes on where it was interrupted; what was
tried with other code is tried anew. Exit code 1 if a promise is short.
"""

import argparse
import hashlib
import json
import math
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))


def main() -> int:
    from tests.proofs import promises

    there = promises()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="promise", help=f"of {', '.join(there)}; default: all")
    parser.add_argument("--share", type=float, default=1.0, help="of the cases, above 0 to 1")
    parser.add_argument("--case", type=int, action="append", help="a number; may be repeated")
    parser.add_argument("--folder", type=Path, default=ROOT / "outputs" / "prove")
    given = parser.parse_args()
    if unknown := [name for name in given.names if name not in there]:
        parser.error(f"no promise {unknown[0]}; there are {', '.join(there)}")
    if not 0 < given.share <= 1:
        parser.error(f"--share {given.share:g}: a number above 0, at most 1")
    chosen = [there[name] for name in given.names or there]
    return int(not all([kept(promise, given) for promise in chosen]))


def kept(promise, given: argparse.Namespace) -> bool:
    """Try what is not tried yet, and print the promise's line; whether every case held."""
    numbers = given.case or promise.numbers(math.ceil(promise.full * given.share))
    log, version = given.folder / f"{promise.name}.jsonl", code_version(promise.file)
    done = {} if given.case else tried(log, version)
    left = [number for number in numbers if number not in done]
    given.folder.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as file:
        for outcome in promise.prove(left, given.folder / promise.name):
            done[outcome.number] = outcome._asdict()
            file.write(json.dumps({"code": version, **done[outcome.number]}) + "\n")
            file.flush()
            if outcome.wrong:
                print(f"{promise.name} case {outcome.number}: {outcome.wrong}", file=sys.stderr, flush=True)
    mine = [done[number] for number in numbers if number in done]
    held = [outcome for outcome in mine if not outcome["wrong"]]
    try:
        more, fits = promise.sum_up([outcome["note"] for outcome in held]), True
    except AssertionError as error:
        more, fits = f"but {(str(error) or 'not all in all').splitlines()[0]}", False
    seconds = sum(outcome["seconds"] for outcome in mine)
    print(f"{promise.name:<16} {len(held):>6}/{len(numbers)}  {seconds:7.0f} s  {more}".rstrip(), flush=True)
    return fits and len(held) == len(numbers)


def tried(log: Path, version: str) -> dict[int, dict]:
    """number -> outcome, of the cases that were tried with this code."""
    found = {}
    for line in log.read_text(encoding="utf-8").splitlines() if log.exists() else []:
        try:
            outcome = json.loads(line)
        except ValueError:  # torn when it was interrupted
            continue
        if outcome.pop("code") == version:
            found[outcome["number"]] = outcome
    return found


def code_version(file: Path) -> str:
    from petl.records import code_sha256

    return hashlib.sha256(code_sha256().encode() + file.read_bytes()).hexdigest()[:12]


if __name__ == "__main__":
    sys.exit(main())
