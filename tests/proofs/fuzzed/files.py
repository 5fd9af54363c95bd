"""Files of rows: good ones, and what editors, exports, cut downloads and ill will make of them."""

from __future__ import annotations

import csv
import gzip
import io
import json
from functools import cache
from typing import Any, NamedTuple

from hypothesis import strategies as st

from petl.tasks import TASKS
from tests.tasks.conftest import toy


class File(NamedTuple):
    task: str
    ending: str
    content: bytes
    limit: int | None

    def __repr__(self) -> str:
        return f"{self.task} {self.ending} {len(self.content)} bytes, limit {self.limit}: {self.content[:600]!r}"


ENDINGS = (".jsonl", ".json", ".csv", ".tsv", ".parquet", ".jsonl.gz", ".csv.gz")
STRANGE = [
    *(
        "",
        " ",
        "\n",
        "\t",
        "\x00",
        "a\x00b",
        "\x1b[2J",
        "\u202eabc",
        "\ufeff",
        "\ufffe",
        "\u2028",
        "\x85",
        "\x0c",
        "\r",
    ),
    *("\ud800", "a\udc80", "😀" * 50, "e\u0301" * 40, "İ", "ß", "ﬁ", "½", "x" * 70_000, "a " * 9000, "<s></s><pad>"),
    *("<script>alert(1)</script>", "=cmd|' /C calc'!A0", '"', '""', "'", "\\", "\\u0000", "{}", "null", "NaN", "-1"),
    *("negative", " Positive ", "0", "1", "2", "9" * 4000, "１", "entailment", "1.0", "true", "../../x", "%s%n"),
]
TEXT = st.one_of(st.text(max_size=40), st.sampled_from(STRANGE), st.text("ab .\n\"',;\t", max_size=20))
NESTED = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | TEXT, lambda x: st.lists(x) | (
    st.dictionaries(st.text(max_size=5), x, max_size=3)
), max_leaves=6)  # fmt: skip
GOOD = st.text("abc defghi jkl", min_size=1, max_size=30).map(lambda text: f"w {text}")


def rows(task: str) -> st.SearchStrategy[list[dict[str, Any]]]:
    spec = TASKS[task]
    labels = st.sampled_from([*range(len(spec.labels)), *spec.labels]) if spec.labels else GOOD
    good = {column: labels if column == spec.target else GOOD for column in spec.columns}
    row = st.fixed_dictionaries(good, optional={"id": st.integers(0, 40).map(str) | TEXT, "more": NESTED})
    names = st.sampled_from([*spec.columns, "id", "translation", "Label", "x"]) | st.text(max_size=6)
    odd = st.dictionaries(names, NESTED | TEXT, max_size=5)
    bent = st.tuples(row, odd).map(lambda pair: {**pair[0], **pair[1]})
    many = st.integers(20, 80).map(lambda count: toy(task, count))
    few = st.lists(st.one_of(row, row, bent, odd), max_size=12)
    mostly = st.tuples(many, st.lists(st.one_of(row, row, bent), max_size=3)).map(lambda pair: pair[0] + pair[1])
    listed = st.one_of(many, mostly, mostly, few)
    return listed.map(lambda made: [{"translation": row} for row in made]) | listed if spec.nested else listed


def encoded(ending: str, made: list[dict[str, Any]], ascii: bool) -> bytes:
    if ending == ".parquet":
        return _parquet(made)
    if ending.startswith((".csv", ".tsv")):
        text = _csv(made, "\t" if "tsv" in ending else ",")
    else:
        text = "".join(json.dumps(row, ensure_ascii=ascii) + "\n" for row in made)
    return text.encode("utf-8", "surrogatepass")


def _parquet(made: list[dict[str, Any]]) -> bytes:
    import pyarrow
    import pyarrow.parquet

    sink = io.BytesIO()
    try:
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(made), sink)
    except (pyarrow.ArrowException, UnicodeEncodeError, OverflowError):  # types that no column has
        texts = [{key: ascii(value) for key, value in row.items()} for row in made]
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(texts), sink)
    return sink.getvalue()


def _csv(made: list[dict[str, Any]], delimiter: str) -> str:
    names = list(dict.fromkeys(name for row in made for name in row))
    out = io.StringIO(newline="")
    try:
        writer = csv.writer(out, delimiter=delimiter)
        writer.writerows([names, *([row.get(name, "") for name in names] for row in made)])
    except csv.Error:
        pass
    return out.getvalue()


def bent(content: bytes, how: str, at: float, what: bytes) -> bytes:
    """What can happen to a file on its way."""
    place, text = int(at * len(content)), content.decode("utf-8", "replace")
    return {
        "not": content,
        "cut": content[:place],
        "with": content[:place] + what + content[place:],
        "flipped": content[:place] + bytes(b ^ 1 for b in content[place : place + 1]) + content[place + 1 :],
        "bom": b"\xef\xbb\xbf" + content,
        "utf-16": text.encode("utf-16"),
        "latin-1": text.encode("latin-1", "replace"),
        "crlf": content.replace(b"\n", b"\r\n"),
        "cr": content.replace(b"\n", b"\r"),
        "twice": content * 2,
        "deep": content + b'{"a":' * 3000 + b"\n" + b"[" * 100_000,
        "digits": content + b'{"id": ' + b"7" * 6000 + b"}\n",
        "long": content + b"x" * 300_000 + b"\n",
        "null": content + b"\x00" * 5000,
        "other": what,
    }[how]


HOW = (*["not"] * 6, "cut", "with", "flipped", "bom", "utf-16", "latin-1", "crlf", "cr", "twice", "deep")
HOW += ("digits", "long", "null", "other")


@st.composite
def _files(draw: st.DrawFn) -> File:
    task, ending = draw(st.sampled_from(sorted(TASKS))), draw(st.sampled_from(ENDINGS))
    content = encoded(ending, draw(rows(task)), draw(st.booleans()))
    how, at = draw(st.sampled_from(HOW)), draw(st.floats(0, 1))
    content = bent(content, how, at, draw(st.binary(max_size=20) | TEXT.map(lambda t: t.encode("utf-8", "replace"))))
    if ending.endswith(".gz") and draw(st.integers(0, 9)):
        content = gzip.compress(content)
        content = content[: draw(st.integers(0, len(content)))] if draw(st.integers(0, 9)) == 0 else content
    ending = draw(st.sampled_from(ENDINGS)) if draw(st.integers(0, 19)) == 0 else ending
    return File(task, ending, content, draw(st.sampled_from([None, None, 1, 5])))


@st.composite
def _sound(draw: st.DrawFn) -> File:
    """Rows that are usable, with texts that nobody has thought of."""
    task, ending = draw(st.sampled_from(sorted(TASKS))), draw(st.sampled_from((".jsonl", ".csv", ".parquet")))
    spec, made = TASKS[task], toy(task, 60)
    texts = [name for name in spec.columns if not (spec.labels and name == spec.target)]
    for row in made[:: draw(st.integers(1, 20))]:
        place = row["translation"] if spec.nested else row
        for name in texts:
            place[name] += draw(TEXT).encode("utf-8", "replace").decode()
    made = [row["translation"] for row in made] if spec.nested and ending == ".csv" else made
    return File(task, ending, encoded(ending, made, draw(st.booleans())), None)


FILES, SOUND = _files(), _sound()


@cache
def tokenizer(task: str) -> Any:
    """Of the paper's kind for the task, trained on a few words."""
    from tests.tasks import conftest

    name = "mbart_tokenizer" if TASKS[task].languages else "bytes_tokenizer"
    return getattr(conftest, name).__wrapped__()
