"""The words of a command line: each known, safe and meant once, and from a wrong one to the one that was meant.

Hydra's own refusals name no nearest word, and it takes `+lrr=3` silently: so words are looked up here before it
composes anything. Imports no torch.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from itertools import islice
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException, OverrideParseException

from petl import paths, unsafe
from petl.config import Config, UserError
from petl.refusals import hint, near

CONF = Path(__file__).resolve().parent.parent / "conf"
MOST = 100_000  # values of a key, and runs of a sweep
LONGEST, DEEPEST = 100_000, 50  # characters and opened brackets of a word


def parse(overrides: Sequence[str]) -> list[Override]:
    """Hydra's reading of every word, each known and meant only once."""
    words = list(_parsed(overrides))
    keys: set[str] = set()
    for word in words:
        unsafe.refuse_word(str(word.input_line))
        _refuse_deletion(word)
        _refuse_unknown(word)
        if (key := word.get_key_element().lstrip("+")) in keys:
            raise UserError(f"{word.input_line}: {key} is given twice; several values are {key}=A,B with -m.")
        keys.add(key)
    return words


def key_of(word: Override) -> str:
    return word.get_key_element().lstrip("+")


def launcher_of(words: Sequence[str]) -> str | None:
    """The launcher of a cluster that `words` ask for."""
    return next((word.partition("=")[2] for word in words if word.startswith("hydra/launcher=")), None)


def values(word: Override) -> list[str]:
    """The word of each run of a sweep."""
    if not word.is_sweep_override():
        return [str(word.input_line)]
    if not word.is_discrete_sweep():
        raise UserError(f"{word.input_line}: an interval has no values to try; write them: {word.key_or_group}=A,B,C.")
    try:
        chosen = [f"{word.get_key_element()}={value}" for value in islice(word.sweep_string_iterator(), MOST + 1)]
    except (ValueError, HydraException):  # of range(0,1,0)
        chosen = []
    if not 0 < len(chosen) <= MOST:
        raise UserError(f"{word.input_line}: {f'more than {MOST:,} values' if chosen else 'no value to try'}.")
    return chosen


def options(group: str) -> list[str]:
    """What `group=` can be."""
    names = (path.relative_to(CONF / group).with_suffix("").as_posix() for path in (CONF / group).rglob("*.yaml"))
    return sorted(
        names, key=lambda name: [float(p) if p[:1].isdigit() else p for p in re.split(r"(\d+(?:\.\d+)?)", name)]
    )


def groups() -> list[str]:
    return sorted(path.name for path in CONF.iterdir() if path.is_dir() and path.name not in ("hydra", "accelerate"))


def _parsed(overrides: Sequence[str]) -> Iterator[Override]:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        parser = OverridesParser.create(config_loader=GlobalHydra.instance().config_loader())
        for text in overrides:
            if len(text) > LONGEST or max(map(text.count, "[{(")) > DEEPEST:
                raise UserError(
                    f"{text[:60]} ...: no setting is so long (over {LONGEST:,} characters or {DEEPEST} brackets)."
                )
            try:
                yield from parser.parse_overrides([paths.quoted(text)])
            except (OverrideParseException, ValueError):  # of too many digits
                raise UserError(_malformed(text)) from None


# Refusals -------------------------------------------------------------------------------------------------------------


def _malformed(text: str) -> str:
    if text.startswith("-"):
        return f"{text}: no such flag; settings are written without dashes, as in method=lora."
    if "=" in text:
        return f"{text}: not of the form key=value; quote what has spaces or brackets of its own: 'key=\"a b\"'."
    for group in ("method", "task", *groups()):
        if meant := next((name for name in options(group) if name.lower() == text.lower()), None):
            return f"{text}: not of the form key=value. Did you mean {group}={meant}?"
    meant = _nearest_key(text)
    return f"{text!r}: not of the form key=value (no spaces around the =).{hint(meant and meant + '=...')}"


def _refuse_deletion(word: Override) -> None:
    if word.is_delete():
        raise UserError(f"{word.input_line}: nothing can be taken away; give it another value, or null.")


