"""Prompt tuning: l trained vectors before the embedded input (Lester et al., 2021; paper, Sec. 2.2)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from petl.design.pack import spread


class Prompt(nn.Module):
    """[P; x] with P [l, d] ~ N(0, 0.02^2): no position embedding and no embedding scale, as in the released code."""

    def __init__(self, length: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(length, width).normal_(std=0.02))

    @property
    def length(self) -> int:
        return self.weight.shape[-2]

    def forward(self, x: Tensor) -> Tensor:
        """[batch, n, d] -> [batch, l + n, d]."""
        return torch.cat([spread(self.weight.to(x.dtype), 2, x.shape[0]), x], dim=1)

    def mask(self, mask: Tensor) -> Tensor:
        """[batch, n] -> [batch, l + n]: every position may see the prompt."""
        return torch.cat([mask.new_ones(mask.shape[0], self.length), mask], dim=1)

    def pad(self, added: Tensor) -> Tensor:
        """What the backbone adds to the n tokens (positions, from 0), [..., n, d] -> [..., l + n, d]: nothing for P."""
        return F.pad(added, (0, 0, self.length, 0))

    def extra_repr(self) -> str:
        return f"l={self.length}, d={self.weight.shape[-1]}"
