"""A run that is told to stop leaves a checkpoint of the step it is at, and goes on from there as if it had not."""

from __future__ import annotations

import contextlib
import mmap
import os
import random
import signal
import socket
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from accelerate.state import AcceleratorState

from petl import records
from petl.config import Config
from petl.training import checkpoint, fit
from tests.proofs import Note, promise
from tests.proofs.launched import LIMIT, SIGNALS, under_submitit, under_torchrun
from tests.proofs.runs import (
    LONG,
    PAIRS,
    Child,
    configured,
    ending,
    finished,
    forked,
    furnished,
    reference,
    same,
    watch,
)


def summed(notes: list[Note]) -> str:
    kinds = [note["kind"] for note in notes]
    counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))
    training, slowest = sum(note["steps"] > 0 for note in notes), max([note["seconds"] for note in notes], default=0)
    return f"{counts}; {training} while training; slowest {slowest:.1f} s"


@promise(full=100, quick=7, slow=True, sum_up=summed)
def preemption(number: int, folder: Path) -> Note:
    """SIGTERM, SIGINT or SIGUSR1: a checkpoint at the current step within 10 s, exit code 128 + n, the same end.

    Of ten cases six are runs of one process (a second signal follows in half of them), three of two processes, where
    one or both are told, and one is started by torchrun or, where submitit is installed, by its local executor.
    """
    chance = random.Random(number)
    launcher = under_submitit if number % 20 == 19 and find_spec("submitit") else under_torchrun
    case = (alone,) * 6 + (together,) * 3 + (launcher,)
    return case[number % 10](number, chance, folder)


def alone(number: int, chance: random.Random, folder: Path) -> Note:
    """In one process; of even numbers at a random time, of odd ones at a random file operation."""
    method, backbone = PAIRS[number * 7 % len(PAIRS)]
    expected, told = reference(method, backbone, folder.parent), chance.choice(SIGNALS)
    config = configured(method, backbone, folder / "run", furnished(folder.parent))
    steps, at, moment = counter(), chance.randrange(expected.operations), counter()
    child = forked(config, lambda: (count_steps(steps), number % 2 and tell_at(config, at, told, moment)))
    if number % 2 == 0:
        time.sleep(chance.uniform(0, expected.seconds))
        os.kill(child.pid, told)
        put(moment, time.monotonic_ns())
    seconds, codes = left([child], told, chance, moment)
    assert child.ended in codes, f"it ended with {child.ended}: {child.said}"
    if child.ended:
        at_step(config, value(steps))
        over = records.record_path(config).exists()  # so late, it was ended rather than stopped
        again = finished(config)
        assert over or not value(steps) or f"going on from step {value(steps)}" in again, again
    same(ending(config), expected.ending)
    return {"kind": "alone", "seconds": seconds, "steps": value(steps)}


def together(number: int, chance: random.Random, folder: Path) -> Note:
    """In two processes, started as torchrun starts them; the signal goes to one of them or to both."""
    method, backbone = PAIRS[number * 7 % len(PAIRS)]
    expected, told = reference(method, backbone, folder.parent), chance.choice(SIGNALS)
    config = configured(method, backbone, folder / "run", furnished(folder.parent))
    steps, moment = counter(), counter()
    pair = two(config, lambda: count_steps(steps))
    time.sleep(chance.uniform(0.2, 1.5) * expected.seconds)
    for child in chance.sample(pair, chance.randint(1, 2)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(child.pid, told)
    put(moment, time.monotonic_ns())
    seconds, codes = left(pair, told, chance, moment)
    ended = {child.ended for child in pair}
    stopped = value(steps) and ended != {0}
    assert ended <= codes or not stopped, f"they ended with {ended}: {pair[0].said} {pair[1].said}"
    if ended != {0}:
        at_step(config, value(steps))
        for child in two(config) if chance.random() < 0.5 else [forked(config)]:
            assert child.wait() == 0, child.said
    same(ending(config), expected.ending, apart=("processes",))
    return {"kind": "of two processes", "seconds": seconds, "steps": value(steps)}


def left(
    children: list[Child], told: signal.Signals, chance: random.Random, moment: mmap.mmap
) -> tuple[float, set[int]]:
    """Seconds from the first signal until all have left, half of them hearing a second; and how they may have ended.

    `moment` says when the signal `told` was sent, as soon as it was; that may be later than the other one.
    A process that did not get to run between two signals hears them in the order of their numbers.
    """
    sent, others, until = {told}, [], time.monotonic() + LONG

    def tell(number: signal.Signals) -> None:
        for child in children:
            if child.poll() is None:
                os.kill(child.pid, number)
                sent.add(number)
                others.append(time.monotonic_ns())

    if chance.random() < 0.5:
        time.sleep(chance.uniform(0, 0.05))
        tell(chance.choice((told, *SIGNALS)))
    while any(child.poll() is None for child in children):
        if any(child.ended not in (0, None) for child in children):  # as torchrun does
            tell(signal.SIGTERM)
            time.sleep(0.05)
        time.sleep(0.002)
        assert time.monotonic() < until, [child.said for child in children]
    ended = time.monotonic_ns()
    seconds = (ended - min([*others, value(moment) or ended])) / 1e9
    assert seconds < LIMIT, f"{seconds:.1f} s"
    return seconds, {0, *(128 + number for number in sent), *(-number for number in sent)}


def at_step(config: Config, steps: int) -> None:
    """The newest checkpoint is of the last step that was made."""
    last = checkpoint.newest(records.run_dir(config) / "checkpoints", "last")
    found = checkpoint.load_state(last)["state"]["step"] if last else 0
    assert found == steps, f"{steps} steps were made, and the checkpoint is of step {found}"


def two(config: Config, first: Callable[[], object] = lambda: None, both: bool = False) -> list[Child]:
    """The run in two processes of one group; `first` is called in the leading one, or in both."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}

    def begin(rank: int) -> None:
        os.environ.update(shared, RANK=str(rank), LOCAL_RANK=str(rank))
        AcceleratorState._reset_state(reset_partial_state=True)
        if rank == 0 or both:
            first()

    return [forked(config, lambda rank=rank: begin(rank)) for rank in (0, 1)]


def tell_at(config: Config, at: int, told: signal.Signals, moment: mmap.mmap) -> None:
    """The process is told at its file operation number `at`; `moment` says when."""
    made = [0]

    def count() -> None:
        made[0] += 1
        if made[0] == at + 1:
            put(moment, time.monotonic_ns())
            os.kill(os.getpid(), told)

    watch(config, count)


def tell_at_step(step: int, told: signal.Signals = signal.SIGTERM) -> None:
    """The process is told in the middle of its optimiser step of that number."""
    honest, made = fit.take_step, [0]

    def telling(*given) -> None:
        made[0] += 1
        if made[0] == step:
            os.kill(os.getpid(), told)
        honest(*given)

    fit.take_step = telling


def counter() -> mmap.mmap:
    """Of something in a fork, to be read here."""
    return mmap.mmap(-1, 8)


def value(counted: mmap.mmap) -> int:
    return int.from_bytes(counted[:], "big")


def put(counted: mmap.mmap, number: int) -> None:
    counted[:] = number.to_bytes(8, "big")


def count_steps(counted: mmap.mmap) -> None:
    """From now on in this process, `counted` says how many optimiser steps were made."""
    honest = fit.take_step

    def counting(*given) -> None:
        honest(*given)
        put(counted, value(counted) + 1)

    fit.take_step = counting
