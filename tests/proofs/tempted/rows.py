"""Files of rows that unpack to more than a machine has, hold code, or speak to terminals and browsers."""

from __future__ import annotations

import gzip
import json
import pickle
import zipfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from tests.proofs.tempted.backbones import run
from tests.proofs.tempted.harness import TRAIN, Case, Payload, payload

PAGE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
TERMINAL = "\x1b]0;owned\x07\x1b[2J\x9b31m"
ROW = b'{"sentence": "a", "label": 1}\n'


def file(name: str, write: Callable[[Path], object]) -> Callable[[Path], Sequence[str]]:
    """sst2 from one file of the user's; no backbone is needed to refuse it."""

    def make(folder: Path) -> Sequence[str]:
        write(folder / name)
        return reading(folder, "sst2", folder / name)

    return make


def reading(folder: Path, task: str, data: Path) -> list[str]:
    words = [f"task.data={data}", f"runtime.output={folder}/out", f"runtime.records={folder}/out/records"]
    return [TRAIN, f"task={task}", "method=lora", "runtime.device=cpu", *words]


def packed(parts: Iterable[bytes]) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with gzip.open(path, "wb", compresslevel=1) as out:
            for part in parts:
                out.write(part)

    return write


def table(text: str, count: int) -> Callable[[Path], None]:
    """parquet, where a text that is repeated stands once, and a long one of one letter takes a few kilobytes."""

    def write(path: Path) -> None:
        import pyarrow
        import pyarrow.parquet

        once = pyarrow.DictionaryArray.from_arrays(pyarrow.array([0] * count), [text])
        rows = pyarrow.table({"sentence": once if count > 2 else [text] * count, "label": [1] * count})
        how: dict[str, Any] = {"compression": "zstd", "write_statistics": False, "use_dictionary": count > 2}
        pyarrow.parquet.write_table(rows, path, **how)

    return write


def archive(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("../../../executed", bytes(10**7))


def script(folder: Path) -> Sequence[str]:
    """A data set that is a loading script."""
    (folder / "xsum").mkdir()
    (folder / "xsum" / "xsum.py").write_text(payload(folder))
    return reading(folder, "xsum", folder / "xsum")


def speaking(folder: Path) -> Sequence[str]:
    """Rows that would be a browser's code and a terminal's commands."""
    command = run(folder)
    for path in (folder / "rows").glob("*.jsonl"):
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        spoken = [{**row, "document": PAGE + TERMINAL + row["document"], "summary": TERMINAL + PAGE} for row in rows]
        path.write_text("".join(json.dumps(row) + "\n" for row in spoken))
    return command


CASES = [
    Case("rows: a gigabyte of zeros", file("a.jsonl.gz", packed([bytes(2**20)] * 1024)), "a line of more than"),
    Case("rows: a billion rows", file("a.jsonl.gz", packed([ROW * 10**5] * 120)), "unpack to more than 250 times"),
    Case("rows: empty lines", file("a.csv.gz", packed([b"\n" * 10**6] * 800)), "unpack to more than 250 times"),
    Case("rows: a field without end", file("a.csv", lambda p: p.write_bytes(b'a,b\n"' + b"x\n" * 10**7)), "CSV"),
    Case("rows: a text 30,000 times", file("a.parquet", table("ab" * 10**5, 30_000)), "unpack to more"),
    Case("rows: a row of 300 MB", file("a.parquet", table("a" * (3 * 10**8), 2)), "unpack to more"),
    Case("rows: nested without end", file("a.jsonl", lambda p: p.write_bytes(b"[" * 10**6)), "not valid JSON"),
    Case("rows: a number without end", file("a.jsonl", lambda p: p.write_bytes(b'{"id":' + b"9" * 10**6)), "JSON"),
    Case("rows: an archive", file("a.zip", archive), "how a file is read"),
    Case(
        "rows: a pickle", file("a.pkl", lambda p: p.write_bytes(pickle.dumps(Payload(p.parent)))), "how a file is read"
    ),
    Case("rows: a program", file("a.py", lambda p: p.write_text(payload(p.parent))), "how a file is read"),
    Case("rows: a loading script", script, "no train file"),
    Case("rows: code for browsers and terminals", speaking, code=0),
]
