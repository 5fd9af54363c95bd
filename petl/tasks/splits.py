"""Train, dev and test rows of a task: embedded, from the user's files, or from the hub."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from petl.config import Task, UserError
from petl.tasks import folders
from petl.tasks.files import READERS, Record, kind, read
from petl.tasks.folders import NAMES, Files
from petl.tasks.rows import digest, rows
from petl.tasks.spec import Row, TaskSpec

SHARE = 0.1  # of a file's rows, for dev and for test, where the user gives none


@dataclass(frozen=True)
class Splits:
    train: list[Row]
    dev: list[Row]
    test: list[Row]
    sha256: dict[str, str]  # "train/reviews.csv": the raw file; "train", "dev", "test": the rows in use
    skipped: dict[str, int]  # "train: empty summary": how many rows of the source were left out, and why
    source: str  # "embedded", "files", or which hub data set at which commit
    further: dict[str, list[Row]] = field(default_factory=dict)  # more test sets, as MNLI's test_mismatched

    @property
    def tests(self) -> dict[str, list[Row]]:
        return {"test": self.test, **self.further}


def load(spec: TaskSpec, task: Task, cache: str | Path | None = None, offline: bool = False) -> Splits:
    """The rows of a task. What was given no dev or test is split by content; then the limits apply."""
    files, records, source = own_files(spec, task), {}, "files"
    if task.data is None and "train" not in files:
        records, source = _embedded(spec, cache), "embedded"
    elif task.data is not None and "train" not in files:
        found, source = folders.of_hub(spec, task.data, task.revision, offline)
        files = found | files
    records |= {split: chain.from_iterable(map(read, paths)) for split, paths in files.items()}

    skipped = {split: Counter[str]() for split in records}
    parts = {split: rows(spec, records[split], skipped[split]) for split in records}
    if _hidden(spec, task, parts, skipped):
        files["test"], parts["test"] = files["dev"], parts["dev"]
    for split, part in parts.items():
        if not part:
            why = ", ".join(f"{n} with {why}" for why, n in skipped[split].items())
            raise UserError(f"{_named(files, split)}: no usable row for {split}; {why or 'it holds no row at all'}.")
    parts = _split(parts, _named(files, "train"))
    limits = {"train": task.limit_train, "dev": task.limit_dev}
    parts = {split: _limited(part, limits.get(split, task.limit_test)) for split, part in parts.items()}

    raw = {f"{split}/{path.name}": _file_digest(path) for split, paths in files.items() for path in paths}
    counts = {f"{split}: {why}": n for split, reasons in skipped.items() for why, n in reasons.items()}
    hashes = raw | {split: rows_digest(part) for split, part in parts.items()}
    usual = [parts.pop(split) for split in NAMES]
    return Splits(*usual, sha256=hashes, skipped=counts, source=source, further=parts)


def rows_digest(part: Iterable[Row]) -> str:
    """sha256 of rows in their order: the same data, whatever file format it came in."""
    total = hashlib.sha256()
    for row in part:
        total.update(digest(row.id, row.source, row.pair, row.target).encode())
    return total.hexdigest()


def own_files(spec: TaskSpec, task: Task) -> Files:
    """The user's files of each split; no train where the data is embedded or on the hub."""
    files: Files = {}
    if task.data is not None and _is_local(task.data):
        data = Path(task.data).expanduser()
        files = folders.of_folder(spec, data) if data.is_dir() else {"train": [data]}
    return files | {split: [Path(own).expanduser()] for split, own in (("dev", task.dev), ("test", task.test)) if own}


def _is_local(data: str) -> bool:
    """A hub id is NAME or OWNER/NAME; what exists here, or can be no such id, is a path."""
    path = Path(data).expanduser()
    return path.exists() or kind(path) in READERS or data.startswith((".", "/", "~")) or data.count("/") > 1


def _hidden(spec: TaskSpec, task: Task, parts: dict[str, list[Row]], skipped: dict[str, Counter[str]]) -> bool:
    """Whether a folder's test rows all lack their label, as GLUE's do: then test is what it is on the hub, dev."""
    same = spec.hub is not None and spec.hub.test == spec.hub.dev
    unlabelled = "test" in parts and not parts["test"] and set(skipped["test"]) == {"no label"}
    return same and unlabelled and bool(parts.get("dev")) and not (task.dev or task.test)


def _embedded(spec: TaskSpec, cache: str | Path | None) -> dict[str, Iterable[Record]]:
    from petl import mini

    made = mini.rows(spec.name, Path(cache) if cache is not None else None)
    return {
        split: [Record(f"embedded {spec.name}, {split} row {i}", fields) for i, fields in enumerate(part, start=1)]
        for split, part in made.items()
    }


def _split(parts: dict[str, list[Row]], named: str) -> dict[str, list[Row]]:
    """Dev and test where they are missing, from train, by a hash of the source text alone.

    A row's place depends on nothing but its own source: rows appended later move no other, and rows that share their
    source (translations of one sentence, hypotheses of one premise) stay on one side.
    """
    missing = [split for split in ("test", "dev") if split not in parts]
    if not missing:
        return parts
    chosen: dict[str, list[Row]] = {"train": [], "dev": [], "test": []}
    for row in parts["train"]:
        place = int(int(digest(row.source)[:8], 16) / 2**32 / SHARE)  # 0: test, 1: dev, 2 and more: train
        split = ("test", "dev")[place] if place < 2 else "train"
        chosen[split if split in missing else "train"].append(row)
    for split in ("train", *missing):
        if not chosen[split]:
            raise UserError(
                f"{named}: splitting its {len(parts['train'])} rows by content leaves none for {split}. "
                f"Give more rows, or files of your own: task.dev=FILE task.test=FILE"
            )
    return parts | {split: chosen[split] for split in ("train", *missing)}


def _limited(part: list[Row], limit: int | None) -> list[Row]:
    """At most `limit` rows, chosen by hash and not from the file's start, in their order."""
    if limit is None or limit >= len(part):
        return part
    kept = sorted(part, key=lambda row: digest("limit", row.id, row.source))[:limit]
    ids = {row.id for row in kept}
    return [row for row in part if row.id in ids]


def _named(files: Files, split: str) -> str:
    return ", ".join(map(str, files[split])) if split in files else "the data set"


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
