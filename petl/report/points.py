"""The points of the paper's figures: what is printed, what we measured, and how each series looks. Draws nothing.

The x axis is the share of tuned parameters: for printed points the printed one, for our runs on the paper's backbones
the rule behind it (footnote N6), for runs on a miniature the share of the miniature.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from petl.records import Record
from petl.report import published, style
from petl.report.cells import Cell, cells
from petl.report.parameters import percentages

ORDER = ("figure2", "figure4", "figure5", "table6", "table2", "table12", "table3", "table4", "table5")


@dataclass(frozen=True)
class Point:
    """One row of a figure for one task: (share in percent, value) as printed, and our values by seed."""

    series: str  # the row's label without its size
    look: dict[str, Any]
    across: bool  # all parameters are tuned: a line across the panel
    printed: tuple[float, float]
    share: float | None  # of our runs, in percent; none: not run
    ours: dict[int, float]


def points(name: str, task: str, metric: str, scale: str, runs: Iterable[Record]) -> list[Point]:
    """The rows of figure `name` that have `task`, in the paper's order."""
    found = {cell.row: cell for cell in cells(name, scale, runs) if cell.task == task}
    return [
        Point(
            series=series(entry["row"]),
            look=look(entry),
            across=entry["percent"] == 100,
            printed=(entry["percent"], entry["metrics"][task][metric]),
            share=share(found[entry["row"]]),
            ours=found[entry["row"]].values(metric),
        )
        for entry in published.table(name)["rows"]
        if task in entry["metrics"]
    ]


def series(label: str) -> str:
    """`LoRA` of `LoRA, r=200`."""
    return label.partition(",")[0]


def share(cell: Cell) -> float | None:
    """Tuned parameters of a cell's runs in percent, as the paper counts on its own backbones."""
    for record in cell.records.values():
        counts: Any = record["parameters"]
        ours = percentages(counts["paper"], counts["backbone"])
        known = counts["backbone"] in published.paper()["backbones"].values()
        return float(ours["authors" if known else "itself"])
    return None


def look(entry: published.Row) -> dict[str, Any]:
    """Colour and marker of a row: the same in every figure, for every size and scale of the method."""
    return style.mark(_numbers()[_kind(entry)])


@cache
def _numbers() -> dict[str, int]:
    rows = [entry for name in ORDER for entry in published.table(name)["rows"]]
    return {kind: number for number, kind in enumerate(dict.fromkeys(map(_kind, rows)))}


def _kind(entry: published.Row) -> str:
    said = entry["overrides"]
    return f"{said['method']} {said.get('position', '')}"
