"""What a tracker hears of a run, and that no tracker can harm one. The tracker is ours, registered in wandb's place."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from accelerate.tracking import LOGGER_TYPE_TO_CLASS, GeneralTracker

from petl import records
from petl.checks import validate
from petl.config import TRACKERS, Config, UserError
from petl.training import run, trackers

RUNS: list[Any] = []


class Notebook(GeneralTracker):
    name, requires_logging_directory, fails = "wandb", False, ""

    def __init__(self, run_name: str, **arguments: Any) -> None:
        super().__init__()
        self.arguments, self.settings, self.lines, self.closed = {"project": run_name, **arguments}, {}, [], False
        RUNS.append(self)

    @property
    def tracker(self) -> Any:
        return self

    def start(self) -> None:
        if self.fails == "start":
            raise ConnectionError("no api key\nand a page of advice")

    def store_init_configuration(self, values: dict) -> None:
        self.settings = values

    def log(self, values: dict, step: int | None = None, **_: Any) -> None:
        self.lines.append((step, values))
        if self.fails == "log":
            raise ConnectionError("the server is gone")

    def finish(self) -> None:
        self.closed = True


@pytest.fixture(autouse=True)
def notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    RUNS.clear()
    monkeypatch.setattr(Notebook, "fails", "")
    monkeypatch.setitem(LOGGER_TYPE_TO_CLASS, "wandb", Notebook)


def watched(config: Config) -> Config:
    return dataclasses.replace(config, runtime=dataclasses.replace(config.runtime, tracker="wandb"))


def test_it_hears_every_step_every_evaluation_and_the_result(configure):
    config = watched(configure("sst2"))
    record = run(config)
    (told,) = RUNS
    steps = [(step, values) for step, values in told.lines if "train/loss" in values]
    assert [step for step, _ in steps] == [1, 2, 3, 4, 5, 6] and all(values["train/lr"] > 0 for _, values in steps)
    dev = [
        {"step": step, **values} for step, values in told.lines if "dev/loss" in values and "test/loss" not in values
    ]
    stored = [point for point in record["history"] if "dev" in point]
    assert dev == [{"step": p["step"], **{f"dev/{k}": v for k, v in p["dev"].items()}} for p in stored]
    assert told.lines[-1] == (6, trackers.summary(record)) and told.closed
    assert told.lines[-1][1]["test/accuracy"] == record["metrics"]["test"]["accuracy"]


def test_a_tracker_changes_neither_the_run_nor_its_name(configure):
    plain, seen = configure("sst2"), watched(configure("sst2", runtime={"force": True}))
    first, second = run(plain), run(seen)
    assert records.identity(plain) == records.identity(seen) == RUNS[0].arguments["id"]
    assert (first["metrics"], first["history"]) == (second["metrics"], second["history"])


def test_its_settings_are_plain_values_without_where_the_run_happens(configure):
    run(watched(configure("sst2")))
    settings = RUNS[0].settings
    assert settings["recipe.lr"] == 0.01 and settings["method.deltas.main.form"] == "relu"
    assert all(isinstance(value, str | int | float) for value in settings.values())
    assert not any(name.startswith("runtime") for name in settings)


def test_no_secret_of_the_environment_is_told_or_recorded(configure, monkeypatch):
    monkeypatch.setenv("WANDB_API_KEY", "s3cr3t-key")
    monkeypatch.setenv("HF_TOKEN", "s3cr3t-token")
    config = watched(configure("sst2"))
    run(config)
    told = RUNS[0]
    assert "s3cr3t" not in repr([told.arguments, told.settings, told.lines])
    for root in (Path(config.runtime.output), Path(config.runtime.records)):
        assert not any(b"s3cr3t" in path.read_bytes() for path in root.rglob("*") if path.is_file())


def test_one_that_does_not_start_is_told_before_a_model_is_loaded(configure, monkeypatch):
    monkeypatch.setattr(Notebook, "fails", "start")
    monkeypatch.setattr("petl.training.job.Job", None)
    with pytest.raises(UserError, match="^runtime.tracker=wandb does not start: ConnectionError: no api key$"):
        run(watched(configure("sst2")))


def test_one_that_fails_later_is_left_and_the_run_goes_on(configure, monkeypatch, capsys):
    monkeypatch.setattr(Notebook, "fails", "log")
    config = watched(configure("sst2"))
    assert run(config) == records.find(config)
    assert len(RUNS[0].lines) == 1
    assert capsys.readouterr().err.count("the server is gone") == 1


def test_it_is_closed_when_the_run_stops(configure, monkeypatch):
    monkeypatch.setattr("petl.training.job.Job.test", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run(watched(configure("sst2")))
    assert RUNS[0].closed


@pytest.mark.parametrize("name", [name for name in TRACKERS if name != "none"])
def test_every_tracker_of_the_config_is_one_of_accelerates_and_takes_what_it_is_given(name, configure, monkeypatch):
    made = []
    real = LOGGER_TYPE_TO_CLASS[name] if name != "wandb" else Notebook
    monkeypatch.setattr(real, "start", lambda self: made.append(self))
    monkeypatch.setattr(real, "store_init_configuration", lambda *_: None)
    monkeypatch.setattr(real, "finish", lambda *_: None)
    config = configure("sst2", runtime={"tracker": name})
    with trackers.watching(config, leads=True):
        assert [tracker.name for tracker in made] == [name]


def test_only_the_first_process_has_one(configure):
    config = watched(configure("sst2"))
    with trackers.watching(config, leads=False) as tracker:
        tracker.log({"loss": 1.0}, 1)
    assert not RUNS


def test_one_that_is_not_installed_is_told_with_the_command(configure, monkeypatch):
    monkeypatch.setattr("petl.checks._installed", lambda name: False)
    with pytest.raises(UserError, match="runtime.tracker=mlflow: it is not installed.* -m pip install mlflow"):
        validate(configure("sst2", runtime={"tracker": "mlflow"}))


def test_a_wrong_name_is_told_with_the_nearest(configure):
    with pytest.raises(UserError, match="Did you mean tensorboard"):
        validate(configure("sst2", runtime={"tracker": "tensorbord"}))
