"""Deltas inside attention, one per head: prefix tuning, its un-gated form, and multi-head parallel adapters.

For head i with query q = x W_q^(i), keys K and values V the paper rewrites prefix tuning (Eq. 5-7) as

    h  <-  (1 - lambda) h + lambda dh,     dh = softmax(q P_k^T) P_v

so that the prefix P_k, P_v [heads, l, d_head] is a two-layer network like any other delta, with W_down = W_q P_k^T and
W_up = P_v. With phi = ReLU and h + dh it is the multi-head parallel adapter.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from petl.config import Delta as Spec
from petl.config import Norm, Rule
from petl.design.compose import Scale
from petl.design.delta import sized
from petl.design.forms import FORMS
from petl.design.pack import spread

Attend = Callable[
    [Tensor, Tensor, Tensor, Tensor | None], Tensor
]  # queries, keys, values, mask -> [B, n, heads, d_head]


class Network(nn.Module):
    """Re-parameterisation of the prefixes of all layers of one kind of attention (Li and Liang, 2021).

    Z = W_2 tanh(W_1 E + b_1) + b_2,  E [l, d], W_1: d -> width, W_2: width -> layers * 2 * heads * d_head

    `forward` gives [layers, 2, heads, l, d_head] (keys, then values). It depends on no input: it runs once per forward
    pass of the backbone, and once per change of its weights where no gradient is asked for.
    """

    def __init__(self, length: int, d: int, width: int, layers: int, heads: int, d_head: int) -> None:
        super().__init__()
        self.embedding = nn.Parameter(torch.randn(length, d))
        self.inner = nn.Linear(d, width)
        self.outer = nn.Linear(width, layers * 2 * heads * d_head)
        self.shape = (length, layers, 2, heads, d_head)
        self._folded: tuple[tuple, Tensor] | None = None

    def forward(self) -> Tensor:
        if torch.is_grad_enabled() or torch.compiler.is_compiling():
            return self._run()
        state = tuple((id(p), p._version, p.dtype, p.device) for p in self.parameters()) + (
            torch.is_autocast_enabled(self.embedding.device.type),
        )
        if self._folded is None or self._folded[0] != state:
            self._folded = (state, self._run())
        return self._folded[1]

    def forget(self) -> None:
        """Run again at the next call: for weights that change without a new version (of shards)."""
        self._folded = None

    def _run(self) -> Tensor:
        z = self.outer(torch.tanh(self.inner(self.embedding)))
        return z.unflatten(-1, self.shape[1:]).movedim(-5, -2)

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_folded": None}


class Heads(nn.Module):
    """The delta of every head of one attention module.

    Holds its prefix P (`key`, `value` [heads, l, d_head], N(0, 0.02^2)), or is given it by a `Network` (`prefix`).
    `dropout` acts on phi (attention's own rate), `prefix_dropout` on P, for every row of the batch by itself.
    """

    def __init__(self, spec: Spec, heads: int, d_head: int, d_in: int, dropout: float, prefix_dropout: float) -> None:
        super().__init__()
        self.shape = (heads, sized(spec), d_head)
        self.form, self.gated, self.scale_query = spec.form, spec.compose is Rule.gated, spec.scale_query
        self.dropout, self.prefix_dropout = dropout, prefix_dropout if spec.dropout_on == "prefix" else 0.0
        self.norm = nn.LayerNorm(d_in) if spec.norm is Norm.input else None
        self.scale = Scale(spec.compose, spec.s)
        free = spec.network is None
        self.key = nn.Parameter(torch.empty(self.shape).normal_(std=0.02)) if free else None
        self.value = nn.Parameter(torch.empty(self.shape).normal_(std=0.02)) if free else None
        self.prefix: tuple[Tensor, Tensor] | None = None  # from the network, for the forward pass under way
        self.own_query: Tensor | None = None  # W_q LN(x), [batch, n, heads * d_head], likewise

    @property
    def length(self) -> int:
        return self.shape[1]

    @property
    def shares_query(self) -> bool:
        """Whether prefix and real keys meet the same scaled query, so that one attention over [P; K] does both."""
        return self.norm is None and self.scale_query

    def take_query(self, query: Tensor) -> Tensor:
        """The query that meets the prefix, [batch, heads, n, d_head]: attention's, or W_q LN(x) with a norm."""
        if self.norm is None:
            return query
        own, self.own_query = self.own_query, None
        assert own is not None, "the query projection has not run"
        return own.view(own.shape[0], own.shape[1], -1, query.shape[-1]).transpose(1, 2)

    def own(self) -> tuple[Tensor, Tensor]:
        """P_k, P_v: [heads, l, d_head]."""
        given = self.prefix if self.key is None or self.value is None else (self.key, self.value)
        assert given is not None, "the prefix network has not run: call the backbone's own forward"
        return given

    def pair(self, batch: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """P_k, P_v for every row: [batch, heads, l, d_head]."""
        rows = [spread(p.to(dtype), 3, batch) for p in self.own()]
        key, value = (F.dropout(p, self.prefix_dropout, self.training) for p in rows)
        return key, value

    def scores(self, query: Tensor, key: Tensor, scaling: float) -> Tensor:
        """q P_k^T, [batch, heads, n, l]; the prefix heads are repeated where several query heads share a key head."""
        key = key.repeat_interleave(query.shape[1] // key.shape[1], dim=1)
        return query @ key.transpose(-1, -2) * (scaling if self.scale_query else 1.0)

    def weigh(self, weights: Tensor, value: Tensor) -> Tensor:
        """D(weights) P_v, laid out as attention's output: [batch, n, heads, d_head]."""
        value = value.repeat_interleave(weights.shape[1] // value.shape[1], dim=1)
        return (F.dropout(weights, self.dropout, self.training) @ value).transpose(1, 2)

    def forward(
        self,
        query: Tensor,
        own_query: Tensor,
        key: Tensor,
        value: Tensor,
        mask: Tensor | None,
        scaling: float,
        attend: Attend,
        biased: bool = False,
    ) -> Tensor:
        """The composed head outputs, [batch, n, heads, d_head].

        `own_query` is what `take_query` gave. `mask` is None, boolean (True: visible) or additive, [batch, 1, n, m].
        `attend` is attention as the backbone does it, `biased` whether that adds more to the scores than the mask.
        """
        if self.gated and self.shares_query and self.form == "softmax":
            if query.shape[2] == 1 and not biased and not self.training:  # a token that is being written
                return self._beside(query, key, value, mask, scaling)
            prefix_key, prefix_value = self.pair(query.shape[0], query.dtype)
            keys, values = torch.cat([prefix_key, key], 2), torch.cat([prefix_value, value], 2)
            return attend(query, keys, values, widen(mask, self.length))
        prefix_key, prefix_value = self.pair(query.shape[0], query.dtype)
        scores = self.scores(own_query, prefix_key, scaling)
        if self.gated and self.form == "softmax":
            return self._joint(scores, prefix_value, query, key, value, mask, scaling)
        dh, h = self.weigh(FORMS[self.form](scores), prefix_value), attend(query, key, value, mask)
        if self.gated:  # with another form than softmax, which only the released code's options can ask for
            gate = self._gate(scores, self._real(query, key, mask, scaling))
            return (1 - gate) * h + gate * dh
        return h + self.scale(dh)

    def _beside(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, scaling: float) -> Tensor:
        """softmax([q P_k^T ; q K^T]) [P_v ; V] with P, which all rows share, read once and copied to none."""
        prefix_key, prefix_value = (p.to(query.dtype) for p in self.own())
        scores = [times(query, prefix_key.mT) * scaling, self._real(query, key, mask, scaling)]
        weights = torch.cat(scores, -1).softmax(-1, torch.promote_types(query.dtype, torch.float32)).to(query.dtype)
        to_prefix, to_keys = weights.split([self.length, key.shape[2]], -1)
        groups = query.shape[1] // value.shape[1]
        return (times(to_prefix, prefix_value) + to_keys @ value.repeat_interleave(groups, 1)).transpose(1, 2)

    def _joint(
        self,
        scores: Tensor,
        prefix_value: Tensor,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        mask: Tensor | None,
        scaling: float,
    ) -> Tensor:
        """Eq. 7 for a prefix with a query q' of its own: softmax([q' P_k^T ; q K^T]) is (1-lambda) h + lambda dh."""
        weights = torch.cat([scores, self._real(query, key, mask, scaling)], -1).softmax(-1)
        return self.weigh(weights, torch.cat([prefix_value, value], 2))

    def _real(self, query: Tensor, key: Tensor, mask: Tensor | None, scaling: float) -> Tensor:
        """The masked scores of the real keys, q K^T, [batch, heads, n, m]."""
        real = query @ key.repeat_interleave(query.shape[1] // key.shape[1], 1).transpose(-1, -2) * scaling
        if mask is None:
            return real
        return real.masked_fill(~mask, torch.finfo(real.dtype).min) if mask.dtype == torch.bool else real + mask

    def _gate(self, scores: Tensor, real: Tensor) -> Tensor:
        """lambda of Eq. 7, the softmax mass of the prefix, laid out as attention's output: [batch, n, heads, 1]."""
        return torch.sigmoid(scores.logsumexp(-1) - real.logsumexp(-1)).transpose(1, 2).unsqueeze(-1)

    def extra_repr(self) -> str:
        source = "free" if self.key is not None else "network"
        return f"{self.form}, l={self.length}, {source}" + (", gated" if self.gated else "")

    def __getstate__(self) -> dict:
        return {**self.__dict__, "prefix": None, "own_query": None}


def widen(mask: Tensor | None, length: int) -> Tensor | None:
    """A mask over m keys -> over l + m keys, the first l visible to all. None stays None: nothing is masked."""
    if mask is None:
        return None
    return F.pad(mask, (length, 0), value=True if mask.dtype == torch.bool else 0.0)


def times(x: Tensor, shared: Tensor) -> Tensor:
    """x [batch, heads, n, a] times what all rows share, [key heads, a, b]: [batch, heads, n, b], one product a head."""
    batch, heads, n, a = x.shape
    rows = x.reshape(batch, len(shared), -1, a).transpose(0, 1).reshape(len(shared), -1, a)
    return (rows @ shared).view(len(shared), batch, -1, shared.shape[-1]).transpose(0, 1).reshape(batch, heads, n, -1)
