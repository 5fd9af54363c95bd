"""Runs packed together: tuned tensors of P members [P, ...], and rows in P groups, [P * rows, ...].

Group p of the rows meets tensor p: one batched product in place of P small ones. Nothing here is used by a run alone.
"""

import torch
from torch import Tensor
from torch.nn import functional as F


def spread(tensor: Tensor, own: int, rows: int) -> Tensor:
    """A tensor of `own` dimensions for each of so many rows, [rows, ...]; of P members, [P, ...], each for its group.

    Members' rows lie in memory as those of a run alone do: dropout draws numbers in that order.
    """
    if tensor.dim() == own:
        return tensor.expand(rows, *tensor.shape)
    order = sorted(range(tensor.dim()), key=tensor.stride, reverse=True)
    assert order[0] == 0, "members lie behind each other"
    back = sorted(range(tensor.dim()), key=order.__getitem__)
    return tensor.permute(order).repeat_interleave(rows // len(tensor), 0).permute(back)


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x W^T + b with W [P, d_out, d_in] or [d_out, d_in], b [P, d_out] or [d_out]; x [P * rows, ..., d_in]."""
    if weight.dim() == 2:
        assert bias is not None
        return _on_groups(F.linear(x, weight), 1.0, bias)
    groups = x.reshape(len(weight), -1, x.shape[-1])
    if bias is None:
        made = torch.bmm(groups, weight.mT)
    else:
        made = torch.baddbmm(bias.unsqueeze(-2), groups, weight.mT)
    return made.view(*x.shape[:-1], -1)


def layer_norm(x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    """LayerNorm over the last dimension, with weight and bias [P, d] or [d]; x [P * rows, ..., d]."""
    return _on_groups(F.layer_norm(x, x.shape[-1:], eps=eps), weight, bias)


def _on_groups(x: Tensor, weight: Tensor | float, bias: Tensor) -> Tensor:
    """w x + b, where one of the two has a leading dimension P at least."""
    packed = bias if bias.dim() == 2 else weight
    assert isinstance(packed, Tensor)
    factor, summand = (t.unsqueeze(-2) if isinstance(t, Tensor) and t.dim() == 2 else t for t in (weight, bias))
    return (x.reshape(len(packed), -1, x.shape[-1]) * factor + summand).view(x.shape)
