"""A table as Markdown, LaTeX, HTML or CSV. The same table gives the same bytes."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Callable, Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader

from petl.report.latex import latex, latex_document
from petl.report.layout import Entry, Section, Table

_jinja = Environment(loader=FileSystemLoader(Path(__file__).parent / "template"), autoescape=True)


def markdown(table: Table) -> str:
    """A heading, one paragraph, the table, its footnotes, and the commands that fill what is missing."""
    lines = [f"# {table.title}", "", *([table.intro, ""] if table.intro else [])]
    for section in table.sections:
        lines += [f"## {section.heading}", ""] if section.heading else []
        columns, rows = spanned(section), [[_markdown(cell) for cell in row] for row in section.rows]
        lines += [f"| {' | '.join(cells)} |" for cells in ([*map(_safe, columns)], ["---"] * len(columns), *rows)]
        lines += [""]
    lines += [*(f"- {name}: {text}" for name, text in table.notes.items()), *([""] if table.notes else [])]
    if table.fill:
        lines += ["What is missing, and the command that makes it:", "", "```bash"]
        lines += [f"{command}  # {what}" for what, command in table.fill.items()]
        lines += ["```", ""]
    return "\n".join(lines)


def fragment(table: Table) -> str:
    """HTML to put into a page; its classes: results, rule, best, missing, notes, fill."""
    return _jinja.get_template("table.html").render(table=table) + "\n"


def page(table: Table) -> str:
    """The fragment as a page of its own."""
    return _jinja.get_template("table_page.html").render(table=table) + "\n"


def as_csv(table: Table) -> str:
    """One line for each row, task and metric; nothing stands where there is no number."""
    out = io.StringIO()
    rows = table.data or [dict(zip(spanned(table), (cell.plain for cell in row), strict=True)) for row in table.rows]
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


__all__ = ["FORMATS", "fragment", "latex_document", "settle"]
FORMATS: dict[str, Callable[[Table], str]] = {"md": markdown, "tex": latex, "html": page, "csv": as_csv}


def settle(wanted: Mapping[Path, str | bytes | None], check: bool, root: Path) -> int:
    """Write what is not yet as wanted, or with `check` only name it: then the exit code is 1. None: no file is."""
    files = {path: held.encode() if isinstance(held, str) else held for path, held in wanted.items()}
    stale = [path for path, held in files.items() if (path.read_bytes() if path.is_file() else None) != held]
    for path in stale:
        if not check and (held := files[path]) is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(held)
        elif not check:
            path.unlink()
        shown = path.relative_to(root) if path.is_relative_to(root) else path
        print(f"{shown} is not what the records give" if check else shown)
    if not stale:
        print(f"{sum(held is not None for held in files.values())} files are what the records give")
    return int(check and bool(stale))


def _markdown(cell: Entry) -> str:
    parts = [f"**{_safe(part)}**" if i in cell.best else _safe(part) for i, part in enumerate(cell.parts)]
    return " / ".join(parts) + (f" <sup>{', '.join(cell.notes)}</sup>" if cell.notes else "")


def _safe(text: str) -> str:
    """What Markdown would take for a column, a tag or emphasis."""
    return text.replace("|", r"\|").replace("<", "&lt;").replace("*", r"\*")


def spanned(part: Table | Section) -> list[str]:
    """One line of headings: each column with what spans it, in full once, then without its brackets."""
    above = [[text, *[text.partition(" (")[0]] * (n - 1)] for text, n in part.spans] or [[""] * len(part.columns)]
    names = zip(itertools.chain.from_iterable(above), part.columns, strict=True)
    return [f"{text}: {name}" if text else name for text, name in names]
