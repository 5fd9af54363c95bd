"""Which rule gives a printed percentage; the committed page is what the grid gives."""

import json
import sys
from collections import Counter
from fractions import Fraction
from pathlib import Path

import pytest

from petl.report import parameters, published
from scripts import params

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "results" / "tables" / "paper" / "parameters.md"


def counts(paper, backbone=406_291_456):
    return {"main": 1}, {"backbone": backbone, "trained": paper + 5, "stored": paper + 1, "paper": paper}


@pytest.mark.parametrize(
    ("percent", "printed", "gives"),
    [
        (Fraction(9216, 1000), 9.2, True),
        (Fraction(9291, 1000), 9.2, False),
        (Fraction(9216, 1000), 9.216, True),
        (Fraction(5, 100), 0.1, True),  # half up
        (Fraction(49, 1000), 0.1, False),
        (Fraction(99192, 1000), 100, False),
    ],
)
def test_rounding_to_the_printed_digits(percent, printed, gives):
    assert parameters.gives(percent, printed) is gives


def test_percentages_by_each_rule():
    found = parameters.percentages(27_377_664, 610_851_840)
    assert {rule: round(float(value), 3) for rule, value in found.items()} == {
        "itself": 4.482,
        "BART-large": 6.738,
        "authors": 6.684,
    }


def test_tasks_with_the_same_counts_share_a_line():
    found = parameters.lines("table3", lambda words: counts(9_830_400), "paper")
    assert [line.tasks for line in found] == [["xsum", "en_ro"]] * 5


def test_tasks_with_other_counts_have_their_own():
    found = parameters.lines("table3", lambda words: counts(9_830_400 + ("task=xsum" in words)), "paper")
    assert [line.tasks for line in found] == [["xsum"], ["en_ro"]] * 5


def test_a_percentage_that_no_rule_gives_names_its_erratum():
    page = parameters.text("table6", parameters.lines("table6", lambda words: counts(25_067_520), "paper"))
    row = next(line for line in page.splitlines() if line.startswith("| LoRA (ffn), r=102"))
    assert "7.2% | none: E3" in row and "- E3: Printed as 7.2%." in page


def test_another_scale_has_nothing_printed():
    found = parameters.lines("table5", lambda words: counts(7), "mini")
    assert all(line.printed is None and not line.given_by for line in found)


def test_columns_stand_in_line():
    table = parameters.aligned([("row", "n"), ("a", "1,000"), ("long", "7")])
    assert table.splitlines() == ["| row  |     n |", "| ---- | ----: |", "| a    | 1,000 |", "| long |     7 |"]


# The committed page ---------------------------------------------------------------------------------------------------


def rows_of(page):
    lines = [line for line in page.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_every_printed_percentage_is_explained():
    page = rows_of(PAGE.read_text(encoding="utf-8"))
    printed = [row for row in page if row[8].endswith("%")]
    labels = {(row[0], row[8]) for row in printed}
    for name in parameters.TABLES:
        assert {(entry["row"], f"{entry['percent']:g}%") for entry in published.table(name)["rows"]} <= labels
    none = [row[9] for row in printed if row[9].startswith("none")]
    assert Counter(none) == {"none: E2": 5, "none: E3": 2}


@pytest.fixture
def script(monkeypatch, capsys):
    """scripts/params.py in this process: words -> exit code and what it prints."""

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["params.py", *words])
        code = params.main()
        return code, "".join(capsys.readouterr())

    return call


def test_a_table_of_the_page_is_what_the_grid_gives(script):
    code, out = script("--table", "table5")
    table = out.partition(parameters.LEGEND)[0].strip()
    assert code == 0 and table in PAGE.read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_page_is_what_the_grid_gives(script):
    assert script("--check")[0] == 0


def test_one_configuration(script):
    code, out = script("method=mam", "task=mnli", "scale=paper", "--json")
    assert code == 0
    assert json.loads(out) | {"percent": 0} == {
        "sizes": {"heads": 16, "main": 16},
        "backbone": 124_055_040,
        "trained": 15_695_840,
        "stored": 599_232,
        "paper": 589_824,
        "percent": 0,
    }


@pytest.mark.parametrize("words", [["--table", "table1"], ["--table", "table13"], ["method=mamm"], ["--scale", "huge"]])
def test_wrong_words_are_refused(script, words):
    code, out = script(*words)
    assert code == 2 and out.startswith("error: ")
