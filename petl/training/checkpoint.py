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
from petl.training import NoRoom, disk

_MANIFEST = "manifest.json"
SMALL = 1_000_000  # bytes for state and manifest


def save(
    folder: Path,
    kind: str,
    step: int,
    weights: dict[str, Tensor],
    state: dict[str, Any],
    optimiser: dict[str, Any] | None = None,
) -> Path:
    """Write a checkpoint, in place of what has its name. Returns where it is."""
    place, draft, old = named(folder, kind, step), folder / ".draft", folder / ".old"
    for left in (draft, old):  # by a run that was killed
        shutil.rmtree(left, ignore_errors=True)
    try:
        with disk.writing(folder, _bytes(weights) + _bytes(optimiser) + SMALL, f"the checkpoint of step {step}"):
            draft.mkdir(parents=True)
            _fill(draft, weights, state, optimiser)
    except NoRoom:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    if place.exists():  # of a run that went on from an earlier one
        os.rename(place, old)
    os.rename(draft, place)
    sync_folder(folder)
    shutil.rmtree(old, ignore_errors=True)
    return place


def _fill(draft: Path, weights: dict[str, Tensor], state: dict[str, Any], optimiser: dict[str, Any] | None) -> None:
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


def _bytes(held: Any) -> int:
    """Of all tensors in nested dicts."""
    if isinstance(held, dict):
        return sum(map(_bytes, held.values()))
    return held.nbytes if isinstance(held, Tensor) else 0


def remove(place: Path) -> None:
    """At once or not at all, so that none is left in part under its name."""
    shutil.rmtree(old := place.with_name(".old"), ignore_errors=True)
    os.rename(place, old)
    shutil.rmtree(old)


def named(folder: Path, kind: str, step: int) -> Path:
    return folder / f"{kind}-{step:08d}"


def all_of(folder: Path, kind: str) -> list[Path]:
    """The checkpoints of a kind, whole or not, the newest first."""
    return sorted(folder.glob(f"{kind}-*"), key=lambda place: place.name, reverse=True)


def newest(folder: Path, kind: str) -> Path | None:
    """The newest whole checkpoint of its kind; damaged ones are reported on stderr and passed over."""
    for place in all_of(folder, kind):
        if is_whole(place):
            return place
        _warn(place, "it is damaged")
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


def put_aside(place: Path, why: str) -> None:
    """Rename a checkpoint that cannot be used, so that it is none any more, and say so."""
    _warn(place, why)
    shutil.rmtree(aside := place.with_name(f"damaged-{place.name}"), ignore_errors=True)
    os.rename(place, aside)


def any_in(folder: Path) -> bool:
    return any(folder.glob("[!.]*"))


def set_aside(folder: Path) -> Path:
    """Rename the folder of all checkpoints to the first free FOLDER.old-N, and return that."""
    number = 1
    while (old := folder.with_name(f"{folder.name}.old-{number}")).exists():
        number += 1
    folder.rename(old)
    return old


def _warn(place: Path, why: str) -> None:
    print(f"warning: the checkpoint {place} is left aside: {why}", file=sys.stderr)


def _manifest(place: Path) -> str:
    files = sorted(file for file in place.iterdir() if file.name != _MANIFEST)
    told = {file.name: {"bytes": file.stat().st_size, "sha256": _sha256(file)} for file in files}
    return json.dumps({"schema": 1, "files": told}, indent=1)


def _sha256(file: Path) -> str:
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
