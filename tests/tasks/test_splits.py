"""Splits by content, limits by hash, counts of what was skipped, hashes of what was read."""

import hashlib

import pytest

from petl import mini
from petl.config import Task, UserError
from petl.tasks import load

from .conftest import toy, write


def ids(rows):
    return {row.id for row in rows}


def test_about_a_tenth_each(tmp_path):
    splits = load(Task(name="sst2", data=str(write(tmp_path / "a.jsonl", toy("sst2", 3000)))))
    assert len(splits.train) + len(splits.dev) + len(splits.test) == 3000
    assert 250 < len(splits.dev) < 350 and 250 < len(splits.test) < 350


def test_appended_and_shuffled_rows_move_no_other(tmp_path):
    rows = toy("sst2", 200)
    before = load(Task(name="sst2", data=str(write(tmp_path / "a.jsonl", rows[:120]))))
    after = load(Task(name="sst2", data=str(write(tmp_path / "b.jsonl", rows[::-1]))))
    assert all(ids(getattr(before, part)) <= ids(getattr(after, part)) for part in ("train", "dev", "test"))


def test_shared_sources_stay_together(tmp_path):
    rows = [{"premise": f"premise {i // 3}", "hypothesis": f"hypothesis {i}", "label": i % 3} for i in range(300)]
    splits = load(Task(name="mnli", data=str(write(tmp_path / "a.jsonl", rows))))
    sources = [{row.source for row in part} for part in (splits.train, splits.dev, splits.test)]
    assert len(sources[0] | sources[1] | sources[2]) == sum(map(len, sources))


def test_own_test_file(tmp_path):
    data, test = write(tmp_path / "a.jsonl", toy("xsum", 100)), write(tmp_path / "t.jsonl", toy("xsum", 5))
    splits = load(Task(name="xsum", data=str(data), test=str(test)))
    assert [row.id for row in splits.test] == list("01234")
    assert len(splits.train) + len(splits.dev) == 100


def test_folder(tmp_path):
    rows = toy("xsum", 30)
    write(tmp_path / "train-00000-of-00002.jsonl", rows[:10])
    write(tmp_path / "train-00001-of-00002.jsonl", rows[10:20])
    write(tmp_path / "validation.jsonl", rows[20:25])
    write(tmp_path / "test.jsonl", rows[25:])
    (tmp_path / "README.md").write_text("ignored")
    splits = load(Task(name="xsum", data=str(tmp_path)))
    assert [len(part) for part in (splits.train, splits.dev, splits.test)] == [20, 5, 5]


def test_folder_with_two_trains(tmp_path):
    write(tmp_path / "train.jsonl", toy("xsum"))
    write(tmp_path / "train.json", toy("xsum"))
    with pytest.raises(UserError, match=r"which one is train\? train.json, train.jsonl"):
        load(Task(name="xsum", data=str(tmp_path)))


def test_folder_without_train(tmp_path):
    write(tmp_path / "a.jsonl", toy("xsum"))
    with pytest.raises(UserError, match=r"no train file .* The folder holds: a.jsonl"):
        load(Task(name="xsum", data=str(tmp_path)))


def test_skipped_rows_are_counted(tmp_path):
    rows = toy("sst2", 60)
    bad = [{"sentence": "", "label": 1}, {"sentence": " \n", "label": 1}, {"sentence": None, "label": 0}]
    bad += [{"sentence": "x", "label": -1}, {"sentence": "y", "label": None}]
    named = [{"sentence": "one", "label": 1, "id": 7}, {"sentence": "two", "label": 1, "id": "7"}]
    splits = load(Task(name="sst2", data=str(write(tmp_path / "a.jsonl", rows + bad + named))))
    assert splits.skipped == {
        "train: empty sentence": 3,
        "train: no label": 1,
        "train: empty label": 1,
        "train: duplicate id": 1,
    }
    assert len(splits.train) + len(splits.dev) + len(splits.test) == 61


def test_equal_rows_without_id_are_kept(tmp_path):
    rows = toy("sst2", 60)
    splits = load(Task(name="sst2", data=str(write(tmp_path / "a.jsonl", rows + rows[:7]))))
    everything = [*splits.train, *splits.dev, *splits.test]
    assert len(everything) == len(ids(everything)) == 67


