"""What a run is called. Its identity follows from what it computes, never from where or when it is computed."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from petl.config import Config, UserError
from petl.records.shared import Shared

SCHEMA = 1  # raise it when a default or the meaning of a knob changes: every run gets a new identity

_NOT_STORED = {"runtime", "experiment"}  # where a run happens, and the preset that asked for it
COSMETIC = {"method.title", "backbone.name"}  # what is only shown
_LEFT_OUT = _NOT_STORED | COSMETIC  # of an identity
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._%+=-]{0,79}", re.ASCII)


def identity(config: Config, shared: Shared | None = None) -> str:
    """First 12 hex digits of the SHA-256 of what `config` says beyond the defaults, without `runtime`, `experiment`
    and what is only shown.

    Defaults are left out so that a knob added later, with a default that keeps the old behaviour, renames no finished
    run. A changed default is no such knob: `find` compares the whole stored config, so it never returns a run of other
    defaults.
    """
    told = {"schema": SCHEMA, "config": _told(config, "", shared)}
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def canonical(config: Config, shared: Shared | None = None) -> dict[str, Any]:
    """The whole config as JSON values, without `runtime` and `experiment`: what a record stores."""
    parts = {f.name: getattr(config, f.name) for f in fields(config) if f.name not in _NOT_STORED}
    return {name: _once(shared, lambda part=part: plain(part), "plain", part) for name, part in parts.items()}


def run_dir(config: Config) -> Path:
    """Folder of checkpoints and predictions; the same on every rank and under every launcher."""
    return Path(config.runtime.output) / _folders(config) / _name("method", config.method.name) / identity(config)


def record_path(config: Config, shared: Shared | None = None) -> Path:
    """File of the finished record."""
    name = f"{_name('method', config.method.name)}-{identity(config, shared)}.json"
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


def _told(value: Any, path: str = "", shared: Shared | None = None) -> Any:
    """`value`, which stands at `path` in the config, as JSON, without the fields that equal their defaults."""
    if is_dataclass(value):
        told = {}
        for f in fields(value):
            place, part = f"{path}{f.name}", getattr(value, f.name)
            if place not in _LEFT_OUT:
                told[f.name] = _once(
                    shared, lambda f=f, v=part, place=place: _unless_default(f, v, place), "told", part
                )
        return {name: part for name, part in told.items() if part is not MISSING}
    if isinstance(value, dict):
        return {str(k): _told(v, f"{path}{k}.") for k, v in value.items()}
    return plain(value)


def _unless_default(f: Field, value: Any, place: str) -> Any:
    return MISSING if value == _default(f) else _told(value, f"{place}.")


def _once(shared: Shared | None, make: Callable[[], Any], what: str, part: Any) -> Any:
    """`make()`, remembered for a section that several configs have."""
    return make() if shared is None or not is_dataclass(part) else shared.once(make, what, part)


def _default(f: Field) -> Any:
    if f.default is not MISSING:
        return f.default
    return f.default_factory() if f.default_factory is not MISSING else MISSING


def plain(value: Any) -> Any:
    """Part of a config as JSON values; `config_of` is the way back."""
    if is_dataclass(value):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)  # 4 and 4.0 are the same setting
    return value
