"""A claim about cost is judged by what make bench has measured, and by nothing else."""

from __future__ import annotations

import json

import pytest

from petl.report import claims, costs, judge


def bench(step: float | None, decoding: float) -> list[dict]:
    return [
        {"measure": "training step, small-bart", "system": "mam", "against": "floor", "ratio": 1.1},
        {"measure": "training step, small-bart, against ...", "system": "mam", "against": "full", "ratio": step},
        {"measure": "beam search, 4 beams", "system": "lora", "against": "plain backbone", "ratio": 7.0},
        {"measure": "beam search, 4 beams", "system": "mam", "against": "plain backbone", "ratio": decoding},
    ]


@pytest.mark.parametrize(
    ("step", "decoding", "verdict"),
    [(1.2, 1.0, judge.SUPPORTED), (0.8, 1.0, judge.CONTRADICTED), (1.2, 1.6, judge.CONTRADICTED)],
)
def test_the_claim_on_cost_is_read_from_the_bench(step, decoding, verdict, tmp_path, monkeypatch):
    (tmp_path / "cpu.json").write_text(json.dumps(bench(step, decoding)))
    monkeypatch.setattr(costs, "FOLDER", tmp_path)
    found = {claim.id: claim.findings for claim in claims.claims({"mini": [], "paper": []})}["C18"]
    assert found["mini"].verdict == verdict
    assert f"{step:.2f} of a step, {decoding:.2f} of beam search" in found["mini"].remark
    assert found["paper"].verdict == found["published"].verdict.replace("stated", judge.NOT_RUN)


@pytest.mark.parametrize(
    "rows", [None, [], [{"measure": "training step", "system": "mam", "against": "full", "ratio": None}]]
)
def test_what_was_not_measured_is_not_run(rows, tmp_path, monkeypatch):
    if rows is not None:
        (tmp_path / "cpu.json").write_text(json.dumps(rows))
    monkeypatch.setattr(costs, "FOLDER", tmp_path)
    found = {claim.id: claim.findings for claim in claims.claims({"mini": []})}["C18"]
    assert found["mini"].verdict == judge.NOT_RUN
