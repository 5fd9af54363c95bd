"""What is compared with what, and the bars: those of the floor out of the methods' own FLOPs (petl.plan). No torch."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from petl.bench.rounds import Series
from petl.bench.rows import Row, compared
from petl.bench.shapes import SHAPES, Shape
from petl.bench.words import OURS, PEERS, words
from petl.command import read
from petl.plan import flops
from petl.plan.model import Model, model_of

FLOOR = "floor"
SLACK = 0.03  # of a step, above what its FLOPs come to
# Where the floor has gradients below the method's lowest delta, which the method has not and petl.plan counts
LOWER = {"mam": 1.13, "prefix": 1.28, "parallel": 1.01, "parallel, scaled": 1.01, "lora": 1.03}
OF_ADAPTERS = {"mam": 0.80, "prefix": 0.60}  # ours / theirs; others:
OF_OTHERS = 0.95
OF_PEFT = {"lora": 1.00}
DECODING = {"mam": 1.10, "prefix": 1.25}
MEMORY = {"mam": 1.10}
FULL = {"mam": 0.80}
# Beam search and memory are measured of these and of the peers
SHOWN = ["full", "mam", "prefix", "mh parallel", "parallel, scaled", "pfeiffer", "lora"]


def order(names: Sequence[str], peers: bool) -> list[str]:
    """The floor, then each of `names` followed by other libraries' same method; those without one of ours last."""
    theirs = {name: mine for name, mine in PEERS.items() if peers}
    found = [FLOOR]
    for name in names:
        found += [name, *(peer for peer, mine in theirs.items() if mine == name)]
    return found + [peer for peer, mine in theirs.items() if mine is None and len(names) == len(OURS)]


def step_share(name: str, shape: Shape) -> float:
    """FLOPs of a training step of ours in those of the floor's."""
    batch = flops.Batch(shape.rows, shape.source, shape.target)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "config.json").write_text(json.dumps(shape.architecture))
        model: Model = model_of(read([*words(name, shape, "cpu"), f"backbone.path={folder}"]))
    least = flops.training(model.shape, flops.Extra(), batch)
    return flops.training(model.shape, model.extra, batch, model.tuned) / least


def step_bar(name: str, shape: Shape) -> float:
    """Of ours against the floor."""
    bar = step_share(name, shape) + SLACK
    return min(bar, LOWER.get(name, bar)) if shape in SHAPES["cpu"] else bar


def step_rows(shape: Shape, found: dict[str, Series], absent: dict[str, Series]) -> Iterator[Row]:
    """`absent`: the peers that are not there, with the reason."""
    measure, every = f"training step, {shape.name}", {**found, **absent}
    for name in found:
        if name != FLOOR:
            yield compared(measure, name, FLOOR, "s", found, step_bar(name, shape) if name in OURS else None)
    for name, bar in FULL.items() if "full" in found else ():
        yield compared(f"{measure}, against full fine-tuning", name, "full", "s", found, bar)
    for peer, mine in PEERS.items():
        if (mine or peer) not in every:
            continue
        library, against = peer.partition(" ")[0], f"{measure}, against other libraries"
        if mine is None:
            yield compared(against, peer, FLOOR, "s", every)
            continue
        bar = OF_PEFT.get(mine) if library == "peft" else OF_ADAPTERS.get(mine, OF_OTHERS)
        yield compared(against, mine, peer, "s", every, bar)


def memory_rows(shape: Shape, found: dict[str, Series]) -> Iterator[Row]:
    in_mb = {name: Series([cost / 1e6 for cost in series.costs], series.failed) for name, series in found.items()}
    for name in found:
        if name != FLOOR:
            yield compared(f"peak memory of a training step, {shape.name}", name, FLOOR, "MB", in_mb, MEMORY.get(name))


def decoding_rows(shape: Shape, found: dict[str, Series], absent: dict[str, Series]) -> Iterator[Row]:
    tokens, measure = shape.rows * shape.written, f"beam search, {shape.beams} beams, {shape.name}"
    for name in [*found, *absent]:
        if name != FLOOR:
            row = compared(measure, name, FLOOR, "tokens/s", {**found, **absent}, DECODING.get(name), tokens)
            yield replace(row, against="plain backbone")


def around_rows(found: dict[str, dict[str, Series]]) -> Iterator[Row]:
    """`found` by measure, of petl.bench.around."""
    if starts := found.get("start-up"):
        row = compared("start-up of a second run, to its first step", "run", "import torch", "s", starts)
        bar = None if row.floor is None else (row.floor + 3.0) / row.floor  # three seconds beyond importing torch
        yield compared(row.measure, "run", "import torch", "s", starts, bar)
        yield compared(row.measure, "the libraries alone", "import torch", "s", starts)
    if tokens := found.get("tokenising"):
        for name in ("first run", "later runs"):
            yield compared("tokenising the data of xsum", name, "tokenizer alone", "s", tokens)
    if swept := found.get("sweep"):
        yield compared("a run of a few steps in a sweep", "run of a sweep", "run alone", "s, wall", swept)
    for task, series in found.get("padding", {}).items():
        share = series.costs[0]
        holds = share <= 0.05
        yield Row(
            "padding in processed tokens of training", task, "all tokens", "share", round(share, 4), 1.0,
            round(share, 4), 0.0, 1, 0.05, holds,
        )  # fmt: skip
