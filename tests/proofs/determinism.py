"""The same words give the same result, to the last bit, however they come to be run."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

from petl import records
from petl.training import run
from tests.proofs import Note, promise
from tests.proofs.preemption import tell_at_step, two
from tests.proofs.runs import (
    BACKBONES,
    METHODS,
    PAIRS,
    ROOT,
    configured,
    ending,
    finished,
    forked,
    furnished,
    reference,
    same,
    words,
)

LIMIT = 900.0  # seconds after which a command hangs


def summed(notes: list[Note]) -> str:
    kinds = [note["kind"] for note in notes]
    return ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))


@promise(full=5 * len(PAIRS), quick=5, slow=True, sum_up=summed)
def determinism(number: int, folder: Path) -> Note:
    """Alone or in a sweep, in one process or two, stopped or not, after whatever runs: the same record and weights.

    Every method on every backbone in five ways, each compared with a run of one process that nothing disturbs: record,
    predictions, scores, weights, the optimiser's moments and state. Only the number of processes may differ in it.
    """
    which, pair = divmod(number, len(PAIRS))
    way = (anew, after_another, in_a_sweep, in_two_processes, stopped)[which]
    method, backbone = PAIRS[(pair + 7 * which) % len(PAIRS)]
    expected = reference(method, backbone, folder.parent)
    way(method, backbone, folder, random.Random(number))
    config = configured(method, backbone, folder / "run", furnished(folder.parent))
    same(ending(config), expected.ending, apart=("processes",))
    return {"kind": way.__name__.replace("_", " ")}


def anew(method: str, backbone: str, folder: Path, chance: random.Random) -> None:
    """By `train.py` from another folder, where Python orders its sets otherwise."""
    _command(words(method, backbone, folder / "run", furnished(folder.parent)), folder, chance)


def in_a_sweep(method: str, backbone: str, folder: Path, chance: random.Random) -> None:
    """By `train.py -m` among other methods and seeds, in any order; all find the rows that the first has kept."""
    usual = words(method, backbone, folder / "run", furnished(folder.parent))
    usual = [word for word in usual if not word.startswith("method=")]
    methods, seeds = [method, chance.choice([name for name in METHODS if name != method])], ["0", "1"]
    chance.shuffle(methods)
    chance.shuffle(seeds)
    _command(["-m", *usual, f"method={','.join(methods)}", f"seed={','.join(seeds)}"], folder, chance)


def after_another(method: str, backbone: str, folder: Path, chance: random.Random) -> None:
    """In a process that has trained another method, perhaps on another backbone, and has kept its rows."""
    place = furnished(folder.parent)
    other = configured(chance.choice(METHODS), chance.choice(BACKBONES), folder / "run", place, "seed=1")
    finished(configured(method, backbone, folder / "run", place), lambda: run(other))
    assert records.find(other), "the other run has left no record"


def in_two_processes(method: str, backbone: str, folder: Path, chance: random.Random) -> None:
    config = configured(method, backbone, folder / "run", furnished(folder.parent))
    for child in two(config):
        assert child.wait() == 0, child.said
    assert records.read(records.record_path(config))["processes"] == 2


def stopped(method: str, backbone: str, folder: Path, chance: random.Random) -> None:
    """By SIGTERM at some step in one process or two, and gone on with in one or two."""
    config = configured(method, backbone, folder / "run", furnished(folder.parent))
    step, before, after = chance.randint(1, 5), chance.choice((1, 2)), chance.choice((1, 2))

    def tell() -> None:
        tell_at_step(step)

    for child in two(config, tell) if before == 2 else [forked(config, tell)]:
        assert child.wait() in (128 + signal.SIGTERM, -signal.SIGTERM), f"it ended with {child.ended}:\n{child.said}"
    children = two(config) if after == 2 else [forked(config)]
    for child in children:
        assert child.wait() == 0, child.said
    assert f"going on from step {step}" in children[0].said, children[0].said


def _command(argv: list[str], folder: Path, chance: random.Random) -> None:
    """`train.py` with these words in a process of its own."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": str(chance.randrange(10**6))}
    done = subprocess.run(
        [sys.executable, str(ROOT / "train.py"), *argv],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )
    assert done.returncode == 0, done.stdout + done.stderr
