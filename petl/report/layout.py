"""A table before it is rendered: what stands in which cell, which number is best, what is said below."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

MISSING = "—"
WIDE = 12  # columns that a page has room for


@dataclass(frozen=True)
class Entry:
    """Numbers that stand together, as in 44.81 / 21.94 / 36.83; which of them are best; ids of footnotes."""

    parts: tuple[str, ...] = ("",)
    best: frozenset[int] = frozenset()
    notes: tuple[str, ...] = ()

    @property
    def plain(self) -> str:
        return " / ".join(self.parts)

    @property
    def missing(self) -> bool:
        return all(part == MISSING for part in self.parts)


def entry(text: str, *notes: str) -> Entry:
    return Entry((text,), notes=notes)


def together(parts: Iterable[str], best: Iterable[bool] = (), notes: Iterable[str] = ()) -> Entry:
    """Numbers side by side; one dash where all are missing."""
    parts = tuple(parts)
    if all(part == MISSING for part in parts):
        return Entry((MISSING,), notes=tuple(notes))
    return Entry(parts, frozenset(i for i, flag in enumerate(best) if flag), tuple(notes))


@dataclass(frozen=True)
class Table:
    """`spans`: headings over several columns, as (text, columns); `rules`: the rows that a line stands above.

    `fill`: what is missing -> the command that makes it; `data`: the same as records with plain values, for CSV.
    """

    name: str
    title: str
    intro: str
    columns: list[str]
    rows: list[list[Entry]]
    spans: list[tuple[str, int]] = field(default_factory=list)
    rules: list[int] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)
    fill: dict[str, str] = field(default_factory=dict)
    data: list[dict[str, Any]] = field(default_factory=list)

    @property
    def sections(self) -> list[Section]:
        """The table as it is, or where that is too wide, what each span has beside the columns that none has."""
        if len(self.columns) <= WIDE:
            return [Section("", self.columns, self.rows, self.spans)]
        ends = list(itertools.accumulate(n for _, n in self.spans))
        parts = [(text, range(end - n, end)) for (text, n), end in zip(self.spans, ends, strict=True)]
        first = [i for text, part in parts if not text for i in part]
        found = []
        for text, part in parts:
            if text:
                at = [*first, *part]
                found.append(Section(text, [self.columns[i] for i in at], [[row[i] for i in at] for row in self.rows]))
        return found


@dataclass(frozen=True)
class Section:
    """A part of a table under a heading of its own."""

    heading: str
    columns: list[str]
    rows: list[list[Entry]]
    spans: list[tuple[str, int]] = field(default_factory=list)
