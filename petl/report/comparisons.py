"""Each row of a table against the row that the paper compares it with: on the main metric, over common seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from petl.report import published
from petl.report.cells import Cell
from petl.report.examples import Files, OverRows, compare
from petl.report.experiments import METRIC
from petl.report.statistics import Paired, holm, paired

Key = tuple[str, str]  # row, task


@dataclass(frozen=True)
class Comparison:
    """`printed`: the difference of the printed numbers; `ours` over seeds, `corrected` its p by Holm, over the
    comparisons of the table; `rows`: over resampled test rows."""

    against: str
    metric: str
    printed: float | None
    ours: Paired | None
    corrected: float | None
    rows: OverRows | None


def comparisons(table: str, cells: Sequence[Cell], files: Files) -> dict[Key, Comparison]:
    """(row, task) -> its comparison, for the rows that the paper compares with another."""
    by_key = {(cell.row, cell.task): cell for cell in cells}
    bases = {entry["row"]: entry.get("against") for entry in published.table(table)["rows"]}
    pairs = {key: (cell, by_key[bases[cell.row], cell.task]) for key, cell in by_key.items() if bases[cell.row]}
    ours = {key: paired(*(side.values(METRIC[side.task]) for side in pair)) for key, pair in pairs.items()}
    corrected = dict(zip(ours, holm([found.p if found else None for found in ours.values()]), strict=True))
    return {
        key: Comparison(
            against=base.row,
            metric=METRIC[cell.task],
            printed=printed(cell.published, base.published, METRIC[cell.task]),
            ours=ours[key],
            corrected=corrected[key],
            rows=compare(cell, base, METRIC[cell.task], files),
        )
        for key, (cell, base) in pairs.items()
    }


def printed(left: Mapping[str, float | None], right: Mapping[str, float | None], metric: str) -> float | None:
    a, b = left.get(metric), right.get(metric)
    return None if a is None or b is None else round(a - b, 6)
