"""What a finished run tells about itself: its record and its predictions."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import resource
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from petl.backbone.load import find
from petl.config import Backbone
from petl.records.folder import SCORES

HISTORY = 60  # points at most, in a record


def prediction_rows(rows: Iterable[Any], predictions: Iterable[Any], labels: tuple[str, ...]) -> list[dict[str, str]]:
    """id, source (both texts of a pair), reference and prediction of each row, classes by name."""

    def text(answer: Any) -> str:
        return labels[answer] if labels else answer

    return [
        {
            "id": row.id,
            "source": row.source if row.pair is None else f"{row.source} | {row.pair}",
            "reference": text(row.target),
            "prediction": text(prediction),
        }
        for row, prediction in zip(rows, predictions, strict=True)
    ]


def write_predictions(rows: list[dict[str, str]], path: Path) -> None:
    """One JSON object a line, in the order of the split; the file is whole or the old one."""
    _write("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), path)


def write_scores(scores: Mapping[str, Any], record: Path) -> None:
    """What each test row adds to the metrics (`petl.tasks.scores`), beside the record it belongs to."""
    _write(json.dumps(scores, separators=(",", ":")) + "\n", record.with_name(record.name.replace(".json", SCORES)))


def _write(text: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8")
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def examples(rows: list[dict[str, str]], count: int) -> list[dict[str, str]]:
    """So many, spread over the split; which ones depends on its length alone."""
    chosen = sorted({len(rows) * i // count for i in range(count)}) if rows else []
    return [{name: rows[i][name] for name in ("source", "reference", "prediction")} for i in chosen]


def thinned(history: list[dict[str, Any]], keep: int) -> list[dict[str, Any]]:
    """At most HISTORY points, evenly chosen; the first, the last and the selected one (step `keep`) are among them."""
    if len(history) <= HISTORY:
        return history
    chosen = {round(i * (len(history) - 1) / (HISTORY - 2)) for i in range(HISTORY - 1)}
    return [point for i, point in enumerate(history) if i in chosen or point["step"] == keep]


def parameters(counts: Any) -> dict[str, Any]:
    """`petl.backbone.counts`, with the paper's percentage."""
    told = dataclasses.asdict(counts)
    return {**told, "percent": 100 * told["paper"] / told["backbone"]}


def peak_memory_mb() -> float:
    """Peak of this process in MB (10^6 bytes): of the GPU's tensors where there is a GPU, else resident."""
    if torch.cuda.is_initialized():
        return round(torch.cuda.max_memory_allocated() / 1e6, 1)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak * (1 if sys.platform == "darwin" else 1024) / 1e6, 1)


def device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def weights_sha256(weights: Mapping[str, Tensor]) -> str:
    """Of names, shapes and bytes of all tensors, in the order of their names."""
    total = hashlib.sha256()
    for name, tensor in sorted(weights.items()):
        total.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        raw: Any = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
        total.update(raw)
    return total.hexdigest()


def commit_of(backbone: Backbone) -> str | None:
    """Of a backbone from the hub, which has been downloaded by now."""
    local = backbone.path.startswith("mini:") or Path(backbone.path).expanduser().is_dir()
    return None if local else find(backbone, offline=True).name


def tokenizer_sha256(tokenizer: Any) -> str:
    """Of everything a fast tokenizer does, as its JSON; of the vocabulary where there is no such thing."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    text = backend.to_str() if backend is not None else json.dumps(tokenizer.get_vocab(), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
