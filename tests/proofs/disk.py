"""A full disk ends a run with a sentence, and takes nothing that was there."""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import re
import resource
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

from petl import records
from petl.config import Config
from petl.training import checkpoint
from tests.proofs import Note, promise
from tests.proofs.runs import PAIRS, Child, configured, ending, finished, forked, furnished, reference, same, watch

SIZE = 48_000_000  # bytes of a disk of its own
LIBC = ctypes.CDLL(None, use_errno=True)


def summed(notes: list[Note]) -> str:
    kinds = [note["kind"] for note in notes]
    return ", ".join(f"{kinds.count(kind)} {kind}" for kind in sorted(set(kinds)))


@promise(full=20, quick=4, slow=True, sum_up=summed)
def disk(number: int, folder: Path) -> Note:
    """A full disk: exit code 4, need and have are said, what was kept is whole; with room again, the same end.

    Even cases have a disk of their own (tmpfs, where this process may mount one), which another process fills before a
    random file operation of the run. In odd ones the kernel refuses files beyond a random size from such a moment on.
    """
    chance = random.Random(number)
    method, backbone = PAIRS[number * 7 % len(PAIRS)]
    place, expected = furnished(folder.parent), reference(method, backbone, folder.parent)
    with own_disk(folder / "disk") if number % 2 == 0 else contextlib.nullcontext(False) as mounted:
        config = configured(method, backbone, folder / "disk" / "run", place)
        other = record_of_another_run(config)
        for _ in range(20):  # a limit that no later file reaches changes nothing
            fill = filled(folder, chance) if mounted else limited(chance)
            child = at(config, chance.randrange(expected.operations), fill)
            if child.wait() != 0:
                break
            records.record_path(config).unlink()
            shutil.rmtree(config.runtime.output)
        refused(config, child)
        assert other.read_text() == "{}"
        (folder / "disk" / "ballast").unlink(missing_ok=True)
        finished(config)
        same(ending(config), expected.ending)
    return {"kind": "on a disk that was full" if mounted else "at a limit of size"}


def refused(config: Config, child: Child) -> None:
    """The run ended as it should, and left what is whole."""
    assert child.ended == 4, f"{child.ended}: {child.said}"
    assert re.search(r"No room on disk for .*: it needs [\d.]+ \w+, and [\d.]+ \w+ are free in", child.said), child.said
    assert "Traceback" not in child.said, child.said
    kept = records.run_dir(config) / "checkpoints"
    for place in (*checkpoint.all_of(kept, "last"), *checkpoint.all_of(kept, "best")):
        assert checkpoint.is_whole(place), f"{place.name} is not whole"
    assert not (kept / ".draft").exists(), "a draft is left"
    if records.record_path(config).exists():
        records.read(records.record_path(config))


def at(config: Config, operation: int, act: Callable[[], None]) -> Child:
    """The run, with `act` before its file operation of that number."""
    left = [operation]

    def count() -> None:
        left[0] -= 1
        if left[0] == -1:
            act()

    return forked(config, lambda: watch(config, count))


def limited(chance: random.Random) -> Callable[[], None]:
    size = int(2 ** chance.uniform(4, 14))

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # as Python has it: the write is refused
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    return limit


def filled(folder: Path, chance: random.Random) -> Callable[[], None]:
    """Another file takes what is free, but for a random rest."""
    rest = int(2 ** chance.uniform(0, 20))

    def fill() -> None:
        free = os.statvfs(folder / "disk")
        with (folder / "disk" / "ballast").open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(1, free.f_bavail * free.f_frsize - rest))

    return fill


@contextlib.contextmanager
def own_disk(folder: Path) -> Iterator[bool]:
    """A small file system at `folder`; False where this process may not mount one."""
    folder.mkdir()
    mounted = LIBC.mount(b"tmpfs", str(folder).encode(), b"tmpfs", 0, f"size={SIZE}".encode()) == 0
    try:
        yield mounted
    finally:
        if mounted:
            LIBC.umount2(str(folder).encode(), 2)  # also while something there is open


def record_of_another_run(config: Config) -> Path:
    path = records.record_path(config).with_name("other.json")
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    return path
