"""The whole paper in miniature: every row of its tables and figures on the embedded tasks, five seeds each.

python scripts/mini.py                     runs what is missing, side by side on the cores at hand; may be interrupted
python scripts/mini.py method=mam seed=0   these of it, in the words of train.py -m
python scripts/mini.py --status            a line for each row and task; exit code 1 while a run is missing

Twice: first each row at its recipe's rate, one for all efficient methods, as in the paper. Then the learning rate of
each method is tuned on dev (petl/report/rates.py: which are tried; results/rates.json: what came of it), and rows whose
method prefers another rate than the recipe's are run again at that.

Records go to results/runs, without the decoded rows, which are text of others. `make tables figures claims report`
shows them.
"""

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT))

from petl.words import launcher_of  # noqa: E402

RUNS = ROOT / "results" / "runs"
LOGS = ROOT / "outputs" / "mini"
OWN = {  # words that are not the user's here
    "recipe.lr": "that is what this tunes; python train.py -m experiment=... recipe.lr=... takes any.",
    "runtime.records": "that is --records here.",
    "scale": "this is of scale=mini; python train.py -m experiment=... scale=paper runs a table at the other.",
}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", metavar="WORD", help="as for train.py -m: picks rows, tasks, seeds")
    parser.add_argument("--status", action="store_true", help="run nothing")
    parser.add_argument("--records", type=Path, default=RUNS, help="where records are and go")
    parser.add_argument("--jobs", type=int, help="processes; default: one a core, one with a launcher")
    given = parser.parse_intermixed_args(arguments)
    if given.status and given.words:
        parser.error("--status is of all rows; python scripts/status.py WORDS tells of some")
    if given.jobs is not None and given.jobs < 1:
        parser.error("--jobs takes a whole number above 0")
    folder = given.records.resolve()
    if given.status:
        return status(folder)
    jobs = given.jobs or (1 if launcher_of(given.words) else cores())
    return share(given.words, folder) if jobs == 1 else side_by_side(given.words, folder, jobs)


def cores() -> int:
    """Those that this process may run on, where the system tells."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def side_by_side(words: Sequence[str], folder: Path, jobs: int) -> int:
    """So many processes, which share the runs. The first speaks, the others write logs."""
    command = [sys.executable, str(ROOT / "scripts" / "mini.py"), *words, "--records", str(folder), "--jobs", "1"]
    LOGS.mkdir(parents=True, exist_ok=True)
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with ExitStack() as files:
        logs = [None, *(files.enter_context((LOGS / f"{n}.log").open("w")) for n in range(2, jobs + 1))]
        started = [subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log) for log in logs]
        try:
            return max(process.wait() for process in started)
        except KeyboardInterrupt:  # which all of them got: each keeps where it is
            return max(process.wait() for process in started)
        finally:  # a signal to this process alone: they do the same
            for process in started:
                process.terminate()
            for process in started:
                process.wait()
            signal.signal(signal.SIGTERM, before)


def share(words: Sequence[str], folder: Path) -> int:
    """This process's share of one sweep after the other; a sweep ends once no other process is at a run of it."""
    from petl import cluster, sweep
    from petl.config import UserError
    from petl.refusals import screen

    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.chdir(ROOT)
    try:
        elsewhere = cluster.launcher(name, words) if (name := launcher_of(words)) else None
        return max(sweep.many(runs, elsewhere) for runs in sweeps(words, folder) if runs)
    except UserError as error:
        print(f"error: {screen(str(error))}", file=sys.stderr)
        return UserError.exit_code
    except KeyboardInterrupt:
        print("\ninterrupted; the same command goes on from the last checkpoints.", file=sys.stderr)
        return 130


def sweeps(words: Sequence[str], folder: Path) -> Iterator[list[list[str]]]:
    """At the recipe's rate; trials of other rates, round after round; at the tuned rate, where it is another one."""
    from petl import records
    from petl.report import rates, render
    from petl.report.cells import candidates

    ours = ["scale=mini", f"runtime.records={folder}", "runtime.examples=0"]
    yield (runs := picked(words, ours))
    methods, asked = list(dict.fromkeys(map(rates.base, runs))), []
    while True:
        held = candidates(found := records.below(folder))
        trials = [trial for own in methods for trial in rates.untried(own, held) if trial not in asked]  # once each
        if not trials:
            break
        asked += trials
        yield trials
    if told := rates.as_json(found):
        render.settle({folder.parent / "rates.json": told}, check=False, root=ROOT)
    best = {own: rates.tuned(own, held) for own in methods}
    again = [(run, rates.at(run, one.rate)) for run in runs if (one := best[rates.base(run)])]
    yield [tuned for run, tuned in again if tuned != run]


def picked(words: Sequence[str], ours: Sequence[str] = ()) -> list[list[str]]:
    """The runs of all presets that have what `words` pick, each run once, with `ours`."""
    from petl.command import expand
    from petl.config import UserError
    from petl.report.experiments import NAMES

    for word, why in OWN.items():
        if any(given.startswith(f"{word}=") for given in words):
            raise UserError(f"{word}: {why}")
    runs: dict[frozenset[str], list[str]] = {}
    refusals = []
    for name in NAMES:
        try:
            for run in expand([f"experiment={name}", *ours, *words]):
                runs.setdefault(frozenset(run[1:]), run[1:])
        except UserError as error:  # it has no such row or task; others may
            refusals.append(error)
    if len(refusals) == len(NAMES):
        raise refusals[0]
    return list(runs.values())


def status(folder: Path) -> int:
    """How many seeds of each row are there, at the recipe's rate and at the tuned one."""
    from petl import records
    from petl.report.survey import survey

    found = survey(records.below(folder))
    for title, held in found.tables.items():
        print(title)
        width = max(len(cell.row) for cell, _ in held)
        for cell, tuned in held:
            best = f"{there(tuned)} at {tuned.rate:g}" if tuned.rate else "no rate yet"
            print(f"  {cell.row:<{width}}  {cell.task:<5}  {there(cell)}   tuned: {best}")
    more = f", and about {len(found.later)} follow from those" if found.later else ""
    left = found.hours([*found.missing, *found.later]) if found.done and found.missing else 0
    time = f" (about {left:.1f} hours of one core)" if left else ""
    print(f"{len(found.missing)} runs are missing{more}{time}; make mini runs them" if found.missing else "all there")
    return int(bool(found.missing))


def there(cell: Any) -> str:
    from petl.report.cells import SEEDS

    return f"{len(SEEDS) - len(cell.missing())} of {len(SEEDS)}"


if __name__ == "__main__":
    sys.exit(main())
