"""The composition function: how the change dh meets the representation h it modifies (paper, Table 1)."""

import torch
from torch import Tensor, nn

from petl.config import Rule


class Scale(nn.Module):
    """s of h + s dh: one for `add`, a constant for `scaled`, trained from one for `learned`."""

    def __init__(self, rule: Rule, s: float) -> None:
        super().__init__()
        self.s = nn.Parameter(torch.ones(1)) if rule is Rule.learned else (s if rule is Rule.scaled else 1.0)

    def forward(self, dh: Tensor) -> Tensor:
        return dh if isinstance(self.s, float) and self.s == 1.0 else self.s * dh

    def extra_repr(self) -> str:
        return "learned" if isinstance(self.s, nn.Parameter) else f"{self.s:g}"
