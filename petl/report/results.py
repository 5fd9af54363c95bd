"""The numbers of a table of results, one for each row, task and metric: printed, ours, and what others found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from petl.report import published, statistics
from petl.report.cells import SEEDS, Cell
from petl.report.comparisons import Comparison, comparisons
from petl.report.examples import Files


@dataclass(frozen=True)
class Number:
    """`centre`: mean or median of ours, with the 95% interval (low, high) of it over resampled seeds; `best_*`: of the
    efficient methods of its block, if there are several; `others`: re-implementation -> value."""

    cell: Cell
    metric: str
    values: dict[int, float]
    centre: float | None
    std: float | None
    low: float | None
    high: float | None
    others: dict[str, float]
    comparison: Comparison | None
    best_printed: bool = False
    best_ours: bool = False

    @property
    def printed(self) -> float | None:
        return self.cell.published[self.metric]


def numbers(table: str, cells: Sequence[Cell], files: Files, statistic: str) -> list[Number]:
    """In the order of rows, tasks and metrics. statistic: mean or median."""
    compared = comparisons(table, cells, files)
    found = []
    for cell in cells:
        contrast = compared.get((cell.row, cell.task))
        for metric in cell.published:
            beside = contrast if contrast and contrast.metric == metric else None
            found.append(_number(cell, metric, statistic, beside))
    return _with_best(table, found)


def _number(cell: Cell, metric: str, statistic: str, comparison: Comparison | None) -> Number:
    by_seed = cell.values(metric)
    values = list(by_seed.values())
    function = {"mean": statistics.np.mean, "median": statistics.np.median}[statistic]
    low, high = statistics.bootstrap(values, f"{cell.words} {metric}", function)
    return Number(
        cell=cell,
        metric=metric,
        values=by_seed,
        centre=float(function(values)) if values else None,
        std=statistics.std(values),
        low=low,
        high=high,
        others=others(cell, metric),
        comparison=comparison,
    )


def others(cell: Cell, metric: str) -> dict[str, float]:
    """Re-implementation -> its value of a cell, where it has one."""
    found = {
        name: published.reimplemented(name, f"{cell.table}/{cell.row}", cell.task)[0]
        for name in published.paper()["reimplementations"]
    }
    return {name: values[metric] for name, values in found.items() if metric in values}


def _with_best(table: str, found: list[Number]) -> list[Number]:
    lines = {line["row"]: line for line in published.table(table)["rows"]}

    def best(number: Number, value: Callable[[Number], float | None]) -> bool:
        own, line = value(number), lines[number.cell.row]
        beside = [
            value(other)
            for other in found
            if (other.cell.task, other.metric) == (number.cell.task, number.metric)
            and lines[other.cell.row].get("block") == line.get("block")
            and lines[other.cell.row]["percent"] != 100
        ]
        known = [v for v in beside if v is not None]
        return own is not None and line["percent"] != 100 and len(known) > 1 and own >= max(known)

    return [replace(n, best_printed=best(n, lambda m: m.printed), best_ours=best(n, lambda m: m.centre)) for n in found]


def datum(number: Number) -> dict[str, Any]:
    """A line of the CSV; None where there is no number."""
    cell, contrast = number.cell, number.comparison
    ours, rows = (contrast.ours, contrast.rows) if contrast else (None, None)
    line = {
        "table": cell.table,
        "row": cell.row,
        "task": cell.task,
        "metric": number.metric,
        "printed": number.printed,
        "printed_std": cell.std.get(number.metric),
        "our_metric": cell.metric(number.metric),
        "ours": number.centre,
        "std": number.std,
        "low": number.low,
        "high": number.high,
        "n": len(number.values),
        "asked": len(SEEDS),
        "seeds": " ".join(map(str, number.values)),
        "difference": None if None in (number.centre, number.printed) else number.centre - number.printed,  # type: ignore
        "against": contrast and contrast.against,
        "printed_over": contrast and contrast.printed,
        "over": ours and ours.mean,
        "over_low": ours and ours.low,
        "over_high": ours and ours.high,
        "over_n": ours and ours.n,
        "p": ours and ours.p,
        "p_holm": contrast and contrast.corrected,
        "p_sign_flip": ours and ours.sign_flip,
        "over_rows_low": rows and rows.low,
        "over_rows_high": rows and rows.high,
        "p_rows": rows and rows.p,
        **{name: number.others.get(name) for name in published.paper()["reimplementations"]},
        "command": cell.command(),
    }
    return {key: round(value, 6) if isinstance(value, float) else value for key, value in line.items()}
