"""Records out of a user's files, one at a time. A file is not trusted: what is wrong in it is told with its line."""

from __future__ import annotations

import csv
import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from petl.config import UserError

LONGEST_FIELD = 2**27  # characters of one csv field; the csv module itself stops at 2**17


class Record(NamedTuple):
    where: str  # "FILE:LINE", for messages
    fields: dict[str, Any]


def read(path: Path) -> Iterator[Record]:
    """The records of a .jsonl, .json (one object a line), .csv, .tsv or .parquet file; the text kinds also as .gz."""
    reader = READERS.get(kind(path))
    if reader is None:
        raise UserError(
            f"{path}: the name's end tells how a file is read, one of {', '.join(READERS)}; or text with .gz."
        )
    if not path.is_file():
        near = get_close_matches(path.name, [other.name for other in path.parent.glob("*")], n=1)
        raise UserError(f"{path}: no such file." + (f" Did you mean {path.with_name(near[0])}?" if near else ""))
    try:
        yield from reader(path)
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path}: cannot be read ({error}).") from error


def kind(path: Path) -> str:
    """The ending that tells how a file is read: ".csv" of both `a.csv` and `a.csv.gz`."""
    return Path(path.name.lower().removesuffix(".gz")).suffix


def _jsonl(path: Path) -> Iterator[Record]:
    for where, line in lines(path):
        if not line.strip():
            continue
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError) as error:
            why = f"{error.msg}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else str(error)
            raise UserError(f"{where}: not valid JSON ({why}); each line is one object. Here: {line[:60]!r}") from error
        if not isinstance(fields, dict):
            found = type(fields).__name__
            raise UserError(
                f"{where}: a {found}, where an object is wanted: one {{...}} a line, no brackets around them."
            )
        yield Record(where, fields)


def _table(delimiter: str) -> Callable[[Path], Iterator[Record]]:
    def rows(path: Path) -> Iterator[Record]:
        csv.field_size_limit(LONGEST_FIELD)
        reader = csv.reader((line for _, line in lines(path)), delimiter=delimiter, strict=True)
        header: list[str] = []
        start = 1  # a quoted field may span lines: a row is named by its first
        try:
            for cells in reader:
                where, start = f"{path}:{start}", reader.line_num + 1
                if not cells:
                    continue
                if not header:
                    header = _header(where, cells)
                elif len(cells) != len(header):
                    names = ", ".join(header)
                    raise UserError(f"{where}: {len(cells)} fields, but the header has {len(header)} ({names}).")
                else:
                    yield Record(where, dict(zip(header, cells, strict=True)))
        except csv.Error as error:
            raise UserError(f"{path}:{start}: not valid CSV ({error}); is a quote left open or unescaped?") from error

    return rows


def _header(where: str, cells: list[str]) -> list[str]:
    names = [cell.strip() for cell in cells]
    if len(set(names)) < len(names):
        raise UserError(f"{where}: the header names a column twice: {', '.join(names)}.")
    return names


def _parquet(path: Path) -> Iterator[Record]:
    import pyarrow
    import pyarrow.parquet

    number = 0
    try:
        for batch in pyarrow.parquet.ParquetFile(path).iter_batches(batch_size=1000):
            for fields in batch.to_pylist():
                number += 1
                yield Record(f"{path}: row {number}", fields)
    except pyarrow.ArrowException as error:
        raise UserError(f"{path}: not a readable parquet file, after row {number} ({error}).") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: text that is not UTF-8, after row {number} ({error}).") from error


def lines(path: Path) -> Iterator[tuple[str, str]]:
    """("FILE:LINE", text with its line end), strictly UTF-8; a byte order mark is dropped."""
    with _open(path) as file:
        for number, line in enumerate(file, start=1):
            try:
                yield f"{path}:{number}", line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise UserError(
                    f"{path}:{number}: byte 0x{line[error.start]:02x} at position {error.start + 1} is not UTF-8. "
                    f"Convert the file first, for example: iconv -f latin1 -t utf-8 {path.name}"
                ) from error


def _open(path: Path) -> BinaryIO:
    return gzip.open(path, "rb") if path.name.lower().endswith(".gz") else path.open("rb")  # type: ignore[return-value]


READERS: dict[str, Callable[[Path], Iterator[Record]]] = {
    ".jsonl": _jsonl,
    ".json": _jsonl,
    ".csv": _table(","),
    ".tsv": _table("\t"),
    ".parquet": _parquet,
}
