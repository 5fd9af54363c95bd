"""Attention with a delta in its heads, as a function that transformers calls in place of its own.

One pair of functions serves every architecture that goes through `AttentionInterface`. They are called after the
cache was updated, so a prefix is in no cache: beams, gradient checkpointing, encoder, decoder and cross attention all
work. The matching mask functions are registered too: without them transformers drops padding and causality in silence.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import eager_mask, sdpa_mask

from petl.design.heads import Heads

HEADS = "petl_heads"  # the attribute of an attention module that holds its delta


def eager_attention_forward(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float,
    dropout: float = 0.0,
    position_bias: Tensor | None = None,
    **kwargs: object,
) -> tuple[Tensor, Tensor]:
    """softmax(scaling q K^T + mask) V with every step visible: the reference, whose dropout can be watched."""
    groups = query.shape[1] // key.shape[1]
    key, value = key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
    scores = torch.matmul(query, key.transpose(2, 3)) * scaling
    if position_bias is not None:
        scores = scores + position_bias
    if attention_mask is not None:
        scores = scores + attention_mask
    weights = F.dropout(scores.softmax(-1), p=dropout, training=module.training)
    return torch.matmul(weights, value).transpose(1, 2).contiguous(), weights


def with_heads(plain: Callable) -> Callable:
    """The attention function `plain`, composed with the delta of the module that calls it, where it has one."""

    def attention(
        module: nn.Module,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attention_mask: Tensor | None,
        scaling: float | None = None,
        dropout: float = 0.0,
        is_causal: bool | None = None,
        position_bias: Tensor | None = None,
        **kwargs: object,
    ) -> tuple[Tensor, Tensor | None]:
        scaling = query.shape[-1] ** -0.5 if scaling is None else scaling
        heads: Heads | None = getattr(module, HEADS, None)
        extra = kwargs if position_bias is None else {**kwargs, "position_bias": position_bias}
        if heads is None:
            return plain(
                module,
                query,
                key,
                value,
                attention_mask,
                scaling=scaling,
                dropout=dropout,
                is_causal=is_causal,
                **extra,
            )

        causal = getattr(module, "is_causal", False) if is_causal is None else is_causal
        if attention_mask is None and causal and query.shape[2] > 1:
            attention_mask = causal_mask(query, key)

        def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
            bias = (
                {} if position_bias is None else {"position_bias": F.pad(position_bias, (k.shape[2] - key.shape[2], 0))}
            )
            return plain(module, q, k, v, mask, scaling=scaling, dropout=dropout, is_causal=False, **kwargs, **bias)[0]

        own = heads.take_query(query)
        return heads(query, own, key, value, attention_mask, scaling, attend, position_bias is not None), None

    return attention


def causal_mask(query: Tensor, key: Tensor) -> Tensor:
    """[1, 1, n, m], additive: query i of the last n positions sees the keys up to its own."""
    n, m = query.shape[2], key.shape[2]
    hidden = torch.ones(n, m, dtype=torch.bool, device=query.device).triu(m - n + 1)
    return torch.zeros(1, 1, n, m, dtype=query.dtype, device=query.device).masked_fill(
        hidden, torch.finfo(query.dtype).min
    )


FUNCTIONS = {"sdpa": (sdpa_attention_forward, sdpa_mask), "eager": (eager_attention_forward, eager_mask)}
for _name, (_plain, _mask) in FUNCTIONS.items():
    AttentionInterface.register(f"petl_{_name}", with_heads(_plain))
    AttentionMaskInterface.register(f"petl_{_name}", _mask)


def use(model: PreTrainedModel) -> None:
    """Route the model's attention through ours, keeping its choice of eager or sdpa."""
    chosen = model.config._attn_implementation or "sdpa"
    if not chosen.startswith("petl_"):
        model.set_attn_implementation(f"petl_{chosen if chosen in FUNCTIONS else 'sdpa'}")
