"""One page for all of it, in a file that opens offline: claims, tables, figures, curves, cost, runs, examples.

template/page.html says what stands where, page.css how it looks, page.js what it does when touched; without scripts
everything but the single records can be read. Nothing is fetched, and no text of a record becomes markup or script:
what is filled in is escaped, and the page's own policy runs no script but page.js, known by its hash.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from petl.records import Record
from petl.report import claims, claims_tables, figures, page_runs, published, style, tables
from petl.report.cells import SEEDS, cells
from petl.report.claims import Claim
from petl.report.examples import Files
from petl.report.judge import CONTRADICTED, NOT_RUN, SUPPORTED, UNDECIDED
from petl.report.layout import Table
from petl.report.render import fragment

TEMPLATE = Path(__file__).parent / "template"
OPEN = ("table2", "table6")  # the tables that are unfolded from the start
_jinja = Environment(loader=FileSystemLoader(TEMPLATE), autoescape=True, trim_blocks=True, lstrip_blocks=True)


@dataclass(frozen=True)
class Part:
    """A table or figure as HTML, its title, and what its address in the page is."""

    id: str
    title: str
    html: Markup
    caption: str = ""
    open: bool = True


def page(runs: Sequence[Record], files: Files, scales: Sequence[str]) -> str:
    """The whole page. files: per-example scores by identity; scales: whose tables and figures it has."""
    lines = page_runs.lines(runs)
    sources = claims.sources(scales)
    found = claims.claims({scale: runs for scale in scales})
    script = (TEMPLATE / "page.js").read_text(encoding="utf-8")
    return _jinja.get_template("page.html").render(
        about=published.paper()["about"],
        sources=sources,
        tally={source: tally(claim.findings[source].verdict for claim in found) for source in sources},
        claims=[told(claim, sources) for claim in found],
        intro=claims_tables.INTRO,
        scales=scales,
        coverage={scale: coverage(scale, runs) for scale in scales},
        tables={
            scale: [of_table(t, scale) for t in tables.every(tables.NAMES, scale, runs, files)] for scale in scales
        },
        figures={scale: grouped(scale, runs) for scale in scales},
        lines=lines,
        examples=page_runs.examples(runs, {line.identity: line for line in lines}),
        data=Markup(page_runs.data(runs)),
        style=Markup((TEMPLATE / "page.css").read_text(encoding="utf-8")),
        script=Markup(script),
        policy=policy(script),
    )


def policy(script: str) -> str:
    """The page's Content-Security-Policy: nothing from anywhere, and this one script."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"


def told(claim: Claim, sources: Mapping[str, str]) -> dict[str, Any]:
    """A claim with the verdict of every source: word, what is said beside it, the numbers of the weakest contrast."""
    verdicts = []
    for source, heading in sources.items():
        finding = claim.findings[source]
        beside = claims_tables.verdict(finding).removeprefix(finding.verdict).strip(" ()")
        numbers = re.sub(r"p ([<=]) ", "p\u00a0\\1\u00a0", claims_tables.weakest(finding).removeprefix(": "))
        verdicts.append({"source": heading, "word": finding.verdict, "beside": beside, "numbers": numbers})
    details = boxed(claims_tables.details(claim, sources)) if claim.contrasts else ""
    return {"claim": claim, "verdicts": verdicts, "details": details}


def tally(verdicts: Iterable[str]) -> dict[str, int]:
    """How often each verdict was given, the plainest first."""
    counts = Counter(verdicts)
    order = dict.fromkeys([SUPPORTED, CONTRADICTED, UNDECIDED, *sorted(counts.keys() - {NOT_RUN}), NOT_RUN])
    return {verdict: counts[verdict] for verdict in order if counts[verdict]}


def coverage(scale: str, runs: Sequence[Record]) -> dict[str, int]:
    """Settings of all tables and figures on their tasks: how many there are, were begun, and have all seeds."""
    found = {tuple(cell.words): cell for name in page_runs.TABLES for cell in cells(name, scale, runs)}
    return {
        "all": len(found),
        "begun": sum(bool(cell.records) for cell in found.values()),
        "done": sum(len(cell.records) >= len(SEEDS) for cell in found.values()),
    }


def of_table(table: Table, scale: str) -> Part:
    name = f"{scale}-{table.name}"
    return Part(name, table.title, boxed(replace(table, name=f"{name}-body")), open=table.name in OPEN)


def boxed(table: Table) -> Markup:
    """A table whose parts scroll in a box of their own, so that the page never does."""
    html = fragment(table).replace("<table ", '<div class="box" tabindex="0"><table ')
    return Markup(html.replace("</table>", "</table></div>"))


def grouped(scale: str, runs: Sequence[Record]) -> dict[str, list[Part]]:
    """The figures of the paper, learning curves and cost."""
    found: dict[str, list[Part]] = {"figure": [], "curves": [], "cost": []}
    for drawing in figures.drawings(scale, runs):
        drawing = replace(drawing, name=f"{scale}-{drawing.name}")
        kind = next(kind for kind in found if drawing.name.startswith(f"{scale}-{kind}"))
        found[kind].append(Part(drawing.name, drawing.title, Markup(style.inline(drawing)), drawing.caption))
    return found
