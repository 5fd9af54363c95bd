"""AdamW on what is trained, and its learning rate."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from petl.config import Recipe


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """The trained parameters in two groups: with weight decay, and (biases and normalisation layers) without."""
    norms = {id(p) for module in model.modules() if _is_norm(module) for p in module.parameters(recurse=False)}
    decayed, spared = [], []
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            spare = id(parameter) in norms or name.rpartition(".")[2] == "bias"
            (spared if spare else decayed).append(parameter)
    groups = [{"params": decayed, "weight_decay": weight_decay}, {"params": spared, "weight_decay": 0.0}]
    return [group for group in groups if group["params"]]


def make_optimiser(model: nn.Module, recipe: Recipe) -> torch.optim.AdamW:
    groups = parameter_groups(model, recipe.weight_decay)
    beta1, beta2 = recipe.betas
    return torch.optim.AdamW(groups, lr=recipe.lr, betas=(beta1, beta2), eps=recipe.eps)


def learning_rate(step: int, total: int, recipe: Recipe) -> float:
    """Rate of step 0 <= t < T with W = ceil(warmup T): lr t / W in the warm-up, then lr_end + (lr - lr_end) (T - t) / (T - W).

    A function of the step alone, so that nothing needs saving. As HF's polynomial schedule of power 1: with a warm-up the
    first step has rate 0.
    """
    warmup = math.ceil(recipe.warmup * total)
    if step < warmup:
        return recipe.lr * step / warmup
    return recipe.lr_end + (recipe.lr - recipe.lr_end) * (total - step) / max(1, total - warmup)


def _is_norm(module: nn.Module) -> bool:
    return isinstance(module, nn.LayerNorm) or type(module).__name__.endswith(("LayerNorm", "RMSNorm"))
