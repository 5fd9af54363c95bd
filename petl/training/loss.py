"""The loss, once, from the logits."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F


def forward(model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
    """Logits, (rows, target tokens, vocabulary) or (rows, classes).

    The model is not given the labels: it would compute a loss of its own.
    """
    inputs = {name: tensor for name, tensor in batch.items() if name != "labels"}
    if batch["labels"].dim() == 2:  # a target sequence
        inputs.setdefault("decoder_input_ids", model.prepare_decoder_input_ids_from_labels(labels=batch["labels"]))  # type: ignore[operator]
        inputs["use_cache"] = False  # type: ignore[assignment]
    return model(**inputs).logits


def summed_loss(logits: Tensor, labels: Tensor, smoothing: float = 0.0) -> Tensor:
    """Sum over the labels y that are not -100 of (1 - eps) (-log p_y) + eps mean_v(-log p_v), in float32; a scalar.

    Label smoothing as in HF's LabelSmoother, which the paper's code uses: the mean is over all V classes, y included.
    """
    flat = logits.float().reshape(-1, logits.shape[-1])
    return F.cross_entropy(flat, labels.reshape(-1), ignore_index=-100, reduction="sum", label_smoothing=smoothing)
