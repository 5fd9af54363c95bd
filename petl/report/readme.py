"""The generated parts of README.md, between their markers."""

from __future__ import annotations

import json
import re
from pathlib import Path

from petl import records
from petl.report import pretraining, survey, worth

MARK = "<!-- {} -->"


def parts(folder: Path) -> dict[str, str]:
    """By name. folder: results/runs; beside it lies what `scripts/baselines.py` measured."""
    runs = list(records.below(folder))
    measured = json.loads((folder.parent / "baselines.json").read_text(encoding="utf-8"))
    return {
        "pretraining": pretraining.markdown(pretraining.lines(runs)),
        "worth": worth.markdown(measured, runs),
        "survey": survey.markdown(survey.survey(runs)),
    }


def filled(text: str, generated: dict[str, str]) -> str:
    """`text` with each part between `<!-- name -->` and `<!-- /name -->` replaced. KeyError if a marker is missing."""
    for name, body in generated.items():
        start, end = MARK.format(name), MARK.format(f"/{name}")
        pattern = re.compile(re.escape(start) + ".*?" + re.escape(end), re.DOTALL)
        if not pattern.search(text):
            raise KeyError(start)
        text = pattern.sub(lambda _, body=body, start=start, end=end: f"{start}\n{body}\n{end}", text)
    return text
