"""Token ids are made once: found again for the same content, and for no other; a damaged file is made anew."""

import errno
import os
import random

import pytest

from petl.config import Task
from petl.tasks import Row, encode, load, prepare, prepared
from petl.tasks.splits import rows_digest

from .conftest import toy, write

SIZES = {"max_source": 48, "max_target": 32}


@pytest.fixture(params=["xsum", "en_ro", "mnli", "sst2"])
def case(request, tmp_path, bytes_tokenizer, mbart_tokenizer):
    """(task, its rows, its tokenizer)"""
    name = request.param
    task = Task(name=name, data=str(write(tmp_path / "rows.jsonl", toy(name))), **SIZES)
    return task, load(task).train, mbart_tokenizer if name == "en_ro" else bytes_tokenizer


@pytest.fixture
def calls(monkeypatch, bytes_tokenizer, mbart_tokenizer):
    """The texts that tokenizers were given so far."""
    given: list[object] = []
    for kind in {type(bytes_tokenizer), type(mbart_tokenizer)}:
        original = kind.__call__

        def counted(self, *args, original=original, **more):
            given.append(args or more["text_target"])
            return original(self, *args, **more)

        monkeypatch.setattr(kind, "__call__", counted)
    return given


def files(cache):
    return sorted((cache / "tokens").glob("*.safetensors"))


def test_the_second_start_tokenises_nothing(case, tmp_path, calls):
    task, rows, tokenizer = case
    first = prepare(rows, rows_digest(rows), tokenizer, task, tmp_path)
    assert calls
    calls.clear()
    second = prepare(rows, rows_digest(rows), tokenizer, task, tmp_path)
    assert not calls
    assert second == first == encode(rows, tokenizer, task)


def test_what_matters_makes_another_file(tmp_path, bytes_tokenizer, mbart_tokenizer, monkeypatch):
    rows = [Row("1", "the cat", None, "a dog"), Row("2", "the mat", None, "a cat")]
    cases = [
        (rows, bytes_tokenizer, Task(name="xsum", **SIZES)),
        (rows[::-1], bytes_tokenizer, Task(name="xsum", **SIZES)),
        (rows, mbart_tokenizer, Task(name="xsum", **SIZES)),
        (rows, bytes_tokenizer, Task(name="xsum", max_source=40, max_target=32)),
        (rows, bytes_tokenizer, Task(name="xsum", max_source=48, max_target=31)),
        (rows, mbart_tokenizer, Task(name="en_ro", **SIZES)),
    ]
    for number, (part, tokenizer, task) in enumerate(cases, start=1):
        prepare(part, rows_digest(part), tokenizer, task, tmp_path)
        assert len(files(tmp_path)) == number
    monkeypatch.setattr(prepared, "CODE", "another edition")
    prepare(*cases[0][:1], rows_digest(rows), *cases[0][1:], tmp_path)
    assert len(files(tmp_path)) == len(cases) + 1


def test_what_does_not_matter_makes_none(tmp_path, bytes_tokenizer):
    rows = [Row("1", "good", None, 1)]
    for limit in (None, 5):
        bytes_tokenizer("x " * 9, truncation=True, max_length=4)  # leaves its mark in the tokenizer
        task = Task(name="sst2", max_source=48, max_target=limit or 7, limit_dev=limit, select="accuracy")
        prepare(rows, rows_digest(rows), bytes_tokenizer, task, tmp_path)
    assert len(files(tmp_path)) == 1


@pytest.mark.parametrize("seed", range(30))
def test_damage_is_seen_told_and_made_good(seed, tmp_path, bytes_tokenizer, capsys):
    rows = [Row(str(i), f"the cat {i}", None, "a dog sat") for i in range(20)]
    task, draw = Task(name="xsum", **SIZES), random.Random(seed)
    first = prepare(rows, rows_digest(rows), bytes_tokenizer, task, tmp_path)
    (path,) = files(tmp_path)
    whole = path.read_bytes()
    at = draw.randrange(len(whole))
    torn, flipped = whole[:at], whole[:at] + bytes([whole[at] ^ 1 << draw.randrange(8)]) + whole[at + 1 :]
    path.write_bytes(draw.choice([torn, flipped]))
    assert prepare(rows, rows_digest(rows), bytes_tokenizer, task, tmp_path) == first
    assert (
        path.read_bytes() == whole or "damaged" not in capsys.readouterr().err
    )  # a bit of the header may mean nothing


def test_a_full_disk_is_told_and_stops_nothing(tmp_path, bytes_tokenizer, monkeypatch, capsys):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("safetensors.numpy.save_file", full)
    rows, task = [Row("1", "the cat", None, "a dog")], Task(name="xsum", **SIZES)
    encoded = prepare(rows, rows_digest(rows), bytes_tokenizer, task, tmp_path)
    assert encoded == encode(rows, bytes_tokenizer, task) and not files(tmp_path)
    assert "token ids are not kept for the next start" in capsys.readouterr().err


def test_nothing_half_written_stays(tmp_path, bytes_tokenizer, monkeypatch):
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError(errno.EIO, "no")))
    rows = [Row("1", "the cat", None, "a dog")]
    prepare(rows, rows_digest(rows), bytes_tokenizer, Task(name="xsum", **SIZES), tmp_path)
    assert not list((tmp_path / "tokens").iterdir())


def test_types_of_pairs_are_kept(tmp_path):
    """Where a tokenizer tells the texts of a pair apart, as BERT's does."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.WordLevel({"[PAD]": 0, "the": 1, "cat": 2, "[SEP]": 3}, unk_token="[PAD]"))
    core.pre_tokenizer = pre_tokenizers.Whitespace()
    core.post_processor = processors.TemplateProcessing(
        single="$A [SEP]", pair="$A [SEP] $B:1 [SEP]:1", special_tokens=[("[SEP]", 3)]
    )
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, pad_token="[PAD]", model_max_length=48)
    tokenizer.model_input_names = ["input_ids", "token_type_ids", "attention_mask"]
    rows = [Row("1", "the cat", "cat", 1), Row("2", "the", "the cat", 0)]
    task = Task(name="mnli", **SIZES)
    first = prepare(rows, rows_digest(rows), tokenizer, task, tmp_path)
    assert list(first[0].token_type_ids or []) == [0, 0, 0, 1, 1]
    again = prepare(rows, rows_digest(rows), tokenizer, task, tmp_path)
    assert [list(row.token_type_ids or []) for row in again] == [list(row.token_type_ids or []) for row in first]
