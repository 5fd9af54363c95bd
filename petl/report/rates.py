"""The learning rate of each method on each task, tuned on dev with one seed at its own size.

From the recipe's rate on by factors of two, up as long as that is better and else down, until the best that was tried
has none better next to it, or is FARTHEST away. Better is what is so by more than ALIKE. A method is its word and its
place: all its sizes, scales and seeds take its rate. No number of a test set decides.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from petl import records
from petl.composed import composed
from petl.report import experiments, published
from petl.report.cells import Candidates, Cell, Record, candidates, filled, groups

FARTHEST = 16.0  # no more than so many times the recipe's rate, no less than that part of it
ALIKE = 0.02  # of the best on dev: less tells nothing, as seeds of one rate differ by two to five percent
LEAST = 3  # the best and one on each side
SEED = 0
OTHERS = ("seed=", "experiment=", "method.deltas.", "composition", "budget")  # words that runs of a method differ in


@dataclass(frozen=True)
class Tuned:
    """`words` name the method and its task; `dev`: rate -> the metric that selects, of the weights that it selected;
    `runs`: rate -> the trial that says so."""

    words: tuple[str, ...]
    metric: str
    recipe: float
    runs: dict[float, Record]

    @property
    def dev(self) -> dict[float, float]:
        return {rate: run["selected"]["value"] for rate, run in self.runs.items()}

    @property
    def rate(self) -> float:
        """Of those alike the best on dev the nearest to the recipe's, then the lower."""
        sign = -1 if self.metric == "loss" else 1
        best = max(sign * value for value in self.dev.values())
        alike = [rate for rate, value in self.dev.items() if sign * value >= best - ALIKE * abs(best)]
        return min(alike, key=lambda rate: (abs(math.log(rate / self.recipe)), rate))


def base(words: Iterable[str]) -> tuple[str, ...]:
    """The words of a run at the own size of its method, without a seed."""
    return tuple(word for word in words if not word.startswith(OTHERS))


def trial(words: Iterable[str], rate: float) -> list[str]:
    """The run that tries a rate, for the method of a run of `words`."""
    return [*at(base(words), rate), f"seed={SEED}"]


def at(words: Iterable[str], rate: float) -> list[str]:
    """`words` at a learning rate, which is said only where it is not the recipe's."""
    words = list(words)
    return words if composed(base(words)).recipe.lr == rate else [*words, f"recipe.lr={rate:g}"]


def tuned(words: Iterable[str], held: Candidates) -> Tuned | None:
    """The rates of the method of a run of `words`; None before all are tried, on the same rows and weights."""
    own = base(words)
    if len({run["config"]["recipe"]["lr"] for run in _runs(own, held)}) < LEAST:
        return None  # nothing is composed for what cannot be
    return next((known for known in _tried(own, held) if _wanted(known) == known.runs.keys()), None)


def untried(words: Iterable[str], held: Candidates) -> list[list[str]]:
    """The trials of a method that are to be made next: of rates that are not tried on the latest rows and weights."""
    known = _known(base(words), held)
    return [trial(known.words, rate) for rate in sorted(_wanted(known) - known.runs.keys())]


def unknown(words: Iterable[str], held: Candidates) -> int:
    """How many trials will follow from those of `untried`, at the least: one on each side of the best is tried."""
    known = _known(base(words), held)
    return max(0, LEAST - len(_wanted(known)))


def trials(words: Iterable[str], held: Candidates) -> list[Record]:
    """The runs that tell of a method's rates."""
    return list(_known(base(words), held).runs.values())


def _known(own: tuple[str, ...], held: Candidates) -> Tuned:
    config = composed(own)
    return next(_tried(own, held), Tuned(own, config.task.select, config.recipe.lr, {}))


def _runs(own: tuple[str, ...], held: Candidates) -> Sequence[Record]:
    said = dict(word.split("=", 1) for word in own)
    return held.get((said["scale"], said["method"], said["task"]), [])


def _tried(own: tuple[str, ...], held: Candidates) -> Iterator[Tuned]:
    """What dev said of the rates of a method, the latest rows and weights first; each as far as `_wanted` goes."""
    config, found = composed(own), []
    possible = {_times(config.recipe.lr, factor) for factor in _powers()}
    for run in _runs(own, held):
        rate = run["config"]["recipe"]["lr"]
        if rate in possible and run["selected"]["value"] is not None:
            if records.same_run(run, composed(tuple(trial(own, rate)))):
                found.append(run)
    for group in sorted(groups(found), key=lambda group: max(map(_finished, group)), reverse=True):
        latest = {run["config"]["recipe"]["lr"]: run for run in sorted(group, key=_finished)}
        known = Tuned(own, config.task.select, config.recipe.lr, latest)
        yield _only(known, _wanted(known))


def _wanted(known: Tuned) -> set[float]:
    """The rates to try, given what dev says of those that are."""
    rates = [known.recipe]
    low, high = _times(known.recipe, 1 / FARTHEST), _times(known.recipe, FARTHEST)
    while all(rate in known.runs for rate in rates):
        best = _only(known, rates).rate
        if best == rates[-1] < high:
            rates = [*rates, _times(best, 2)]
        elif best == rates[0] > low:
            rates = [_times(best, 0.5), *rates]
        else:
            break
    return set(rates)


def _only(known: Tuned, rates: Iterable[float]) -> Tuned:
    return replace(known, runs={rate: known.runs[rate] for rate in sorted(rates) if rate in known.runs})


def _times(rate: float, factor: float) -> float:
    return float(f"{factor * rate:.6g}")


def _powers() -> list[float]:
    """Of two, from 1 / FARTHEST to FARTHEST."""
    most = round(math.log2(FARTHEST))
    return [2.0**power for power in range(-most, most + 1)]


def retuned(cells: Sequence[Cell], runs: Iterable[Record]) -> list[Cell]:
    """The cells with each method at its tuned rate, and its runs at that; where it has none yet, `rate` is None."""
    held = candidates(runs)
    known = {words: tuned(words, held) for words in {base(cell.words) for cell in cells if cell.ours}}
    return [_retuned(replace(cell, refused=[]), known.get(base(cell.words)), held) for cell in cells]


def _retuned(cell: Cell, found: Tuned | None, held: Candidates) -> Cell:
    if found is None or not cell.ours:
        return replace(cell, records={})
    words = at(cell.words, found.rate)
    if words == cell.words:
        return replace(cell, rate=found.rate)
    method = composed(tuple(words)).method.name
    empty = replace(cell, words=words, rate=found.rate, records={})
    return filled(empty, held.get((cell.scale, method, cell.task), []))


def as_json(runs: Iterable[Record], scale: str = "mini") -> str:
    """results/rates.json: what was tried and chosen, of every method and task of the tables; "" where nothing was."""
    held = candidates(runs)
    found = [one for words in methods(scale) if (one := tuned(words, held))]
    told = [
        {
            "words": " ".join(one.words),
            "dev_metric": one.metric,
            "dev": {f"{rate:g}": value for rate, value in one.dev.items()},
            "recipe": one.recipe,
            "chosen": one.rate,
        }
        for one in found
    ]
    return json.dumps(told, indent=1) + "\n" if told else ""


def methods(scale: str) -> list[tuple[str, ...]]:
    """Every method on every task that a table or figure has it on, as `base` names it."""
    rows = [row for name in experiments.NAMES for row in published.table(name)["rows"] if row.get("ours", True)]
    return list(dict.fromkeys(base(published.words(row, task, scale)) for row in rows for task in row["metrics"]))


def _finished(run: Record) -> str:
    return run["finished"]
