"""The whole paper in miniature: every row of its tables and figures on the embedded tasks, five seeds each.

python scripts/mini.py                     runs what is missing, side by side on the cores at hand; may be interrupted
python scripts/mini.py method=mam seed=0   these of it, in the words of train.py -m
python scripts/mini.py --status            a line for each row and task; exit code 1 while a run is missing

Records go to results/runs, without the decoded rows, which are text of others. `make tables figures claims report`
shows them.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT))
RUNS = ROOT / "results" / "runs"
LOGS = ROOT / "outputs" / "mini"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", metavar="WORD", help="as for train.py -m: picks rows, tasks, seeds")
    parser.add_argument("--status", action="store_true", help="run nothing")
    parser.add_argument("--records", type=Path, default=RUNS, help="where records are and go")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes; default: one a core")
    given = parser.parse_args(arguments)
    if given.status and given.words:
        parser.error("--status is of all rows; python scripts/status.py WORDS tells of some")
    if given.jobs < 1:
        parser.error("--jobs takes a whole number above 0")
    return status(given.records) if given.status else run(given.words, given.records, given.jobs)


def run(words: Sequence[str], folder: Path, jobs: int) -> int:
    """So many processes of one sweep, which share its runs. The first speaks, the others write logs."""
    from petl.report.experiments import NAMES

    command = [sys.executable, str(ROOT / "train.py"), "-m", f"experiment={','.join(NAMES)}"]
    command += [f"runtime.records={folder}", "runtime.examples=0", *words]
    LOGS.mkdir(parents=True, exist_ok=True)
    environment = {"OMP_NUM_THREADS": "1", **os.environ}
    with ExitStack() as files:
        logs = [None, *(files.enter_context((LOGS / f"{n}.log").open("w")) for n in range(2, jobs + 1))]
        started = [subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log) for log in logs]
        try:
            return max(process.wait() for process in started)
        except KeyboardInterrupt:  # which all of them got: each keeps where it is
            return max(process.wait() for process in started)


def status(folder: Path) -> int:
    """How many seeds of each row are there."""
    from petl import records
    from petl.report.cells import SEEDS, cells
    from petl.report.experiments import NAMES, title

    runs, missing = records.below(folder), set()
    for name in NAMES:
        print(title(name))
        found = cells(name, "mini", runs)
        width = max(len(cell.row) for cell in found)
        for cell in found:
            missing |= {(*cell.words, seed) for seed in cell.missing()}
            there = len(SEEDS) - len(cell.missing())
            print(f"  {cell.row:<{width}}  {cell.task:<5}  {there} of {len(SEEDS)}")
    print(f"{len(missing)} runs are missing; make mini runs them" if missing else "all there")
    return int(bool(missing))


if __name__ == "__main__":
    sys.exit(main())
