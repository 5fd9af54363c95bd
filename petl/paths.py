"""Paths: on a command line, where spaces, brackets and `~` need no quotes of Hydra's, and the cache."""

from __future__ import annotations

import os
import re
from pathlib import Path

from petl.config import Config

KEYS = (
    "task.data",
    "task.dev",
    "task.test",
    "backbone.path",
    "runtime.output",
    "runtime.records",
    "runtime.cache",
)


def quoted(word: str) -> str:
    """`task.data=my rows(1).csv` in Hydra's quotes; a comma still separates the values of a sweep.

    `null`, no value, and what is quoted already stay as they are.
    """
    key, _, value = word.partition("=")
    if key not in KEYS or value.strip()[:1] in ("'", '"'):
        return word
    return f"{key}={','.join(map(_quote, value.split(',')))}"


def cache(given: str | Path | None = None) -> Path:
    """Where what can be made again is kept: `given`, or $XDG_CACHE_HOME/petl, or ~/.cache/petl."""
    return Path(given or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "petl")


def expand(config: Config) -> None:
    """`~` at the start of a path becomes the home folder."""
    for key in KEYS:
        section, name = key.split(".")
        part = getattr(config, section)
        if path := getattr(part, name):
            setattr(part, name, os.path.expanduser(path))


def _quote(path: str) -> str:
    path = path.strip()
    if path in ("", "null") or path[0] in "'\"":
        return path
    escaped = re.sub(r'(\\*)("|$)', lambda found: found[1] * 2 + (found[2] and '\\"'), path)
    return f'"{escaped}"'
