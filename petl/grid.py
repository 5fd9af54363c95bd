"""Which points of the design grid exist: why one does not, or which of its settings would do nothing."""

from __future__ import annotations

from collections.abc import Iterator

from petl.config import FORMS, Delta, Dropout, Insertion, Norm, Position, Rule
from petl.refusals import choice

SITES = ("encoder", "decoder", "cross")


def problems(d: Delta) -> Iterator[str]:
    """Why this point of the grid does not exist, or which of its settings would do nothing."""
    if d.form not in FORMS:
        yield choice("form", d.form, FORMS)
    elif (d.form == "prompt") != (d.position is Position.input):
        yield f"form={d.form} at position={d.position}: a prompt stands at the input, and nothing else does."
    elif d.form == "prompt":
        yield from _prompt(d)
    else:
        yield from _axes(d)
        yield from _details(d)
    yield from _dropout(d)
    yield from _where(d)


def _prompt(d: Delta) -> Iterator[str]:
    if d.insertion is not Insertion.parallel or d.compose is not Rule.add or d.s != 1:
        yield "a prompt is put before the input: there is no h that an insertion, a composition or an s could speak of."
    if (
        d.norm is not Norm.none
        or d.dropout is not Dropout.none
        or d.network is not None
        or d.before_wo
        or d.reads_stream
    ):
        yield "a prompt has no norm, dropout, network, before_wo or reads_stream."
    if d.layers is not None or d.sites is not None:
        yield "a prompt stands before the first layer: layers and sites have no effect."


def _axes(d: Delta) -> Iterator[str]:
    if d.position is Position.heads and d.insertion is Insertion.sequential:
        what = "a softmax prefix" if d.form == "softmax" else "f"
        yield f"insertion=sequential at position=heads: {what} reads the queries; the heads' output has none."
    if d.position is Position.block and d.insertion is Insertion.parallel:
        yield "insertion=parallel at position=block: its x is the FFN's, so that is position=ffn insertion=parallel."
    if d.compose is Rule.gated and not (d.position is Position.heads and d.form == "softmax"):
        yield (
            f"composition=gated with form={d.form} at position={d.position}: lambda is the attention that a softmax "
            "prefix takes (Eq. 7), so it needs form=softmax at position=heads."
        )
    if d.compose is Rule.scaled and d.s == 1:
        yield "composition=scaled with s=1 is composition=add; give composition.s=..., the paper has 4 and 2."
    if d.compose is not Rule.scaled and d.s != 1:
        yield f"s={d.s:g} has no effect with composition={d.compose}; that is composition=scaled."
    if not 0 < abs(d.s) < 1e4:
        yield f"s={d.s:g}: a number between 0 and 10000 (or its negative)."


def _details(d: Delta) -> Iterator[str]:
    at_heads = d.position is Position.heads
    if d.network is not None and not at_heads:
        yield f"network={d.network} has no effect at position={d.position}: only at the heads a prefix comes out of it."
    if not d.scale_query and not at_heads:
        yield f"scale_query=false has no effect at position={d.position}: only at the heads f reads a query."
    if at_heads and d.norm is Norm.output:
        yield "norm=output at position=heads: dh is a head's output there, which has no LayerNorm."
    if d.norm is Norm.output and d.compose in (Rule.scaled, Rule.learned):
        yield f"norm=output with composition={d.compose}: LayerNorm(s dh) cancels s; that is composition=add."
    if d.before_wo and d.position is not Position.attn:
        yield f"before_wo=true has no effect at position={d.position}: W_o follows position=attn only."
    if d.reads_stream and (d.position is not Position.ffn or d.insertion is not Insertion.parallel):
        yield "reads_stream=true has an effect at position=ffn insertion=parallel only."


def _dropout(d: Delta) -> Iterator[str]:
    places = ("bottleneck", "prefix") if d.position is Position.heads else ("bottleneck", "input")
    if d.dropout_on not in places:
        yield f"dropout_on={d.dropout_on}: at position={d.position} it is one of {', '.join(places)}."
    if d.dropout is Dropout.none and d.dropout_on != "bottleneck":
        yield f"dropout_on={d.dropout_on} has no effect with dropout=none."
    if d.dropout is Dropout.own and not 0 < d.dropout_rate < 1:
        yield f"dropout=own with dropout_rate={d.dropout_rate:g}: the rate lies between 0 and 1."
    if d.dropout is not Dropout.own and d.dropout_rate != 0:
        yield f"dropout_rate={d.dropout_rate:g} has no effect with dropout={d.dropout}: that is dropout=own."


def _where(d: Delta) -> Iterator[str]:
    if d.layers is not None and (not d.layers or min(d.layers) < 0 or len(set(d.layers)) < len(d.layers)):
        yield f"layers={d.layers}: a list of different layer numbers, from 0."
    if d.sites is not None and not (d.sites and set(d.sites) <= set(SITES)):
        yield f"sites={d.sites}: a list of {', '.join(SITES)}."
    for key in ("size", "paper", "network"):
        value = getattr(d, key)
        if value is not None and value < 1:
            yield f"{key}={value}: at least 1."
