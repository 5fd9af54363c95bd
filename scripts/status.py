"""How far runs are: done, running, failed, stopped, to do, and the time left.

python scripts/status.py                                  all below outputs/, and results/runs
python scripts/status.py experiment=table6 scale=paper    the runs of a sweep, in the words of train.py -m
python scripts/status.py --watch                          again every 10 seconds, until Ctrl-C
"""

import argparse
import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))
from petl import command, leaves  # noqa: E402
from petl.config import Config, UserError  # noqa: E402
from petl.records import status  # noqa: E402
from petl.refusals import screen  # noqa: E402

CLEAR = "\033[H\033[2J"
COMMITTED = Path(__file__).resolve().parents[1] / "results" / "runs"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "words", nargs="*", metavar="WORD", help="as for train.py -m; runtime.output=... looks elsewhere"
    )
    parser.add_argument("--watch", nargs="?", type=float, const=10.0, metavar="SECONDS", help="go on looking")
    asked = parser.parse_args(arguments)
    if asked.watch is not None and asked.watch <= 0:
        parser.error("--watch takes seconds above 0")
    try:
        look = Look(asked.words)
        print(look())
        while asked.watch:
            time.sleep(asked.watch)
            print((CLEAR if sys.stdout.isatty() else "\n") + look(), flush=True)
    except UserError as error:
        print(f"error: {screen(str(error))}", file=sys.stderr)
        return UserError.exit_code
    except KeyboardInterrupt:
        pass
    return 0


class Look:
    """The table of the runs that the words name, composed once."""

    def __init__(self, words: list[str]) -> None:
        where = [word for word in words if word.startswith("runtime.")]
        self.runtime = command.read(where).runtime
        told = any(word.startswith("runtime.records=") for word in where)
        self.records = [Path(self.runtime.records), *([] if told else [COMMITTED])]
        self.runs = self._runs(words) if len(words) > len(where) else None

    def __call__(self) -> str:
        if self.runs is not None:
            return status.table(status.survey(self.runs))
        return status.table(status.everything(Path(self.runtime.output), *self.records))

    def _runs(self, words: list[str]) -> list[tuple[str, Config]]:
        runs, read = command.expand(words), leaves.reader()
        shared = {word for word in runs[0] if all(word in run for run in runs)} if len(runs) > 1 else set()
        names = (" ".join(word for word in run if word not in shared and not word.startswith("seed=")) for run in runs)
        return [(name or " ".join(words), read(run)) for name, run in zip(names, runs, strict=True)]


if __name__ == "__main__":
    sys.exit(main())
