"""One system at toy shapes, as the worker builds and times it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from petl.bench import worker
from petl.bench.shapes import SHAPES
from petl.bench.worker import Worker

TINY = {
    "vocab_size": 40, "d_model": 16, "encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2,
    "decoder_attention_heads": 2, "encoder_ffn_dim": 16, "decoder_ffn_dim": 16, "max_position_embeddings": 32,
}  # fmt: skip


@pytest.fixture
def tiny(monkeypatch):
    shape = replace(
        SHAPES["cpu"][0], name="tiny", rows=2, source=8, target=4, config=TINY, bottleneck=4, prefix=5, short=3,
        lora=2, network=6, written=5,
    )  # fmt: skip
    monkeypatch.setitem(worker.SHAPES, "cpu", [shape])
    return Worker("ours", "cpu")


def test_a_method_steps_decodes_and_has_a_peak(tiny):
    tiny.answer("ready", "mam", "tiny")
    system = tiny.there["mam", "tiny"]
    before = {name: p.detach().clone() for name, p in system.model.named_parameters()}
    assert tiny.answer("step", "mam", "tiny")["cost"] > 0
    changed = {name for name, p in system.model.named_parameters() if not torch.equal(p, before[name])}
    assert changed and all("petl_" in name for name in changed)
    assert tiny.answer("decode", "mam", "tiny")["cost"] > 0
    weights = sum(p.numel() * p.element_size() for p in system.model.parameters())
    assert tiny.answer("memory", "mam", "tiny")["cost"] > weights
    assert tiny.answer("drop", "mam", "tiny") == {} and not tiny.there


def test_the_floor_has_gradients_of_activations_and_of_nothing_else(tiny):
    tiny.answer("ready", "floor", "tiny")
    model = tiny.there["floor", "tiny"].model
    assert not any(p.requires_grad for p in model.parameters())
    assert model.get_input_embeddings()(torch.tensor([[5]])).requires_grad
    assert tiny.answer("step", "floor", "tiny")["cost"] > 0
    assert all(p.grad is None for p in model.parameters())


def test_peak_memory_is_the_same_every_time(tiny):
    first, second = (tiny.answer("memory", "lora", "tiny")["cost"] for _ in range(2))
    assert first == second
