"""Sweeps are read quickly, and as `petl.command.read` reads each run."""

import pytest

from petl import command, leaves
from petl.composed import composition
from petl.config import UserError


def test_every_run_is_as_when_read_alone(monkeypatch):
    words = ["method=mam,lora", "task=sst2", "recipe.lr=1e-4,2e-4,0.0003", "recipe.batch=8,16", "seed=0,1"]
    runs = command.expand(words)
    composed = []
    monkeypatch.setattr(leaves, "composition", lambda words: composed.append(words) or composition(words))
    read = leaves.reader()
    assert [read(run) for run in runs] == [command.read(run) for run in runs]
    assert len(composed) == 2  # one for each method


@pytest.mark.parametrize("words", [["recipe.s=1,2,4"], ["composition.s=1,2,4"], ["method.deltas.main.s=1,2,4"]])
def test_a_number_that_sets_more_than_its_leaf_too(words):
    read = leaves.reader()
    for run in command.expand(["method=parallel,scaled_parallel", "task=sst2", *words]):
        try:
            alone = command.read(run)
        except UserError:
            with pytest.raises(UserError):
                read(run)
        else:
            assert read(run) == alone


def test_values_are_checked(monkeypatch):
    read = leaves.reader()
    for run in command.expand(["task=sst2", "recipe.warmup=0.1,0.2,0.3"]):
        read(run)
    with pytest.raises(UserError):
        read(["task=sst2", "recipe.warmup=7e9"])
