"""The loss, once, from the logits."""

from __future__ import annotations

from torch import Tensor, nn
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
    """
    flat = logits.float().reshape(-1, logits.shape[-1])
    return F.cross_entropy(flat, labels.reshape(-1), ignore_index=-100, reduction="sum", label_smoothing=smoothing)
