"""A record in the task's columns becomes a Row, or is skipped and counted, or is refused with its line."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any

from petl.config import UserError
from petl.tasks.files import Record
from petl.tasks.spec import Row, TaskSpec


def rows(spec: TaskSpec, records: Iterable[Record], skipped: Counter[str]) -> list[Row]:
    """The usable rows in their order. Rows without text or class, and rows whose `id` came before, go to `skipped`."""
    found: dict[str, Row] = {}
    copies: Counter[str] = Counter()
    for where, fields in records:
        fields = _unnested(spec, where, fields)
        empty = next((column for column in spec.columns if _is_empty(_field(spec, where, fields, column))), None)
        if empty is not None:
            skipped[f"empty {empty}"] += 1
            continue
        source, pair = _text(where, fields, spec.source), _text(where, fields, spec.pair) if spec.pair else None
        target = _class(spec, where, fields[spec.target]) if spec.labels else _text(where, fields, spec.target)
        if target == -1:  # how published data sets mark a row without a label
            skipped[f"no {spec.target}"] += 1
            continue
        key = _id(where, fields) or _numbered(digest(source, pair, target)[:16], copies)
        if key in found:
            skipped["duplicate id"] += 1
            continue
        found[key] = Row(key, source, pair, target)
    return list(found.values())


def inputs(spec: TaskSpec, records: Iterable[Record]) -> Iterator[tuple[dict[str, Any], str | tuple[str, str]]]:
    """What the model reads of each record, a text or a pair, and the record's fields. No reference is needed."""
    for where, fields in records:
        fields = _unnested(spec, where, fields)
        columns = [column for column in (spec.source, spec.pair) if column is not None]
        for column in columns:
            if _field(spec, where, fields, column) is None:
                raise UserError(f"{where}: {column} is empty; wanted a text.")
        texts = [_text(where, fields, column) for column in columns]
        yield fields, texts[0] if len(texts) == 1 else (texts[0], texts[1])


def digest(*content: object) -> str:
    """sha256 of texts and numbers, 64 hex digits."""
    return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()


def _unnested(spec: TaskSpec, where: str, fields: dict[str, Any]) -> dict[str, Any]:
    inner = fields.get(spec.nested) if spec.nested else None
    if inner is None:
        return fields
    if not isinstance(inner, dict):
        raise UserError(f"{where}: {spec.nested} is {_shown(inner)}; wanted an object with {', '.join(spec.columns)}.")
    return {**fields, **inner}


def _field(spec: TaskSpec, where: str, fields: dict[str, Any], column: str) -> Any:
    if column in fields:
        return fields[column]
    others = [name[:80] for name in fields if isinstance(name, str)][:80]
    near = get_close_matches(column, [name for name in others if name not in spec.columns], n=1, cutoff=0.5)
    hint = f" Is it the one called {near[0]!r}? Then rename it." if near else ""
    raise UserError(
        f"{where}: no column {column!r}. There are: {', '.join(others) or 'none'}.{hint}\n"
        f"Rows of task {spec.name} have the columns {', '.join(spec.columns)} (and id, if you like)."
    )


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _text(where: str, fields: dict[str, Any], column: str) -> str:
    value = fields[column]
    if not isinstance(value, str):
        raise UserError(f"{where}: {column} is {_shown(value)}; wanted a text.")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise UserError(f"{where}: {column} holds half a surrogate pair at character {error.start + 1}.") from error
    return value


def _class(spec: TaskSpec, where: str, value: Any) -> int:
    """The number of a class given by number, by number as text (csv), or by name; -1 where the file says: none."""
    if isinstance(value, str):
        text = value.strip().lower()
        if text in spec.labels:
            value = spec.labels.index(text)
        elif re.fullmatch(r"-?[0-9]{1,9}", text):
            value = int(text)
    if isinstance(value, int) and not isinstance(value, bool) and -1 <= value < len(spec.labels):
        return value
    names = ", ".join(f"{number} or {name}" for number, name in enumerate(spec.labels))
    raise UserError(f"{where}: {spec.target} is {_shown(value)}; wanted {names}.")


def _id(where: str, fields: dict[str, Any]) -> str | None:
    value = fields.get("id")
    if _is_empty(value):
        return None
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise UserError(f"{where}: id is {_shown(value)}; wanted a text or a whole number.")
    return _text(where, fields, "id") if isinstance(value, str) else str(value)


def _numbered(key: str, copies: Counter[str]) -> str:
    """A row without an id is named by its content; equal rows are all kept, so they need a number too."""
    copies[key] += 1
    return key if copies[key] == 1 else f"{key}-{copies[key]}"


def _shown(value: Any) -> str:
    return f"{type(value).__name__} {str(value)[:40]!r}"
