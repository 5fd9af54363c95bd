"""All systems in turn, round after round, so that what slows the machine for a while slows them all.

The systems of one environment live in one process (worker.py), which waits while another one is measured.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parents[2]
ENOUGH = 40.0  # seconds: a system that has taken as long in one measure is not measured again

Say = Callable[[str], object]


@dataclass
class Series:
    """The costs of one system, one for each round; `failed`: why there are none."""

    costs: list[float] = field(default_factory=list)
    failed: str = ""


class Worker:
    """A process that answers one question at a time."""

    def __init__(self, python: Path, environment: str, device: str, log: IO[str]) -> None:
        settings = {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1"}
        self._process = subprocess.Popen(
            [str(python), "-m", "petl.bench.worker", environment, device],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, cwd=ROOT,
            env={**os.environ, **settings},
        )  # fmt: skip

    def ask(self, do: str, system: str, shape: str) -> float:
        """Raises RuntimeError with the worker's reason."""
        answer: dict[str, Any] = {}
        told, answers = self._process.stdin, self._process.stdout
        assert told is not None and answers is not None
        try:
            told.write(json.dumps({"do": do, "system": system, "shape": shape}) + "\n")
            told.flush()
            answer = json.loads(answers.readline() or '{"failed": "its process has ended"}')
        except BrokenPipeError:
            answer = {"failed": "its process has ended"}
        if "failed" in answer:
            raise RuntimeError(answer["failed"])
        return answer.get("cost", 0.0)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


@contextmanager
def workers(pythons: dict[str, Path], device: str, log: Path) -> Iterator[dict[str, Worker]]:
    """environment -> its worker; all end with the block."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as told:
        started = {name: Worker(python, name, device, told) for name, python in pythons.items()}
        try:
            yield started
        finally:
            for worker in started.values():
                worker.close()


def in_turn(
    do: str, systems: Sequence[str], rounds: int, ask: Callable[[str, str], float], say: Say
) -> dict[str, Series]:
    """`do` for every system, `rounds` times: A B C A B C ... `ask(do, system)` measures or raises RuntimeError."""
    found = {system: Series() for system in systems}
    for number in range(rounds):
        say(f"{do}: round {number + 1} of {rounds}")
        for system, series in found.items():
            if series.failed or sum(series.costs) > ENOUGH:
                continue
            try:
                series.costs.append(ask(do, system))
            except RuntimeError as error:
                series.failed = str(error)
    return found
