"""The config of a record, back as a `Config`: the inverse of `naming.canonical`. Values only; nothing is resolved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import is_dataclass
from enum import Enum
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

from petl.config import Config


def config_of(told: Mapping[str, Any]) -> Config:
    """What a record stores of a config, as it was; settings it does not know have their defaults, as in `find`.

    ValueError where it has a setting that there is none of here, or a value of another type.
    """
    return _built(Config, told, "config")


def _built(tp: Any, value: Any, where: str) -> Any:
    if is_dataclass(tp) and isinstance(value, Mapping):
        hints = get_type_hints(tp)
        if unknown := sorted(value.keys() - hints.keys()):
            raise ValueError(f"{where}.{unknown[0]} is no setting of this version of petl")
        return tp(**{name: _built(hints[name], part, f"{where}.{name}") for name, part in value.items()})  # type: ignore[operator]
    if options := [option for option in get_args(tp) if get_origin(tp) not in (dict, list)]:  # int | None
        return None if value is None and NoneType in options else _built(options[0], value, where)
    if get_origin(tp) is dict and isinstance(value, Mapping):
        return {str(key): _built(get_args(tp)[1], part, f"{where}.{key}") for key, part in value.items()}
    if get_origin(tp) is list and isinstance(value, list):
        return [_built(get_args(tp)[0], part, f"{where}[]") for part in value]
    if isinstance(tp, type) and issubclass(tp, Enum) and value in [member.value for member in tp]:
        return tp(value)
    if tp is float and type(value) is int:
        return float(value)  # `canonical` writes 4.0 as 4
    if isinstance(tp, type) and not issubclass(tp, Enum) and type(value) is tp:
        return value
    raise ValueError(f"{where} is {str(value)[:40]!r}, a {type(value).__name__}")