def _refuse_unknown(word: Override) -> None:
    key, text = word.key_or_group, str(word.input_line)
    if key.startswith(("hydra.", "hydra/")):
        if key != "hydra/launcher" and not key.startswith("hydra.launcher."):
            raise UserError(f"{text}: of Hydra's own settings there are hydra/launcher=... and hydra.launcher.KEY=...")
        return
    if key in groups():
        _refuse_option(word)
    elif is_dataclass(tp := type_of(key)) or get_origin(tp) is dict:
        inside = [f.name for f in fields(tp)] if is_dataclass(tp) else ["main.size"]
        raise UserError(
            f"{text}: {key} is a section; set a key in it: {', '.join(f'{key}.{name}' for name in inside)}."
        )
    elif tp is None:
        meant = _nearest_key(key)
        raise UserError(f"{text}: there is no {key}." + (hint(meant) or " --cfg job shows all there is."))
    elif word.is_add() or word.is_force_add():
        raise UserError(f"{text}: {key} exists, it is set without a +: {text.lstrip('+')}.")


def _refuse_option(word: Override) -> None:
    group, names = word.key_or_group, options(word.key_or_group)
    if word.package is not None and group != "delta":
        raise UserError(f"{word.input_line}: only delta@... goes elsewhere, as in +delta@method.deltas.extra=adapter.")
    if word.package is None and group == "delta":
        raise UserError(f"{word.input_line}: a delta goes somewhere, as in +delta@method.deltas.extra=adapter.")
    if word.package is None and (word.is_add() or word.is_force_add()):
        raise UserError(f"{word.input_line}: {group} is chosen without a +: {str(word.input_line).lstrip('+')}.")
    chosen = [text.partition("=")[2] for text in values(word)] if word.is_sweep_override() else [word.value()]
    for value in chosen:
        if value is None and group == "experiment":
            continue
        if not isinstance(value, str) or value not in names:
            more = {"budget": "also budget.percent=4.2, budget.size=77, budget.parameters=1000000"}.get(group)
            lines = [f"{group}={value}: there is no such {group}.{hint(near(str(value), names))}"]
            lines += [f"{group}: {', '.join(names)}", *([more] if more else [])]
            raise UserError("\n".join(lines))


# The schema -----------------------------------------------------------------------------------------------------------


def type_of(key: str) -> Any:
    """Type of the field that a dotted key names, `None` taken off; None: there is no such field."""
    tp: Any = Config
    for part in key.split("."):
        if is_dataclass(tp):
            tp = get_type_hints(tp).get(part)
        elif get_origin(tp) is dict:
            tp = get_args(tp)[1]
        else:
            return None
        if isinstance(tp, UnionType):
            tp = next(option for option in get_args(tp) if option is not NoneType)
    return tp


def described(tp: Any) -> str:
    if isinstance(tp, type) and issubclass(tp, Enum):
        return f"one of {', '.join(member.value for member in tp)}"
    lists = {"list[float]": "a list of numbers, [0.9,0.98]", "list[int]": "a list of whole numbers, [0,1]"}
    words = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
    return lists.get(str(tp)) or words.get(tp) or "a list, [a,b]"


def _keys(tp: Any = Config, prefix: str = "") -> Iterator[str]:
    """Every dotted key; the delta of a method stands as `main`."""
    for name, part in get_type_hints(tp).items():
        if is_dataclass(part):
            yield from _keys(part, f"{prefix}{name}.")
        elif get_origin(part) is dict:
            yield from _keys(get_args(part)[1], f"{prefix}{name}.main.")
        else:
            yield f"{prefix}{name}"


def _nearest_key(word: str) -> str | None:
    """By its last part, the whole, the last part roughly: lr -> recipe.lr, recipe.lrr -> recipe.lr, methd -> method."""
    keys = [*groups(), *_keys()]
    last = word.rpartition(".")[2]
    by_last: dict[str, list[str]] = {}
    for key in keys:
        by_last.setdefault(key.rpartition(".")[2], []).append(key)
    if last not in by_last and "." in word and (meant := near(word, keys, cutoff=0.8)):
        return meant
    meant = near(last, by_last)
    return " or ".join(by_last[meant][:3]) if meant else near(word, keys)


def first_line(error: Exception) -> str:
    """With the next, where it ends in a colon."""
    first, _, rest = str(error).strip().partition("\n")
    return f"{first} {rest.strip().splitlines()[0]}" if first.endswith(":") and rest.strip() else first
