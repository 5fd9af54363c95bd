"""A checkpoint is whole or none: whatever happens to its files is seen, said, and made good."""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

from petl import records
from petl.config import Config
from petl.training import checkpoint
from tests.proofs import Note, promise
from tests.proofs.preemption import tell_at_step
from tests.proofs.runs import PAIRS, configured, ending, finished, forked, furnished, reference, same


def cut(file: Path, chance: random.Random) -> None:
    file.write_bytes(file.read_bytes()[: chance.randrange(file.stat().st_size)])


def flip(file: Path, chance: random.Random) -> None:
    whole = bytearray(file.read_bytes())
    whole[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
    file.write_bytes(whole)


def delete(file: Path, chance: random.Random) -> None:
    file.unlink()


def summed(notes: list[Note]) -> str:
    kinds = [note["kind"] for note in notes]
    return ", ".join(f"{kinds.count(kind)} {kind}" for kind in sorted(set(kinds)))


@promise(full=500, quick=4, slow=True, sum_up=summed)
def checkpoints(number: int, folder: Path) -> Note:
    """A file of a checkpoint is cut, flipped in a bit or deleted: that is seen and said, and the end is the same.

    The run was stopped after its fifth step of six, and is started again with the damage: in the checkpoint to go on
    from, in the best one that it names, in both checkpoints to go on from, or, when it has finished, in its record.
    """
    chance = random.Random(number)
    method, backbone = PAIRS[number * 7 % len(PAIRS)]
    place, expected = furnished(folder.parent), reference(method, backbone, folder.parent)
    config = configured(method, backbone, folder / "run", place)
    over = number % 10 == 9
    shutil.copytree(expected.place if over else stopped(method, backbone, folder.parent), folder / "run")
    damage = chance.choice((cut, flip, delete))
    named, step = at_the_record(config, damage, chance) if over else in_checkpoints(config, damage, chance)
    said = finished(config)
    assert "Traceback" not in said, said
    assert all(f"{name} is left aside" in said for name in named), f"{named} is not named in: {said}"
    assert re.findall(r"going on from step (\d+)", said) == [str(step)] * bool(step), f"not from step {step}: {said}"
    same(ending(config), expected.ending)
    return {"kind": f"{damage.__name__} {'in a record' if over else 'in a checkpoint'}"}


Damage = Callable[[Path, random.Random], None]


def in_checkpoints(config: Config, damage: Damage, chance: random.Random) -> tuple[list[str], int]:
    """Damages a file of the newest checkpoint to go on from, or of its best; sometimes also one of those before.

    Returns the checkpoints that cannot be used any more, and the step to go on from.
    """
    lasts = checkpoint.all_of(records.run_dir(config) / "checkpoints", "last")
    bests = checkpoint.all_of(records.run_dir(config) / "checkpoints", "best")
    assert [place.name[-1] for place in lasts] == ["5", "4"]
    chosen = chance.choice([lasts[:1], lasts[:1], lasts, bests[:1]])
    for place in chosen:
        damage(chance.choice(sorted(place.iterdir())), chance)
    useless = lasts if chosen == bests[:1] else chosen
    return [f"checkpoints/{place.name}" for place in useless], 0 if useless == lasts else 4


def at_the_record(config: Config, damage: Damage, chance: random.Random) -> tuple[list[str], int]:
    """Damages the record of the finished run; one that is gone needs no word. The run is tested again."""
    path = records.record_path(config)
    damage(path, chance)
    return [str(path)] if path.exists() else [], 6


@cache
def stopped(method: str, backbone: str, shared: Path) -> Path:
    """What a run leaves that was stopped after its fifth step."""
    place = furnished(shared)
    left = place / "stopped" / f"{method}-{backbone}"
    child = forked(configured(method, backbone, left, place), lambda: tell_at_step(5))
    assert child.wait() == 143, child.said
    return left
