"""One changed byte of what a run reads: it is not gone on with, not taken as done, not put beside others in a table."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from petl import command, records
from petl.config import Config, UserError
from petl.report import cells
from petl.training import run
from tests.proofs import promise, tiny
from tests.tasks.conftest import toy


class Case(NamedTuple):
    layout: str
    file: str  # below the folders `model` and `rows`
    old: bytes  # what stands there once at least; its last byte changes. b"": the byte in the middle of the weights
    new: bytes = b""
    data: str = "jsonl"  # how the rows are kept: a key of DATA


CASES = [
    Case("bart-large", "model/config.json", b'"dropout": 0.1', b'"dropout": 0.2'),
    Case("bart-large", "model/pytorch_model.bin", b""),
    Case("bart-large", "model/vocab.json", b"}\n", b"} "),  # says the same, and is another file
    Case("bart-large", "model/merges.txt", b"#version: 0.2", b"#version: 0.3"),
    Case("bart-large", "model/tokenizer_config.json", b"1024", b"1025"),
    Case("bart-large", "rows/train.jsonl", b"the", b"tha"),
    Case("bart-large", "rows/dev.jsonl", b'"summary": "', b'"summary":\t"'),  # white space: the rows are the same
    Case("bart-large", "rows/test.jsonl", b"the", b"tha"),
    Case("mbart-large-cc25", "model/sentencepiece.bpe.model", b"nmt_nfkc", b"nmt_nfkd"),  # a name
    Case("mbart-large-cc25", "model/pytorch_model.bin", b""),
    Case("mbart-large-cc25", "rows/train-00001-of-00002.parquet", b"home", b"hame", "parquet"),
    Case("mbart-large-cc25", "rows/train.jsonl.gz", b"\x1f\x8b\x08\x00\x00", b"\x1f\x8b\x08\x00\x01", "gz"),  # its date
    Case("roberta-base", "model/model.safetensors", b""),
    Case("roberta-base", "model/config.json", b'"num_attention_heads": 2', b'"num_attention_heads": 4'),
    Case("roberta-base", "model/merges.txt", b"#version: 0.2", b"#version: 0.3"),
    Case("roberta-base", "rows/validation_mismatched.csv", b" the ", b" tha ", "csv"),
    Case("roberta-base", "rows/my dev.jsonl", b"the", b"tha", "own"),
    Case("roberta-base", "rows/my test.jsonl", b"the", b"tha", "own"),
    Case("in pieces", "model/model-00002-of-*.safetensors", b""),
    Case("in pieces", "model/generation_config.json", b'"num_beams": 1', b'"num_beams": 9'),
]


@promise(full=len(CASES), quick=4)
def integrity(number: int, folder: Path) -> None:
    """One changed byte of data or backbone: no resume, not done, no shared cell of a table; and the file is named."""
    case = CASES[number]
    tiny.backbone(folder / "model", case.layout)
    words = DATA[case.data](folder, case.layout)
    _made_ready(case, folder)
    config = command.read(words)
    first, _ = _run(config)
    assert records.find(config) == first, "control: a finished run is found"
    assert "going on from step 4" in _again(config), "control: an unfinished run is gone on with"

    path = _changed(case, folder)
    assert _silent(records.find, config) == (None, _about(path.name)), "it passes for done"
    told = _again(config)
    assert "starting over" in told and path.name in told, f"it went on with checkpoints of other bytes: {told}"
    second, _ = _run(replace(config, seed=1))
    _assert_apart(words, first, second, path.name)


def _assert_apart(words: list[str], first: records.Record, second: records.Record, file: str) -> None:
    """Of the two seeds a cell has one, and a footnote that names the file."""
    cell = cells.Cell("table6", "a row", "a task", "mini", words, {}, {}, [])
    filled = cells.filled(cell, [first, second])
    assert len(filled.records) == 1 and len(filled.refused) == 1, "two seeds of other bytes share a cell"
    assert file in filled.refused[0], filled.refused[0]


# Running --------------------------------------------------------------------------------------------------------------


def _run(config: Config) -> tuple[records.Record, str]:
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        record = run(config)
    return record, said.getvalue()


def _again(config: Config) -> str:
    """What the run says that has checkpoints and no record."""
    records.record_path(config).unlink(missing_ok=True)
    try:
        return " ".join(_run(config)[1].split())
    except UserError as error:
        return f"starting over is refused: {error}"


class _about(str):
    """Equal to any text that it is in."""

    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and str(self) in str(other)


def _silent(function: Callable[[Config], Any], config: Config) -> tuple[Any, str]:
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        return function(config), said.getvalue()


# Bytes ----------------------------------------------------------------------------------------------------------------


def _made_ready(case: Case, folder: Path) -> None:
    """Where a byte is to change that these layouts do not have."""
    if case.file == "model/vocab.json":
        (folder / case.file).write_bytes((folder / case.file).read_bytes() + b"\n")
    if case.file == "model/generation_config.json":
        path = folder / case.file
        path.write_text(json.dumps({**json.loads(path.read_text()), "num_beams": 1}))


def _changed(case: Case, folder: Path) -> Path:
    """The file with one byte changed."""
    (path,) = folder.glob(case.file)
    content = bytearray(path.read_bytes())
    if case.old:
        at = content.index(case.old)
        content[at : at + len(case.old)] = case.new
    else:
        at = len(content) // 2
        content[at] ^= 1
    path.write_bytes(content)
    return path


# Rows -----------------------------------------------------------------------------------------------------------------


def _jsonl(folder: Path, layout: str) -> list[str]:
    return tiny.words(layout, folder / "model", tiny.data(folder / "rows", tiny.TASKS[layout]), folder)


def _parquet(folder: Path, layout: str) -> list[str]:
    """train in two pieces, as the hub has it."""
    import pyarrow
    import pyarrow.parquet

    words, path = _jsonl(folder, layout), folder / "rows" / "train.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for number, part in enumerate((rows[:20], rows[20:])):
        place = folder / "rows" / f"train-0000{number}-of-00002.parquet"
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(part), place, compression="none")
    path.unlink()
    return words


def _gz(folder: Path, layout: str) -> list[str]:
    words, path = _jsonl(folder, layout), folder / "rows" / "train.jsonl"
    path.with_name("train.jsonl.gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))
    path.unlink()
    return words


def _csv(folder: Path, layout: str) -> list[str]:
    """mnli, whose second test set is a file of its own."""
    words = _jsonl(folder, layout)
    (folder / "rows" / "test.jsonl").unlink()
    rows = toy("mnli")
    for name, part in (("train", rows[:40]), ("validation_matched", rows[40:50]), ("validation_mismatched", rows[50:])):
        (folder / "rows" / f"{name}.jsonl").unlink(missing_ok=True)
        lines = [",".join(map(str, row.values())) for row in ({key: key for key in rows[0]}, *part)]
        (folder / "rows" / f"{name}.csv").write_text("\n".join(lines) + "\n")
    (folder / "rows" / "dev.jsonl").unlink()
    return ["task=mnli" if word == "task=sst2" else word for word in words]


def _own(folder: Path, layout: str) -> list[str]:
    """dev and test that the user names."""
    words, rows = _jsonl(folder, layout), folder / "rows"
    for split in ("dev", "test"):
        (rows / f"{split}.jsonl").rename(rows / f"my {split}.jsonl")
    return [*words, f"task.dev={rows}/my dev.jsonl", f"task.test={rows}/my test.jsonl"]


DATA = {"jsonl": _jsonl, "parquet": _parquet, "gz": _gz, "csv": _csv, "own": _own}
