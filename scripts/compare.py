"""Runs side by side: settings that differ, parameters, metrics, cost, and the difference paired by seed and test row.

python scripts/compare.py RUN RUN ...

RUN is a record's file, a run's folder, an exported folder, or the first digits of an identity. Runs that differ in
their seed alone count as one, against the first.
"""

import argparse
import os
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))
from petl.config import UserError  # noqa: E402
from petl.refusals import screen  # noqa: E402
from petl.report import beside  # noqa: E402
from petl.tuned.find import find  # noqa: E402


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", metavar="RUN")
    asked = parser.parse_args(arguments)
    try:
        found = {run.path.resolve(): beside.Run(run.record, run.path) for run in map(find, asked.runs)}
        if len(found) < 2:
            raise UserError(f"{' '.join(asked.runs)}: one run, and none to compare it with.")
        print(beside.beside(list(found.values())))
    except UserError as error:
        print(f"error: {screen(str(error))}", file=sys.stderr)
        return UserError.exit_code
    except BrokenPipeError:  # the reader, as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    sys.exit(main())
