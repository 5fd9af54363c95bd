"""Which files hold which split: of a user's folder, and of a data set of the hub, which is a folder too."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from petl import hub
from petl.config import UserError
from petl.tasks.files import READERS, kind
from petl.tasks.spec import TaskSpec

Files = dict[str, list[Path]]

NAMES = {"train": ("train",), "dev": ("dev", "validation", "valid", "val"), "test": ("test",)}  # of files in a folder
CONVERTED = "refs/convert/parquet"  # the branch with the hub's own conversion, of data sets that are a script


def of_folder(spec: TaskSpec, folder: Path) -> Files:
    """`train.jsonl`, `validation.csv`, ..., or the pieces of a split, `train-00000-of-00002.parquet`, ...

    As in the hub's repositories they may stand in a subfolder, CONFIG/ (mnli, ro-en) or data/, and each split in one
    of its own, CONFIG/train/0000.parquet.
    """
    for place in _places(spec, folder):
        files = _splits(spec, place)
        if "train" in files:
            return files
    found = ", ".join(sorted(path.name for path in folder.glob("*"))[:12]) or "nothing"
    raise UserError(f"{folder}: no train file (train{', train'.join(READERS)}). The folder holds: {found}.")


def of_hub(spec: TaskSpec, data: str, revision: str | None, offline: bool) -> tuple[Files, str]:
    """The files of a hub data set, and where they are from: "hub OWNER/NAME, main, COMMIT".

    What has no data files on its main branch, but a script, which is not run, is taken from the hub's conversion.
    """
    tried: dict[str, str] = {}  # branch -> why not
    for branch in (revision,) if revision else ("main", CONVERTED):
        try:
            folder = hub.snapshot("task.data", data, branch, _patterns(spec), offline)
            files = of_folder(spec, folder)
        except UserError as error:
            tried[branch] = str(error).removeprefix(f"task.data={data}: ")
            continue
        if tried:
            print(f"note: task.data={data}: {CONVERTED}, for main has no data files that can be read", file=sys.stderr)
        return files, f"hub {data}, {branch}, {folder.name}"
    raise UserError(_refusal(spec, data, tried))


def _refusal(spec: TaskSpec, data: str, tried: dict[str, str]) -> str:
    lines = [f"task.data={data}: {next(iter(tried.values()))}"]
    if len({*tried.values()}) > 1:
        lines = [f"task.data={data}: not to be had. Tried", *(f"- {branch}: {why}" for branch, why in tried.items())]
    if spec.hub and spec.hub.id != data:
        lines.append(f"The hub data set of task {spec.name} is {spec.hub.id}.")
    return "\n".join(lines)


def _places(spec: TaskSpec, folder: Path) -> Iterator[Path]:
    return (folder / name for name in _subfolders(spec))


def _patterns(spec: TaskSpec) -> list[str]:
    """What to download: the files of the splits in `_places`, and of no other config; the card, for its licence."""
    names = dict.fromkeys(name for several in _names(spec).values() for name in several)
    return ["README.md", *(f"{place}{name}*" for place in _subfolders(spec) for name in names)]


def _subfolders(spec: TaskSpec) -> list[str]:
    config = spec.hub.config if spec.hub else None
    return ["", *(f"{name}/" for name in (config, "data", "default") if name)]


def _splits(spec: TaskSpec, place: Path) -> Files:
    files: Files = {}
    for split, names in _names(spec).items():
        own = [path for path in place.glob("*") if path.name.split(".")[0].split("-")[0] in names and _is_data(path)]
        parts = [path for name in names for path in (place / name).glob("*") if _is_data(path)]
        if len(own) > 1 and not all("-" in path.name for path in own):
            raise UserError(f"{place}: which one is {split}? {', '.join(sorted(path.name for path in own))}")
        if own or parts:
            files[split] = sorted(own or parts)
    return files


def _is_data(path: Path) -> bool:
    return kind(path) in READERS and path.is_file()


def _names(spec: TaskSpec) -> dict[str, tuple[str, ...]]:
    """What files of each split are called: the usual names, and the hub's where they are unusual."""
    usual, names = {name for several in NAMES.values() for name in several}, dict(NAMES)
    for split, name in (spec.hub.splits if spec.hub else {}).items():
        names[split] = names.get(split, ()) + ((name,) if name not in usual else ())
    return names
