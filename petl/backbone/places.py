"""From a position of the grid to modules of a model: which x is read and which h is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import nn

from petl.backbone.anatomy import Anatomy, Attention, FeedForward, Stack
from petl.config import Delta as Spec
from petl.config import Insertion, Position, UserError


@dataclass(frozen=True)
class Span:
    """One place of one delta: f reads `reader`'s input (none: h) and dh is added to `writer`'s input or output."""

    place: str  # encoder.0.ffn
    writer: nn.Module
    at_input: bool  # h is the writer's input
    reader: nn.Module | None
    d_in: int
    d_out: int
    through: nn.Module | None = None  # a frozen LayerNorm applied to h before f reads it


@dataclass(frozen=True)
class Layer:
    stack: Stack
    index: int
    module: nn.Module

    def __getitem__(self, path: str) -> nn.Module:
        return self.module.get_submodule(path)

    def linear(self, path: str) -> nn.Linear:
        found = self.module.get_submodule(path)
        assert isinstance(found, nn.Linear), f"{path} is no Linear"
        return found


def layers(base: nn.Module, anatomy: Anatomy, spec: Spec) -> Iterator[Layer]:
    """The transformer layers the spec names, encoder first."""
    for stack in anatomy.stacks:
        modules = list(base.get_submodule(stack.layers).children())
        outside = [i for i in spec.layers or [] if not 0 <= i < len(modules)]
        if outside:
            raise UserError(f"layers={outside}: the {stack.site} has layers 0 to {len(modules) - 1}.")
        for index, module in enumerate(modules):
            if spec.layers is None or index in spec.layers:
                yield Layer(stack, index, module)


def attentions(base: nn.Module, anatomy: Anatomy, spec: Spec) -> Iterator[tuple[Layer, Attention]]:
    for layer in layers(base, anatomy, spec):
        for attention in layer.stack.attentions:
            if spec.sites is None or attention.site in spec.sites:
                yield layer, attention


def spans(base: nn.Module, anatomy: Anatomy, spec: Spec) -> list[Span]:
    """Every place of a delta that has weights of its own (all positions but heads and input)."""
    if spec.position in (Position.attn, Position.qv):
        pick = _attention_span if spec.position is Position.attn else _projection_spans
        found = [s for layer, attention in attentions(base, anatomy, spec) for s in pick(layer, attention, spec)]
    else:
        pick = {Position.ffn: _ffn_span, Position.fc: _matrix_spans, Position.block: _block_span}[spec.position]
        chosen = [
            layer for layer in layers(base, anatomy, spec) if spec.sites is None or layer.stack.site in spec.sites
        ]
        found = [s for layer in chosen for s in pick(layer, layer.stack.feed_forward, spec, anatomy.pre_norm)]
    if not found:
        raise UserError(f"sites={spec.sites} names no place of position={spec.position.value} in this backbone.")
    return found


def _attention_span(layer: Layer, attention: Attention, spec: Spec) -> list[Span]:
    query, output = layer.linear(attention.query), layer.linear(attention.output)
    width = output.in_features if spec.before_wo else output.out_features
    reader = query if spec.insertion is Insertion.parallel else None
    d_in = query.in_features if reader else width
    return [Span(f"{attention.site}.{layer.index}.attn", output, spec.before_wo, reader, d_in, width)]


def _projection_spans(layer: Layer, attention: Attention, spec: Spec) -> list[Span]:
    return [
        _linear_span(f"{attention.site}.{layer.index}", layer, path, spec)
        for path in (attention.query, attention.value)
    ]


def _matrix_spans(layer: Layer, ff: FeedForward, spec: Spec, pre_norm: bool) -> list[Span]:
    return [_linear_span(f"{layer.stack.site}.{layer.index}", layer, path, spec) for path in ff.matrices]


def _linear_span(place: str, layer: Layer, path: str, spec: Spec) -> Span:
    linear = layer.linear(path)
    reader = linear if spec.insertion is Insertion.parallel else None
    d_in = linear.in_features if reader else linear.out_features
    return Span(f"{place}.{path}", linear, False, reader, d_in, linear.out_features)


def _ffn_span(layer: Layer, ff: FeedForward, spec: Spec, pre_norm: bool) -> list[Span]:
    first, last = layer.linear(ff.matrices[0]), layer.linear(ff.matrices[-1])
    after = getattr_path(layer.module, ff.dropout) if ff.dropout else None
    writer = after if isinstance(after, nn.Module) else last  # else the dropout is a float: attach takes it over
    reader = None
    if spec.insertion is Insertion.parallel:
        reader = layer[ff.norm] if pre_norm and spec.reads_stream else first
    d_in = first.in_features if reader else last.out_features
    return [Span(f"{layer.stack.site}.{layer.index}.ffn", writer, False, reader, d_in, last.out_features)]


def _block_span(layer: Layer, ff: FeedForward, spec: Spec, pre_norm: bool) -> list[Span]:
    """Pfeiffer: pre-LN y + f(y) on the layer's output; post-LN LN(u + f(LN(u))), u the residual sum, LN frozen."""
    width = layer.linear(ff.matrices[-1]).out_features
    place = f"{layer.stack.site}.{layer.index}.block"
    if pre_norm:
        return [Span(place, layer.module, False, None, width, width)]
    return [Span(place, layer[ff.norm], True, None, width, width, through=layer[ff.norm])]


def getattr_path(module: nn.Module, path: str) -> object:
    parent, _, name = path.rpartition(".")
    return getattr(module.get_submodule(parent), name)
