"""Texts of every kind of file, and answers beside them."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys

import pyarrow
import pyarrow.parquet
import pytest

from petl import tasks
from petl.config import UserError
from petl.tuned import texts

SPECS = {name: tasks.find(name) for name in ("xsum", "mnli", "en_ro")}


@pytest.mark.parametrize("name", ["rows.txt", "rows", "rows.txt.gz"])
def test_lines(tmp_path, name):
    data = "one text\n\nțară\r\n".encode()
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    assert [row.text for row in texts.read(str(tmp_path / name), SPECS["xsum"])] == ["one text", "", "țară"]


def test_a_pair_has_a_tab_between_its_texts(tmp_path):
    (tmp_path / "a.txt").write_text("one\ttwo\n")
    assert texts.read(str(tmp_path / "a.txt"), SPECS["mnli"]) == [
        texts.Given({"premise": "one", "hypothesis": "two"}, ("one", "two"))
    ]
    (tmp_path / "b.txt").write_text("one\ttwo\none two\n")
    with pytest.raises(UserError, match="b.txt:2: 1 texts; wanted premise and hypothesis"):
        texts.read(str(tmp_path / "b.txt"), SPECS["mnli"])


def test_standard_input_is_a_text_a_line():
    code = "from petl import tasks; from petl.tuned import texts"
    code += "; print([row.text for row in texts.read('-', tasks.find('xsum'))])"
    done = subprocess.run([sys.executable, "-c", code], input="one\ntwo\n", capture_output=True, text=True, check=True)
    assert done.stdout == "['one', 'two']\n"


def test_columns_need_no_reference_and_keep_their_id(tmp_path):
    row = {"id": "7", "premise": "one", "hypothesis": "two", "more": 3}
    (tmp_path / "a.jsonl").write_text(json.dumps(row) + "\n")
    (tmp_path / "a.csv").write_text("id,premise,hypothesis,more\n7,one,two,3\n")
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([row]), tmp_path / "a.parquet")
    for name in ("a.jsonl", "a.csv", "a.parquet"):
        (given,) = texts.read(str(tmp_path / name), SPECS["mnli"])
        assert given == texts.Given({"id": "7", "premise": "one", "hypothesis": "two"}, ("one", "two"))


def test_columns_may_be_nested(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"translation": {"en": "a house"}}\n')
    assert texts.read(str(tmp_path / "a.jsonl"), SPECS["en_ro"])[0].text == "a house"


WRONG = {
    "a.jsonl": ('{"documents": "x"}\n', "no column 'document'.*'documents'"),
    "b.jsonl": ('{"document": null}\n', "document is empty"),
    "c.jsonl": ('{"document": 3}\n', "document is int"),
    "d.jsonl": ('{"document": "\\ud800"}\n', "surrogate"),
    "e.jsonl": ("[]\n", "e.jsonl:1"),
    "f.txt": (b"caf\xe9\n", "f.txt:1: byte 0xe9.*not UTF-8"),
    "g.doc": ("x", "the name's end tells"),
    "h.txt": (None, "h.txt: cannot be read"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_read_is_told_with_its_line(tmp_path, name):
    content, reason = WRONG[name]
    if content is not None:
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UserError, match=reason):
        texts.read(str(tmp_path / name), SPECS["xsum"])


def test_answers_keep_to_their_lines(tmp_path, capsys):
    given = [texts.Given({"id": "1", "document": "a"}, "a"), texts.Given({"document": "b"}, "b")]
    for target in ("out.jsonl", "out.txt"):
        texts.check(str(tmp_path / target))
        texts.write(str(tmp_path / target), given, ["one\ntwo", "șase"])
    assert (tmp_path / "out.txt").read_text() == "one two\nșase\n"
    told = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert told[0] == {"id": "1", "document": "a", "prediction": "one\ntwo"} and "id" not in told[1]
    texts.write("-", given, ["x", "y"])
    assert capsys.readouterr().out == "x\ny\n"


@pytest.mark.parametrize(("name", "reason"), [("a.csv", "name's end"), ("a.txt", "already"), ("no/b.txt", "no folder")])
def test_answers_that_cannot_be_written_are_refused_first(tmp_path, name, reason):
    (tmp_path / "a.txt").touch()
    with pytest.raises(UserError, match=reason):
        texts.check(str(tmp_path / name))
