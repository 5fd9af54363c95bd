"""Tables 1 to 12 from run records and the published numbers; a pure function of both.

A table of results comes twice where learning rates were tuned: at the recipe's, as in the paper, and at those.
Here: results (2 to 6, 12), laid out from results.py. The grid (1, 9 to 11): grid.py; data and training (7, 8):
setups.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from petl.command import options
from petl.config import UserError
from petl.refusals import choice
from petl.report import grid, phrases, published, rates, setups
from petl.report.cells import SEEDS, Cell, Record, cells
from petl.report.examples import Files
from petl.report.experiments import METRIC
from petl.report.layout import MISSING, Entry, Table, entry, together
from petl.report.published import METRICS, TASKS
from petl.report.results import Number, datum, numbers

NAMES = [f"table{n}" for n in range(1, 13)]
STATISTICS = ("paper", "mean", "median")
PROTOCOL = {
    "whole": "every test row, references as they are",
    "paper": "the paper's protocol (references cut, Romanian tokenised, the first 1,600 rows of GLUE)",
}
TUNED = (
    "Each method has the learning rate (lr) that dev prefers, from the recipe's on by factors of two, up to 16, until "
    "the best has none next to it that is better by more than 2 %, tried at its own size with one seed "
    "(results/rates.json); all its sizes and scales take it."
)

Line = dict[str, list[Number]]  # task -> the numbers of a row


def table(
    name: str,
    scale: str,
    runs: Iterable[Record],
    files: Files | None = None,
    statistic: str = "paper",
    protocol: str | None = None,
) -> Table:
    """The table `name` at `scale`. UserError for an unknown table, scale, statistic or protocol.

    statistic: mean or median of our seeds; `paper`: the one that the paper has in this table.
    files: per-example scores by identity, for the bootstrap over test rows.
    """
    if name not in NAMES:
        raise UserError(choice("table", name, NAMES))
    if scale not in options("scale"):
        raise UserError(choice("scale", scale, options("scale")))
    if statistic not in STATISTICS:
        raise UserError(choice("statistic", statistic, STATISTICS))
    if name in grid.TABLES:
        return grid.TABLES[name](scale)
    if name in setups.TABLES:
        return setups.TABLES[name](scale, list(runs))
    return results(name, cells(name, scale, runs, protocol), files or {}, _statistic(name, statistic))


def tuned(
    name: str,
    scale: str,
    runs: Iterable[Record],
    files: Files | None = None,
    statistic: str = "paper",
    protocol: str | None = None,
) -> Table | None:
    """The table with each method at its tuned learning rate; None where there are no results, or none at such."""
    if name in grid.TABLES or name in setups.TABLES:
        return None
    runs = list(runs)
    found = rates.retuned(cells(name, scale, runs, protocol), runs)
    if not any(cell.records for cell in found):
        return None
    table = results(name, found, files or {}, _statistic(name, statistic))
    chosen = (cell.rate for cell in found for _ in cell.published)
    data = [{**line, "lr": rate} for line, rate in zip(table.data, chosen, strict=True)]
    title, intro = f"{table.title}, learning rates tuned on dev", f"{table.intro} {TUNED}"
    return replace(table, name=f"{name}-tuned", title=title, intro=intro, data=data)


def every(names: Sequence[str], *how: Any) -> list[Table]:
    """The tables `names`, each before the one at tuned rates, if there is that. how: as for `table`."""
    pairs = [(table(name, *how), tuned(name, *how)) for name in names]
    return [made for pair in pairs for made in pair if made]


def title(name: str) -> str:
    return f"{re.sub(r'(?=[0-9])', ' ', name, count=1).capitalize()}. {published.table(name)['caption']}"


def _statistic(name: str, asked: str) -> str:
    return asked if asked != "paper" else "median" if published.table(name)["statistic"] == "median" else "mean"


def results(name: str, found: Sequence[Cell], files: Files, statistic: str) -> Table:
    """For each task what is printed, ours, how both differ from the row compared with, and what others found."""
    every = numbers(name, found, files, statistic)
    lines: dict[str, Line] = {}
    for number in every:
        lines.setdefault(number.cell.row, {}).setdefault(number.cell.task, []).append(number)
    entries = {line["row"]: line for line in published.table(name)["rows"]}
    refused = {
        text: f"R{i}" for i, text in enumerate(dict.fromkeys(t for cell in found for t in phrases.left_out(cell)), 1)
    }
    shape = Shape(every)
    blocks = [entries[row].get("block") for row in lines]
    return Table(
        name=name,
        title=title(name),
        intro=intro(every, statistic, blocks),
        columns=["method", "%", "% ours", "against", *(c for task in shape.tasks for c in shape.columns(task))],
        spans=[("", 4), *((shape.heading(task), len(shape.columns(task))) for task in shape.tasks)],
        rows=[_head(entries[row], line) + shape.row(line, refused) for row, line in lines.items()],
        rules=[i for i in range(1, len(blocks)) if blocks[i] != blocks[i - 1]],
        notes=published.footnotes(_footnotes(name, every)) | {number: text for text, number in refused.items()},
        fill={
            f"{cell.row}, {TASKS[cell.task]}: {len(cell.records)} of {len(SEEDS)} seeds": command
            for cell in found
            if (command := cell.command()) and cell.ours and (cell.rate or not shape.tuned)
        },
        data=[datum(number) for number in every],
    )


class Shape:
    """Which columns a table of results has: those for which there is anything to say."""

    def __init__(self, every: Sequence[Number]) -> None:
        self.tasks = list(dict.fromkeys(n.cell.task for n in every))
        self.metrics = {
            task: list(dict.fromkeys(n.metric for n in every if n.cell.task == task)) for task in self.tasks
        }
        self.absolute = every[0].cell.scale == "paper"  # our numbers are of the paper's models and data
        self.tuned = any(n.cell.rate for n in every)
        self.over_rows = any(n.comparison and n.comparison.rows for n in every)
        self.others = [name for name in published.paper()["reimplementations"] if any(name in n.others for n in every)]

    def heading(self, task: str) -> str:
        return f"{TASKS[task]} ({' / '.join(METRICS[metric] for metric in self.metrics[task])})"

    def columns(self, task: str) -> list[str]:
        names = [
            "paper",
            "ours",
            *(["lr"] if self.tuned else []),
            "seeds",
            *(["ours - paper"] if self.absolute else []),
        ]
        names += ["over it, paper", "over it, ours", *(["over test rows"] if self.over_rows else [])]
        return names + [published.paper()["reimplementations"][name]["title"] for name in self.others]

    def row(self, line: Line, refused: dict[str, str]) -> list[Entry]:
        return [part for task in self.tasks for part in self._of_task(line[task], refused)]

    def _of_task(self, found: list[Number], refused: dict[str, str]) -> Iterator[Entry]:
        cell = found[0].cell
        contrast = next((n.comparison for n in found if n.comparison), None)
        yield together(map(phrases.printed, found), (n.best_printed for n in found))
        yield together(map(phrases.ours, found), (n.best_ours for n in found))
        if self.tuned:
            yield entry(f"{cell.rate:g}" if cell.rate else MISSING)
        yield entry(phrases.seeds(cell), *(refused[text] for text in phrases.left_out(cell)))
        if self.absolute:
            yield together(map(phrases.difference, found))
        yield entry(phrases.lead(contrast))
        yield entry(phrases.paired(contrast))
        if self.over_rows:
            yield entry(phrases.resampled(contrast))
        for name in self.others:
            yield self._elsewhere(name, found)

    def _elsewhere(self, name: str, found: list[Number]) -> Entry:
        cell = found[0].cell
        parts = (phrases.value(n.others[name], n.metric) if name in n.others else MISSING for n in found)
        notes = published.reimplemented(name, f"{cell.table}/{cell.row}", cell.task)[1]
        return together(parts, notes=notes)


def intro(every: Sequence[Number], statistic: str, blocks: Sequence[str | None]) -> str:
    """What the columns mean."""
    cell = every[0].cell
    tests = sum(bool(n.comparison and n.comparison.corrected is not None) for n in every)
    metrics = " or ".join(dict.fromkeys(METRICS[METRIC[n.cell.task]] for n in every))
    said = [
        f"{cell.scale.capitalize()} scale, {PROTOCOL[cell.protocol]}.",
        f"Ours: {statistic} ± standard deviation over seeds.",
        f"Bold: best of the efficient methods{' of its block' * any(blocks)}.",
        f"Over it: {metrics} minus that of the row named under against; ours over common seeds: mean, 95% interval "
        "and p of the paired t-test, corrected for all comparisons of the table (Holm"
        f"{f', here {tests}' * bool(tests)}), * below 0.05.",
    ]
    if cell.scale != "paper":
        said.append("Models and data are not the paper's: compare orders and differences, not values.")
    return " ".join(said)


def _footnotes(name: str, every: Sequence[Number]) -> list[str]:
    table = published.table(name)
    ids = [*table["footnotes"], *(note for line in table["rows"] for note in line["footnotes"])]
    for n in every:
        for other in n.others:
            ids += published.reimplemented(other, f"{name}/{n.cell.row}", n.cell.task)[1]
    return ids


def _head(line: published.Row, numbers: Line) -> list[Entry]:
    erratum = [line["percent_erratum"]] if "percent_erratum" in line else []
    runs = [run for found in numbers.values() for run in found[0].cell.records.values()]
    shares = sorted({f"{run['parameters']['percent']:.2f}" for run in runs})
    return [
        entry(line["row"], *(note for note in line["footnotes"] if note not in erratum)),
        entry(f"{line['percent']:g}", *erratum),
        entry(" / ".join(shares) or MISSING),
        entry(line.get("against", "")),
    ]
