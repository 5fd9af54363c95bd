"""The model of a run on paper: how many parameters train, and what its deltas add to a pass. No torch.

tests/plan/test_model.py holds the counts against petl.parameters, which builds the model on the meta device.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from math import prod

from petl import tasks
from petl.config import Config, Delta, Insertion, Method, Norm, Position, Rule
from petl.design import budget
from petl.plan.backbones import Paper, on_paper
from petl.plan.flops import Extra, Shape


@dataclass(frozen=True)
class Model:
    shape: Shape
    extra: Extra
    total: int  # parameters, deltas included
    trained: int
    matrices: int  # weights of the backbone's matrices, of which half precision makes copies
    tuned: float  # share of these that train
    percent: float  # of the backbone, by the paper's rule


@dataclass(frozen=True)
class Place:
    """One place of a delta."""

    site: str  # encoder, decoder or cross
    d_in: int
    d_out: int
    on_source: bool  # meets the tokens of the source: the encoder, and cross attention's keys and values


def model_of(config: Config) -> Model:
    """UserError as training would give."""
    paper = on_paper(config.backbone, len(tasks.find(config.task.name).labels))
    method = sized(config, paper)
    deltas = list(method.deltas.values())
    patterns = [*method.tune, *([f"{paper.head}*"] if config.recipe.train_head and paper.head else [])]
    own = {name: shape for name, shape in paper.tensors.items() if any(fnmatchcase(name, p) for p in patterns)}
    added, unit = sum(weights(paper, delta) for delta in deltas), {id(d): units(paper, d) for d in deltas}
    ruled = sum(prod(s) for n, s in own.items() if not paper.head or not n.startswith(paper.head))
    ruled += sum(unit[id(delta)] * (delta.size or 0) for delta in deltas)
    matrices = {name: prod(shape) for name, shape in paper.matrices.items()}
    return Model(
        paper.shape,
        _sum(extra(paper, delta) for delta in deltas),
        sum(map(prod, paper.tensors.values())) + added,
        sum(map(prod, own.values())) + added,
        sum(matrices.values()),
        sum(count for name, count in matrices.items() if name in own) / sum(matrices.values()),
        100 * ruled / paper.parameters,
    )


def sized(config: Config, paper: Paper) -> Method:
    """The method with the sizes that its budget gives on this backbone."""
    counted = {name: units(paper, delta) for name, delta in config.method.deltas.items()}
    layers = paper.shape.encoder
    reference = budget.Shape(paper.shape.d, layers, paper.parameters)
    return budget.resolve(config.method, config.budget, counted, reference, config.task.kind)


def places(paper: Paper, spec: Delta) -> list[Place]:
    """Every place of a delta, as petl.backbone.places finds them in a real model."""
    d, f, sequential = paper.shape.d, paper.shape.f, spec.insertion is Insertion.sequential
    if spec.position is Position.input:
        return [Place("encoder", 0, d, True)]
    attention = spec.position in (Position.attn, Position.qv, Position.heads)
    sites = ("encoder", "decoder", "cross") if attention else ("encoder", "decoder")
    depths = {"encoder": paper.shape.encoder, "decoder": paper.shape.decoder, "cross": paper.shape.decoder}
    at_one = {
        Position.qv: lambda site, on: [Place(site, d, d, on), Place(site, d, d, on or site == "cross")],
        Position.fc: lambda site, on: [
            Place(site, f if sequential else d, f, on), Place(site, d if sequential else f, d, on)
        ],
    }.get(spec.position, lambda site, on: [Place(site, d, d, on)])  # fmt: skip
    return [
        place
        for site in sites
        if spec.sites is None or site in spec.sites
        for layer in range(depths[site])
        if spec.layers is None or layer in spec.layers
        for place in at_one(site, site == "encoder")
    ]


def units(paper: Paper, spec: Delta) -> int:
    """Parameters of one unit of size, by the paper's rule."""
    return sum(place.d_in + place.d_out for place in places(paper, spec))


def weights(paper: Paper, spec: Delta) -> int:
    """All that a delta trains."""
    r, found = spec.size or 0, places(paper, spec)
    each = sum(_norms(spec, place) + (spec.compose is Rule.learned) for place in found)
    if spec.position is Position.input:
        return r * units(paper, spec)
    if spec.position is Position.heads:
        return each + (_network(paper, spec) if spec.network else r * units(paper, spec))
    return each + sum(r * (p.d_in + p.d_out) + (r + p.d_out) * spec.bias for p in found)


def extra(paper: Paper, spec: Delta) -> Extra:
    """What a delta adds to a pass."""
    r, d, found = spec.size or 0, paper.shape.d, places(paper, spec)
    if spec.position is Position.input:
        return Extra(prompt=r)
    source, target = ([place for place in found if place.on_source is on] for on in (True, False))
    if spec.position is Position.heads:
        own = d * d if spec.norm is Norm.input else 0  # W_q once more, for a query of the delta's own
        fused = spec.compose is Rule.gated and not own and spec.scale_query
        kept = 0 if fused else 2 * paper.heads * r  # scores, and what phi makes of them
        n_s, n_t, network = len(source), len(target), r * _matrices(paper, spec) if spec.network else 0
        return Extra(own * n_s, own * n_t, r * n_s, r * n_t, network, 0, kept * n_s, kept * n_t)
    copies = 2 if spec.dropout_on == "input" else 1  # of x, with dropout
    return Extra(
        sum(r * (p.d_in + p.d_out) for p in source),
        sum(r * (p.d_in + p.d_out) for p in target),
        source_kept=sum(copies * p.d_in + r for p in source),
        target_kept=sum(copies * p.d_in + r for p in target),
    )


def _norms(spec: Delta, place: Place) -> int:
    return {Norm.none: 0, Norm.input: 2 * (place.d_in or place.d_out), Norm.output: 2 * place.d_out}[spec.norm]


def _network(paper: Paper, spec: Delta) -> int:
    """Parameters of the networks that make the prefixes, one for each kind of attention: l d + matrices + biases."""
    found, d, width = places(paper, spec), paper.shape.d, spec.network or 0
    sites = {place.site for place in found}
    return len(sites) * ((spec.size or 0) * d + width) + len(found) * 2 * d + _matrices(paper, spec)


def _matrices(paper: Paper, spec: Delta) -> int:
    """d -> width, once for each kind of attention, and width -> 2 d for each of its layers."""
    found, d, width = places(paper, spec), paper.shape.d, spec.network or 0
    return len({place.site for place in found}) * d * width + len(found) * width * 2 * d


def _sum(extras: Iterator[Extra]) -> Extra:
    total = Extra()
    for one in extras:
        total = replace(total, **{name: value + getattr(total, name) for name, value in vars(one).items()})
    return total
