"""What a run is called. Its identity follows from what it computes, never from where or when it is computed."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from petl.config import Config, UserError

SCHEMA = 1  # raise it when a default or the meaning of a knob changes: every run gets a new identity

_NOT_STORED = {"runtime", "experiment"}  # where a run happens, and the preset that asked for it
COSMETIC = {"method.title", "backbone.name"}  # what is only shown
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._%+=-]{0,79}", re.ASCII)


def identity(config: Config) -> str:
    """First 12 hex digits of the SHA-256 of what `config` says beyond the defaults, without `runtime`, `experiment`
    and what is only shown.

    Defaults are left out so that a knob added later, with a default that keeps the old behaviour, renames no finished
    run. A changed default is no such knob: `find` compares the whole stored config, so it never returns a run of other
    defaults.
    """
    told = {"schema": SCHEMA, "config": _told(config)}
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def canonical(config: Config) -> dict[str, Any]:
    """The whole config as JSON values, without `runtime` and `experiment`: what a record stores."""
    return {f.name: _plain(getattr(config, f.name)) for f in fields(config) if f.name not in _NOT_STORED}


def run_dir(config: Config) -> Path:
    """Folder of checkpoints and predictions; the same on every rank and under every launcher."""
    return Path(config.runtime.output) / _folders(config) / _name("method", config.method.name) / identity(config)


def record_path(config: Config) -> Path:
    """File of the finished record."""
    name = f"{_name('method', config.method.name)}-{identity(config)}.json"
    return Path(config.runtime.records) / _folders(config) / name


def _folders(config: Config) -> Path:
    return Path(_name("scale", config.scale), _name("task", config.task.name))


def _name(what: str, name: str) -> str:
    if not _NAME.fullmatch(name) or ".." in name:
        raise UserError(
            f"The {what} name {name[:80]!r} becomes part of a path: up to 80 letters, digits or . _ % + = -, the first "
            "a letter or digit, and no '..'."
        )
    return name


def _told(value: Any, path: str = "") -> Any:
    """`value`, which stands at `path` in the config, as JSON, without the fields that equal their defaults."""
    if is_dataclass(value):
        told = ((f"{path}{f.name}", f, getattr(value, f.name)) for f in fields(value))
        left_out = _NOT_STORED | COSMETIC
        return {f.name: _told(v, f"{place}.") for place, f, v in told if place not in left_out and v != _default(f)}
    if isinstance(value, dict):
        return {str(k): _told(v, f"{path}{k}.") for k, v in value.items()}
    return _plain(value)


def _default(f: Field) -> Any:
    if f.default is not MISSING:
        return f.default
    return f.default_factory() if f.default_factory is not MISSING else MISSING


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)  # 4 and 4.0 are the same setting
    return value
