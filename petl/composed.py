"""What words compose to, remembered between processes: Hydra takes a tenth of a second for each.

No torch here. What is remembered belongs to one state of all that composing depends on: conf/, petl/*.py, the home
folder, the versions of Hydra and OmegaConf. Files and ranges are looked at anew; refusals are not remembered.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import fields
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from omegaconf import OmegaConf

from petl import command, paths, records
from petl.checks import validate
from petl.config import Config

ROOT = Path(__file__).resolve().parents[1]
STATES = 8  # that are kept


class Composition(NamedTuple):
    """Not to be changed: who asks for the same words may get the same one."""

    config: Config  # as of petl.command.read
    referred: frozenset[str]  # words of the interpolations in what conf/ composes: what of a key is there may set more


def composed(words: Sequence[str]) -> Config:
    """`petl.command.read(words)`, remembered in this process as well."""
    return _held(tuple(words)).config


def composition(words: Sequence[str]) -> Composition:
    path = _folder() / f"{hashlib.sha256(json.dumps(list(words)).encode()).hexdigest()[:24]}.json"
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        found = Composition(records.config_of(held["config"]), frozenset(held["referred"]))
    except (OSError, ValueError, KeyError, TypeError):
        raw = command.composed(words)
        found = Composition(command.checked(raw), frozenset(_referred(OmegaConf.to_container(raw))))
        _keep(path, found)
        return found
    validate(found.config)
    return found


_held = cache(composition)


def _keep(path: Path, made: Composition) -> None:
    config = {f.name: records.plain(getattr(made.config, f.name)) for f in fields(made.config)}
    draft = path.with_suffix(f".{os.getpid()}")
    try:
        if not path.parent.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            _forget(path.parent)
        draft.write_text(json.dumps({"config": config, "referred": sorted(made.referred)}), encoding="utf-8")
        draft.replace(path)
    except OSError:  # a cache that cannot be written is none
        pass


def _forget(newest: Path) -> None:
    """What belongs to states of long ago."""
    others = sorted((path for path in newest.parent.iterdir() if path != newest), key=lambda p: p.stat().st_mtime)
    for path in others[: max(0, len(others) - STATES + 1)]:
        shutil.rmtree(path, ignore_errors=True)


@cache
def _folder() -> Path:
    """A folder for each state of all that composing depends on."""
    files = [*(ROOT / "conf").rglob("*.yaml"), *(ROOT / "petl").glob("*.py")]
    state = [f"{path.relative_to(ROOT)} {hashlib.sha256(path.read_bytes()).hexdigest()}" for path in sorted(files)]
    state += [version("hydra-core"), version("omegaconf"), str(Path.home())]
    return paths.cache() / "composed" / hashlib.sha256("\n".join(state).encode()).hexdigest()[:16]


def _referred(held: Any) -> set[str]:
    """The words of all texts in `held` that have an interpolation."""
    if isinstance(held, dict | list):
        return set().union(*map(_referred, held.values() if isinstance(held, dict) else held))
    return set(re.findall(r"\w+", held)) if isinstance(held, str) and "${" in held else set()
