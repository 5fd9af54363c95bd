"""What the loop promises about a run's weights."""

from __future__ import annotations

import pytest
import torch

from petl import backbone, tasks
from petl.config import Precision, Runtime
from petl.training import BadNumbers, ranks
from petl.training.batches import Steps
from petl.training.fit import better, fit
from petl.training.keeper import Keeper
from petl.training.progress import Clock, Progress
from petl.training.together import alone
from tests.training.conftest import bart, tokenizer


@pytest.fixture
def models():
    return []


@pytest.fixture
def train(configure, tmp_path, models):
    """train(config, dev=losses) -> the model, its keeper, the state after; `models` has the model from the start."""

    def build(config, dev=None, dropout=0.1):
        accelerator, model = ranks.start(Runtime(device="cpu"), Precision.fp32), bart(dropout)
        backbone.attach(model, config.method, config.seed)
        encoded = tasks.encode(tasks.load(config.task).train[:8], tokenizer(), config.task)
        steps = Steps(encoded, tasks.Collator(1), config.recipe, config.seed)
        progress = Progress(shown=False, bar=False)
        keeper = Keeper(tmp_path / "checkpoints", model, accelerator, {}, progress, Clock())
        values = iter(dev or [])
        config.task.select = "loss"
        models.append(model)
        return (
            model,
            keeper,
            alone(
                fit(
                    model,
                    steps,
                    config,
                    accelerator,
                    lambda: {"loss": next(values, 1.0)},
                    keeper,
                    progress,
                    lambda row: f"row {row}",
                )
            ),
        )

    return build


def test_one_batch_is_learned_by_heart(train, configure):
    *_, state = train(configure(steps=150, eval_every=None, lr=0.02), dropout=0.0)
    assert state.history[-1]["loss"] < 0.2 * state.history[0]["loss"]


def test_two_runs_have_the_same_losses(train, configure, tmp_path):
    *_, first = train(configure(steps=5))
    (tmp_path / "checkpoints").rename(tmp_path / "first")
    *_, second = train(configure(steps=5))
    assert first.history == second.history


def test_another_seed_has_other_losses(train, configure, tmp_path):
    *_, first = train(configure(steps=2))
    (tmp_path / "checkpoints").rename(tmp_path / "first")
    *_, second = train(configure(steps=2, seed=1))
    assert first.history != second.history


def test_only_the_tuned_weights_move(train, configure):
    model, *_ = train(configure(steps=3))
    tuned = backbone.tuned_state(model)
    untouched = bart(0.1).state_dict()
    assert all(torch.equal(model.state_dict()[name], value) for name, value in untouched.items() if name not in tuned)
    assert any(not torch.equal(tuned[name], torch.zeros_like(tuned[name])) for name in tuned if "up" in name)


def test_the_best_weights_come_back_not_the_last(train, configure):
    model, keeper, state = train(configure(steps=6, eval_every=2), dev=[2.0, 1.0, 3.0])
    assert (state.selected["step"], state.selected["value"]) == (4, 1.0)
    last = {name: tensor.clone() for name, tensor in backbone.tuned_state(model).items()}
    keeper.take_best(state)
    assert any(not torch.equal(last[name], tensor) for name, tensor in backbone.tuned_state(model).items())


def test_a_loss_that_is_not_finite_stops_before_the_step(train, models, configure, monkeypatch):
    from petl.training import gradients as module

    honest, seen = module.summed_loss, []

    def spoiled(*arguments):
        seen.append({name: tensor.clone() for name, tensor in backbone.tuned_state(models[0]).items()})
        return honest(*arguments) * (float("nan") if len(seen) == 3 else 1.0)

    monkeypatch.setattr(module, "summed_loss", spoiled)
    with pytest.raises(BadNumbers, match=r"Step 3 has loss nan(?s:.*)learning rate  0\.00667(?s:.*)row \d+, row \d+"):
        train(configure(steps=6))
    left = backbone.tuned_state(models[0])
    assert all(torch.equal(left[name], tensor) and tensor.isfinite().all() for name, tensor in seen[-1].items())


def test_a_dev_loss_that_is_not_finite_stops_before_the_checkpoint(train, configure, tmp_path):
    with pytest.raises(BadNumbers, match="After step 4 the dev loss is nan"):
        train(configure(steps=6, eval_every=2), dev=[1.0, float("nan")])
    assert [place.name for place in (tmp_path / "checkpoints").glob("last-*")] == ["last-00000002"]


def test_a_loss_is_better_when_lower():
    assert better("loss", {"loss": 1.0}, {"loss": 2.0})
    assert not better("loss", {"loss": 2.0}, {"loss": 1.0})


def test_any_other_metric_is_better_when_higher():
    assert better("bleu", {"bleu": 2.0, "loss": 9.0}, {"bleu": 1.0, "loss": 1.0})
    assert not better("bleu", {"bleu": 1.0, "loss": 1.0}, {"bleu": 2.0, "loss": 9.0})


def test_of_equals_the_lower_loss_is_better_then_the_first():
    assert better("bleu", {"bleu": 0.0, "loss": 1.0}, {"bleu": 0.0, "loss": 2.0})
    assert not better("bleu", {"bleu": 0.0, "loss": 2.0}, {"bleu": 0.0, "loss": 2.0})


def test_anything_is_better_than_nothing():
    assert better("bleu", {"bleu": 0.0, "loss": 1.0}, None)
