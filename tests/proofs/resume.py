"""A run that was killed, at any moment, ends as one that was not: to the last bit."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

from petl import records
from petl.config import Config
from petl.training.checkpoint import all_of, is_whole
from tests.proofs import Note, promise
from tests.proofs.runs import PAIRS, Reference, configured, ending, finished, forked, furnished, reference, same, watch


def summed(notes: list[Note]) -> str:
    writing = sum(note["writing"] for note in notes)
    assert 5 * writing >= len(notes), f"only {writing} of {len(notes)} kills hit a write"
    return f"{writing} of the kills during a write, {sum(note['again'] for note in notes)} runs killed twice"


@promise(full=200, quick=3, slow=True, sum_up=summed)
def resume(number: int, folder: Path) -> Note:
    """Killed at any moment and started again, a run ends as one that nothing disturbed: bit for bit.

    Three ways to die: by SIGKILL at a random time; by SIGKILL at a random file operation; by the kernel's hand in the
    middle of a file, at a random byte (a limit on the size of files). Weights, optimiser, record, predictions and
    scores are compared.
    """
    chance = random.Random(number)
    method, backbone = PAIRS[number * 7 % len(PAIRS)]
    expected = reference(method, backbone, folder.parent)
    config = configured(method, backbone, folder / "run", furnished(folder.parent))
    kill = (at_a_time, at_an_operation, at_a_byte)[number % 3]
    writing = kill(config, chance, expected)
    _whole_or_absent(config)
    if again := chance.random() < 0.25:
        kill(config, chance, expected)
    finished(config)
    same(ending(config), expected.ending)
    return {"writing": writing, "again": again}


def at_a_time(config: Config, chance: random.Random, expected: Reference) -> bool:
    """SIGKILL at some time of the run. Returns whether it was writing."""
    child = forked(config)
    time.sleep(chance.uniform(0, expected.seconds))
    os.kill(child.pid, signal.SIGKILL)
    if child.wait() == 0:  # too late: it is done
        return _again(at_a_time, config, chance, expected._replace(seconds=expected.seconds * 0.7))
    assert child.ended == -signal.SIGKILL
    return any(records.run_dir(config).rglob(".draft"))


def at_an_operation(config: Config, chance: random.Random, expected: Reference) -> bool:
    """SIGKILL in place of one of its file operations."""
    at = chance.randrange(expected.operations)
    return _died(at_an_operation, -signal.SIGKILL, config, chance, expected, at, lambda: os.kill(os.getpid(), 9))


def at_a_byte(config: Config, chance: random.Random, expected: Reference) -> bool:
    """After one of its file operations the kernel ends it where a file becomes larger than a random size."""
    at, size = chance.randrange(expected.operations), int(2 ** chance.uniform(0, 15))

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    return _died(at_a_byte, -signal.SIGXFSZ, config, chance, expected, at, limit)


def _died(
    kill: Callable,
    how: int,
    config: Config,
    chance: random.Random,
    expected: Reference,
    at: int,
    act: Callable[[], None],
) -> bool:
    """Runs it with `act` at its file operation number `at`, of which it dies."""
    left = [at]

    def count() -> None:
        left[0] -= 1
        if left[0] == -1:
            act()

    child = forked(config, lambda: watch(config, count))
    if child.wait() == 0:  # it went on from where fewer operations, or only small files, were left
        return _again(kill, config, chance, expected)
    assert child.ended == how, f"{child.ended}: {child.said}"
    return True


def _again(kill: Callable, config: Config, chance: random.Random, expected: Reference) -> bool:
    """Anew, from nothing."""
    shutil.rmtree(Path(config.runtime.output).parent)
    return kill(config, chance, expected)


def _whole_or_absent(config: Config) -> None:
    """What has the name of a checkpoint or a record is one."""
    folder, record = records.run_dir(config) / "checkpoints", records.record_path(config)
    for place in (*all_of(folder, "last"), *all_of(folder, "best")):
        assert is_whole(place), f"{place.name} is not whole"
    if record.exists():
        records.read(record)
