"""The generated parts of README.md, between their markers."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from petl import records
from petl.report import claims, claims_tables, pretraining, survey, worth
from petl.report.render import markdown

MARK = "<!-- {} -->"


def parts(folder: Path) -> dict[str, str]:
    """By name. folder: results/runs; beside it lies what `scripts/baselines.py` measured."""
    runs = list(records.below(folder))
    measured = json.loads((folder.parent / "baselines.json").read_text(encoding="utf-8"))
    return {
        "pretraining": pretraining.markdown(pretraining.lines(runs)),
        "worth": worth.markdown(measured, runs),
        "claims": _claims(runs),
        "survey": survey.markdown(survey.survey(runs)),
    }


def _claims(runs: Sequence[records.Record]) -> str:
    """The verdicts without their footnotes, which results/claims.md has."""
    found = claims.claims({"mini": runs})
    table = claims_tables.summary(found, {claims.PUBLISHED: "the paper's numbers", "mini": "in miniature"})
    rows = [[replace(cell, notes=()) for cell in row] for row in table.rows]
    bare = markdown(replace(table, title="", intro="", rows=rows, notes={})).strip("# \n")
    return f"In miniature {claims_tables.counts(found, 'mini')}.\n\n{bare}"


def filled(text: str, generated: dict[str, str]) -> str:
    """`text` with each part between `<!-- name -->` and `<!-- /name -->` replaced. KeyError if a marker is missing."""
    for name, body in generated.items():
        start, end = MARK.format(name), MARK.format(f"/{name}")
        pattern = re.compile(re.escape(start) + ".*?" + re.escape(end), re.DOTALL)
        if not pattern.search(text):
            raise KeyError(start)
        text = pattern.sub(lambda _, body=body, start=start, end=end: f"{start}\n{body}\n{end}", text)
    return text