def test_limits(tmp_path):
    path = str(write(tmp_path / "a.jsonl", toy("sst2", 300)))
    whole, first = load(Task(name="sst2", data=path)), load(Task(name="sst2", data=path, limit_train=50, limit_test=5))
    again = load(Task(name="sst2", data=path, limit_train=60))
    assert (len(first.train), len(first.dev), len(first.test)) == (50, len(whole.dev), 5)
    assert first.train != whole.train[:50]
    assert ids(first.train) < ids(again.train) < ids(whole.train)
    assert [row for row in whole.train if row.id in ids(first.train)] == first.train


def test_hashes(tmp_path):
    path = write(tmp_path / "a.jsonl", toy("xsum"))
    before = load(Task(name="xsum", data=str(path))).sha256
    assert before["train/a.jsonl"] == hashlib.sha256(path.read_bytes()).hexdigest()
    rows = toy("xsum")
    rows[0]["summary"] += "!"
    after = load(Task(name="xsum", data=str(write(path, rows)))).sha256
    changed = {name for name in before if before[name] != after[name]}
    assert "train/a.jsonl" in changed and len(changed) == 2


def test_embedded(monkeypatch, tmp_path):
    made = {"train": toy("xsum", 20), "dev": toy("xsum", 4), "test": toy("xsum", 3)}
    asked = []
    monkeypatch.setattr(mini, "rows", lambda *args: asked.append(args) or made, raising=False)
    splits = load(Task(name="xsum"), str(tmp_path))
    assert asked == [("xsum", tmp_path)]
    assert [len(part) for part in (splits.train, splits.dev, splits.test)] == [20, 4, 3]


def test_labels_by_name_and_number(tmp_path):
    rows = toy("mnli", 60)
    named = [row | {"label": ("Entailment", " neutral", "contradiction")[row["label"]]} for row in rows]
    texts = [row | {"label": str(row["label"])} for row in rows]
    hashes = [
        load(Task(name="mnli", data=str(write(tmp_path / "a.jsonl", r)))).sha256["train"] for r in (rows, named, texts)
    ]
    assert len(set(hashes)) == 1


def test_flat_and_nested_translations(tmp_path):
    rows = toy("en_ro", 60)
    nested = load(Task(name="en_ro", data=str(write(tmp_path / "a.jsonl", rows))))
    flat = load(Task(name="en_ro", data=str(write(tmp_path / "b.jsonl", [row["translation"] for row in rows]))))
    assert nested.train == flat.train


def test_folder_laid_out_like_the_hub_s(tmp_path):
    rows = toy("mnli", 60)
    for name, part in {
        "train": rows[:20],
        "validation_matched": rows[20:30],
        "validation_mismatched": rows[30:],
    }.items():
        write(tmp_path / f"{name}-00000-of-00001.jsonl", part)
    splits = load(Task(name="mnli", data=str(tmp_path), limit_test=15))
    assert [len(part) for part in (splits.train, splits.dev, splits.test)] == [20, 10, 10]
    assert splits.dev == splits.test
    mismatched = {row.source for row in splits.tests["test_mismatched"]}
    assert len(mismatched) == 15 and mismatched <= {row["premise"] for row in rows[30:]}
    assert "test_mismatched" in splits.sha256


@pytest.fixture
def glue(tmp_path):
    """A local copy of a GLUE task: the labels of its test rows are hidden."""
    rows = toy("sst2", 60)
    parts = {"train": rows[:40], "validation": rows[40:52], "test": [row | {"label": -1} for row in rows[52:]]}
    for name, part in parts.items():
        write(tmp_path / f"{name}-00000-of-00001.jsonl", part)
    return tmp_path


def test_hidden_test_labels_make_dev_the_test_as_on_the_hub(glue):
    splits = load(Task(name="sst2", data=str(glue)))
    assert [len(part) for part in (splits.train, splits.dev, splits.test)] == [40, 12, 12]
    assert splits.dev == splits.test and splits.skipped == {"test: no label": 8}
    assert [name for name in splits.sha256 if name.startswith("test/")] == ["test/validation-00000-of-00001.jsonl"]


def test_a_labelled_test_file_is_the_test(glue):
    write(glue / "test-00000-of-00001.jsonl", toy("sst2", 60)[52:])
    assert len(load(Task(name="sst2", data=str(glue))).test) == 8


def test_an_own_test_file_without_labels_is_refused(glue):
    with pytest.raises(UserError, match="no usable row for test; 8 with no label"):
        load(Task(name="sst2", data=str(glue), test=str(glue / "test-00000-of-00001.jsonl")))
