"""A backbone's folder that is more than a model: what would run code, read elsewhere, or fill the memory."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from petl.config import UserError

LAYERS = 1000  # of a stack, at most: each takes time and memory before the weights are looked at


def refuse_unsafe(folder: Path, config: Mapping[str, Any]) -> None:
    """UserError with all that speaks against reading this folder, whose config.json says `config`.

    Code that its files name (auto_map, custom_generate, pickles) is not run either way.
    """
    if wrong := list(_wrong(folder, config)):
        raise UserError("\n".join(f"{folder}: {why}" for why in wrong))


def _wrong(folder: Path, config: Mapping[str, Any]) -> Iterator[str]:
    if (folder / "adapter_config.json").exists():
        yield "adapter_config.json: an adapter of peft, which would silently become part of the backbone."
    if config.get("quantization_config"):
        yield "config.json: quantised weights (quantization_config) are not read here."
    for key, value in config.items():
        if key.endswith("layers") and isinstance(value, int | float) and value > LAYERS:
            yield f"config.json: {key}={value}, at most {LAYERS}."
    for path in folder.glob("*.index.json"):
        pieces = json.loads(path.read_text("utf-8"))["weight_map"].values()
        if outside := sorted({str(name) for name in pieces if Path(str(name)).name != name}):
            yield f"{path.name} names {outside[0]!r}: its pieces stand beside it."
    for path in folder.glob("pytorch_model*.bin"):  # torch compresses nothing: such a file unpacks to any size
        if zipfile.is_zipfile(path) and any(part.compress_type for part in zipfile.ZipFile(path).infolist()):
            yield f"{path.name} is compressed, as torch never writes it."
