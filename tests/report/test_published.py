"""results/paper.json: complete, its references resolve, its arithmetic is that of the record."""

import json
import re
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest

from petl.command import read
from petl.config import UserError
from petl.report import published

RECORD = Path(__file__).parents[2].parent / "shared" / "paper" / "tables.json"
PAPER = published.paper()
RUN = [f"table{n}" for n in (2, 3, 4, 5, 6, 12)] + ["figure2", "figure4", "figure5"]  # tables whose rows are runs
UNDRAWN = PAPER["tables"]["figure4"]["undrawn"]


def numbers(value):
    """Every number below `value`; those in texts of formulas and labels aside."""
    if isinstance(value, dict):
        return [n for part in value.values() for n in numbers(part)]
    if isinstance(value, list):
        return [n for part in value for n in numbers(part)]
    return [float(value)] if isinstance(value, int | float) and not isinstance(value, bool) else []


def test_the_report_imports_no_torch():
    code = "import sys, petl.report.parameters, petl.report.published; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2]).returncode == 0


@pytest.mark.skipif(not RECORD.exists(), reason="no ../shared/paper/tables.json beside the project")
@pytest.mark.parametrize("name", RUN)
def test_numbers_are_those_of_the_record(name):
    theirs, ours = json.loads(RECORD.read_text())[name]["rows"], published.table(name)["rows"]
    assert len(theirs) == len(ours)
    for mine, other in zip(ours, theirs, strict=True):
        assert mine["percent"] == other["params_pct"]
        assert Counter(numbers(mine["metrics"])) == Counter(numbers(other["values"]))
        assert Counter(numbers(mine.get("std", {}))) == Counter(numbers(other.get("std", {})))


def test_every_table_and_figure_is_there():
    assert set(PAPER["tables"]) == {f"table{n}" for n in range(1, 13)} | {"figure2", "figure4", "figure5"}


@pytest.mark.parametrize("name", list(PAPER["tables"]))
def test_labels_of_rows_are_unique(name):
    labels = [entry["row"] for entry in published.table(name)["rows"]]
    assert len(set(labels)) == len(labels)


def test_every_footnote_is_there_and_used():
    used = set(re.findall(r'"([EN]\d+)"(?!:)', published.PATH.read_text(encoding="utf-8")))
    assert used == set(PAPER["footnotes"])


def test_footnotes_come_once_errata_first():
    assert list(published.footnotes(["N2", "E10", "E9", "N2"])) == ["E9", "E10", "N2"]


@pytest.mark.parametrize("name", list(PAPER["reimplementations"]))
def test_reimplementations_stand_beside_a_row_and_its_metrics(name):
    for entry in PAPER["reimplementations"][name]["rows"]:
        if entry["of"] is not None:
            beside = published.row(entry["of"])["metrics"]
            assert all(set(values) <= set(beside[task]) for task, values in entry["metrics"].items())


def holds(contrast):
    """One contrast of a claim in the published numbers."""
    left, right = (
        Decimal(str(published.row(contrast[side])["metrics"][contrast["task"]][contrast["metric"]]))
        for side in ("left", "right")
    )
    stated, relation = Decimal(str(contrast.get("stated", 0))), contrast["relation"]
    return {
        "above": left > right,
        "below": left < right,
        "by": round(left - right, -stated.as_tuple().exponent) == stated,
        "at_least": left - right >= stated,
        "near": abs(left - right) <= Decimal(str(contrast.get("within", 0))),
    }[relation]


@pytest.mark.parametrize("claim", PAPER["claims"], ids=lambda claim: claim["id"])
def test_claims_have_the_verdict_of_their_contrasts(claim):
    verdict = "supported" if all(map(holds, claim["contrasts"])) else "contradicted"
    assert claim["published"] == verdict if claim["contrasts"] else claim["published"] in ("stated", "identity")


def test_claims_are_c1_to_c20():
    assert {claim["id"] for claim in PAPER["claims"]} == {f"C{n}" for n in range(1, 21)} | {"C4b"}


def test_an_unknown_table_is_refused():
    with pytest.raises(UserError, match="no such table"):
        published.table("table13")


# Rows as words --------------------------------------------------------------------------------------------------------


@cache
def composed(*words):
    return {name: delta.size or delta.paper for name, delta in read(words).method.deltas.items()}


def agrees(entry, task):
    """The words of a row compose to the sizes that the paper gives it."""
    assert composed(*published.words(entry, task)) == published.sizes(entry, task)


def test_words_are_a_command_line():
    entry = published.row("table4/MH PA (attn), r=30")
    assert published.words(entry, "en_ro", "mini") == [
        "method=mh_parallel",
        "method.deltas.main.network=null",
        "method.deltas.main.paper=30",
        "task=en_ro",
        "scale=mini",
    ]


@pytest.mark.parametrize("entry", published.table("table6")["rows"], ids=lambda entry: entry["row"])
def test_rows_of_table_6_compose_to_their_sizes(entry):
    agrees(entry, "en_ro")


@pytest.mark.slow
@pytest.mark.parametrize("name", RUN)
def test_rows_compose_to_their_sizes(name):
    for entry in [*published.table(name)["rows"], *(UNDRAWN if name == "figure4" else [])]:
        for task in entry["metrics"]:
            agrees(entry, task)
