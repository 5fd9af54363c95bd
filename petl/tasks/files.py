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

LONGEST = 2**24  # bytes of a line, characters of a csv field
PLENTY, RATIO = 2**28, 250  # what unpacks to more than so many bytes, and so many times its size, is a bomb
ROW = 512  # bytes that a row takes whatever is in it


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
        csv.field_size_limit(LONGEST)
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

    number, fuse = 0, _Fuse(path)
    try:
        schema = pyarrow.parquet.read_metadata(path).schema
        columns = [schema.column(i).path for i in range(len(schema))]
        file = pyarrow.parquet.ParquetFile(path, read_dictionary=columns)  # a text that is repeated is held once
        fuse.check(sum(file.metadata.row_group(i).total_byte_size for i in range(file.num_row_groups)))
        for batch in file.iter_batches(batch_size=1000):
            some = max(1, PLENTY // max(1, batch.nbytes))  # rows, which may all hold its longest text
            for start in range(0, batch.num_rows, some):
                for fields in batch.slice(start, some).to_pylist():
                    number += 1
                    fuse.burn(ROW + _weight(fields))
                    yield Record(f"{path}: row {number}", fields)
    except pyarrow.ArrowException as error:
        raise UserError(f"{path}: not a readable parquet file, after row {number} ({error}).") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: text that is not UTF-8, after row {number} ({error}).") from error


def lines(path: Path) -> Iterator[tuple[str, str]]:
    """("FILE:LINE", text with its line end), strictly UTF-8; a byte order mark is dropped."""
    fuse = _Fuse(path)
    with _open(path) as file:
        for number, line in enumerate(iter(lambda: file.readline(LONGEST + 1), b""), start=1):
            if len(line) > LONGEST:
                raise UserError(f"{path}:{number}: a line of more than {LONGEST:,} bytes.")
            if fuse.packed:
                fuse.burn(ROW + len(line))
            try:
                yield f"{path}:{number}", line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise UserError(
                    f"{path}:{number}: byte 0x{line[error.start]:02x} at position {error.start + 1} is not UTF-8. "
                    f"Convert the file first, for example: iconv -f latin1 -t utf-8 {path.name}"
                ) from error


def _open(path: Path) -> BinaryIO:
    return gzip.open(path, "rb") if path.name.lower().endswith(".gz") else path.open("rb")  # type: ignore[return-value]


class _Fuse:
    """Ends the reading of a small file that unpacks to more than a machine holds."""

    def __init__(self, path: Path) -> None:
        self.path, self.packed = path, path.suffix.lower() in (".gz", ".parquet")
        self._size, self._burnt = path.stat().st_size, 0

    def burn(self, count: int) -> None:
        self._burnt += count
        self.check(self._burnt)

    def check(self, count: int) -> None:
        if count > max(PLENTY, RATIO * self._size):
            times = f"its {self._size:,} bytes unpack to more than {RATIO} times as many"
            raise UserError(f"{self.path}: {times}: no file of texts does. Unpacked it may be read.")


def _weight(value: Any) -> int:
    if isinstance(value, str | bytes):
        return len(value)
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 8 + sum(map(_weight, parts))


READERS: dict[str, Callable[[Path], Iterator[Record]]] = {
    ".jsonl": _jsonl,
    ".json": _jsonl,
    ".csv": _table(","),
    ".tsv": _table("\t"),
    ".parquet": _parquet,
}
