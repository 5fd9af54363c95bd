"""A run that is told to stop leaves a checkpoint of the step it is at, and goes on from there as if it had not."""

from __future__ import annotations

import contextlib
import mmap
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from accelerate.state import AcceleratorState

from petl import records
from petl.config import Config
from petl.training import checkpoint, fit, run
from tests.proofs import Note, promise
from tests.proofs.runs import (
    PAIRS,
    ROOT,
    Child,
    configured,
    ending,
    finished,
    forked,
    furnished,
    reference,
    same,
    watch,
    words,
)

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)
LIMIT = 10.0  # seconds from the signal to the end
PATIENCE = 90.0  # seconds for the launchers around it to start and to end
LONGER = ("recipe.steps=80", "recipe.eval_every=40")  # for what takes long to start

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}


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
    steps, at = counter(), chance.randrange(expected.operations)
    child = forked(config, lambda: (count_steps(steps), number % 2 and tell_at(config, at, told)))
    if number % 2 == 0:
        time.sleep(chance.uniform(0, expected.seconds))
        os.kill(child.pid, told)
    seconds = left([child], told, chance)
    assert child.ended in (128 + told, -told, 0), f"it ended with {child.ended}: {child.said}"
    if child.ended:
        at_step(config, value(steps))
        again = finished(config)
        assert not value(steps) or f"going on from step {value(steps)}" in again, again
    same(ending(config), expected.ending)
    return {"kind": "alone", "seconds": seconds, "steps": value(steps)}


def together(number: int, chance: random.Random, folder: Path) -> Note:
    """In two processes, started as torchrun starts them; the signal goes to one of them or to both."""
    method, backbone = PAIRS[number * 7 % len(PAIRS)]
    expected, told = reference(method, backbone, folder.parent), chance.choice(SIGNALS)
    config = configured(method, backbone, folder / "run", furnished(folder.parent))
    steps = counter()
    pair = two(config, lambda: count_steps(steps))
    time.sleep(chance.uniform(0.2, 1.5) * expected.seconds)
    for child in chance.sample(pair, chance.randint(1, 2)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(child.pid, told)
    seconds = left(pair, told, chance)
    codes = {child.ended for child in pair}
    stopped = value(steps) and codes != {0}
    assert codes <= {128 + told, -told, 0} or not stopped, f"they ended with {codes}: {pair[0].said} {pair[1].said}"
    if codes != {0}:
        at_step(config, value(steps))
        for child in two(config) if chance.random() < 0.5 else [forked(config)]:
            assert child.wait() == 0, child.said
    same(ending(config), expected.ending, apart=("processes",))
    return {"kind": "of two processes", "seconds": seconds, "steps": value(steps)}


def under_torchrun(number: int, chance: random.Random, folder: Path) -> Note:
    """torchrun passes SIGTERM and SIGINT on; SIGUSR1 where it is told to."""
    method, backbone = PAIRS[number * 7 % len(PAIRS)]
    place, told = furnished(folder.parent), chance.choice(SIGNALS)
    expected = reference(method, backbone, folder.parent, *LONGER)
    config = configured(method, backbone, folder / "run", place, *LONGER)
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    launch += ["--signals-to-handle", "SIGTERM,SIGINT,SIGHUP,SIGQUIT,SIGUSR1", "train.py"]
    log = folder / "log"
    with log.open("w") as file:
        said = words(method, backbone, folder / "run", place, *LONGER)
        agent = subprocess.Popen([*launch, *said], cwd=ROOT, env=ENVIRONMENT, stdout=file, stderr=file)
        wait_for(lambda: "checkpoints and predictions" in log.read_text() or agent.poll() is not None)
        time.sleep(chance.uniform(0, expected.seconds / 2))
        agent.send_signal(told)
        step, seconds = stopped(log.read_text, told)
        agent.wait(timeout=PATIENCE)
    assert agent.returncode != 0, log.read_text()
    again = finished(config)
    assert f"going on from step {step}" in again, again
    same(ending(config), expected.ending, apart=("processes",))
    return {"kind": "under torchrun", "seconds": seconds, "steps": step}


def under_submitit(number: int, chance: random.Random, folder: Path) -> Note:
    """submitit tells its job by SIGUSR2, and puts it into the queue again, where it goes on."""
    import submitit  # type: ignore[import-not-found]

    method, backbone = PAIRS[number * 7 % len(PAIRS)]
    place = furnished(folder.parent)
    expected = reference(method, backbone, folder.parent, *LONGER)
    config = configured(method, backbone, folder / "run", place, *LONGER)
    os.environ.update(ENVIRONMENT)
    job = submitit.LocalExecutor(folder / "submitit").submit(Job(config))
    wait_for(lambda: "checkpoints and predictions" in (job.stdout() or "") or job.done())
    time.sleep(chance.uniform(0, expected.seconds / 2))
    controller = job._process.pid  # what is sent to it reaches no task, other than on Slurm
    for task in Path(f"/proc/{controller}/task/{controller}/children").read_text().split():
        os.kill(int(task), signal.SIGUSR2)
    step, seconds = stopped(lambda: job.stdout() or "", signal.SIGUSR2)
    wait_for(job.done)
    assert job.result() == 0, job.stderr()
    assert f"going on from step {step}" in job.stdout(), job.stdout()
    same(ending(config), expected.ending)
    return {"kind": "under submitit", "seconds": seconds, "steps": step}


class Job:
    """What submitit runs."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def __call__(self) -> int:
        run(self.config)
        return 0

    def checkpoint(self) -> object:
        import submitit  # type: ignore[import-not-found]

        return submitit.helpers.DelayedSubmission(self)


def stopped(log: Callable[[], str], told: signal.Signals) -> tuple[int, float]:
    """The step of the checkpoint that the log tells of, and how many seconds it took to be there."""
    started, said = time.monotonic(), re.compile(f"stopped by {told.name} after step (\\d+)")
    wait_for(lambda: said.search(log()) is not None)
    seconds, found = time.monotonic() - started, said.search(log())
    assert found and seconds < LIMIT, f"{seconds:.1f} s: {log()}"
    return int(found[1]), seconds


def wait_for(done: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < until, "it takes too long"
        time.sleep(0.05)


def left(children: list[Child], told: signal.Signals, chance: random.Random) -> float:
    """Seconds until all have left; for half of them with a second signal on the way."""
    started = time.monotonic()
    if chance.random() < 0.5:
        time.sleep(chance.uniform(0, 0.05))
        for child in children:
            if child.poll() is None:
                os.kill(child.pid, chance.choice((told, *SIGNALS)))
    while any(child.poll() is None for child in children):
        if any(child.ended not in (0, None) for child in children):  # as torchrun does
            for child in children:
                if child.poll() is None:
                    os.kill(child.pid, signal.SIGTERM)
            time.sleep(0.05)
        time.sleep(0.002)
        assert time.monotonic() - started < 6 * LIMIT, [child.said for child in children]
    seconds = time.monotonic() - started
    assert seconds < LIMIT, f"{seconds:.1f} s"
    return seconds


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


def tell_at(config: Config, at: int, told: signal.Signals) -> None:
    """The process is told at its file operation number `at`."""
    made = [0]

    def count() -> None:
        made[0] += 1
        if made[0] == at + 1:
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


def count_steps(counted: mmap.mmap) -> None:
    """From now on in this process, `counted` says how many optimiser steps were made."""
    honest = fit.take_step

    def counting(*given) -> None:
        honest(*given)
        counted[:] = (value(counted) + 1).to_bytes(8, "big")

    fit.take_step = counting
