"""How numbers are written in a cell of a table."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from petl.report.cells import SEEDS, Cell
from petl.report.comparisons import Comparison
from petl.report.layout import MISSING
from petl.report.published import DIGITS, METRICS, TASKS
from petl.report.results import Number


def value(number: float, metric: str) -> str:
    """With as many digits as it was given, at least those of the paper."""
    given = -int(Decimal(str(number)).as_tuple().exponent)
    return f"{number:.{max(DIGITS[metric], given)}f}"


def printed(n: Number) -> str:
    if n.printed is None:
        return MISSING
    digits = DIGITS[n.metric]
    return f"{n.printed:.{digits}f}" + (f" ± {n.cell.std[n.metric]:.{digits}f}" if n.metric in n.cell.std else "")


def ours(n: Number) -> str:
    if n.centre is None:
        return MISSING
    return f"{n.centre:.2f}" + ("" if n.std is None else f" ± {n.std:.2f}")


def seeds(cell: Cell) -> str:
    if not cell.records:
        return MISSING
    short = f" of {len(SEEDS)}" if len(cell.records) < len(SEEDS) else ""
    return f"{len(cell.records)}{short}: {spans(cell.records)}"


def difference(n: Number) -> str:
    return MISSING if n.centre is None or n.printed is None else f"{n.centre - n.printed:+.2f}"


def lead(contrast: Comparison | None) -> str:
    return "" if contrast is None else MISSING if contrast.printed is None else f"{contrast.printed:+.2f}"


def paired(contrast: Comparison | None) -> str:
    if contrast is None:
        return ""
    if (ours := contrast.ours) is None:
        return MISSING
    if ours.low is None or contrast.corrected is None:
        return f"{ours.mean:+.2f} (one seed)"
    star = "*" if contrast.corrected < 0.05 else ""
    return f"{ours.mean:+.2f} [{ours.low:+.2f}, {ours.high:+.2f}], {p_value(contrast.corrected)}{star}"


def resampled(contrast: Comparison | None) -> str:
    if contrast is None:
        return ""
    if (rows := contrast.rows) is None:
        return MISSING
    return f"[{rows.low:+.2f}, {rows.high:+.2f}], {p_value(rows.p)}"


def spans(seeds: Iterable[int]) -> str:
    """0-4, 42"""
    found: list[list[int]] = []
    for seed in sorted(seeds):
        if found and seed == found[-1][-1] + 1:
            found[-1].append(seed)
        else:
            found.append([seed])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in found)


def p_value(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def left_out(cell: Cell) -> list[str]:
    """What of a cell's records is not in its numbers, and why."""
    odd = [
        f"{METRICS[metric]} of seed {seed} is no finite number"
        for metric in cell.published
        for seed in cell.records
        if seed not in cell.values(metric)
    ]
    return [f"{cell.row}, {TASKS[cell.task]}: {text}." for text in [*cell.refused, *odd]]
