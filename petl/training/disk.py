"""Room on disk: asked for before a run and before a checkpoint, so that a full one ends in a sentence, not a file."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from petl.training import NoRoom

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
WORDS = ("No space left", "quota exceeded", "File too large", "file write failed", "iostream error")  # of our libraries
TEXT = 16_000_000  # bytes for a run's record, predictions and states


def of_run(trained: int) -> int:
    """Bytes that a run with so many trained parameters writes at most, at once.

    In float32: a checkpoint to go on from has weights and two moments, and there are two of them, a third while it is
    written; of the best weights there are two.
    """
    return 4 * trained * (3 * 3 + 2) + TEXT


def require(folder: Path, need: int, what: str) -> None:
    """NoRoom unless so many bytes are free where `folder` is, or will be."""
    if (have := free(folder)) < need:
        raise NoRoom(_told(folder, need, have, what))


@contextmanager
def writing(folder: Path, need: int, what: str) -> Iterator[None]:
    """`require`, and the same error where the disk is full before the block ends."""
    require(folder, need, what)
    try:
        yield
    except Exception as error:
        if not is_full(error):
            raise
        raise NoRoom(_told(folder, need, free(folder), what)) from error


@contextmanager
def told(folder: Path, need: int = TEXT, what: str = "what the run writes") -> Iterator[None]:
    """Whatever else finds the disk full, in one sentence."""
    try:
        yield
    except Exception as error:
        if not is_full(error):
            raise
        place = Path(name) if isinstance(error, OSError) and (name := error.filename) else folder
        raise NoRoom(_told(place, need, free(place), f"{what} ({error})")) from error


def is_full(error: Exception) -> bool:
    """Whether `error`, or one in whose handling it was raised, says that a disk, a quota or a limit is reached.

    torch, stopped in the middle of a file, fails once more as it closes that, with other words.
    """
    if isinstance(error, NoRoom):
        return False
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in FULL
    before = error.__context__
    return any(words in str(error) for words in WORDS) or (isinstance(before, Exception) and is_full(before))


def free(folder: Path) -> int:
    """Bytes, for this user."""
    there = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
    return shutil.disk_usage(there).free


def used(folder: Path) -> int:
    """Bytes of the files below a folder, 0 where there is none."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _told(folder: Path, need: int, have: int, what: str) -> str:
    return (
        f"No room on disk for {what}: it needs {_size(need)}, and {_size(have)} are free in {folder}.\n"
        "What was kept before is whole. Make room, and the same command goes on."
    )


def _size(count: int) -> str:
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"
