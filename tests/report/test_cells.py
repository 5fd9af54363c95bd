"""Which records are of a row of the paper, and which of them go together."""

import copy
import json
import math

import pytest

from petl import records
from petl.config import UserError
from petl.report.cells import cells
from tests.report.made import made

MAM = "table6/MAM Adapter, l=30, r=512"


def cell(runs, reference=MAM, task="xsum", **kwargs):
    table, _, row = reference.partition("/")
    return next(c for c in cells(table, "mini", runs, **kwargs) if (c.row, c.task) == (row, task))


def changed(run, **parts):
    run = copy.deepcopy(run)
    for part, values in parts.items():
        run[part] = values if isinstance(values, str) else run[part] | values
    return run


def test_records_of_any_seeds_fill_a_cell():
    found = cell([made(MAM, "xsum", seed, rouge2=40.0 + seed) for seed in (3, 42)])
    assert found.values("rouge2") == {3: 43.0, 42: 82.0}
    assert found.published == {"rouge1": 45.06, "rouge2": 21.9, "rougeL": 36.87} and found.std["rouge2"] == 0.01


def test_the_command_runs_what_is_missing():
    found = cell([made(MAM, "xsum", seed, rouge2=1.0) for seed in (1, 42)])
    assert found.command() == "python train.py -m method=mam task=xsum scale=mini seed=0,2,3"
    assert found.command(seeds=[1, 9]) == "" and found.command([1, 8, 9]).endswith(
        "train.py method=mam task=xsum scale=mini seed=8"
    )


@pytest.mark.parametrize("words", ["recipe.steps=0", "recipe.lr=0.5", "backbone.random=true", "budget=0.5%"])
def test_runs_of_other_settings_are_not_of_the_row(words):
    assert cell([made(MAM, "xsum", 0, words=(words,), rouge2=1.0)]).records == {}


def test_a_record_without_a_knob_that_was_added_later_still_counts():
    run = made(MAM, "xsum", 0, rouge2=1.0)
    del run["config"]["recipe"]["gradient_checkpointing"]
    assert list(cell([run]).records) == [0]


@pytest.mark.parametrize(
    ("other", "named"),
    [
        ({"data": {"sha256": {"train": "a", "dev": "b", "test": "other"}}}, "rows"),
        ({"data": {"sha256": {"train": "a", "dev": "b", "test": "c", "test_mismatched": "d"}}}, "rows"),
        ({"backbone": {"sha256": "other"}}, "backbone weights"),
        ({"signature": "other"}, "metric"),
        ({"protocol": {"test": {"rows": 8}}}, "number of test rows"),
    ],
)
def test_records_of_two_kinds_never_mix(other, named):
    one = [made(MAM, "xsum", seed, rouge2=1.0) for seed in (0, 1)]
    found = cell([*one, *(changed(made(MAM, "xsum", seed, rouge2=9.0), **other) for seed in (1,))])
    assert found.values("rouge2") == {0: 1.0, 1: 1.0}
    assert found.refused == [f"seed 1 left out: other {named}"]


@pytest.mark.parametrize("name", ["embedded xsum", "train/rows.csv", "config.json"])
def test_records_of_two_files_of_one_name_never_mix(name):
    def run(seed, content):
        section = {"files": {name: content}} if "." in name and "/" not in name else {}
        rows = {} if section else {"sha256": {"train": "a", "dev": "b", "test": "c", name: content}}
        return changed(made(MAM, "xsum", seed, rouge2=1.0), data=rows, backbone=section)

    found = cell([run(0, "old"), run(1, "old"), run(2, "new"), made(MAM, "xsum", 3, rouge2=1.0)])
    assert list(found.records) == [0, 1, 3]
    assert found.refused == [f"seed 2 left out: other file {name}"]


def test_of_two_kinds_as_large_the_later_is_shown():
    old, new = made(MAM, "xsum", 0, rouge2=1.0), changed(made(MAM, "xsum", 1, rouge2=2.0), signature="new")
    assert cell([new, old]).values("rouge2") == {1: 2.0}


def test_the_head_that_a_seed_draws_is_no_other_backbone():
    runs = [made("table2/LoRA", "sst2", seed, accuracy=90.0) for seed in (0, 1)]
    runs[1]["backbone"]["sha256"] = "with another head"
    assert len(cell(runs, "table2/LoRA", "sst2").records) == 2


def test_a_row_that_another_paper_measured_is_not_ours():
    runs = [made("table6/Full fine-tuning, our run", "xsum", 0, rouge2=1.0)]
    assert cell(runs, "table6/Full fine-tuning, published").records == {}
    assert list(cell(runs, "table6/Full fine-tuning, our run").records) == [0]


def test_the_papers_protocol_has_other_metrics():
    run = made(MAM, "en_ro", 0, bleu=20.0, bleu_moses_truncated=30.0)
    assert cell([run], task="en_ro").values("bleu") == {0: 20.0}
    assert cell([run], task="en_ro", protocol="paper").values("bleu") == {0: 30.0}


def test_a_dev_set_of_few_rows_has_no_first_1600():
    runs = [made("table2/LoRA", "sst2", 0, accuracy=90.0)]
    assert cell(runs, "table2/LoRA", "sst2", protocol="paper").values("accuracy") == {0: 90.0}


@pytest.mark.parametrize("value", [math.nan, math.inf, None])
def test_what_is_no_number_is_no_value(value):
    assert cell([made(MAM, "xsum", 0, rouge2=value), made(MAM, "xsum", 1)]).values("rouge2") == {}


@pytest.mark.parametrize("words", [("table6", "hug"), ("table13", "mini"), ("table6", "mini", "whol")])
def test_unknown_words_are_refused(words):
    with pytest.raises(UserError):
        cells(*words[:2], [], *words[2:])


# Reading records ------------------------------------------------------------------------------------------------------


def test_damaged_records_and_score_files_are_left_out(tmp_path, capsys):
    run = made(MAM, "xsum", 0, rouge2=1.0)
    records.write(run, tmp_path / "xsum" / "mam-1.json")
    (tmp_path / "xsum" / "mam-1.scores.json").write_text("{}")
    (tmp_path / "torn.json").write_text(json.dumps(run)[:50])
    assert [found["identity"] for found in records.below(tmp_path)] == [run["identity"]]
    assert "torn.json is left out" in capsys.readouterr().err
    assert records.scores_below(tmp_path) == {"1": tmp_path / "xsum" / "mam-1.scores.json"}
