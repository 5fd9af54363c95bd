"""The learning rate of each method on each task, tuned on dev: 1/2, 1 and 2 times the recipe's, one seed, own size.

A method is its word and its place: all its sizes, scales and seeds take its rate. No number of a test set decides.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from petl import records
from petl.composed import composed
from petl.report import experiments, published
from petl.report.cells import Candidates, Cell, Record, candidates, filled, groups

FACTORS = (0.5, 1.0, 2.0)
SEED = 0
OTHERS = ("seed=", "experiment=", "method.deltas.", "composition", "budget")  # words that runs of a method differ in


@dataclass(frozen=True)
class Tuned:
    """`words` name the method and its task; `dev`: rate -> the metric that selects, of the weights that it selected."""

    words: tuple[str, ...]
    metric: str
    dev: dict[float, float]
    recipe: float

    @property
    def rate(self) -> float:
        """The best on dev; of equals the nearest to the recipe's, then the lower."""
        sign = -1 if self.metric == "loss" else 1
        return max(self.dev, key=lambda rate: (sign * self.dev[rate], -abs(math.log(rate / self.recipe)), -rate))


def base(words: Iterable[str]) -> tuple[str, ...]:
    """The words of a run at the own size of its method, without a seed."""
    return tuple(word for word in words if not word.startswith(OTHERS))


def trials(words: Iterable[str]) -> dict[float, list[str]]:
    """rate -> the run that tries it, for the method of a run of `words`."""
    own = base(words)
    rates = (float(f"{factor * composed(own).recipe.lr:.6g}") for factor in FACTORS)
    return {rate: [*at(own, rate), f"seed={SEED}"] for rate in rates}


def at(words: Iterable[str], rate: float) -> list[str]:
    """`words` at a learning rate, which is said only where it is not the recipe's."""
    words = list(words)
    return words if composed(base(words)).recipe.lr == rate else [*words, f"recipe.lr={rate:g}"]


def tuned(words: Iterable[str], held: Candidates) -> Tuned | None:
    """The rates of the method of a run of `words`; None before all are tried, on the same rows and weights."""
    own = base(words)
    said = dict(word.split("=", 1) for word in own)
    runs = held.get((said["scale"], said["method"], said["task"]), [])
    if len({run["config"]["recipe"]["lr"] for run in runs}) < len(FACTORS):
        return None  # nothing is composed for what cannot be
    config = composed(own)
    tried, found = {rate: composed(tuple(run)) for rate, run in trials(own).items()}, []
    for run in runs:
        asked = tried.get(run["config"]["recipe"]["lr"])
        if asked and records.same_run(run, asked) and run["selected"]["value"] is not None:
            found.append(run)
    for group in sorted(groups(found), key=lambda group: max(map(_finished, group)), reverse=True):
        latest = {run["config"]["recipe"]["lr"]: run for run in sorted(group, key=_finished)}
        if latest.keys() == tried.keys():
            dev = {rate: latest[rate]["selected"]["value"] for rate in tried}
            return Tuned(own, config.task.select, dev, config.recipe.lr)
    return None


def untried(words: Iterable[str], held: Candidates) -> list[list[str]]:
    """The trials of a method that have no record."""
    asked = {tuple(run): composed(tuple(run)) for run in trials(words).values()}
    found = {run: held.get((c.scale, c.method.name, c.task.name), []) for run, c in asked.items()}
    return [list(run) for run, c in asked.items() if not any(records.same_run(one, c) for one in found[run])]


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
