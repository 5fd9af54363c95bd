"""The gradient of a step does not depend on how its rows fall into micro-batches and processes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from petl import backbone, tasks
from petl.config import Config, Generation, Precision, Recipe, Runtime, Task
from petl.training import ranks
from petl.training.batches import Steps
from petl.training.gradients import Total, compute_gradients
from petl.training.optimiser import make_optimiser
from tests.training.conftest import bart, tokenizer


@pytest.fixture
def accelerator():
    return ranks.start(Runtime(device="cpu"), Precision.fp32)


@pytest.fixture
def encoded(tiny):
    cut: dict[str, Any] = {"max_source": 24, "max_target": 8, "generation": Generation(max_length=6)}
    task = Task(name="xsum", kind="generation", data=str(tiny / "xsum"), **cut)
    return tasks.encode(tasks.load(task).train, tokenizer(), task)


def gradients(encoded, accelerator, accumulate, rank=0, world=1, dropout=0.1, smoothing=0.1, number=0, method=None):
    model = bart(dropout)
    if method is not None:
        backbone.attach(model, method, 0)
    recipe = Recipe(steps=3, batch=8, accumulate=accumulate, label_smoothing=smoothing)
    steps = Steps(encoded, tasks.Collator(1), recipe, 0, rank, world)
    optimiser = accelerator.prepare(make_optimiser(model, recipe))
    model.train()
    config = Config(recipe=recipe)
    loss, norm = compute_gradients(model, steps[number], config, accelerator, optimiser)
    made: dict[str, Any] = {name: p.grad for name, p in model.named_parameters() if p.requires_grad}
    return loss, norm, made


def test_two_processes_of_one_micro_batch_are_one_process_of_two(encoded, accelerator):
    loss, _, together = gradients(encoded, accelerator, 2)
    shares = [gradients(encoded, accelerator, 2, rank, 2) for rank in (0, 1)]
    assert loss == shares[0][0] + shares[1][0]
    for name, gradient in together.items():
        assert torch.equal(gradient, shares[0][2][name] + shares[1][2][name]), name


def test_without_dropout_the_number_of_micro_batches_does_not_matter(encoded, accelerator):
    loss, norm, whole = gradients(encoded, accelerator, 1, dropout=0.0)
    other_loss, other_norm, cut = gradients(encoded, accelerator, 3, dropout=0.0)
    assert (other_loss, other_norm) == pytest.approx((loss, norm), rel=1e-5)
    for name, gradient in whole.items():
        torch.testing.assert_close(cut[name], gradient, rtol=1e-4, atol=1e-5)


def test_the_loss_is_the_models_own_mean_over_target_tokens(encoded, accelerator):
    loss, _, _ = gradients(encoded, accelerator, 2, dropout=0.0, smoothing=0.0)
    recipe = Recipe(steps=3, batch=8)
    rows = Steps(encoded, tasks.Collator(1), recipe, 0)[0].rows
    with torch.no_grad():
        own = bart(0.0)(**tasks.Collator(1)([encoded[row] for row in rows])).loss
    assert loss == pytest.approx(own.item(), rel=1e-5)


def test_dropout_differs_between_steps_and_repeats_within(encoded, accelerator):
    model, batch = bart(0.5), tasks.Collator(1)(encoded[:4])
    from petl.training.loss import forward
    from petl.training.streams import set_stream

    def logits(step):
        set_stream(0, "dropout", step, 0)
        return forward(model.train(), batch)

    assert torch.equal(logits(0), logits(0))
    assert not torch.equal(logits(0), logits(1))


def test_a_step_smaller_than_its_micro_batches_still_has_a_gradient_everywhere(encoded, accelerator):
    _, _, none = gradients(encoded[:1], accelerator, 2, rank=0, world=2)
    assert all(gradient is not None for gradient in none.values())


def test_an_overflow_is_no_bad_number_where_the_scaler_can_still_scale_down():
    from petl.training.numbers import usable

    def scaled(scale) -> Any:
        return SimpleNamespace(scaler=SimpleNamespace(is_enabled=lambda: True, get_scale=lambda: scale))

    without: Any = SimpleNamespace(scaler=None)
    assert usable(1.0, float("inf"), scaled(1024.0))
    assert not usable(1.0, float("inf"), scaled(1.0))
    assert not usable(float("nan"), 1.0, scaled(1024.0))
    assert not usable(1.0, float("inf"), without)


def test_the_sum_of_gradients_does_not_depend_on_their_order(accelerator):
    chance = torch.Generator().manual_seed(0)
    parts = [torch.randn(10_000, generator=chance) * 10.0**power for power in range(-4, 4)]

    def total(order):
        parameter = torch.nn.Parameter(torch.zeros(10_000))
        sums = Total([parameter], accelerator)
        for i in order:
            parameter.grad = parts[i].clone()
            sums.add(torch.tensor(0.1))
        return sums.finish(reduced=False), parameter.grad

    loss, gradient = total(range(8))
    other_loss, other = total(reversed(range(8)))
    assert loss == other_loss and torch.equal(gradient, other)  # type: ignore[arg-type]
    assert not torch.equal(sum(parts), sum(reversed(parts)))  # type: ignore[arg-type]


def test_a_silent_micro_batch_adds_nothing(encoded, accelerator):
    loss, _, alone = gradients(encoded[:1], accelerator, 1, dropout=0.0)
    same_loss, _, padded = gradients(encoded[:1], accelerator, 4, dropout=0.0)
    assert loss == same_loss
    assert all(torch.equal(padded[name], gradient) for name, gradient in alone.items())
