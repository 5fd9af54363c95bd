"""The bootstrap over test rows: the same rows for both systems, exact corpus metrics of each resample."""

import json

import numpy as np
import pytest

from petl import metrics
from petl.report import examples
from petl.report.cells import cells
from tests.report.made import made

MAM, LORA = "table6/MAM Adapter, l=30, r=512", "table6/LoRA (ffn), r=102"


@pytest.fixture
def compare(tmp_path):
    """compare(scores of MAM, scores of LoRA) over seeds, on a task."""

    def call(one, other, task="xsum", metric="rouge2", protocol="whole", sha=("r", "r")):
        runs, files = [], {}
        for reference, by_seed, rows in ((MAM, one, sha[0]), (LORA, other, sha[1])):
            for seed, told in by_seed.items():
                run = made(reference, task, seed, **{metric: 1.0})
                files[run["identity"]] = tmp_path / f"{run['identity']}.scores.json"
                files[run["identity"]].write_text(json.dumps({"rows_sha256": {"test": rows}, "test": told}))
                runs.append(run)
        found = {c.row: c for c in cells("table6", "mini", runs, protocol) if c.task == task}
        return examples.compare(found[MAM[7:]], found[LORA[7:]], metric, files)

    return call


def normal(mean, rows=200, key=0):
    return list(np.round(np.random.default_rng(key).normal(mean, 10, rows), 2))


def test_the_interval_is_that_of_paired_rows(compare):
    one, other = normal(50), normal(48, key=1)
    found = compare({0: {"rouge2": one}}, {0: {"rouge2": other}})
    differences = np.subtract(one, other)
    half = 1.96 * differences.std(ddof=1) / np.sqrt(200)
    assert found.low == pytest.approx(differences.mean() - half, abs=0.15)
    assert found.high == pytest.approx(differences.mean() + half, abs=0.15)
    assert (found.seeds, found.rows) == ((0,), 200)


def test_the_same_scores_differ_nowhere(compare):
    found = compare({0: {"rouge2": normal(50)}}, {0: {"rouge2": normal(50)}})
    assert (found.low, found.high, found.p) == (0, 0, 1)


def test_a_constant_lead_is_certain(compare):
    one = normal(50)
    found = compare({0: {"rouge2": [v + 1 for v in one]}}, {0: {"rouge2": one}})
    assert found.low == pytest.approx(1) and found.p == pytest.approx(2 / 2001)


def test_seeds_are_averaged_on_the_same_rows(compare):
    one = normal(50)
    up, down = {"rouge2": [v + 1 for v in one]}, {"rouge2": [v - 1 for v in one]}
    found = compare({0: up, 1: down, 2: up}, {0: {"rouge2": one}, 1: {"rouge2": one}})
    assert (found.low, found.high) == pytest.approx((0, 0), abs=1e-9) and found.seeds == (0, 1)


@pytest.mark.parametrize("name", ["bleu", "bleu_moses"])
def test_bleu_of_a_resample_is_sacrebleus(name):
    predictions = ["the cat sat on the mat today", "a dog", "no one", "we went home early in the evening", ""]
    references = ["the cat sat on a mat today", "a big dog ran", "not one", "we went home late in the evening", "x"]
    measure = metrics.measure(name)
    rows = measure.rows(predictions, references)[name]
    scores = examples.Scores(name, np.asarray(rows, dtype=float), ("k", 5))
    times = examples._times(("k", 5))
    for at in range(40):
        some = [i for i, n in enumerate(times[at]) for _ in range(n)]
        again = measure.scores([predictions[i] for i in some], [references[i] for i in some])
        assert scores.resampled[at] == pytest.approx(again[name])


def test_accuracy_is_read_from_its_digits(compare):
    found = compare(
        {0: {"accuracy": "1" * 90 + "0" * 10}}, {0: {"accuracy": "1" * 80 + "0" * 20}}, metric="accuracy", task="xsum"
    )
    assert found.low == pytest.approx(4, abs=1) and found.high == pytest.approx(16, abs=1)


@pytest.mark.parametrize(
    "case",
    [
        ({0: {"rouge2": [1.0]}}, {1: {"rouge2": [1.0]}}, {}),
        ({0: {"rouge2": [1.0]}}, {0: {"rouge1": [1.0]}}, {}),
        ({0: {"rouge2": [1.0]}}, {0: {"rouge2": [1.0]}}, {"sha": ("r", "other")}),
        ({0: {"rouge2": [1.0]}}, {0: {"rouge2": [1.0]}}, {"protocol": "paper"}),
    ],
    ids=["no common seed", "no such metric", "other rows", "scores of another protocol"],
)
def test_without_scores_that_can_be_paired_there_is_nothing(compare, case):
    one, other, said = case
    assert compare(one, other, **said) is None


def test_a_damaged_file_counts_as_absent(tmp_path, capsys):
    path = tmp_path / "x.scores.json"
    path.write_text('{"test": ')
    assert examples._read(path, "rouge2") is None and "left out" in capsys.readouterr().err
