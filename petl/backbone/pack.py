"""Models that differ in few tensors made one: these tensors get a leading dimension, all others are there once."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from petl.config import UserError
from petl.design.compose import Scale
from petl.design.heads import Heads, Network
from petl.design.prompt import Prompt

ABLE = (nn.Linear, nn.LayerNorm, Scale, Heads, Network, Prompt)  # whose tensors may have the dimension


def share(models: Sequence[nn.Module]) -> None:
    """Frozen tensors that are equal in all models lie in memory once; what a seed has drawn stays each one's own."""
    first = dict(models[0].named_parameters())
    for model in models[1:]:
        for name, tensor in model.named_parameters():
            if not tensor.requires_grad and torch.equal(tensor, first[name]):
                tensor.data = first[name].data


class Pack:
    """`model`: one whose rows come in groups, a group for each of `models`, which `share` their frozen tensors.

    Its own tensors [P, ...] and those of the models are the same memory: a step of a model's optimiser moves both. It
    takes F.linear and F.layer_norm that know the dimension (petl.design.pack).
    """

    def __init__(self, models: Sequence[nn.Module]) -> None:
        self.models = list(models)
        first, others = self.models[0], [dict(model.named_parameters()) for model in self.models]
        own = [name for name, tensor in first.named_parameters() if _is_own(name, tensor, others)]
        _refuse(first, own)
        kept = [tensor for name, tensor in first.named_parameters() if name not in own] + list(first.buffers())
        self.model = copy.deepcopy(first, {id(tensor): tensor for tensor in kept})
        self._own = [self._stack(name, [held[name] for held in others]) for name in own]
        self._spread_scales()

    def hand_out(self) -> None:
        """The pack's `.grad` becomes that of the models, to each its part."""
        for stacked, tensors in self._own:
            parts = [None] * len(tensors) if stacked.grad is None else stacked.grad.unbind()
            stacked.grad = None
            for tensor, part in zip(tensors, parts, strict=True):
                tensor.grad = part

    def _stack(self, name: str, tensors: list[nn.Parameter]) -> tuple[nn.Parameter, list[nn.Parameter]]:
        stacked = torch.stack([tensor.detach() for tensor in tensors])
        for tensor, part in zip(tensors, stacked.unbind(), strict=True):
            tensor.data = part
        path, _, attribute = name.rpartition(".")
        made = nn.Parameter(stacked, requires_grad=tensors[0].requires_grad)
        setattr(self.model.get_submodule(path), attribute, made)
        return made, tensors

    def _spread_scales(self) -> None:
        """Constants s that differ from model to model."""
        for name, module in self.model.named_modules():
            if not isinstance(module, Scale) or isinstance(module.s, Tensor):
                continue
            found: list[Any] = [model.get_submodule(name) for model in self.models]
            if any(scale.s != module.s for scale in found):
                device = next(self.model.parameters()).device
                module.s = torch.tensor([[scale.s] for scale in found], device=device)


def _is_own(name: str, tensor: nn.Parameter, others: Sequence[dict[str, nn.Parameter]]) -> bool:
    return tensor.requires_grad or any(held[name].data_ptr() != tensor.data_ptr() for held in others)


def _refuse(model: nn.Module, own: Sequence[str]) -> None:
    for name in own:
        module = model.get_submodule(name.rpartition(".")[0])
        if not isinstance(module, ABLE):
            kind = type(module).__name__
            raise UserError(f"runtime.pack: {name} is each run's own, and no {kind} of a pack's members can be one.")
