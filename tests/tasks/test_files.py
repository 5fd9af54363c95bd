"""What is wrong in a user's file is told, with file and line, on one screen."""

import gzip
import json

import pytest

from petl.config import Task, UserError
from petl.tasks import files, load

from .conftest import toy, write

GOOD = b'{"sentence": "good film", "label": 1}\n'

BAD = {  # name: (content, where, words of the message)
    "latin1.jsonl": (
        GOOD + '{"sentence": "caf\u00e9", "label": 1}\n'.encode("latin1"),
        ":2",
        "0xe9 at position 18 is not UTF-8",
    ),
    "latin1.csv": (b"sentence,label\nok,1\ncaf\xe9,1\n", ":3", "is not UTF-8"),
    "broken.jsonl": (GOOD + b'{"sentence": "a" "label": 1}\n', ":2", "not valid JSON"),
    "cut.jsonl": (GOOD * 3 + b'{"sentence": "a', ":4", "not valid JSON"),
    "array.json": (b'[{"sentence": "a", "label": 1}]\n', ":1", "a list, where an object is wanted"),
    "scalar.jsonl": (GOOD + b"17\n", ":2", "a int, where an object is wanted"),
    "deep.jsonl": (b"[" * 100_000, ":1", "not valid JSON"),
    "column.jsonl": (
        GOOD + b'{"sentense": "a", "label": 1}\n',
        ":2",
        "no column 'sentence'. There are: sentense, label.",
    ),
    "column.csv": (b"text,label\na,1\n", ":2", "Rows of task sst2 have the columns sentence, label"),
    "number.jsonl": (b'{"sentence": 5, "label": 1}\n', ":1", "sentence is int '5'; wanted a text"),
    "label.jsonl": (GOOD + b'{"sentence": "a", "label": 2}\n', ":2", "wanted 0 or negative, 1 or positive"),
    "label.csv": (b"sentence,label\na,happy\n", ":2", "label is str 'happy'"),
    "true.jsonl": (b'{"sentence": "a", "label": true}\n', ":1", "label is bool"),
    "float.jsonl": (b'{"sentence": "a", "label": 0.5}\n', ":1", "label is float"),
    "id.jsonl": (b'{"sentence": "a", "label": 1, "id": [1]}\n', ":1", "id is list"),
    "surrogate.jsonl": (b'{"sentence": "a\\ud800", "label": 1}\n', ":1", "surrogate pair at character 2"),
    "fields.csv": (b"sentence,label\na,1\na,b,1\n", ":3", "3 fields, but the header has 2"),
    "quote.csv": (b'sentence,label\na,1\n"open,1\nb,1\n', ":3", "is a quote left open"),
    "twice.csv": (b"label,label\n1,1\n", ":1", "names a column twice"),
    "multiline.csv": (b'sentence,label\n"two\nlines",1\nx,9\n', ":4", "label is int '9'"),
    "empty.jsonl": (b"", "", "it holds no row at all"),
    "header.csv": (b"sentence,label\n", "", "it holds no row at all"),
    "blank.jsonl": (b'{"sentence": " ", "label": 1}\n', "", "no usable row for train; 1 with empty sentence"),
    "one.jsonl": (GOOD, "", "splitting its 1 rows by content leaves none for"),
    "rows.xlsx": (b"PK", "", "the name's end tells how a file is read"),
    "not.parquet": (b"PAR1 not really PAR1", "", "not a readable parquet file"),
    "not.jsonl.gz": (GOOD, "", "cannot be read"),
    "torn.jsonl.gz": (gzip.compress(GOOD * 100)[:-9], "", "cannot be read"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_file(name, tmp_path):
    content, line, words = BAD[name]
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UserError) as told:
        load(Task(name="sst2", data=str(path)))
    message = str(told.value)
    assert message.startswith(f"{path}{line}") and words in message
    assert len(message) < 600 + len(str(path)) and message.count("\n") < 6


def test_nearest_column(tmp_path):
    path = write(tmp_path / "rows.jsonl", [{"Document": "a", "summary": "b"}])
    with pytest.raises(UserError, match="Is it the one called 'Document'"):
        load(Task(name="xsum", data=str(path)))


def test_nested_of_another_type(tmp_path):
    path = write(tmp_path / "rows.jsonl", [{"translation": "a"}])
    with pytest.raises(UserError, match=r"rows.jsonl:1: translation is str 'a'; wanted an object with en, ro"):
        load(Task(name="en_ro", data=str(path)))


def test_missing_file_suggests(tmp_path):
    write(tmp_path / "train.jsonl", toy("sst2"))
    with pytest.raises(UserError, match=r"trian.jsonl: no such file. Did you mean .*train.jsonl"):
        load(Task(name="sst2", data=str(tmp_path / "trian.jsonl")))


def test_parquet_of_another_type(tmp_path):
    import pyarrow
    import pyarrow.parquet

    table = pyarrow.table({"sentence": ["a", "b"], "label": [0.0, 1.5]})
    pyarrow.parquet.write_table(table, tmp_path / "rows.parquet")
    with pytest.raises(UserError, match=r"rows.parquet: row 1: label is float"):
        load(Task(name="sst2", data=str(tmp_path / "rows.parquet")))


@pytest.mark.parametrize("name", ["xsum", "mnli"])
def test_formats_agree(name, tmp_path):
    """The same rows out of every kind of file, byte order mark and Windows line ends included."""
    import csv

    import pyarrow
    import pyarrow.parquet

    rows = [{"id": f"r{i}"} | row for i, row in enumerate(toy(name))]
    write(tmp_path / "a.jsonl", rows)
    with gzip.open(tmp_path / "b.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write("\n\n".join(map(json.dumps, rows)))
    for path, delimiter in ((tmp_path / "c.csv", ","), (tmp_path / "d.tsv", "\t")):
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.DictWriter(file, [*rows[0]], delimiter=delimiter)
            writer.writeheader()
            writer.writerows(rows)
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "e.parquet")
    splits = [load(Task(name=name, data=str(path))) for path in sorted(tmp_path.iterdir())]
    assert len(splits) == 5
    assert {(s.sha256["train"], s.sha256["dev"], s.sha256["test"]) for s in splits} == {
        tuple(splits[0].sha256[part] for part in ("train", "dev", "test"))
    }


def bombs():
    import io

    import pyarrow
    import pyarrow.parquet

    row = b'{"sentence": "a", "label": 1}\n'
    tables = {"zeros": ["\0" * 10**6] * 2, "repeated": ["long " * 20_000] * 500}
    packed = {"rows.jsonl.gz": gzip.compress(row * 100_000), "blank.csv.gz": gzip.compress(b"\n" * 10**6)}
    for name, texts in tables.items():
        sink = io.BytesIO()
        table = pyarrow.table({"sentence": texts, "label": [1] * len(texts)})
        pyarrow.parquet.write_table(table, sink, compression="zstd")
        packed[f"{name}.parquet"] = sink.getvalue()
    return packed


@pytest.mark.parametrize("name", ["rows.jsonl.gz", "blank.csv.gz", "zeros.parquet", "repeated.parquet"])
def test_what_unpacks_to_far_more_than_it_is(name, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "PLENTY", 2**20)
    monkeypatch.setattr(files, "RATIO", 20)
    (tmp_path / name).write_bytes(bombs()[name])
    with pytest.raises(UserError, match=f"{name}: its .* bytes unpack to more than 20 times as many"):
        load(Task(name="sst2", data=str(tmp_path / name)))


@pytest.mark.parametrize("name", ["rows.csv", "rows.csv.gz"])
def test_a_line_has_an_end(name, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "LONGEST", 1000)
    line = b"sentence,label\n" + b"x" * 2000
    (tmp_path / name).write_bytes(gzip.compress(line) if name.endswith("gz") else line)
    with pytest.raises(UserError, match=f"{name}:2: a line of more than 1,000 bytes"):
        load(Task(name="sst2", data=str(tmp_path / name)))
