from __future__ import annotations

import pytest

from petl import command
from petl.plan.workload import workload
from petl.shapes import measure as room
from petl.shapes.measure import FLOOR, SYSTEMS, measure

WORDS = ("scale=mini", "runtime.device=cpu", "recipe.batch=4")


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("task", ["xsum", "mnli"])
def test_a_step_is_measured_at_the_shapes_of_the_recipe(system, task, monkeypatch):
    monkeypatch.setattr(room, "WARM_UP", 0)
    config = command.read([SYSTEMS[system], f"task={task}", *WORDS])
    row = measure(system, config, steps=1)
    assert "failed" not in row
    mean = workload(config).mean
    assert row["batch"].startswith(f"1 x 4 x {round(mean.source)}")
    assert row["steps"] == config.recipe.steps
    assert row["tokens_per_second"] > 0 < row["peak_memory_mb"]


def test_the_floor_goes_back_to_the_embeddings_and_trains_nothing():
    model = room._model(command.read(["method=mam", "task=xsum", *WORDS]), floor=True)
    assert not any(parameter.requires_grad for parameter in model.parameters())
    embedded = model.get_input_embeddings()(model.dummy_inputs["input_ids"])
    assert embedded.requires_grad


def test_too_little_memory_is_a_row_of_the_results(monkeypatch):
    import torch

    def fail(*_):
        raise torch.OutOfMemoryError("CUDA out of memory.\nTried")

    monkeypatch.setattr(room, "_measure", fail)
    row = measure(FLOOR, command.read(["method=mam", "task=xsum", *WORDS]), 1)
    assert row["failed"] == "CUDA out of memory."
