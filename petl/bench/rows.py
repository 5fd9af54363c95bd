"""From costs to rows: a value, the floor's, their ratio round by round, and the bar it is held against. No torch."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from petl.bench.rounds import Series


@dataclass(frozen=True)
class Row:
    """`ratio` is what it costs for what `against` costs: below 1 is cheaper, also where `value` is a rate.

    The median of the rounds' ratios; `spread` is half the distance of their quartiles. No bar: `holds` is None.
    """

    measure: str
    system: str
    against: str
    unit: str
    value: float | None = None  # medians, of `system`
    floor: float | None = None  # and of `against`
    ratio: float | None = None
    spread: float | None = None
    rounds: int = 0
    bar: float | None = None
    holds: bool | None = None
    note: str = ""

    def plain(self) -> dict[str, Any]:
        return asdict(self)


def compared(
    measure: str, system: str, against: str, unit: str, found: dict[str, Series], bar: float | None = None,
    shown: float | None = None, note: str = "",
) -> Row:  # fmt: skip
    """The row of `system` against `against`. With `shown`, values are rates: so many a cost."""
    mine, theirs = found.get(system, Series(failed="not measured")), found.get(against, Series(failed="not measured"))
    lost = next((series.failed for series in (theirs, mine) if series.failed or not series.costs), None)
    if lost is not None:
        return Row(measure, system, against, unit, bar=_rounded(bar), note=lost)
    ratios = [a / b for a, b in zip(mine.costs, theirs.costs, strict=False)]
    ratio = statistics.median(ratios)
    values = [statistics.median(series.costs) for series in (mine, theirs)]
    value, floor = (shown / cost for cost in values) if shown is not None else values
    return Row(
        measure, system, against, unit, _rounded(value), _rounded(floor), _rounded(ratio), _rounded(spread(ratios)),
        len(ratios), _rounded(bar), None if bar is None else ratio <= bar, note,
    )  # fmt: skip


def spread(values: Sequence[float]) -> float:
    """Half the distance of the quartiles; 0 of a single value."""
    if len(values) < 2:
        return 0.0
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return (high - low) / 2


def table(rows: Iterable[Row], head: str) -> str:
    """Markdown: a table for each measure, what missed its bar in bold."""
    parts, rows = [head], list(rows)
    for measure in dict.fromkeys(row.measure for row in rows):
        mine = [row for row in rows if row.measure == measure]
        titles = f"| system | {mine[0].unit} | against | {mine[0].unit} | ratio | ± | bar | holds |"
        lines = [f"## {measure}", "", titles, "| --- | --- | --- | --- | --- | --- | --- | --- |"]
        parts.append("\n".join([*lines, *map(_line, mine)]))
    return "\n\n".join(parts) + "\n"


def _line(row: Row) -> str:
    if row.ratio is None:
        return f"| {row.system} | | {row.against} | | {row.note} | | {_number(row.bar)} | |"
    numbers = [_number(value) for value in (row.value, row.floor, row.ratio, row.spread, row.bar)]
    value, floor, ratio, around, bar = numbers
    holds = {None: "", True: "yes", False: "**no**"}[row.holds]
    return f"| {row.system} | {value} | {row.against} | {floor} | {ratio} | {around} | {bar} | {holds} |"


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}" if abs(value) >= 10 else f"{value:.2f}"


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")
