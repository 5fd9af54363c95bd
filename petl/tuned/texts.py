"""Texts out of a user's file, and answers beside them. Imports no torch.

A .txt file, and standard input (`-`), hold a text a line, the two of a pair with a tab between them. .jsonl, .csv, .tsv
and .parquet have the task's columns; the column of the reference may be missing.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from petl.config import UserError
from petl.tasks import files, rows
from petl.tasks.spec import TaskSpec

STDIN = "-"
LINES = (".txt", "")  # endings of files of lines


class Given(NamedTuple):
    """`told`: the fields that an answer is written beside, id and texts."""

    told: dict[str, Any]
    text: str | tuple[str, str]


def read(source: str, spec: TaskSpec) -> list[Given]:
    """UserError with file and line for what cannot be read."""
    columns = [column for column in ("id", spec.source, spec.pair) if column is not None]
    path = Path(source).expanduser()
    if source == STDIN or files.kind(path) in LINES:
        return [_line(where, line, spec) for where, line in _lines(source, path)]
    found = rows.inputs(spec, files.read(path))
    return [Given({name: fields[name] for name in columns if name in fields}, text) for fields, text in found]


def check(target: str) -> None:
    """UserError unless answers can go to `target`: said before they are computed."""
    path = Path(target).expanduser()
    if target == STDIN:
        return
    if path.suffix not in (".jsonl", ".txt"):
        raise UserError(f"--output {target}: the name's end tells how it is written, .jsonl or .txt.")
    if path.exists() or not path.parent.is_dir():
        why = "it is there already" if path.exists() else f"there is no folder {path.parent}"
        raise UserError(f"--output {target}: {why}.")


def write(target: str, given: Iterable[Given], answers: Iterable[str], as_json: bool = False) -> None:
    """An answer a line, to standard output or a new file: the text alone, or JSON with the fields that it answers."""
    as_json = as_json or target.endswith(".jsonl")
    lines = [_answer(row, answer, as_json) for row, answer in zip(given, answers, strict=True)]
    if target == STDIN:
        sys.stdout.writelines(lines)
        sys.stdout.flush()
        return
    try:
        Path(target).expanduser().write_text("".join(lines), encoding="utf-8")
    except OSError as error:
        raise UserError(f"--output {target}: cannot be written ({error.strerror}).") from error


def _answer(row: Given, answer: str, as_json: bool) -> str:
    if as_json:
        return json.dumps({**row.told, "prediction": answer}, ensure_ascii=False, default=str) + "\n"
    return " ".join(answer.splitlines()) + "\n"


def _line(where: str, line: str, spec: TaskSpec) -> Given:
    text = line.rstrip("\r\n")
    if spec.pair is None:
        return Given({spec.source: text}, text)
    parts = text.split("\t")
    if len(parts) != 2:
        raise UserError(f"{where}: {len(parts)} texts; wanted {spec.source} and {spec.pair} with a tab between them.")
    return Given({spec.source: parts[0], spec.pair: parts[1]}, (parts[0], parts[1]))


def _lines(source: str, path: Path) -> Iterator[tuple[str, str]]:
    try:
        yield from files.lines(Path("/dev/stdin") if source == STDIN else path)
    except (OSError, EOFError) as error:
        raise UserError(f"{source}: cannot be read ({getattr(error, 'strerror', None) or error}).") from error
