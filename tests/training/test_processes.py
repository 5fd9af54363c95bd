"""Two real processes, as torchrun starts them."""

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

SCRIPT = """
import pickle, sys
from petl.training import run
run(pickle.load(open(sys.argv[1], "rb")))
"""


MAM = {
    "heads": Delta(
        form="softmax", position=Position.heads, compose=Rule.gated, size=3, network=8, dropout=Dropout.attention
    ),
    "main": Delta(position=Position.ffn, compose=Rule.scaled, s=4.0, size=8),
}


@pytest.mark.slow
@pytest.mark.parametrize("task", ["xsum", "sst2"])
def test_two_processes_do_what_one_does(configure, tmp_path, task):
    recipe = {"accumulate": 2, "lr": 0.6, "lr_end": 0.6, "warmup": 0.0, "eval_every": 1}
    alone = configure(task, **recipe)
    shared = configure(task, runtime={"output": f"{tmp_path}/2", "records": f"{tmp_path}/r2", "processes": 2}, **recipe)
    for config in (alone, shared):
        config.method, config.task.select = Method("mam", "MAM adapter", MAM), "loss"
    expected = run(alone)
    assert expected["selected"]["step"] < 6  # what is tested is sent to the other process
    (tmp_path / "run.py").write_text(SCRIPT)
    (tmp_path / "config").write_bytes(pickle.dumps(shared))
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(petl.__file__).parents[1])}
    done = subprocess.run(
        [*command, "run.py", "config"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = records.find(shared)
    assert found is not None
    assert found["processes"] == 2
    assert [found["history"], found["metrics"]] == [expected["history"], expected["metrics"]]
    assert predictions(shared) == predictions(alone)
    assert all(torch.equal(weights(alone)[name], tensor) for name, tensor in weights(shared).items())


def weights(config):
    place = newest(records.run_dir(config) / "checkpoints", "last")
    assert place is not None
    return load(place)[0]


def predictions(config):
    return [json.loads(line) for line in (records.run_dir(config) / "predictions.jsonl").open()]
