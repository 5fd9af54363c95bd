"""What the words of a row compose to, remembered between processes: Hydra takes a tenth of a second for each."""

from __future__ import annotations

import hashlib
import json
import os
from functools import cache
from importlib.metadata import version
from pathlib import Path

from petl import records
from petl.command import read
from petl.config import Config

ROOT = Path(__file__).resolve().parents[2]


@cache
def composed(words: tuple[str, ...]) -> Config:
    """`petl.command.read(words)`; not to be changed. Refusals are not remembered."""
    path = _folder() / f"{hashlib.sha256(' '.join(words).encode()).hexdigest()[:24]}.json"
    try:
        return records.config_of(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        config = read(words)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps(records.canonical(config)), encoding="utf-8")
        draft.replace(path)
    except OSError:  # a cache that cannot be written is none
        pass
    return config


@cache
def _folder() -> Path:
    """A folder for each state of all that composing depends on."""
    files = [*(ROOT / "conf").rglob("*.yaml"), *(ROOT / "petl").glob("*.py")]
    state = [f"{path.relative_to(ROOT)} {hashlib.sha256(path.read_bytes()).hexdigest()}" for path in sorted(files)]
    state += [version("hydra-core"), version("omegaconf")]
    cache_home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache_home / "petl" / "composed" / hashlib.sha256("\n".join(state).encode()).hexdigest()[:16]
