"""AdamW on what is trained, and its learning rate."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from petl.config import Optimiser, Recipe


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


def make_optimiser(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    groups = parameter_groups(model, recipe.weight_decay)
    beta1, beta2 = recipe.betas
    kind = torch.optim.AdamW if recipe.optimiser is Optimiser.adamw else TransformersAdamW
    return kind(groups, lr=recipe.lr, betas=(beta1, beta2), eps=recipe.eps)


class TransformersAdamW(torch.optim.Optimizer):
    """AdamW as transformers 4.9 had it, which the paper's code trains with.

    m <- b1 m + (1 - b1) g,  v <- b2 v + (1 - b2) g^2
    p <- p - lr sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + eps),  then  p <- p - lr wd p

    torch's AdamW adds eps after the bias correction of v, and decays before the update.
    """

    def __init__(
        self, params: Any, lr: float, betas: tuple[float, float], eps: float, weight_decay: float = 0.0
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, **{name: group[name] for name in ("lr", "betas", "eps", "weight_decay")})

    def _update(self, p: nn.Parameter, lr: float, betas: tuple[float, float], eps: float, weight_decay: float) -> None:
        state, (beta1, beta2), grad = self.state[p], betas, p.grad
        assert grad is not None
        if not state:
            state.update(step=0, exp_avg=torch.zeros_like(p), exp_avg_sq=torch.zeros_like(p))
        state["step"] += 1
        state["exp_avg"].mul_(beta1).add_(grad, alpha=1 - beta1)
        state["exp_avg_sq"].mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        rate = lr * math.sqrt(1 - beta2 ** state["step"]) / (1 - beta1 ** state["step"])
        p.addcdiv_(state["exp_avg"], state["exp_avg_sq"].sqrt().add_(eps), value=-rate)
        if weight_decay > 0:
            p.add_(p, alpha=-lr * weight_decay)


def learning_rate(step: int, total: int, recipe: Recipe) -> float:
    """Rate of step 0 <= t < T, W = ceil(warmup T): lr t / W before W, then lr_end + (lr - lr_end) (T - t) / (T - W).

    A function of the step alone, so that nothing needs saving. As HF's polynomial schedule of power 1: with a warm-up
    the first step has rate 0.
    """
    warmup = math.ceil(recipe.warmup * total)
    if step < warmup:
        return recipe.lr * step / warmup
    return recipe.lr_end + (recipe.lr - recipe.lr_end) * (total - step) / max(1, total - warmup)


def _is_norm(module: nn.Module) -> bool:
    return isinstance(module, nn.LayerNorm) or type(module).__name__.endswith(("LayerNorm", "RMSNorm"))
