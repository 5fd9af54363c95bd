"""Runs side by side: each leaves what it leaves alone, whatever becomes of the others."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from petl import records
from petl.config import Precision, Rule
from petl.training import BadNumbers, packed, run, together
from petl.training.checkpoint import load
from petl.training.job import running

SEEDS = (0, 1, 2)


@pytest.fixture
def members(configure, tmp_path):
    """members(where, ...) -> a config for each seed, whose output goes there."""

    def made(where, task="sst2", **recipe):
        runtime = {"output": str(tmp_path / where / "out"), "records": str(tmp_path / where / "records")}
        return [configure(task, runtime, seed, **{"steps": 4, **recipe}) for seed in SEEDS]

    return made


@pytest.fixture(autouse=True)
def larger_passes(monkeypatch):
    monkeypatch.setitem(packed.WORK, "cpu", 1e12)


def side_by_side(configs):
    return together.together([running(config) for config in configs])


def weights(config, kind="last"):
    return load(max((records.run_dir(config) / "checkpoints").glob(f"{kind}-*")))[0]


def same(one, other, **close):
    """Two runs of one identity: their records, and the weights of their checkpoints."""
    a, b = records.find(one), records.find(other)
    assert a and b and a["identity"] == b["identity"]
    for kind in ("last", "best"):
        for name, tensor in weights(one, kind).items():
            torch.testing.assert_close(tensor, weights(other, kind)[name], **close)
    assert [point["step"] for point in a["history"]] == [point["step"] for point in b["history"]]
    for mine, others in zip(a["history"], b["history"], strict=True):
        assert mine["loss"] == pytest.approx(others["loss"], rel=1e-4)
    for split, metrics in a["metrics"].items():
        assert metrics == pytest.approx(b["metrics"][split], rel=1e-3)
    assert a["selected"]["step"] == b["selected"]["step"]


NEAR = {"rtol": 1e-3, "atol": 1e-5}
EXACT = {"rtol": 0.0, "atol": 0.0}


@pytest.mark.parametrize("task", ["sst2", "xsum"])
def test_each_run_is_what_it_is_alone(members, task):
    for config in (alone := members("alone", task)):
        run(config)
    made = side_by_side(beside := members("beside", task))
    assert [record["packed"] for record in made] == [3, 3, 3]
    for one, other in zip(alone, beside, strict=True):
        same(one, other, **NEAR)


def test_so_it_is_in_bf16(members):
    for config in (alone := members("alone", precision=Precision.bf16)):
        run(config)
    side_by_side(beside := members("beside", precision=Precision.bf16))
    for one, other in zip(alone, beside, strict=True):
        losses = ([point["loss"] for point in records.find(config)["history"]] for config in (one, other))  # type: ignore[index]
        assert next(losses) == pytest.approx(next(losses), rel=0.02)


def test_to_the_bit_where_passes_are_not_shared(members, monkeypatch):
    monkeypatch.setitem(packed.WORK, "cpu", 0)
    for config in (alone := members("alone")):
        run(config)
    made = side_by_side(beside := members("beside"))
    assert all("packed" not in record for record in made)
    for one, other in zip(alone, beside, strict=True):
        same(one, other, **EXACT)
        assert records.find(one)["metrics"] == records.find(other)["metrics"]


def test_rates_and_s_may_differ(members):
    def varied(configs):
        for number, config in enumerate(configs):
            config.recipe.lr = 0.01 / (number + 1)
            config.method.deltas["main"] = replace(config.method.deltas["main"], compose=Rule.scaled, s=1.0 + number)
        return configs

    for config in (alone := varied(members("alone"))):
        run(config)
    side_by_side(beside := varied(members("beside")))
    for one, other in zip(alone, beside, strict=True):
        same(one, other, **NEAR)


@pytest.mark.parametrize("first", ["together", "alone"])
def test_stopped_together_runs_go_on_alone_and_the_other_way_round(members, monkeypatch, first):
    from petl.training import fit

    for config in (whole := members("whole")):
        run(config)
    beside, honest, left = members("beside"), fit.take_step, [7 if first == "together" else 2]

    def stopping(*given):
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        honest(*given)

    with monkeypatch.context() as patch:
        patch.setattr(fit, "take_step", stopping)
        if first == "together":
            assert all(isinstance(result, KeyboardInterrupt) for result in side_by_side(beside))
        else:
            with pytest.raises(KeyboardInterrupt):
                run(beside[1])
    if first == "together":
        for config in beside:
            run(config)
    else:
        side_by_side(beside)
    for one, other in zip(whole, beside, strict=True):
        same(one, other, **NEAR)


def test_a_run_that_is_done_is_not_trained_again(members):
    configs = members("beside")
    done = run(configs[1])
    made = side_by_side(configs)
    assert made[1] == done and [record.get("packed") for record in made] == [2, None, 2]


def test_a_run_that_diverges_stops_alone(members):
    for config in (alone := members("alone")):
        run(config)
    beside = members("beside")
    beside[1].recipe.lr = beside[1].recipe.lr_end = 1e30
    made = side_by_side(beside)
    assert isinstance(made[1], BadNumbers) and "first bad" in str(made[1])
    for number in (0, 2):
        same(alone[number], beside[number], **NEAR)


def test_a_pass_that_finds_no_memory_is_left_to_each_alone(members, monkeypatch):
    def short(*given):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(packed.Packed, "compute", short)
    assert all("packed" not in record for record in side_by_side(members("beside")))
