"""A whole run: from a config to its record."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

from petl import records, tasks
from petl.config import Precision, UserError
from petl.training import BadNumbers, run
from petl.training.checkpoint import load


def weights(config, kind="last"):
    place = max((records.run_dir(config) / "checkpoints").glob(f"{kind}-*"))
    return load(place)[0]


def test_a_run_leaves_a_whole_record_checkpoints_and_predictions(configure):
    config = configure()
    record = run(config)
    assert record == records.find(config)
    assert record["protocol"]["test"]["rows"] == 8
    lines = (records.run_dir(config) / "predictions.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == [f"x{number}" for number in range(40, 48)]
    assert [point["step"] for point in record["history"] if "dev" in point] == [2, 4, 6]
    assert len(record["examples"]) == 5
    assert (record["precision"], record["threads"]) == ("fp32", 1)
    assert not (records.run_dir(config) / "decoded").exists()


def test_the_scores_of_each_row_stand_beside_the_record(configure):
    config = configure()
    record = run(config)
    scores = json.loads(records.record_path(config).with_suffix(".scores.json").read_text())
    assert scores["identity"] == record["identity"]
    assert scores["rows_sha256"] == {"test": record["data"]["sha256"]["test"]}
    assert sum(scores["test"]["rouge1"]) / 8 == pytest.approx(record["metrics"]["test"]["rouge1"], abs=0.01)


def test_the_same_run_again_is_not_run(configure, monkeypatch):
    config = configure("sst2")
    record = run(config)
    monkeypatch.setattr("petl.training.job.Job", None)
    assert run(config) == record


def test_force_runs_again_to_the_same_numbers(configure):
    config = configure("sst2")
    first, loss = run(config), weights(config)
    second = run(configure("sst2", runtime={"force": True}))
    assert second["finished"] >= first["finished"]
    assert [second["history"], second["metrics"]] == [first["history"], first["metrics"]]
    assert all(torch.equal(loss[name], tensor) for name, tensor in weights(config).items())


@pytest.mark.parametrize("where", ["petl.training.fit.take_step", "petl.training.account.examples"])
def test_a_stopped_forced_run_leaves_record_checkpoints_and_predictions(configure, monkeypatch, where):
    config, forced = configure("sst2"), configure("sst2", runtime={"force": True})
    record, folder = run(config), records.run_dir(config)
    (folder / "predictions.jsonl").write_text("old")
    before = contents(folder)
    with monkeypatch.context() as patch:
        patch.setattr(where, stop_after(5) if "fit" in where else stop)
        with pytest.raises(KeyboardInterrupt):
            run(forced)
    assert records.find(config) == record
    assert before.items() <= contents(folder).items()
    run(forced)
    after = contents(folder)
    assert after.keys() == before.keys()
    assert after[folder / "predictions.jsonl"] != b"old"


def contents(folder):
    """Of all files but what a run says of itself while it runs."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != "run.json"}


def stop(*_):
    raise KeyboardInterrupt


def test_stopped_anywhere_a_run_goes_on_to_the_same_end(configure, monkeypatch, tmp_path):
    whole = configure("sst2")
    cut = configure("sst2", runtime={"output": f"{tmp_path}/cut", "records": f"{tmp_path}/cut-records"})
    expected = run(whole)
    with monkeypatch.context() as patch:
        patch.setattr("petl.training.fit.take_step", stop_after(5))
        with pytest.raises(KeyboardInterrupt):
            run(cut)
    found = run(cut)
    assert [found["history"], found["metrics"]] == [expected["history"], expected["metrics"]]
    assert all(torch.equal(weights(whole)[name], tensor) for name, tensor in weights(cut).items())


