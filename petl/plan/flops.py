"""FLOPs of a transformer with deltas, by arithmetic: pure functions of shapes. A multiply-add is two.

n_s = rows x source, n_t = rows x target tokens, padding included; d the width, f the FFN's, V the vocabulary.
A matrix costs 2 x its weights for every token it meets; attention 4 d for every pair of query and key.
Held against torch.utils.flop_counter on small models in tests/plan/test_flops.py. Left out: embeddings, normalisation,
softmax, dropout, the loss: memory traffic rather than arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass

BACKWARD_ATTENTION = 2.5  # of a forward pass: dQ, dK, dV, dP, and QK^T again, which no fused kernel stores


@dataclass(frozen=True)
class Shape:
    """A transformer as far as its matrices go."""

    d: int
    f: int
    encoder: int  # layers
    decoder: int  # layers; 0: an encoder with a classifier
    vocabulary: int  # the decoder's output; 0: a classifier

    @property
    def sublayers(self) -> int:
        return 2 * self.encoder + 3 * self.decoder


@dataclass(frozen=True)
class Extra:
    """What deltas add to one pass, over all their places."""

    source: int = 0  # weights that every source token meets
    target: int = 0  # weights that every target token meets
    source_keys: int = 0  # prefix keys that every source query meets
    target_keys: int = 0  # prefix keys that every target query meets
    network: int = 0  # weights of the prefix networks x the positions they make
    prompt: int = 0  # source tokens more
    source_kept: int = 0  # numbers that the backward pass keeps of every source token
    target_kept: int = 0


@dataclass(frozen=True)
class Batch:
    rows: float
    source: float  # tokens of a row, padding included
    target: float = 0.0


def linear(shape: Shape, batch: Batch) -> float:
    """Forward FLOPs of the backbone's matrices."""
    d, f, n_s, n_t = shape.d, shape.f, batch.rows * batch.source, batch.rows * batch.target
    encoder = shape.encoder * n_s * (4 * d * d + 2 * d * f)
    decoder = shape.decoder * (n_t * (6 * d * d + 2 * d * f) + n_s * 2 * d * d)  # cross attention's keys and values
    head = n_t * d * shape.vocabulary if shape.vocabulary else batch.rows * d * d
    return 2 * (encoder + decoder + head)


def attention(shape: Shape, batch: Batch) -> float:
    """Forward FLOPs of Q K^T and its product with V."""
    n_s, n_t = batch.rows * batch.source, batch.rows * batch.target
    return 4 * shape.d * (shape.encoder * n_s * batch.source + shape.decoder * n_t * (batch.target + batch.source))


def prefixes(shape: Shape, extra: Extra, batch: Batch) -> float:
    """Forward FLOPs of attention to the keys that deltas add."""
    return 4 * shape.d * batch.rows * (batch.source * extra.source_keys + batch.target * extra.target_keys)


def deltas(extra: Extra, batch: Batch) -> float:
    """Forward FLOPs of the deltas' own matrices, prefix networks included."""
    return 2 * (batch.rows * (batch.source * extra.source + batch.target * extra.target) + extra.network)


def training(shape: Shape, extra: Extra, batch: Batch, tuned: float = 0.0, recomputed: bool = False) -> float:
    """FLOPs of forward and backward pass over one micro-batch.

    tuned: share of the backbone's matrices that have a gradient of their own, besides the activations', which all
    have: 0 for deltas, 1 for full fine-tuning. recomputed: gradient checkpointing runs the forward pass twice.
    """
    batch = Batch(batch.rows, batch.source + extra.prompt, batch.target)
    matrices, attended = linear(shape, batch), attention(shape, batch) + prefixes(shape, extra, batch)
    forward = matrices + attended + deltas(extra, batch)
    backward = (1 + tuned) * matrices + BACKWARD_ATTENTION * attended + 2 * deltas(extra, batch)
    return (2 if recomputed else 1) * forward + backward


def forward(shape: Shape, extra: Extra, batch: Batch) -> float:
    """FLOPs of one pass without gradients; prefix networks are folded by then."""
    batch = Batch(batch.rows, batch.source + extra.prompt, batch.target)
    added = deltas(extra, batch) - 2 * extra.network
    return linear(shape, batch) + attention(shape, batch) + prefixes(shape, extra, batch) + added


def decoding(shape: Shape, extra: Extra, batch: Batch, beams: int, steps: float) -> float:
    """FLOPs of beam search: the encoder once, then `steps` tokens of every beam with cached keys and values."""
    n = batch.rows * (batch.source + extra.prompt)
    read = forward(Shape(shape.d, shape.f, shape.encoder, 0, 0), extra, Batch(batch.rows, batch.source))
    keys = 2 * shape.decoder * n * beams * 2 * shape.d * shape.d
    ends = Batch(batch.rows * beams, 0.0, steps)
    written = linear(shape, ends) + deltas(extra, ends) - 2 * extra.network
    seen = 4 * shape.d * batch.rows * beams * steps
    attended = seen * (shape.decoder * (batch.source + extra.prompt + steps / 2) + extra.target_keys)
    return read + keys + written + attended
