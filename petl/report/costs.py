"""What a claim about cost comes to by `make bench`: results/bench, whose machine and shapes the remark names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[2] / "results" / "bench"
BENCHES = {"mini": "cpu"}  # scale -> its file; on a GPU the paper's shapes are measured, under the device's name
HERE = "{step:.2f} of a step, {decoding:.2f} of beam search (make bench: small BART, random weights, one CPU thread)"

Row = Mapping[str, Any]


def told(claim: Mapping[str, Any], scale: str, folder: Path | None = None) -> tuple[bool, str] | None:
    """Whether the claim's ranges hold, and the figures; None where they have not been measured at this scale.

    `claim["cost"]` has the ranges of MAM's training step against full fine-tuning's, and of its beam search against
    the plain backbone's.
    """
    path = (folder or FOLDER) / f"{BENCHES.get(scale, '')}.json"
    if scale not in BENCHES or not path.exists():
        return None
    rows = json.loads(path.read_text(encoding="utf-8"))
    found = {"step": _ratio(rows, "training step", "full"), "decoding": _ratio(rows, "beam search", "plain backbone")}
    if None in found.values():
        return None
    holds = all(low <= (found[name] or 0.0) <= high for name, (low, high) in claim["cost"].items())
    return holds, HERE.format(**found)


def _ratio(rows: list[Row], measure: str, against: str) -> float | None:
    """MAM's, of the first row that has it."""
    mine = [row for row in rows if row["measure"].startswith(measure) and row["against"] == against]
    return next((row["ratio"] for row in mine if row["system"] == "mam"), None)
