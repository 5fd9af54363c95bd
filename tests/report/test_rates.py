"""Which learning rate dev prefers, and which runs are then of a row."""

import json

import pytest

from petl.composed import composed
from petl.report import rates
from petl.report.cells import candidates, cells
from tests.report.made import made

BITFIT = ("method=bitfit", "task=xsum", "scale=mini")
OWN = composed(BITFIT).recipe.lr
HALF, TWICE = OWN / 2, OWN * 2


def trial(factor, dev, reference="table6/BitFit", task="xsum", seed=0, **metrics):
    run = made(reference, task, seed, words=(f"recipe.lr={OWN * factor:g}",), **metrics)
    run["selected"]["value"] = dev
    return run


def tuned(*runs, words=BITFIT):
    return rates.tuned(words, candidates(runs))


@pytest.mark.parametrize(
    ("dev", "chosen"),
    [
        ((0, 1, 3, 2), OWN),
        ((0, 2, 2, 2), OWN),
        ((0, 1, 2, 2), OWN),
        ((0, 2, 1, 1), HALF),
        ((1, 3, 2, 1), HALF),
        ((90, 101.9, 100, 90), OWN),
        ((90, 102.1, 100, 90), HALF),
        ((90, 100, 100, 102), OWN),
        ((101, 103, 100, 90), HALF),
    ],
)
def test_the_best_on_dev_is_chosen_and_of_alike_ones_the_nearest(dev, chosen):
    found = tuned(*(trial(f, value) for f, value in zip((0.25, 0.5, 1, 2), dev, strict=True)))
    assert found and found.rate == chosen and found.metric == "rouge2"


@pytest.mark.parametrize(
    ("dev", "more"),
    [
        ({}, [1]),
        ({0.5: 1, 2: 3}, [1]),
        ({1: 2}, [2]),
        ({1: 2, 2: 3}, [4]),
        ({1: 2, 2: 3, 4: 3}, []),
        ({1: 100, 2: 101}, [0.5]),
        ({1: 100, 2: 103}, [4]),
        ({1: 100, 2: 103, 4: 104}, []),
        ({0.5: 101, 1: 100, 2: 99}, []),
        ({1: 2, 2: 3, 4: 4, 8: 5}, [16]),
        ({1: 2, 2: 3, 4: 4, 8: 5, 16: 6}, []),
        ({1: 2, 2: 1}, [0.5]),
        ({1: 2, 2: 2}, [0.5]),
        ({0.5: 1, 1: 3, 2: 2}, []),
        ({0.5: 3, 1: 2, 2: 1}, [0.25]),
        ({0.0625: 9, 0.125: 8, 0.25: 7, 0.5: 3, 1: 2, 2: 1}, []),
    ],
)
def test_rates_are_tried_until_the_best_has_none_better_next_to_it(dev, more):
    runs = [trial(factor, value) for factor, value in dev.items()]
    assert rates.untried(BITFIT, candidates(runs)) == [rates.trial(BITFIT, OWN * factor) for factor in more]
    assert (tuned(*runs) is None) == bool(more)


def test_a_rate_beyond_those_wanted_decides_nothing():
    """Someone's own try; a rate in between was not asked for, either."""
    found = tuned(trial(0.5, 1), trial(1, 3), trial(2, 2), trial(8, 9), trial(1.5, 9))
    assert found and found.rate == OWN and found.dev.keys() == {HALF, OWN, TWICE}


def test_of_a_loss_the_lowest_is_chosen():
    runs = {rate: {"selected": {"value": value}} for rate, value in {1e-3: 2.0, 2e-3: 1.0, 4e-3: 3.0}.items()}
    assert rates.Tuned((), "loss", 2e-3, runs).rate == 2e-3
    runs[1e-3] = {"selected": {"value": 0.99}}
    assert rates.Tuned((), "loss", 4e-3, runs).rate == 2e-3, "of alike ones the nearest"


def test_the_test_set_decides_nothing():
    assert tuned(trial(0.5, 1, rouge2=99.0), trial(1, 3, rouge2=0.0), trial(2, 2, rouge2=50.0)).rate == OWN


def test_no_rate_is_chosen_before_all_are_tried():
    assert tuned(trial(0.5, 1), trial(1, 2)) is None
    assert tuned(trial(0.5, 1), trial(1, 2), trial(2, 1, seed=1)) is None, "another seed is no trial"


def test_trials_on_other_rows_or_weights_do_not_mix():
    other = trial(2, 1)
    other["signature"] = "another metric"
    assert tuned(trial(0.5, 1), trial(1, 2), other) is None
    other["finished"] = "9999"
    (next_one,) = rates.untried(BITFIT, candidates([trial(0.5, 1), trial(1, 2), other]))
    assert next_one == rates.trial(BITFIT, OWN), "the latest count"


def test_sizes_and_scales_of_a_method_share_its_rate_and_places_do_not():
    sized = ["method=parallel", "method.deltas.main.paper=200", "composition=add", "task=xsum", "seed=3"]
    assert rates.base(sized) == ("method=parallel", "task=xsum")
    assert rates.base(["method=parallel", "position=attn", "task=xsum"]) == (
        "method=parallel",
        "position=attn",
        "task=xsum",
    )


def test_the_recipes_rate_is_the_run_of_the_row_itself():
    assert rates.trial(BITFIT, OWN) == [*BITFIT, "seed=0"]


def test_cells_at_the_tuned_rate_hold_its_runs_alone():
    runs = [trial(0.5, 1), trial(1, 2, rouge2=1.0), trial(2, 3, rouge2=5.0), trial(4, 1)]
    runs += [trial(2, 9, seed=1, rouge2=6.0)]
    found = [cell for cell in cells("table6", "mini", runs) if cell.task == "xsum"]
    by_row = {cell.row: cell for cell in rates.retuned(found, runs)}
    assert by_row["BitFit"].rate == TWICE and by_row["BitFit"].values("rouge2") == {0: 5.0, 1: 6.0}
    assert by_row["BitFit"].command().endswith(f"recipe.lr={TWICE:g} seed=2,3,4")
    assert by_row["Prompt tuning"].rate is None
    assert {cell.row: cell for cell in found}["BitFit"].values("rouge2") == {0: 1.0}, "the one rate stays by itself"


def test_the_file_tells_what_was_tried():
    assert rates.as_json([trial(0.5, 1), trial(1, 2)]) == ""
    (told,) = json.loads(rates.as_json([trial(0.5, 1.5), trial(1, 2), trial(2, 3), trial(4, 1)]))
    assert told == {
        "words": " ".join(BITFIT),
        "dev_metric": "rouge2",
        "dev": {f"{OWN:g}": 2, f"{TWICE:g}": 3, f"{2 * TWICE:g}": 1},
        "recipe": OWN,
        "chosen": TWICE,
    }
