"""A trained method made part of the backbone, as far as it can be: nothing is left to compute twice.

A linear delta that reads the input of the very matrix whose output it changes is a change of that matrix (LoRA at q, v
or the FFN matrices). A prefix network is folded into the prefixes it makes. Everything else stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from transformers import PreTrainedModel

from petl.backbone.attach import Placed, placed
from petl.backbone.hooks import Feeder, Tap
from petl.config import Insertion, Norm, Position
from petl.design.delta import Delta
from petl.design.heads import Heads, Network


@torch.no_grad()
def merge(model: PreTrainedModel) -> list[str]:
    """Merges in place and for good; returns the names of the deltas that are gone. Evaluation outputs stay the same.

    W <- W + s W_up W_down and b <- b + s (W_up b_down + b_up) for linear deltas; P <- network() for prefixes.
    """
    gone = [row for row in placed(model) if mergeable(row)]
    for row in gone:
        for path in row.paths:
            _merge_linear(model, path)
    vars(model)["petl_placed"] = [row for row in placed(model) if row not in gone]
    fold(model)
    return [row.name for row in gone]


@torch.no_grad()
def fold(model: PreTrainedModel) -> None:
    """P <- network(), in place and for good: what is left of a re-parameterised prefix is the prefix."""
    for module in list(model.modules()):
        for hook in list(module._forward_pre_hooks.values()):
            feeder = getattr(hook, "__self__", None)
            if isinstance(feeder, Feeder):
                feeder.feed(module, ())
                for heads in feeder.heads:
                    _own(heads)
                _unhook(module._forward_pre_hooks, lambda owner, feeder=feeder: owner is feeder)
    base = model.base_model
    for name, child in list(base.named_children()):
        if any(isinstance(part, Network) for part in child.children()):
            delattr(base, name)


def mergeable(row: Placed) -> bool:
    spec = row.spec
    linear = spec.form == "linear" and spec.norm is Norm.none
    return linear and spec.position in (Position.qv, Position.fc) and spec.insertion is Insertion.parallel


def _merge_linear(model: PreTrainedModel, path: str) -> None:
    parent, _, name = path.rpartition(".")
    linear, delta = model.get_submodule(parent), model.get_submodule(path)
    assert isinstance(linear, nn.Linear) and isinstance(delta, Delta)
    linear.weight += delta.scale(delta.up.weight @ delta.down.weight)
    if delta.down.bias is not None:
        change = delta.scale(delta.up.weight @ delta.down.bias + delta.up.bias)
        linear.bias = nn.Parameter(change if linear.bias is None else linear.bias + change, requires_grad=False)
    _unhook(linear._forward_hooks, lambda owner: isinstance(owner, Tap) and owner.delta is delta)
    delattr(linear, name)


def _own(heads: Heads) -> None:
    """The prefix a network gave becomes the heads' own parameter."""
    assert heads.prefix is not None
    heads.key, heads.value = (nn.Parameter(part.clone(memory_format=torch.contiguous_format)) for part in heads.prefix)
    heads.prefix = None


def _unhook(hooks: dict, belongs: Callable[[object], bool]) -> None:
    for key in [key for key, hook in hooks.items() if belongs(getattr(hook, "__self__", None))]:
        del hooks[key]
