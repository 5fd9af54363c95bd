"""The loss, once, from the logits."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F


def forward(model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
    """Logits, (rows, target tokens, vocabulary) or (rows, classes).

    The model is not given the labels: it would compute a loss of its own.
    """
    return logits(model, inputs(model, batch))


def inputs(model: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """What the model is given: the batch without its labels, and the decoder's input that they are shifted to."""
    given = {name: tensor for name, tensor in batch.items() if name != "labels"}
    if batch["labels"].dim() == 2:  # a target sequence
        given.setdefault("decoder_input_ids", model.prepare_decoder_input_ids_from_labels(labels=batch["labels"]))  # type: ignore[operator]
    return given


def logits(model: nn.Module, given: dict[str, Tensor]) -> Tensor:
    """Of what `inputs` gave; nothing is cached for decoding."""
    return model(**given, **({"use_cache": False} if "decoder_input_ids" in given else {})).logits


def summed_loss(logits: Tensor, labels: Tensor, smoothing: float = 0.0) -> Tensor:
    """Sum over the labels y that are not -100 of (1 - eps) (-log p_y) + eps mean_v(-log p_v), in float32; a scalar.

    Label smoothing as in HF's LabelSmoother, which the paper's code uses: the mean is over all V classes, y included.
    Where a gradient is wanted, it is computed at once and in the place of float32 logits, which are no more after that.
    """
    flat, labels = logits.float().reshape(-1, logits.shape[-1]), labels.reshape(-1)
    if torch.is_grad_enabled() and flat.requires_grad:
        return _CrossEntropy.apply(flat, labels, smoothing)  # type: ignore[return-value]
    return F.cross_entropy(flat, labels, ignore_index=-100, reduction="sum", label_smoothing=smoothing)


class _CrossEntropy(torch.autograd.Function):
    """F.cross_entropy holds three to six copies of (tokens, V), half of a small backbone's memory, and writes them all.

    Of l = logsumexp(x) - (1 - eps) x_y - eps mean(x) the gradient is softmax(x) - (1 - eps) [v = y] - eps / V.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, labels: Tensor, smoothing: float) -> Tensor:
        counted = (labels != -100).unsqueeze(-1)
        y = labels.clamp(min=0).unsqueeze(-1)
        even = smoothing / x.shape[-1]
        loss = -(1 - smoothing) * x.gather(-1, y)
        if smoothing:
            loss -= even * x.sum(-1, keepdim=True)
        top = x.amax(-1, keepdim=True)
        mass = x.sub_(top).exp_().sum(-1, keepdim=True)
        loss += mass.log() + top
        x.mul_(counted / mass)
        if smoothing:
            x.sub_(counted * even)
        ctx.gradient = x.scatter_add_(-1, y, (smoothing - 1) * counted.to(x.dtype))
        return loss.masked_fill_(~counted, 0.0).sum()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        gradient, ctx.gradient = ctx.gradient, None  # a second pass would scale it twice, so it has none
        return gradient.mul_(gradients[0]), None, None
