"""The files that a run reads, and whether they are still those of its record. Imports no torch."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from petl import hub
from petl.config import Backbone, Config, UserError
from petl.records.shared import Shared

_cache: dict[tuple[Path, int, int], str] = {}  # a file is hashed once per process, unless it changes


def backbone_files(backbone: Backbone) -> dict[str, str]:
    """Name -> sha256 of the files of a backbone: a folder, a miniature, or what the hub's cache has of it."""
    folder = _folder(backbone)
    weights = next((names for names in hub.WEIGHTS if any(folder.glob(names[0]))), ())
    files = sorted({path for name in (*hub.BACKBONE, *weights) for path in folder.glob(name) if path.is_file()})
    return {path.name: file_sha256(path) for path in files}


def data_files(config: Config) -> dict[str, str]:
    """split/NAME -> sha256 of the user's own files, as far as they exist, and of the embedded rows if they are read."""
    from petl.tasks import find, splits

    try:
        files = splits.own_files(find(config.task.name), config.task)
        own = {f"{split}/{path.name}": path for split, paths in files.items() for path in paths}
        return {name: file_sha256(path) for name, path in own.items() if path.is_file()} | _embedded(config)
    except UserError:  # what is missing or ambiguous now tells the run that reads it
        return {}


def changed(record: Mapping[str, Any], config: Config, shared: Shared | None = None) -> str | None:
    """The first file that is another one than the record's. What is gone, or not in the record, is not compared."""
    shared = shared or Shared()
    for kind, stored, asked, now in (
        ("data", record["data"]["sha256"], (config.task, config.runtime), lambda: data_files(config)),
        ("backbone", record["backbone"].get("files", {}), (config.backbone,), lambda: backbone_files(config.backbone)),
    ):
        for name, sha256 in shared.once(now, f"{kind} files", *asked).items():
            if stored.get(name, sha256) != sha256:
                return f"{kind} file {name}"
    return None


def file_sha256(path: Path) -> str:
    state = path.stat()
    key = (path.resolve(), state.st_size, state.st_mtime_ns)
    if key not in _cache:
        with path.open("rb") as file:
            _cache[key] = hashlib.file_digest(file, "sha256").hexdigest()
    return _cache[key]


def _embedded(config: Config) -> dict[str, str]:
    if config.task.data is not None:
        return {}
    from petl import mini

    cache = Path(config.runtime.cache) if config.runtime.cache is not None else None
    return {f"embedded {config.task.name}": file_sha256(mini.rows_file(config.task.name, cache))}


def _folder(backbone: Backbone) -> Path:
    if backbone.path.startswith("mini:"):
        from petl.mini import backbone_folder

        return backbone_folder(backbone.path.removeprefix("mini:"))
    folder = Path(backbone.path).expanduser()
    if folder.is_dir():
        return folder
    with contextlib.suppress(UserError):
        return hub.backbone(backbone.path, backbone.revision, offline=True)
    return folder
