"""Bytes that a training step and a decoding step need on one GPU, by arithmetic: pure functions of shapes.

Counted is what autograd keeps of each token, read off transformers' layers with fused attention: queries, keys, values
and the attention's output, the input of the activation function, the inputs of both LayerNorms (in float32), one byte
for each dropout decision; where a matrix trains, its input as well. Held against `saved_tensors_hooks` on small models
in tests/plan/test_memory.py; under mixed precision it is arithmetic only.
"""

from __future__ import annotations

from dataclasses import dataclass

from petl.plan.flops import Batch, Extra, Shape

CONTEXT = 1e9  # CUDA's own: context, cuBLAS and cuDNN workspaces
SLACK = 1.1  # what the allocator cannot use


@dataclass(frozen=True)
class Memory:
    """Bytes. `need` is what the GPU must have."""

    weights: float  # in float32, and the half precision copies that a pass makes of the matrices
    gradients: float
    optimiser: float
    activations: float  # of one micro-batch, logits included

    @property
    def need(self) -> float:
        return CONTEXT + SLACK * (self.weights + self.gradients + self.optimiser + self.activations)


def training(
    shape: Shape,
    extra: Extra,
    batch: Batch,
    total: int,
    matrices: int,
    trained: int,
    half: bool,
    tuned: float = 0.0,
    recomputed: bool = False,
    shards: int = 1,
) -> Memory:
    """Of one process. `total`, `matrices`, `trained`: parameters; `shards`: processes that share them (FSDP)."""
    return Memory(
        weights=4 * total / shards + 2 * matrices * half,
        gradients=4 * trained / shards,
        optimiser=8 * trained / shards,  # two moments
        activations=kept(shape, extra, batch, half, tuned, recomputed) + logits(shape, batch),
    )


def kept(
    shape: Shape, extra: Extra, batch: Batch, half: bool, tuned: float = 0.0, recomputed: bool = False, masks: int = 1
) -> float:
    """Bytes kept for the backward pass. `masks`: of a dropout decision; recomputed: gradient checkpointing."""
    w, d, f = 2 if half else 4, shape.d, shape.f
    source = batch.source + extra.prompt
    n_s, n_t, casts = batch.rows * source, batch.rows * batch.target, 3 if half else 1
    ffn = w * f + masks * (f + d) + 4 * d + tuned * w * (d + f)
    own = 4 * w * d + masks * d + 4 * d + tuned * w * casts * d
    cross = 2 * w * d + masks * d + 4 * d + tuned * w * d  # and keys and values of the source:
    read = 2 * w * d + tuned * w * d * (2 if half else 0)
    visible = w * batch.rows * source**2, w * batch.rows * batch.target * (batch.target + source)
    encoder = n_s * (own + ffn) + visible[0]
    decoder = n_t * (own + cross + ffn) + n_s * read + visible[1]
    keys = 2 * w * d * batch.rows * (extra.source_keys + extra.target_keys)
    deltas = w * (n_s * extra.source_kept + n_t * extra.target_kept) + keys
    if recomputed:  # the inputs of all layers, and all of one layer
        inputs = 4 * d * (shape.encoder * n_s + shape.decoder * n_t)
        return inputs + max(encoder, decoder) + deltas / max(1, shape.encoder + shape.decoder)
    return shape.encoder * encoder + shape.decoder * decoder + deltas + 4 * d * (n_s + n_t)


def logits(shape: Shape, batch: Batch) -> float:
    """The output in its own precision, log-probabilities and gradients in float32: 12 bytes for each."""
    return 12.0 * batch.rows * batch.target * shape.vocabulary


def decoding(shape: Shape, batch: Batch, total: int, beams: int, length: int, half: bool) -> Memory:
    """Of beam search over a batch: weights, cached keys and values of all beams, logits of one position."""
    w, hypotheses = 2 if half else 4, batch.rows * beams
    cache = 2 * w * shape.decoder * shape.d * hypotheses * (batch.source + length)
    return Memory(4.0 * total, 0.0, 0.0, cache + 12.0 * hypotheses * shape.vocabulary)
