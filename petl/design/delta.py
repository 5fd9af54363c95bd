"""A delta with weights of its own: adapters, LoRA, and every cell between them."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from petl.config import Delta as Spec
from petl.config import Init, Norm
from petl.design.compose import Scale
from petl.design.forms import FORMS


class Delta(nn.Module):
    """LN?(s dh) with dh = D?(phi(D?(LN?(x)) W_down + b_down)) W_up + b_up; the caller adds the result to h.

    x is [..., d_in], the result [..., d_out]; `down.weight` [r, d_in] is W_down^T, `up.weight` [d_out, r] is W_up^T.
    LayerNorms and dropouts exist where the spec asks for them: the paper's equations
    have none, its code has (see conf/position).
    """

    def __init__(self, spec: Spec, d_in: int, d_out: int, dropout: float) -> None:
        super().__init__()
        r = sized(spec)
        self.form, self.dropout, self.dropout_on = spec.form, dropout, spec.dropout_on
        self.norm_in = nn.LayerNorm(d_in) if spec.norm is Norm.input else None
        self.down = nn.Linear(d_in, r, bias=spec.bias)
        self.up = nn.Linear(r, d_out, bias=spec.bias)
        self.norm_out = nn.LayerNorm(d_out) if spec.norm is Norm.output else None
        self.scale = Scale(spec.compose, spec.s)
        start(self, spec.init)

    def forward(self, x: Tensor) -> Tensor:
        if self.norm_in is not None:
            x = self.norm_in(x)
        if self.dropout_on == "input":
            x = F.dropout(x, self.dropout, self.training)
        z = FORMS[self.form](self.down(x))
        if self.dropout_on == "bottleneck":
            z = F.dropout(z, self.dropout, self.training)
        dh = self.scale(self.up(z))
        return dh if self.norm_out is None else self.norm_out(dh)

    def extra_repr(self) -> str:
        return f"{self.form}, r={self.down.out_features}" + (f", dropout={self.dropout:g}" if self.dropout else "")


def sized(spec: Spec) -> int:
    """The size r or l, which `petl.design.budget` has resolved by the time a delta is built."""
    assert spec.size is not None, "a delta without a size"
    return spec.size


@torch.no_grad()
def start(delta: Delta, init: Init) -> None:
    """`bert`: both matrices N(0, 0.02^2). `lora`: Kaiming-uniform(a=sqrt 5) down, zero up. Biases start at zero."""
    if init is Init.bert:
        nn.init.normal_(delta.down.weight, std=0.02)
        nn.init.normal_(delta.up.weight, std=0.02)
    else:
        nn.init.kaiming_uniform_(delta.down.weight, a=math.sqrt(5))
        nn.init.zeros_(delta.up.weight)
    for linear in (delta.down, delta.up):
        if linear.bias is not None:
            nn.init.zeros_(linear.bias)
