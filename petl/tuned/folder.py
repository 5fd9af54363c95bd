"""An exported folder: written whole or not at all, read as data. JSON and safetensors; nothing in it is executed.

petl.json names the layout and has the sha256 of every other file but the card. The layouts:

petl    weights.safetensors: the tuned tensors by our names, prefixes folded, a classifier's head with them
peft    adapter_config.json, adapter_model.safetensors: LoRA as peft keeps it
merged  a plain transformers folder, tokenizer included
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from petl.config import UserError
from petl.records.record import sync_folder
from petl.records.sources import file_sha256
from petl.refusals import choice
from petl.tuned.find import ABOUT

FORMAT = 1
OURS, PEFT, MERGED = "petl", "peft", "merged"
WEIGHTS = {OURS: "weights.safetensors", PEFT: "adapter_model.safetensors", MERGED: "model.safetensors"}
CARD = "README.md"  # the user's to edit
MOST = 2**20  # bytes of petl.json


@dataclass(frozen=True)
class About:
    """`petl.json`."""

    layout: str
    backbone_sha256: str  # of the backbone's tensors without a classification head, before anything was attached
    files: dict[str, str] = field(default_factory=dict)  # name -> sha256
    format: int = FORMAT


def about(place: Path) -> About:
    """What an exported folder says of itself, once every file is the one it names; else a UserError with the file."""
    path = place / ABOUT
    try:
        if path.stat().st_size > MOST:
            raise ValueError(f"larger than {MOST:,} bytes")
        told = json.loads(path.read_text(encoding="utf-8"))
        found = About(**told)
        if found.format != FORMAT:
            raise ValueError(f"format {found.format}, this version reads {FORMAT}")
        if found.layout not in WEIGHTS:
            raise ValueError(choice("layout", found.layout, WEIGHTS))
        stored, present = dict(found.files), {name: file_sha256(place / name) for name in names(place)}
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise UserError(f"{path} describes no exported folder: {error}") from error
    for name in sorted(present.keys() | stored.keys()):
        if name not in present:
            raise UserError(f"{place / name} is missing.")
        if name not in stored:
            raise UserError(f"{place / name} was not exported with the rest; take it away.")
        if present[name] != stored[name]:
            raise UserError(f"{place / name} is not the file that was exported: its sha256 is {present[name]}.")
    return found


def names(place: Path) -> list[str]:
    """The files that `petl.json` answers for: all but itself, the card, and hidden ones (.gitattributes of the hub)."""
    return sorted(f.name for f in place.iterdir() if f.name not in (ABOUT, CARD) and not f.name.startswith("."))


def weights(place: Path, told: About) -> dict[str, Tensor]:
    path = place / WEIGHTS[told.layout]
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path} holds no tensors that can be read ({error}).") from error


@contextmanager
def writing(out: Path, layout: str, backbone_sha256: str) -> Iterator[Path]:
    """A draft to write into, which becomes `out` at the end; `out` must not be there yet, or be empty."""
    if out.is_symlink() or (out.exists() and (not out.is_dir() or any(out.iterdir()))):
        raise UserError(f"{out} is there already; export to a folder of its own.")
    draft = out.with_name(f".{out.name}.{os.getpid()}")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        draft.mkdir(parents=True)
        yield draft
        told = About(layout, backbone_sha256, {name: file_sha256(draft / name) for name in names(draft)})
        (draft / ABOUT).write_text(json.dumps(asdict(told), indent=1) + "\n", encoding="utf-8")
        for file in draft.iterdir():
            with file.open("rb") as handle:
                os.fsync(handle.fileno())
        os.replace(draft, out)
        sync_folder(out.parent)
    except (OSError, SafetensorError) as error:  # no room, no permission
        raise UserError(f"{out} cannot be written: {error}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
