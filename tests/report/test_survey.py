"""What of the miniature's sweep is there, and how long all of it takes."""

from __future__ import annotations

import pytest

from petl.composed import composed
from petl.report.survey import markdown, survey
from tests.report.made import made


def took(seconds: float, *arguments, **numbers):
    return made(*arguments, **numbers) | {"seconds": {"load": 1.0, "train": seconds - 1}}


def test_without_records_everything_is_missing_and_nobody_knows_how_long():
    found = survey([])
    assert (len(found.done), len(found.missing), len(found.later)) == (0, 370, 414)
    assert found.hours() == found.hours(found.missing) == 0
    assert markdown(found) == "None of its runs, about 784, is done yet."


def test_missing_runs_take_what_those_of_their_task_took():
    found = survey([took(60, "table6/BitFit", "xsum", 0), took(180, "table2/BitFit", "sst2", 0)])
    on = {task: {run for run in found.missing if f"task={task}" in run} for task in ("xsum", "sst2", "mnli")}
    assert found.hours() == pytest.approx(240 / 3600)
    assert found.hours(on["xsum"]) == pytest.approx(len(on["xsum"]) * 60 / 3600)
    assert found.hours(on["sst2"]) == pytest.approx(len(on["sst2"]) * 180 / 3600)
    assert found.hours(on["mnli"]) == pytest.approx(len(on["mnli"]) * 120 / 3600), "none there: the mean of all"


def test_other_runs_of_a_row_are_not_of_the_sweep():
    apart = [
        made("table6/BitFit", "xsum", 0, words=("backbone.random=true",)),
        made("table6/BitFit", "xsum", 0, words=("recipe.steps=0",)),
        made("table6/BitFit", "xsum", 0, words=("recipe.steps=30",)),
        made("table6/BitFit", "xsum", 0, words=(f"recipe.lr={1.5 * composed(('task=xsum',)).recipe.lr:g}",)),
        made("table6/BitFit", "xsum", 0, scale="paper"),
    ]
    found = survey(apart)
    assert found.done == [] and found.hours(found.missing) == 0


def test_a_trial_is_of_the_sweep_though_no_row_has_it():
    rate = composed(("task=xsum",)).recipe.lr
    runs = [made("table6/BitFit", "xsum", 0), made("table6/BitFit", "xsum", 0, words=(f"recipe.lr={rate * 2:g}",))]
    found = survey(runs)
    assert len(found.done) == 2 and found.hours() == pytest.approx(20 / 3600) and found.hours([]) == 0


def test_the_text_counts_and_extrapolates():
    told = markdown(survey([took(3600, "table6/BitFit", "xsum", 0)]))
    assert told.startswith("1 runs are done, 370 are missing, and about 413 follow from those.")
    assert "What is done took 1.0 hours of one core (0.5 of two, 0.1 of sixteen)" in told
    assert told.endswith("all will take about 784.0 hours of one core (392.0 of two, 49.0 of sixteen).")


def test_the_text_of_a_sweep_that_is_done():
    found = survey([took(7200, "table6/BitFit", "xsum", 0)])
    found.missing.clear()
    found.later.clear()
    assert (
        markdown(found) == "All of its 1 runs are done. They took 2.0 hours of one core (1.0 of two, 0.1 of sixteen)."
    )
