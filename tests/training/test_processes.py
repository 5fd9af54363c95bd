"""Real processes, as torchrun and accelerate launch start them."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import petl
from petl import records
from petl.config import Delta, Dropout, Method, Position, Rule
from petl.training import run
from petl.training.checkpoint import load, newest

ROOT = Path(petl.__file__).parents[1]
SCRIPT = """
import pickle, sys
from petl.config import UserError
from petl.training import run
try:
    run(pickle.load(open(sys.argv[1], "rb")))
except UserError as error:
    sys.exit(f"refused: {error}")
"""
TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node")
ACCELERATE = ("-m", "accelerate.commands.launch")
FSDP = (*ACCELERATE, "--config_file", str(ROOT / "conf" / "accelerate" / "fsdp.yaml"), "--num_processes")

MAM = {
    "heads": Delta(
        form="softmax", position=Position.heads, compose=Rule.gated, size=3, network=8, dropout=Dropout.attention
    ),
    "main": Delta(position=Position.ffn, compose=Rule.scaled, s=4.0, size=8),
}
METHODS = {"mam": Method("mam", "MAM adapter", MAM), "full": Method("full", "Full fine-tuning", tune=["*"])}

pytestmark = pytest.mark.slow


@pytest.fixture
def setting(configure, tmp_path):
    """setting(name, task, method, **recipe) -> a config whose run leaves everything below tmp_path/name."""

    def build(name, task="xsum", method="mam", select="loss", **recipe):
        where = {"output": f"{tmp_path}/{name}", "records": f"{tmp_path}/{name}/records"}
        config = configure(task, runtime=where, **recipe)
        config.method, config.task.select = METHODS[method], select
        return config

    return build


@pytest.fixture
def start(tmp_path):
    """start(config, *launcher) -> the finished process of `python LAUNCHER script config`."""

    def starting(config, *launcher):
        (tmp_path / "run.py").write_text(SCRIPT)
        (tmp_path / "config").write_bytes(pickle.dumps(config))
        command = [sys.executable, *launcher, "run.py", "config"]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600, check=False
        )

    return starting


@pytest.fixture
def found(start):
    """found(config, *launcher) -> the record of the run that was started so."""

    def finding(config, *launcher):
        done = start(config, *launcher)
        assert done.returncode == 0, done.stdout + done.stderr
        assert ("in shards" in done.stdout) == ("--config_file" in launcher)
        record = records.find(config)
        assert record is not None
        return record

    return finding


@pytest.mark.parametrize("task", ["xsum", "sst2"])
def test_two_processes_do_what_one_does(setting, found, task):
    recipe = {"accumulate": 2, "lr": 0.6, "lr_end": 0.6, "warmup": 0.0, "eval_every": 1}
    alone, shared = (setting(name, task, **recipe) for name in ("one", "two"))
    expected, record = run(alone), found(shared, *TORCHRUN, "2")
    assert expected["selected"]["step"] < 6  # what is tested is sent to the other process
    assert record["processes"] == 2
    same(record, expected)
    assert predictions(shared) == predictions(alone)
    assert all(torch.equal(weights(alone)[name], tensor) for name, tensor in weights(shared).items())


def test_one_two_and_four_processes_end_alike_after_a_hundred_steps(setting, found):
    recipe = {"steps": 100, "accumulate": 4, "eval_every": 50}
    settings = {processes: setting(str(processes), select="rouge2", **recipe) for processes in (1, 2, 4)}
    made = {processes: found(config, *TORCHRUN, str(processes)) for processes, config in settings.items()}
    expected = weights(settings[1])
    for processes in (2, 4):
        assert made[processes]["processes"] == processes
        same(made[processes], made[1])
        assert predictions(settings[processes]) == predictions(settings[1])
        assert furthest(weights(settings[processes]), expected) == 0


@pytest.mark.parametrize(("task", "method"), [("xsum", "mam"), ("xsum", "full"), ("sst2", "mam")])
def test_in_shards_it_is_the_same_run(setting, found, task, method):
    recipe = {"accumulate": 2, "eval_every": 2, "select": "rouge2" if task == "xsum" else "accuracy"}
    alone, shards = (setting(name, task, method, **recipe) for name in ("one", "shards"))
    expected, record = run(alone), found(shards, *FSDP, "2")
    # A bias of keys adds the same to all scores of a query: its gradient is rounding, of which Adam makes whole steps
    real = {name for name in weights(alone) if not name.endswith("k_proj.bias")}
    assert furthest(*({name: weights(config)[name] for name in real} for config in (shards, alone))) < 1e-6
    assert record["metrics"]["test"]["loss"] == pytest.approx(expected["metrics"]["test"]["loss"], abs=1e-6)
    assert predictions(shards) == predictions(alone)


def test_a_run_in_shards_goes_on_without_them_and_back(setting, found, start, monkeypatch):
    recipe = {"accumulate": 2, "eval_every": 2}
    whole, cut = (setting(name, **recipe) for name in ("one", "cut"))
    expected = run(whole)
    stops = "import petl.training.fit as f; s = iter([f.take_step] * {n} + [0]); f.take_step = lambda *a: next(s)(*a)\n"
    monkeypatch.setitem(globals(), "SCRIPT", stops.format(n=3) + SCRIPT)
    assert start(cut, *FSDP, "2").returncode != 0
    monkeypatch.setitem(globals(), "SCRIPT", stops.format(n=2) + SCRIPT)
    assert start(cut).returncode != 0
    monkeypatch.undo()
    record = found(cut, *FSDP, "2")
    assert furthest(weights(cut), weights(whole)) < 1e-6
    assert [point["step"] for point in record["history"]] == [point["step"] for point in expected["history"]]


def test_accelerate_launch_starts_several_or_is_refused(setting, found, start):
    lone = start(setting("lone", "sst2"), *ACCELERATE, "--cpu", "--num_processes", "2")
    assert "started this one alone" in lone.stderr and "--multi_gpu" in lone.stderr
    record = found(setting("two", "sst2", accumulate=2), *ACCELERATE, "--multi_gpu", "--num_processes", "2")
    assert record["processes"] == 2


def same(record, expected):
    assert [record["history"], record["metrics"]] == [expected["history"], expected["metrics"]]


def furthest(these, those):
    assert these.keys() == those.keys()
    return max((these[name] - tensor).abs().max().item() for name, tensor in those.items())


def weights(config):
    place = newest(records.run_dir(config) / "checkpoints", "last")
    assert place is not None
    return load(place)[0]


def predictions(config):
    return [json.loads(line) for line in (records.run_dir(config) / "predictions.jsonl").open()]
