"""`petl.command.read` for the runs of a sweep: composed once for all that differ in numbers alone. Imports no torch."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any

from petl.checks import validate
from petl.command import read
from petl.config import Config

_NUMBER = re.compile(r"([a-z_]+(?:\.[a-z_]+)*)=((?:0|[1-9]\d{0,8})(?:\.\d{1,9})?(?:e-?\d{1,2})?)", re.ASCII)


@dataclass
class Group:
    """Runs of the same words but for numbers: one of them, and the keys that have been seen to set their leaf alone."""

    config: Config
    numbers: dict[str, str]
    proven: set[str] = field(default_factory=set)


def reader() -> Callable[[Sequence[str]], Config]:
    """`read`, which composes a group of runs twice for each number that varies in it, whatever its values.

    The second time shows that the number sets its leaf and nothing else; then it is set. All checks of values are made
    for every run.
    """
    groups: dict[tuple[str, ...], Group] = {}

    def remembered(overrides: Sequence[str]) -> Config:
        numbers = {found[1]: found[2] for word in overrides if (found := _NUMBER.fullmatch(word))}
        key = tuple(found[1] if (found := _NUMBER.fullmatch(word)) else word for word in overrides)
        if (group := groups.get(key)) is None:
            groups[key] = Group(config := read(overrides), numbers)
            return config
        config, changed = group.config, {name for name in numbers if numbers[name] != group.numbers[name]}
        for name in changed:
            if (config := _with(config, name.split("."), numbers[name])) is None:
                return read(overrides)
        if not changed <= group.proven:
            full = read(overrides)
            if full == config:
                group.proven |= changed
            return full
        validate(config)
        return config

    return remembered


def _with(held: Any, path: Sequence[str], text: str) -> Any:
    """`held` with the number at `path`; None if there is no number of that kind."""
    name, *rest = path
    if not is_dataclass(held) or name not in {f.name for f in fields(held)}:
        return None
    before = getattr(held, name)
    if rest:
        after = _with(before, rest, text)
    elif type(before) is int:
        after = int(text) if text.isdigit() else None
    else:
        after = float(text) if type(before) is float else None
    return None if after is None else replace(held, **{name: after})  # type: ignore[arg-type, type-var]  # an instance
