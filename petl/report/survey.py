"""The sweep of the miniature: what of it is there, what is missing, and how long all of it takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from statistics import fmean

from petl.records import Record
from petl.report import experiments, rates
from petl.report.cells import Cell, candidates, cells

Run = frozenset[str]  # its words, in any order: whatever table it stands in


@dataclass(frozen=True)
class Survey:
    """tables: heading -> each cell at the recipe's rate and at the tuned one.

    later: runs whose rate follows from others: trials, at least so many, and tuned runs, some of which may be there.
    """

    tables: dict[str, list[tuple[Cell, Cell]]]
    done: list[Record]
    missing: set[Run]
    later: list[Run]

    def hours(self, runs: Iterable[Run] | None = None) -> float:
        """Of one core: what those that are done took; of `runs` instead, by the mean of those done on their task, or
        of all. 0 where none is done."""
        took: dict[str, list[float]] = {}
        for run in self.done:
            took.setdefault(f"task={run['config']['task']['name']}", []).append(sum(run["seconds"].values()))
        every = [seconds for each in took.values() for seconds in each]
        if not every or runs is None:
            return sum(every) / 3600
        return sum(fmean(next((took[word] for word in run if word in took), every)) for run in runs) / 3600


def survey(runs: Iterable[Record]) -> Survey:
    runs = list(runs)
    held, methods = candidates(runs), rates.methods("mini")
    tables, done, missing, later = {}, [], set(), set()
    trials = {frozenset([*words, f"seed={rates.SEED}"]): words for words in methods}
    for name in experiments.NAMES:
        found = [cell for cell in cells(name, "mini", runs) if cell.ours]
        tuned = rates.retuned(found, runs)
        tables[experiments.title(name)] = list(zip(found, tuned, strict=True))
        missing.update(*map(_missing, found))
        done += [run for cell in (*found, *tuned) for run in cell.records.values()]
        for cell in tuned:
            (later if cell.rate is None else missing).update(_missing(cell))
    missing |= {frozenset(run) for words in methods for run in rates.untried(words, held)}
    done += [run for words in methods for run in rates.trials(words, held)]
    follow = [*(later - trials.keys()), *(run for run, own in trials.items() for _ in range(rates.unknown(own, held)))]
    return Survey(tables, list({run["identity"]: run for run in done}.values()), missing, follow)


def markdown(found: Survey) -> str:
    """How far it is, and how long it takes."""
    done, left = len(found.done), [*found.missing, *found.later]
    if not done:
        return f"None of its runs, about {len(left)}, is done yet."
    if not left:
        return f"All of its {done} runs are done. They took {_hours(found.hours())}."
    whole = found.hours() + found.hours(left)
    return (
        f"{done} runs are done, {len(found.missing)} are missing, and about {len(found.later)} follow from those. "
        f"What is done took {_hours(found.hours())}; by that, all will take about {_hours(whole)}."
    )


def _hours(hours: float) -> str:
    return f"{hours:.1f} hours of one core ({hours / 2:.1f} of two, {hours / 16:.1f} of sixteen)"


def _missing(cell: Cell) -> Iterator[Run]:
    return (frozenset([*cell.words, f"seed={seed}"]) for seed in cell.missing())
