"""Parameter tables: our exact counts beside the printed percentage, and the rule that gives it.

The paper counts matrices after re-parameterisation (Tables 9-11) and names no denominator. Three rules are tried:
the backbone that is tuned, BART-large whatever is tuned, and the linear rule of the authors' plotting script.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

from petl.report import published

TABLES = ("table2", "table3", "table4", "table5", "table6", "table12", "figure2", "figure4")
HEADER = (
    "row", "task", "trained", "stored", "paper's count", "% itself", "% BART-large", "% authors", "printed", "given by",
    "notes",
)  # fmt: skip
LEGEND = """\
trained: with requires_grad, prefix networks included; stored: kept after training; paper's count: matrices only,
after re-parameterisation (Tables 9-11). Percentages are of the paper's count: of the backbone that is tuned
(itself), of BART-large, and by the authors' linear rule, n x 3.6% / 14,745,600. given by: which of them round to
what the paper prints."""

Parameters = Mapping[str, Any]  # as in a record: backbone, trained, stored, paper


@dataclass(frozen=True)
class Line:
    """One row of a table for the tasks that share its counts. `percent`: by rule; `given_by`: the rules that fit."""

    row: str
    tasks: list[str]
    sizes: dict[str, int]
    trained: int
    stored: int
    paper: int
    percent: dict[str, float]
    printed: float | None
    given_by: list[str]
    erratum: str | None
    footnotes: list[str]


def percentages(count: int, backbone: int) -> dict[str, Fraction]:
    """`count` in percent by each rule, exactly."""
    rule = published.paper()["rule"]
    return {
        "itself": Fraction(100 * count, backbone),
        "BART-large": Fraction(100 * count, published.paper()["backbones"]["bart-large"]),
        "authors": Fraction(str(rule["percent"])) * count / rule["parameters"],
    }


def gives(percent: Fraction, printed: float) -> bool:
    """Does `percent`, rounded half up to as many digits as are printed, give `printed`?"""
    shown = Decimal(str(printed))
    exact = Decimal(percent.numerator) / Decimal(percent.denominator)
    return exact.quantize(shown, rounding=ROUND_HALF_UP) == shown


def lines(name: str, measure: Callable[[list[str]], tuple[dict[str, int], Parameters]], scale: str) -> list[Line]:
    """The table's rows; `measure` takes the words of a run to its sizes and counts."""
    found: list[Line] = []
    for entry in published.table(name)["rows"]:
        own: list[Line] = []
        for task in entry["metrics"]:
            new = line(entry, task, *measure(published.words(entry, task, scale)), printed=scale == "paper")
            if own and {**asdict(own[-1]), "tasks": 0} == {**asdict(new), "tasks": 0}:
                own[-1].tasks.append(task)
            else:
                own.append(new)
        found += own
    return found


def line(entry: published.Row, task: str, sizes: dict[str, int], parameters: Parameters, printed: bool) -> Line:
    """A row for one task; its printed percentage speaks of the paper's backbones only."""
    percent = percentages(parameters["paper"], parameters["backbone"])
    shown = entry["percent"] if printed else None
    return Line(
        row=entry["row"],
        tasks=[task],
        sizes=sizes,
        trained=parameters["trained"],
        stored=parameters["stored"],
        paper=parameters["paper"],
        percent={rule: float(value) for rule, value in percent.items()},
        printed=shown,
        given_by=[rule for rule, value in percent.items() if shown is not None and gives(value, shown)],
        erratum=entry.get("percent_erratum"),
        footnotes=entry["footnotes"],
    )


def text(name: str, found: Sequence[Line]) -> str:
    """A table in Markdown whose columns also stand in line in a terminal, its footnotes below."""
    held = published.table(name)
    notes = published.footnotes([*held["footnotes"], *(note for entry in found for note in entry.footnotes)])
    title = f"{re.sub(r'(?=[0-9])', ' ', name, count=1).capitalize()}. {held['caption']}"
    general = f" ({', '.join(held['footnotes'])})" if held["footnotes"] else ""
    below = [f"- {number}: {note}" for number, note in notes.items()]
    return "\n".join([f"## {title}{general}", "", aligned([HEADER, *map(_cells, found)]), "", *below]).rstrip() + "\n"


def document(tables: Mapping[str, Sequence[Line]]) -> str:
    """All tables as one page."""
    head = f"# Parameters\n\nMade by `python scripts/params.py --write`. {LEGEND}\n"
    return "\n".join([head, *(text(name, found) for name, found in tables.items())])


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, numbers to the right."""
    header, *body = rows
    right = [all(cell[:1].isdigit() or cell in ("", "-") for cell in column) for column in zip(*body, strict=True)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rule = ["-" * (width - 1) + (":" if r else "-") for width, r in zip(widths, right, strict=True)]
    made = [header, rule, *body]
    justified = [
        [cell.rjust(w) if r else cell.ljust(w) for cell, w, r in zip(row, widths, right, strict=True)] for row in made
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in justified)


def _cells(entry: Line) -> tuple[str, ...]:
    given = ", ".join(entry.given_by) or f"none: {entry.erratum or 'unexplained'}"
    return (
        entry.row,
        ", ".join(entry.tasks),
        *(f"{count:,}" for count in (entry.trained, entry.stored, entry.paper)),
        *(f"{value:.3f}" for value in entry.percent.values()),
        "-" if entry.printed is None else f"{entry.printed:g}%",
        "-" if entry.printed is None else given,
        ", ".join(entry.footnotes),
    )
