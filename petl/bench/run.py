"""The whole bench: which systems, how many rounds, in which order; the rows of it."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from petl.bench import around, bars
from petl.bench.rounds import ROOT, Say, Series, Worker, in_turn, workers
from petl.bench.rows import Row
from petl.bench.shapes import SHAPES, Shape
from petl.bench.words import OURS, PEERS

NO_PEERS = "not run: make oracles"
LOG = ROOT / "outputs" / "bench" / "workers.log"


@dataclass(frozen=True)
class Bench:
    name: str  # of the device, for a file
    head: str  # of the table
    rows: list[Row]


def bench(only: Sequence[str], rounds: int, device: str | None, peers: Path, say: Say) -> Bench:
    """Everything, or the systems of `only` at their steps, memory and beam search."""
    import torch

    start, device = time.monotonic(), device or ("cuda" if torch.cuda.is_available() else "cpu")
    pythons = {"ours": Path(sys.executable)} | ({"peers": peers} if peers.exists() else {})
    rows: list[Row] = []
    with workers(pythons, device, LOG) as started:
        for shape in SHAPES[device]:
            rows += _of_shape(shape, [name for name in OURS if name in only or not only], rounds, started, say)
    if not only:
        rows += _around(device, -(-rounds // 2), say)
    name = torch.cuda.get_device_name() if device == "cuda" else "cpu"
    return Bench(name.replace(" ", "-").lower(), _head(name, rounds, time.monotonic() - start), rows)


def _of_shape(shape: Shape, names: list[str], rounds: int, started: dict[str, Worker], say: Say) -> list[Row]:
    def ask(do: str, system: str) -> float:
        return started["peers" if system in PEERS else "ours"].ask(do, system, shape.name)

    systems, few = bars.order(names, "peers" in started), -(-rounds // 2)
    absent = {} if "peers" in started else {p: Series(failed=NO_PEERS) for p, m in PEERS.items() if m in (*names, None)}
    built = in_turn("ready", systems, 1, ask, say)
    there = [name for name in systems if not built[name].failed]
    lost = {name: series for name, series in built.items() if series.failed} | absent
    rows = list(bars.step_rows(shape, {**in_turn("step", there, rounds, ask, say)}, lost))
    shown = [name for name in there if name in (bars.FLOOR, *bars.SHOWN, *PEERS)]
    if shape.target:
        rows += bars.decoding_rows(shape, in_turn("decode", shown, few, ask, say), lost)
    in_turn("drop", there, 1, ask, say)
    rows += bars.memory_rows(shape, in_turn("memory", shown, 1, ask, say))
    return rows


def _around(device: str, rounds: int, say: Say) -> list[Row]:
    found: dict[str, dict[str, Series]] = {}
    for name, what in {"start-up": around.start_up(device), "sweep": around.sweep(device),
                       "tokenising": around.tokenising()}.items():  # fmt: skip
        found[name] = in_turn(name, list(what), rounds, lambda _, system, what=what: what[system](), say)
    say("padding")
    return list(bars.around_rows({**found, "padding": around.padding()}))


def _head(name: str, rounds: int, seconds: float) -> str:
    packages = ", ".join(f"{package} {version(package)}" for package in ("torch", "transformers"))
    return "\n".join([
        f"# Cost on {name}",
        "",
        f"`make bench`: {rounds} rounds in {seconds / 60:.0f} minutes, one thread of {os.cpu_count()} cores of "
        f"{platform.machine()}, {packages}. What each column is, and why a bar is missed: docs/speed.md.",
    ])  # fmt: skip
