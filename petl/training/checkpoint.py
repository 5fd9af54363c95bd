"""Checkpoints that are whole or absent: drafted beside their place, synced, with a manifest, moved in one step.

<folder>/<kind>-<step>/ with kind `last` or `best` holds weights.safetensors (the trained tensors only), state.json, for
`last` also optimiser.pt, and manifest.json. A checkpoint is whole if the manifest made anew from its files is the one
it has.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from petl.records.record import sync_folder

_MANIFEST = "manifest.json"


def save(
    folder: Path,
    kind: str,
    step: int,
    weights: dict[str, Tensor],
    state: dict[str, Any],
    optimiser: dict[str, Any] | None = None,
    keep: int = 1,
) -> Path:
    """Write a checkpoint, then remove all but the `keep` newest of its kind. Returns where it is."""
    place, draft = folder / f"{kind}-{step:08d}", folder / f".draft-{kind}-{os.getpid()}"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    save_file(
        {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}, draft / "weights.safetensors"
    )
    (draft / "state.json").write_text(json.dumps(state), encoding="utf-8")
    if optimiser is not None:
        torch.save(optimiser, draft / "optimiser.pt")
    (draft / _MANIFEST).write_text(_manifest(draft), encoding="utf-8")
    for file in draft.iterdir():
        with file.open("rb") as handle:
            os.fsync(handle.fileno())
    sync_folder(draft)
    shutil.rmtree(place, ignore_errors=True)  # the same step again: of a run that started over
    os.rename(draft, place)
    sync_folder(folder)
    for old in _newest_first(folder, kind)[keep:]:
        shutil.rmtree(old)
    return place


def newest(folder: Path, kind: str) -> Path | None:
    """The newest whole checkpoint of its kind; damaged ones are reported on stderr and passed over."""
    for place in _newest_first(folder, kind):
        if is_whole(place):
            return place
        print(f"warning: the checkpoint {place} is damaged and left aside", file=sys.stderr)
    return None


def is_whole(place: Path) -> bool:
    try:
        return (place / _MANIFEST).read_text(encoding="utf-8") == _manifest(place)
    except (OSError, ValueError):
        return False


def load(place: Path) -> tuple[dict[str, Tensor], dict[str, Any], dict[str, Any] | None]:
    """Weights, state and, if there is one, the optimiser's state. Nothing in the files is executed."""
    optimiser = place / "optimiser.pt"
    return (
        load_file(place / "weights.safetensors"),
        load_state(place),
        torch.load(optimiser, map_location="cpu", weights_only=True) if optimiser.exists() else None,
    )


def load_state(place: Path) -> dict[str, Any]:
    return json.loads((place / "state.json").read_text(encoding="utf-8"))


def take_place(new: Path, folder: Path) -> None:
    """Move all that is in `new` into `folder`, each in place of what has its name there."""
    for item in sorted(new.iterdir()):
        if (old := folder / item.name).is_dir():
            shutil.rmtree(old)
        os.replace(item, folder / item.name)
    new.rmdir()
    sync_folder(folder)


def set_aside(folder: Path) -> Path:
    """Rename the folder of all checkpoints to the first free FOLDER.old-N, and return that."""
    number = 1
    while (old := folder.with_name(f"{folder.name}.old-{number}")).exists():
        number += 1
    folder.rename(old)
    return old


def _newest_first(folder: Path, kind: str) -> list[Path]:
    return sorted(folder.glob(f"{kind}-*"), key=lambda place: place.name, reverse=True)


def _manifest(place: Path) -> str:
    files = sorted(file for file in place.iterdir() if file.name != _MANIFEST)
    told = {file.name: {"bytes": file.stat().st_size, "sha256": _sha256(file)} for file in files}
    return json.dumps({"schema": 1, "files": told}, indent=1)


def _sha256(file: Path) -> str:
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
