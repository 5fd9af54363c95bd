"""The nonlinearity phi of f(x) = phi(x W_down) W_up. A new functional form is one entry here."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F


def identity(z: Tensor) -> Tensor:
    return z


def softmax(z: Tensor) -> Tensor:
    return z.softmax(-1)


FORMS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu,  # adapter: ReLU(x W_down) W_up
    "gelu": F.gelu,
    "tanh": torch.tanh,
    "silu": F.silu,
    "linear": identity,  # LoRA: x W_down W_up
    "softmax": softmax,  # prefix tuning: softmax(x W_q P_k^T) P_v
}
