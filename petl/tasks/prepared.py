"""Token ids that are kept: what was tokenised once is read the next time.

A file is named by all that its content follows from: the rows, the tokenizer, the lengths, the code that encodes. So
nothing in it is ever out of date; what is damaged is made anew, and what cannot be kept is said and done without.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from array import array
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from petl.config import Task
from petl.tasks import encoding
from petl.tasks.encoding import Encoded
from petl.tasks.spec import Row, TaskSpec

CODE = hashlib.sha256(Path(encoding.__file__).read_bytes()).hexdigest()


def encode(spec: TaskSpec, rows: Sequence[Row], sha256: str, tokenizer: Any, task: Task, folder: Path) -> list[Encoded]:
    """`encoding.encode`, or what it gave for the same `rows` (whose digest is `sha256`) before."""
    encoding.check(spec, tokenizer, task)
    path = folder / f"{_key(spec, sha256, tokenizer, task)}.safetensors"
    try:
        return _read(path)
    except FileNotFoundError:
        pass
    except Exception as error:  # of safetensors, numpy or the disk
        print(f"note: {path} is damaged ({error}); its rows are tokenised again", file=sys.stderr)
    encoded = encoding.encode(spec, rows, tokenizer, task)
    try:
        _write(path, encoded)
    except OSError as error:
        print(f"note: token ids are not kept for the next start: {path}: {error.strerror}", file=sys.stderr)
    return encoded


def _key(spec: TaskSpec, sha256: str, tokenizer: Any, task: Task) -> str:
    backend = json.loads(tokenizer.backend_tokenizer.to_str())
    told = {
        "rows": sha256,
        "tokenizer": {name: part for name, part in backend.items() if name not in ("truncation", "padding")},
        "languages": spec.languages,
        "classes": bool(spec.labels),
        "pairs": spec.pair is not None,
        "lengths": [task.max_source, None if spec.labels else task.max_target],
        "code": [CODE, version("tokenizers"), version("transformers")],
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:32]


# The file -------------------------------------------------------------------------------------------------------------


def _write(path: Path, encoded: list[Encoded]) -> None:
    """Ids of all rows in one line, and where each row's end; whole or not at all."""
    from safetensors.numpy import save_file

    columns: dict[str, list[Sequence[int]]] = {"source": [row.input_ids for row in encoded]}
    tensors: dict[str, np.ndarray] = {
        "cut": np.array([(row.cut_source, row.cut_target) for row in encoded], dtype=np.uint8)
    }
    if any(row.token_type_ids is not None for row in encoded):
        columns["types"] = [row.token_type_ids or [] for row in encoded]
    if any(isinstance(row.labels, int) for row in encoded):
        tensors["classes"] = np.array([row.labels for row in encoded], dtype=np.int64)
    else:
        columns["target"] = [row.labels for row in encoded]  # type: ignore[misc]
    for name, parts in columns.items():
        tensors[name] = np.concatenate([np.asarray(part, dtype=np.int32) for part in parts] or [np.empty(0, np.int32)])
        tensors[f"{name}_ends"] = np.cumsum([len(part) for part in parts], dtype=np.int64)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        save_file(tensors, draft, metadata={"sha256": _sha256(tensors)})
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _read(path: Path) -> list[Encoded]:
    from safetensors import safe_open

    with safe_open(path, "numpy") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}
        if file.metadata()["sha256"] != _sha256(tensors):
            raise ValueError("its checksum does not fit")
    sources, types = _rows(tensors, "source"), _rows(tensors, "types") if "types" in tensors else None
    labels = [row.tolist() for row in _rows(tensors, "target")] if "target" in tensors else tensors["classes"].tolist()
    return [
        Encoded(i, ids, label, bool(cut[0]), bool(cut[1]), None if types is None else types[i])
        for i, (ids, label, cut) in enumerate(zip(sources, labels, tensors["cut"], strict=True))
    ]


def _rows(tensors: dict[str, np.ndarray], name: str) -> list[array[int]]:
    content, ends = tensors[name].tobytes(), [0, *tensors[f"{name}_ends"].tolist()]
    size = array("i").itemsize
    return [array("i", content[a * size : b * size]) for a, b in zip(ends, ends[1:], strict=False)]


def _sha256(tensors: dict[str, np.ndarray]) -> str:
    total = hashlib.sha256()
    for name in sorted(tensors):
        total.update(f"{name} {tensors[name].shape}".encode())
        total.update(np.ascontiguousarray(tensors[name]).data)
    return total.hexdigest()
