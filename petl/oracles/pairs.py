"""A library's tensor beside ours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import PreTrainedModel

from petl.config import UserError


def same(t: Tensor) -> Tensor:
    return t


@dataclass(frozen=True)
class Pair:
    """One tensor of a library and one of ours.

    `fill` makes our values out of its. Gradients meet as `ours(our gradient)` and `theirs(its gradient)`; `ours` is
    None for a tensor of ours that only takes a fixed value.
    """

    name: str
    parameter: Tensor
    fill: Callable[[Tensor], Tensor] = same
    ours: Callable[[Tensor], Tensor] | None = same
    theirs: Callable[[Tensor], Tensor] = same


@torch.no_grad()
def load(model: PreTrainedModel, pairs: list[Pair], state: dict[str, Tensor]) -> None:
    """Copies a library's tensors into ours; what they name is tuned, and only that.

    UserError where one is missing, or where one would be left over.
    """
    named = {pair.name for pair in pairs}
    missing, unused = sorted(named - state.keys()), sorted(state.keys() - named)
    if missing or unused:
        raise UserError(
            f"These tensors are not this method's: {len(missing)} missing {missing[:3]}, "
            f"{len(unused)} unknown {unused[:3]}."
        )
    model.requires_grad_(False)
    for pair in pairs:
        pair.parameter.copy_(pair.fill(state[pair.name]))
        pair.parameter.requires_grad_(pair.ours is not None)


def insist(config: dict, wanted: dict) -> None:
    """UserError where `config` asks for something that the grid does not have."""
    for name, value in wanted.items():
        if config.get(name, value) != value:
            raise UserError(f"{name}={config[name]} is no cell of the grid; only {name}={value} is.")
