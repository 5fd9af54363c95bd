"""The composition function: how the change dh meets the representation h it modifies (paper, Table 1)."""

import torch
from torch import Tensor, nn

from petl.config import Rule
from petl.design.pack import spread


class Scale(nn.Module):
    """s of h + s dh: one for `add`, a constant for `scaled`, trained from one for `learned`."""

    def __init__(self, rule: Rule, s: float) -> None:
        super().__init__()
        constant = s if rule is Rule.scaled else 1.0
        self.s: Tensor | float = nn.Parameter(torch.ones(1)) if rule is Rule.learned else constant

    def forward(self, dh: Tensor) -> Tensor:
        if isinstance(self.s, Tensor) and self.s.dim() == 2:  # of runs packed together, [P, 1]
            return spread(self.s, 1, len(dh)).view(-1, *[1] * (dh.dim() - 1)) * dh
        return dh if isinstance(self.s, float) and self.s == 1.0 else self.s * dh

    def extra_repr(self) -> str:
        return "learned" if isinstance(self.s, nn.Parameter) else f"{self.s:g}"
