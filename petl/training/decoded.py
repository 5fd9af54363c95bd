"""What an evaluation has decoded so far, so that an interrupted one goes on where it stopped.

Each process appends a line for each of its batches to a file of its own: the rows, the answers, a checksum. The unit is
the batch, because an answer may depend, in its last bits, on how its neighbours are padded. The name of the files has
the key of all that the answers follow from: files of another key are removed.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PAUSE = 30.0  # seconds between two fsyncs: what a power cut may cost; the end of a process costs a batch

Answers = dict[tuple[int, ...], list[Any]]  # rows of a batch -> their answers


def key(**of: Any) -> str:
    """16 hex digits of all that the answers follow from."""
    return hashlib.sha256(json.dumps(of, sort_keys=True).encode()).hexdigest()[:16]


def read(folder: Path, split: str, key: str) -> Answers:
    """The batches that any process has answered under this key; torn or altered lines are passed over."""
    found: Answers = {}
    for path in sorted(folder.glob(f"{split}-*.jsonl")):
        if path.name.startswith(f"{split}-{key}-"):
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
            found.update(batch for line in lines if (batch := _parsed(line)) is not None)
        else:
            path.unlink()
    return found


@contextmanager
def writing(folder: Path, split: str, key: str, process: int) -> Iterator[Writer]:
    """Appends to this process's file of the split; durable at the end, also of an interrupted block."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{split}-{key}-{process}.jsonl").open("a", encoding="utf-8") as file:
        if file.tell():
            file.write("\n")  # the last line may be torn
        writer = Writer(file)
        try:
            yield writer
        finally:
            writer.sync()


class Writer:
    def __init__(self, file: Any) -> None:
        self._file, self._synced = file, time.monotonic()

    def add(self, rows: list[int], answers: list[Any]) -> None:
        self._file.write(json.dumps({"rows": rows, "answers": answers, "sha256": _sha256(rows, answers)}) + "\n")
        self._file.flush()
        if time.monotonic() > self._synced + PAUSE:
            self.sync()

    def sync(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._synced = time.monotonic()


def _parsed(line: str) -> tuple[tuple[int, ...], list[Any]] | None:
    try:
        told = json.loads(line)
        whole = told["sha256"] == _sha256(told["rows"], told["answers"])
        return (tuple(told["rows"]), told["answers"]) if whole else None
    except (ValueError, TypeError, KeyError):
        return None


def _sha256(rows: list[int], answers: list[Any]) -> str:
    return hashlib.sha256(json.dumps([rows, answers]).encode()).hexdigest()[:16]
