"""What a user means by RUN: a run's folder, an exported folder, a record's file, or the first digits of an identity.

Imports no torch. Names in a record are checked before they become part of a path.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from petl import records
from petl.config import Config, UserError
from petl.records.life import told
from petl.refusals import hint, near

ROOTS = (Path("outputs/records"), Path(__file__).resolve().parents[2] / "results" / "runs")  # of records
OUTPUT = Path("outputs")  # of run folders
RECORD, ABOUT = "record.json", "petl.json"  # in an exported folder
_IDENTITY = re.compile("[0-9a-f]{12}")
SHOWN = 8  # of the runs that a word could mean


@dataclass(frozen=True)
class Found:
    """A run: its record, and the folder of its weights (none where there is only the record)."""

    record: records.Record
    path: Path  # of the record
    folder: Path | None
    exported: bool = False


def find(word: str | Path, roots: Sequence[Path] = ROOTS) -> Found:
    """The run that `word` names; UserError with the nearest ones where it names none, or several."""
    path = Path(os.path.expanduser(word))
    if os.path.isfile(path):  # False, where Path's own method raises: a name of 300 characters
        return _of_record(path)
    if os.path.isdir(path):
        return _of_record(path / RECORD) if (path / ABOUT).is_file() else _of_folder(path, roots)
    return _of_record(_named(str(word), roots))


def read(path: Path) -> records.Record:
    try:
        return records.read(path)
    except (ValueError, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise UserError(f"{path} is no record of a finished run: {reason}.") from error


def config_of(record: records.Record, path: Path) -> Config:
    try:
        return records.config_of(record["config"])
    except ValueError as error:
        raise UserError(f"{path}: {error}.") from error


def _of_record(path: Path) -> Found:
    if path.name == RECORD and (path.parent / ABOUT).is_file():
        return Found(read(path), path, path.parent, exported=True)
    record = read(path)
    if not _IDENTITY.fullmatch(record["identity"]):
        raise UserError(f"{path}: its identity is {record['identity'][:40]!r}, wanted 12 hexadecimal digits.")
    config = config_of(record, path)
    beside = (
        path.resolve().parents
    )  # <output>/records/<scale>/<task>/<file>, if the records are where they are by default
    for output in (*beside[3:4], OUTPUT):
        config.runtime.output = str(output)
        folder = records.run_dir(config).with_name(record["identity"])
        if folder.is_dir():
            return Found(record, path, folder)
    return Found(record, path, None)


def _of_folder(folder: Path, roots: Sequence[Path]) -> Found:
    where = folder.resolve()
    if len(where.parents) < 5 or not _IDENTITY.fullmatch(where.name):
        raise UserError(
            f"{folder} is neither a run's folder (outputs/SCALE/TASK/METHOD/IDENTITY) nor an exported one "
            f"(it has no {ABOUT})."
        )
    scale, task, method = where.parts[-4:-1]
    said = (told(folder) or {}).get("record", "")  # by the run itself; runs of old say nothing
    tried = [
        folder / str(said),
        *(root / scale / task / f"{method}-{where.name}.json" for root in (where.parents[3] / "records", *roots)),
    ]
    for path in tried:
        if os.path.isfile(path):
            return Found(read(path), path, folder)
    raise UserError(
        f"{folder}: no record of this run. Tried: {', '.join(str(path.parent) for path in tried[1:])}.\n"
        "The run is not finished (its command goes on with it), or its record is elsewhere: name the record."
    )


def _named(word: str, roots: Sequence[Path]) -> Path:
    """The record whose identity, or METHOD-IDENTITY, begins with `word`."""
    known = dict(_names(roots))
    chosen = [name for name in known if word and (name.startswith(word) or name.rpartition("-")[2].startswith(word))]
    if len(chosen) == 1:
        return known[chosen[0]]
    if chosen:
        several = "\n".join(f"  {name}  {known[name].parent.name}" for name in chosen[:SHOWN])
        more = f"\n  and {len(chosen) - SHOWN} more" if len(chosen) > SHOWN else ""
        raise UserError(f"{word}: {len(chosen)} runs begin with it; give more of one:\n{several}{more}")
    if "/" in word or "." in word:
        beside = [str(path) for path in Path(word).parent.glob("*")] if len(word) < 256 and "\0" not in word else []
        raise UserError(f"{word[:200]!r}: no such file or folder.{hint(near(word, beside))}")
    words = [*known, *(part for name in known for part in name.rsplit("-", 1))]  # as a whole, method, identity
    raise UserError(
        f"{word}: no file, no folder, and no run below {', '.join(map(str, roots))} begins with it."
        + (hint(near(word, words)) or f" There are {len(known)} runs.")
    )


def _names(roots: Sequence[Path]) -> Iterator[tuple[str, Path]]:
    """METHOD-IDENTITY -> the record's file; of one that is below several roots, the first's."""
    for root in reversed(roots):
        for path in sorted(root.rglob("*-*.json")):
            if _IDENTITY.fullmatch(path.stem.rpartition("-")[2]):
                yield path.stem, path
