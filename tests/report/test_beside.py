"""Runs side by side, by hand-made records."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from petl import records
from petl.report.beside import Run, beside, differences, letter, settings, warnings
from petl.report.statistics import paired
from scripts import compare
from tests.records.conftest import config, make  # noqa: F401


@pytest.fixture
def run(config, make, tmp_path):  # noqa: F811
    """run(rouge2, seed=0, lr=1e-3, scores=None, **changed) -> a record on the disk, with its scores beside it."""

    def build(rouge2, seed=0, lr=1e-3, scores=None, **changed):
        chosen = replace(config, seed=seed, recipe=replace(config.recipe, lr=lr))
        told = {"identity": records.identity(chosen), "config": records.canonical(chosen)}
        metrics = {"dev": {"loss": 2.5}, "test": {"loss": 2.5, "rouge2": rouge2}}
        path = tmp_path / f"{told['identity']}.json"
        records.write(make(**{**told, "metrics": metrics, **changed}), path)
        if scores:
            test = {"rows_sha256": {"test": "ab"}, "test": {"rouge2": scores}}
            path.with_name(f"{path.stem}.scores.json").write_text(json.dumps(test))
        return Run(records.read(path), path)

    return build


def test_only_settings_that_differ_are_shown(run):
    one, other = run(10.0), run(11.0, seed=3, lr=2e-3)
    del other.record["config"]["recipe"]["s"]  # of a version that did not know it
    told = list(settings([one.record, other.record]))
    assert told == [("recipe.lr", "0.001", "0.002"), ("recipe.s", "4", "—"), ("seed", "0", "3")]


def test_arms_are_paired_by_seed(run):
    base, better = [10.0, 11.0, 12.0], [11.0, 12.5, 13.0]
    runs = [run(value, seed) for seed, value in enumerate(base)]
    runs += [run(value, seed, lr=1e-2) for seed, value in enumerate(better)]
    (line,) = differences(runs)
    wanted = paired(dict(enumerate(better)), dict(enumerate(base)))
    assert line.startswith(f"D E F less A B C, test rouge2: +{7 / 6:.2f}, over seeds 0 1 2 95% [{wanted.low:+.2f}, ")
    assert f"p = {wanted.p:.3f}; no per-example scores" in line


def test_two_single_runs_are_compared_over_their_test_rows(run):
    low, high = [0.0, 10.0] * 50, [5.0, 15.0] * 50
    (line,) = differences([run(5.0, 0, scores=low), run(10.0, 1, lr=1e-2, scores=high)])
    assert line == "B less A, test rouge2: +5.00; over test rows 95% [+5.00, +5.00], p = 0.001"


def test_scores_of_other_rows_are_not_paired(run):
    one, other = run(5.0, scores=[1.0, 2.0]), run(6.0, lr=1e-2, scores=[1.0, 2.0, 3.0])
    assert "no per-example scores of the same rows" in next(differences([one, other]))


def test_seeds_alone_are_no_comparison(run):
    assert list(differences([run(1.0, 0), run(2.0, 1)])) == [
        "The runs differ in their seed alone: there is nothing to compare with."
    ]


def test_another_metric_cannot_be_compared(run):
    other = run(2.0, lr=1e-2)
    del other.record["metrics"]["test"]["rouge2"]
    assert list(differences([run(1.0), other])) == ["B and A have no common test metric rouge2"]


def test_numbers_of_another_kind_are_told_apart(run):
    data = {"sha256": {"test": "other", "train/rows.csv": "2"}, "rows": {}, "skipped": {}}
    first = run(1.0, data={**data, "sha256": {"test": "ab", "train/rows.csv": "1"}})
    second = run(1.0, lr=1e-2, signature="x", data=data)
    assert list(warnings([first.record, second.record])) == [
        "note: B has other test rows, other metric, other file train/rows.csv than A: such numbers do not compare."
    ]


def test_the_whole_page(run):
    text = beside([run(10.0), run(11.0, lr=1e-2, seconds={"train": 1.0})])
    for part in (
        "settings that differ\nrecipe.lr",
        "trained  12,345",
        "test rouge2  10.00",
        "train, s       75.00",
        "B less A",
    ):
        assert part in text, text


@pytest.mark.parametrize(("number", "name"), [(0, "A"), (25, "Z"), (26, "A1")])
def test_runs_have_letters(number, name):
    assert letter(number) == name


def test_the_command_takes_records_and_refuses_one(run, capsys, tmp_path):
    one, other = run(1.0), run(2.0, lr=1e-2)
    assert compare.main([str(one.path), str(other.path)]) == 0
    assert "B less A, test rouge2: +1.00" in capsys.readouterr().out
    assert compare.main([str(one.path), str(Path(one.path))]) == 2
    assert "one run, and none" in " ".join(capsys.readouterr().err.split())
    assert compare.main([str(one.path), str(tmp_path / "none.json")]) == 2
