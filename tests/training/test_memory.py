"""Out of memory: what is cut in half makes what it would have made whole."""

from __future__ import annotations

import math

import pytest
import torch

from petl.backbone import attach
from petl.config import Config, Method, Precision, Recipe, Runtime
from petl.training import NoMemory, gradients, memory, ranks
from petl.training.batches import Step
from petl.training.gradients import compute_gradients
from petl.training.optimiser import make_optimiser
from tests import cells

CELLS = ["relu-ffn-parallel-scaled", "prefix-dropout", "multi-head-norm", "lora-dropout", "mam", "prompt"]


@pytest.fixture
def accelerator():
    return ranks.start(Runtime(device="cpu"), Precision.fp32)


@pytest.fixture
def gradient(accelerator, monkeypatch):
    """gradient(architecture, cell, fits) -> loss, norm, gradients, where passes of more than `fits` rows do not fit."""
    honest = gradients.forward

    def made(architecture, cell, fits=math.inf, halved=None, checkpointing=False):
        def forward(model, batch):
            if len(batch["labels"]) > fits:
                raise torch.OutOfMemoryError("CUDA out of memory.")
            return honest(model, batch)

        monkeypatch.setattr(gradients, "forward", forward)
        model = cells.backbone(architecture, dropout=0.3).train()
        attach(model, Method(cell, deltas=cells.ALL[cell]), seed=0)
        if checkpointing:
            model.gradient_checkpointing_enable({"use_reentrant": False, "context_fn": memory.contexts})
        config = Config(recipe=Recipe(steps=1, accumulate=2, label_smoothing=0.1))
        halves = [{name: tensor[i : i + 5] for name, tensor in cells.batch(architecture).items()} for i in (0, 5)]
        step = Step(0, list(range(10)), 10, list(enumerate(halves)), 2)
        optimiser = accelerator.prepare(make_optimiser(model, config.recipe))
        loss, norm = compute_gradients(model, step, config, accelerator, optimiser, halved)
        return loss, norm, {name: p.grad for name, p in model.named_parameters() if p.requires_grad}

    return made


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("architecture", cells.ARCHITECTURES)
def test_halves_make_the_gradient_of_the_whole_dropout_included(gradient, architecture, cell):
    halved = []
    loss, norm, whole = gradient(architecture, cell)
    other_loss, other_norm, cut = gradient(architecture, cell, fits=2, halved=halved)
    assert halved == [1, 1]
    assert (other_loss, other_norm) == pytest.approx((loss, norm), rel=1e-6)
    for name, expected in whole.items():
        torch.testing.assert_close(cut[name], expected, rtol=1e-5, atol=1e-7)


@pytest.mark.filterwarnings("ignore:.*gradient_checkpointing_enable:FutureWarning")
@pytest.mark.parametrize("architecture", cells.ARCHITECTURES)
def test_halves_under_gradient_checkpointing_too(gradient, architecture):
    _, _, whole = gradient(architecture, "mam")
    _, _, cut = gradient(architecture, "mam", fits=3, checkpointing=True)
    for name, expected in whole.items():
        torch.testing.assert_close(cut[name], expected, rtol=1e-5, atol=1e-7)


def test_what_had_to_be_cut_is_cut_from_then_on(gradient):
    halved = [7]
    gradient("bart", "mam", fits=3, halved=halved)
    assert halved == [7]


def test_a_row_that_does_not_fit_alone_is_said(gradient):
    with pytest.raises(NoMemory, match=r"in step 1, with one row at a time: CUDA out of memory(?s:.*)fsdp"):
        gradient("bart", "mam", fits=0)


def test_answers_come_in_their_order_whatever_fits():
    def answer(indices, batch):
        if len(indices) > 2:
            raise torch.OutOfMemoryError
        return [index * 10 + int(value) for index, value in zip(indices, batch["labels"], strict=True)]

    batch = {"labels": torch.arange(5)}
    assert memory.in_halves(answer, [4, 3, 2, 1, 0], batch) == [40, 31, 22, 13, 4]


def test_only_want_of_memory_is_taken_for_it():
    with pytest.raises(RuntimeError, match="shape"), memory.told():
        raise RuntimeError("shape mismatch")
    with pytest.raises(NoMemory, match=r"can't allocate memory(?s:.*)gradient_checkpointing"), memory.told():
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.")


def test_an_evaluation_out_of_memory_gives_the_same_answers(configure, monkeypatch):
    from petl.training import run
    from petl.training.evaluate import Judge

    expected, honest = run(configure(steps=0)), Judge._generate

    def generate(judge, indices, batch):
        if len(indices) > 1:
            raise torch.OutOfMemoryError
        return honest(judge, indices, batch)

    monkeypatch.setattr(Judge, "_generate", generate)
    found = run(configure(steps=0, eval_batch=4))
    assert found["metrics"]["test"]["rouge1"] == expected["metrics"]["test"]["rouge1"]