@pytest.mark.parametrize("edited", [True, False])
def test_other_code_starts_over_and_keeps_the_checkpoints_a_commit_does_neither(configure, monkeypatch, capsys, edited):
    config = configure("sst2")
    with monkeypatch.context() as patch:
        patch.setattr("petl.training.fit.take_step", stop_after(5))
        with pytest.raises(KeyboardInterrupt):
            run(config)
    monkeypatch.setattr(records, "code_sha256" if edited else "code_version", lambda: {"commit": "new", "dirty": True})
    run(config)
    assert (records.run_dir(config) / "checkpoints.old-1" / "last-00000004").exists() == edited
    assert ("kept as" if edited else "going on from step 4") in capsys.readouterr().out


def stop_after(steps):
    from petl.training.fit import take_step

    calls = []

    def stopping(*arguments):
        calls.append(1)
        if len(calls) == steps:
            raise KeyboardInterrupt
        take_step(*arguments)

    return stopping


def test_no_steps_test_the_untouched_backbone(configure):
    record = run(configure(steps=0))
    assert record["parameters"]["trained"] == 0
    assert record["deltas"] == []
    assert record["metrics"].keys() == {"dev", "test"}


def test_a_test_metric_that_is_not_finite_is_named(configure, monkeypatch):
    config = configure("sst2", steps=0)
    config.task.select = "loss"
    monkeypatch.setattr("petl.training.evaluate.Judge.metrics", lambda *_: {"accuracy": float("inf")})
    with pytest.raises(BadNumbers, match="After step 0 the test accuracy is inf"):
        run(config)


def test_training_learns(configure):
    untuned = run(configure("sst2", steps=0))
    tuned = run(configure("sst2", steps=60, eval_every=None, lr=0.02))
    assert tuned["metrics"]["test"]["loss"] < untuned["metrics"]["test"]["loss"]
    assert tuned["history"][-1]["loss"] < tuned["history"][0]["loss"]


def test_selection_by_loss_generates_nothing_on_dev(configure):
    config = configure()
    config.task.select = "loss"
    record = run(config)
    assert record["metrics"]["dev"].keys() == {"loss"}
    assert record["selected"]["value"] == min(point["dev"]["loss"] for point in record["history"] if "dev" in point)


def test_a_method_that_trains_nothing_is_refused(configure):
    config = configure("sst2")
    config.method.deltas = {}
    with pytest.raises(UserError, match=r"recipe\.steps=0"):
        run(config)


def test_another_world_size_than_asked_for_is_refused(configure):
    with pytest.raises(UserError, match="torchrun"):
        run(configure(runtime={"processes": 2}))


def test_bf16_and_gradient_checkpointing_run(configure):
    record = run(configure(steps=2, precision=Precision.bf16, gradient_checkpointing=True))
    assert record["config"]["recipe"]["precision"] == "bf16"


def test_without_a_terminal_a_run_says_little(configure, capsys):
    run(configure("sst2", steps=60, eval_every=1))
    assert len(capsys.readouterr().out.splitlines()) <= 20


def test_further_test_sets_have_figures_and_predictions_of_their_own(configure, monkeypatch):
    config, splits = configure("sst2"), tasks.load
    monkeypatch.setattr(
        tasks, "load", lambda *given: replace(found := splits(*given), further={"test_other": found.dev})
    )
    record = run(config)
    assert list(record["metrics"]) == list(record["protocol"]) == ["dev", "test", "test_other"]
    assert record["metrics"]["test_other"]["accuracy"] == record["metrics"]["dev"]["accuracy"]
    assert record["data"]["rows"] == {"train": 32, "dev": 8, "test": 8, "test_other": 8}
    assert len((records.run_dir(config) / "predictions_other.jsonl").read_text().splitlines()) == 8
    assert len((records.run_dir(config) / "predictions.jsonl").read_text().splitlines()) == 8


def test_references_are_scored_whole_and_truncated(configure):
    record = run(configure())
    assert {"rouge2", "rouge2_truncated"} <= set(record["metrics"]["test"])
    assert "cut to 6 tokens" in record["signature"]
