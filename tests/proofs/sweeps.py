"""Processes that were given the same sweep share its runs: each is trained once, none is lost, killed or not."""

from __future__ import annotations

import itertools
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from petl import command, leaves, records
from petl.config import Config
from petl.records import claims
from petl.report import cells
from petl.report.render import FORMATS
from petl.report.tables import results
from tests.proofs import Note, Outcome, promise, tiny

ROOT = Path(__file__).resolve().parents[2]
METHODS = ("adapter", "bitfit", "full", "lora", "mam", "prefix")  # rows of TABLE
TABLE, TASK = "table2", "sst2"
VOLATILE = ("seconds", "memory_mb", "finished", "checksum", "code")  # of a record: when, and of which commit
TOGETHER = 8  # processes
CELLS, KILLS = 60, 30
LIMIT = 3600.0  # seconds after which a sweep hangs


def summed(notes: list[Note]) -> str:
    return f"{notes[0]['beyond']:.2f} s a run beyond the phases in its record" if notes else ""


@promise(full=CELLS, quick=6, slow=True, sum_up=summed)
def sweeps(numbers: list[int], folder: Path) -> Iterator[Outcome]:
    """Eight processes with the same sweep: each run trained once, records and tables as by one process."""
    _emptied(folder)
    shared, serial = _words(len(numbers), folder, "shared"), _words(len(numbers), folder, "serial")
    parts = [_started(shared, folder / f"{part}.txt") for part in range(min(TOGETHER, 2 + len(numbers) // 6))]
    codes = [part.wait(LIMIT) for part in parts]
    said = "\n".join(path.read_text() for path in sorted(folder.glob("*.txt")))
    began = time.monotonic()
    alone = _started(serial, folder / "serial.log").wait(LIMIT)
    beyond = (time.monotonic() - began - _own(serial)) / len(numbers)
    made, uneven = len(re.findall(r"^done  ", said, re.MULTILINE)), _uneven(shared, serial)
    for number, one, other in zip(numbers, _configs(shared), _configs(serial), strict=True):
        wrong = (
            _differs(one, other)
            or uneven
            or (f"{claims.newest(one).number} attempts" * (claims.newest(one).number != 1))
        )
        if any(codes) or alone or made != len(numbers):
            wrong = f"exit codes {codes}, {alone}; {made} of {len(numbers)} trained; {wrong}"
        yield Outcome(number, wrong, {"beyond": round(beyond, 3)})


@promise(full=KILLS, quick=2, slow=True)
def killed_sweeps(numbers: list[int], folder: Path) -> Iterator[Outcome]:
    """Whichever processes of a shared sweep are killed, the same command again does what is left, and only that."""
    _emptied(folder)
    cells, chance = 2 * len(numbers), random.Random(len(numbers))
    serial = _words(cells, folder, "serial")
    alone = _started(serial, folder / "serial.log").wait(LIMIT)
    wrong, killed = [f"exit code {alone} of the serial sweep" * bool(alone)] * cells, 0
    until = time.monotonic() + LIMIT
    for turn in itertools.count():  # a sweep may be done before it was killed often enough: then another one is
        words = _words(cells, folder, f"shared-{turn}")
        logs = folder / f"logs-{turn}"
        logs.mkdir()
        kills, written = _shared_and_killed(words, logs, len(numbers) - killed, chance, until)
        killed += kills
        again = _started(words, logs / "again.txt").wait(LIMIT)
        uneven = _uneven(words, serial)
        for place, (one, other) in enumerate(zip(_configs(words), _configs(serial), strict=True)):
            path = records.record_path(one)
            twice = path in written and written[path] != _written(words).get(path)
            wrong[place] += f"exit code {again}; " * bool(again) + (_differs(one, other) or uneven)
            wrong[place] += f"{path} had been written, and was again" * twice
        if killed >= len(numbers) or any(wrong) or time.monotonic() > until:
            break
    for place, number in enumerate(numbers):
        mine = "; ".join(text for text in wrong[2 * place : 2 * place + 2] if text)
        yield Outcome(number, mine or "too few were killed" * (place >= killed))


def _shared_and_killed(
    words: list[str], logs: Path, kills: int, chance: random.Random, until: float
) -> tuple[int, dict[Path, int]]:
    """Processes share a sweep and are killed at most that often: how often, and when each record was first seen."""
    parts, killed, written = [], 0, {}
    while killed < kills and time.monotonic() < until:
        if all(part.poll() is not None for part in parts):  # all are dead, or done
            if parts and all(records.find(config) for config in _configs(words)):
                break
            parts = [_started(words, logs / f"{killed}-{part}.txt") for part in range(min(TOGETHER, 1 + kills))]
        time.sleep(chance.uniform(0.2, 1.0))
        killed += _kill_any(_configs(words), parts, chance)
        written = _written(words) | written
    for part in parts:
        part.wait(LIMIT)
    return killed, _written(words) | written


def _emptied(folder: Path) -> None:
    """Nothing is left of an earlier proof."""
    shutil.rmtree(folder)
    folder.mkdir()


def _words(cells: int, folder: Path, name: str) -> list[str]:
    """A sweep over that many runs of two steps."""
    methods = METHODS[: next(count for count in (6, 5, 4, 3, 2, 1) if cells % count == 0)]
    seeds = cells // len(methods)
    if not (folder / "model").exists():
        tiny.backbone(folder / "model", "roberta-base")
        tiny.data(folder / "rows", TASK)
    usual = tiny.words("roberta-base", folder / "model", folder / "rows", folder / name)
    told = [word for word in usual if not word.startswith("recipe.steps=")]
    sweep = [f"method={','.join(methods)}", f"seed={','.join(map(str, range(seeds)))}", "recipe.steps=2"]
    return [*told, *sweep]


def _configs(words: list[str]) -> list[Config]:
    read = leaves.reader()
    return [read(run) for run in command.expand(words)]


def _started(words: list[str], log: Path) -> subprocess.Popen:
    with log.open("wb") as said:
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        argv = [sys.executable, "train.py", "-m", *words]
        return subprocess.Popen(argv, cwd=ROOT, stdout=said, stderr=said, env=environment)


def _kill_any(configs: list[Config], parts: list[subprocess.Popen], chance: random.Random) -> bool:
    """SIGKILL to a process that is at a run or, once in four times, to one of the sweeps; whether there was one."""
    told = [claims.newest(config).said for config in configs]
    running = [
        said["pid"] for said in told if said.get("state") == "running" and claims._born(said["pid"]) == said["born"]
    ]
    sweeping = [part.pid for part in parts if part.poll() is None]
    chosen = sweeping if chance.random() < 0.25 else running
    if not chosen:
        return False
    try:
        os.kill(chance.choice(chosen), signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def _written(words: list[str]) -> dict[Path, int]:
    """When each record that is there was written."""
    paths = [records.record_path(config) for config in _configs(words)]
    return {path: path.stat().st_mtime_ns for path in paths if path.exists()}


def _differs(one: Config, other: Config) -> str:
    """What is not the same in the records and scores of two runs, but for when and where."""
    told = []
    for config in (one, other):
        path = records.record_path(config)
        if (record := records.find(config)) is None:
            return f"no record {path}"
        held = {name: value for name, value in record.items() if name not in VOLATILE}
        told.append((json.dumps(held, sort_keys=True), path.with_suffix(".scores.json").read_text()))
    return "" if told[0] == told[1] else f"{records.record_path(one)} is not as of a serial sweep"


def _own(words: list[str]) -> float:
    """Seconds that the sweep's runs spent loading, training and testing, by their records."""
    return sum(sum(record["seconds"].values()) for record in records.below(_folder(words)))


def _uneven(one: list[str], other: list[str]) -> str:
    """What is not the same, to the byte, in the tables of two sweeps; or why they would say little."""
    made = []
    for words in (one, other):
        found = _cells(words)
        full = [cell.row for cell in found if len(cell.records) == len(_configs(words)) // len(_methods(words))]
        if len(full) != len(_methods(words)):
            return f"{TABLE}: only {full} are filled of the rows of {_methods(words)}"
        table = results(TABLE, found, records.scores_below(_folder(words)), "mean")
        made.append({ending: render(table) for ending, render in FORMATS.items()})
    other_bytes = [ending for ending in FORMATS if made[0][ending] != made[1][ending]]
    return f"{TABLE}: {' '.join(other_bytes)} not as of a serial sweep" * bool(other_bytes)


def _cells(words: list[str]) -> list[cells.Cell]:
    """The table's cells of the task, of runs that are as small as these: with the sweep's records of each."""
    runs = records.below(_folder(words))
    mine = {word.partition("=")[0]: word for word in words if not word.startswith(("method=", "seed=", "runtime."))}
    found = []
    for cell in cells.cells(TABLE, "mini", []):
        if cell.task == TASK:
            said = {word.partition("=")[0]: word for word in cell.words} | mine
            found.append(cells.filled(replace(cell, words=list(said.values())), runs))
    return found


def _methods(words: list[str]) -> list[str]:
    return next(word.partition("=")[2] for word in words if word.startswith("method=")).split(",")


def _folder(words: list[str]) -> Path:
    return Path(next(word.partition("=")[2] for word in words if word.startswith("runtime.records=")))
