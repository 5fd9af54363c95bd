"""`petl.command.read` for the runs of a sweep: composed once for all that differ in numbers alone. Imports no torch."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any

from petl.checks import validate
from petl.composed import composition
from petl.config import Config

_NUMBER = re.compile(r"([a-z_]+(?:\.[a-z_]+)*)=((?:0|[1-9]\d{0,8})(?:\.\d{1,9})?(?:e-?\d{1,2})?)", re.ASCII)


@dataclass
class Group:
    """Runs of the same words but for numbers: one of them, and what is known of the others."""

    config: Config
    numbers: dict[str, str]
    referred: frozenset[str]  # see Composition
    proven: set[str] = field(default_factory=set)  # keys that were seen to set their leaf alone
    made: dict[frozenset[tuple[str, str]], Config] = field(default_factory=dict)  # valid ones, by what is not the seed

    def alone(self, name: str) -> bool:
        return name in self.proven or name.rpartition(".")[2] not in self.referred


def reader() -> Callable[[Sequence[str]], Config]:
    """`read`, which composes a group of runs once, whatever the values of its numbers, and their seeds share all else.

    A number that no interpolation may refer to sets its leaf and nothing else. Of another a second composition shows
    it, or each of its runs is composed. All checks of values are made for all of them.
    """
    groups: dict[tuple[str, ...], Group] = {}

    def remembered(overrides: Sequence[str]) -> Config:
        found = [_NUMBER.fullmatch(word) for word in overrides]
        numbers = {number[1]: number[2] for number in found if number}
        key = tuple(number[1] if number else word for number, word in zip(found, overrides, strict=True))
        if (group := groups.get(key)) is None:
            config, referred = composition(overrides)
            groups[key] = Group(config, numbers, referred)
            return config
        seed = numbers.pop("seed", None) if "seed" not in group.referred else None  # of nine digits: each is valid
        if (config := group.made.get(others := frozenset(numbers.items()))) is None:
            config = group.made[others] = _other(group, numbers, overrides)
        return config if seed is None else replace(config, seed=int(seed))

    return remembered


def _other(group: Group, numbers: dict[str, str], overrides: Sequence[str]) -> Config:
    """The config of the group with other numbers; its seed may be another one than that of `overrides`."""
    config, changed = group.config, {name for name in numbers if numbers[name] != group.numbers[name]}
    for name in changed:
        if (config := _with(config, name.split("."), numbers[name])) is None:
            return composition(overrides).config
    if not all(map(group.alone, changed)):
        full = composition(overrides).config
        if full == replace(config, seed=full.seed):
            group.proven |= changed
        return full
    validate(config)
    return config


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
