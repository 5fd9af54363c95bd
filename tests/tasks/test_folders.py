"""Data sets laid out exactly as the hub's, in a folder and out of the hub."""

import pyarrow
import pyarrow.parquet
import pytest

from petl.config import Task, UserError
from petl.tasks import load
from tests.fake_hub import commit

from .conftest import toy, write

ID = {"xsum": "EdinburghNLP/xsum", "en_ro": "wmt/wmt16", "mnli": "nyu-mll/glue", "sst2": "nyu-mll/glue"}
CONFIG = {"xsum": "default", "en_ro": "ro-en", "mnli": "mnli", "sst2": "sst2"}
SIZES = {"train": 20, "validation": 10, "test": 8}


def parquet(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)


def published(name):
    """Rows of every split in the hub's columns: GLUE numbers its rows and hides the labels of its test sets."""
    rows, start, parts = toy(name, 60), 0, {}
    splits = {f"{s}{end}": n for s, n in SIZES.items() for end in ("_matched", "_mismatched") if s != "train"}
    for split, size in {"train": 20, **splits}.items() if name == "mnli" else SIZES.items():
        part = [dict(row) for row in rows[start : start + size]]
        start += size
        if name in ("mnli", "sst2"):
            hidden = split.startswith("test")
            for number, row in enumerate(part):
                label = row["label"] if isinstance(row["label"], int) else ("negative", "positive").index(row["label"])
                row |= {"label": -1 if hidden else label, "idx": number}
        parts[split] = part
    return parts


def as_published(name, folder):
    """CONFIG/SPLIT-00000-of-00001.parquet, or without a config data/SPLIT-..., the training rows in two pieces."""
    place = folder / (CONFIG[name] if name != "xsum" else "data")
    for split, rows in published(name).items():
        pieces = [rows[:7], rows[7:]] if split == "train" else [rows]
        for number, piece in enumerate(pieces):
            parquet(place / f"{split}-{number:05}-of-{len(pieces):05}.parquet", piece)
    return folder


def as_converted(name, folder):
    """CONFIG/SPLIT/0000.parquet, as on the branch refs/convert/parquet."""
    for split, rows in published(name).items():
        parquet(folder / CONFIG[name] / split / "0000.parquet", rows)
    return folder


@pytest.fixture
def script(tmp_path):
    """A repository of the old kind: a script that would have to be run, and an archive that only it understands."""
    folder = tmp_path / "script"
    (folder / "data").mkdir(parents=True)
    (folder / "README.md").write_text("A card.")
    (folder / "xsum.py").write_text("raise SystemExit('run')")
    (folder / "data" / "XSUM.tar.gz").write_text("archive")
    return folder


def sizes(splits):
    return {
        "train": len(splits.train),
        "dev": len(splits.dev),
        **{name: len(rows) for name, rows in splits.tests.items()},
    }


EXPECTED = {
    "xsum": {"train": 20, "dev": 10, "test": 8},
    "en_ro": {"train": 20, "dev": 10, "test": 8},
    "mnli": {"train": 20, "dev": 10, "test": 10, "test_mismatched": 10},
    "sst2": {"train": 20, "dev": 10, "test": 10},  # hidden labels: test is dev
}


@pytest.mark.parametrize("layout", [as_published, as_converted])
@pytest.mark.parametrize("name", EXPECTED)
def test_local_copy(name, layout, tmp_path):
    splits = load(Task(name=name, data=str(layout(name, tmp_path))))
    assert sizes(splits) == EXPECTED[name] and splits.source == "files"


@pytest.mark.parametrize("layout", [as_published, as_converted])
@pytest.mark.parametrize("name", EXPECTED)
def test_out_of_the_hub_as_out_of_a_folder(name, layout, tmp_path, hub):
    folder = layout(name, tmp_path / "repository")
    parquet(folder / "another-config" / "train-00000-of-00001.parquet", [{"a": 1}])
    asked = hub({f"datasets/{ID[name]}": {"main": folder}})
    splits, local = load(Task(name=name, data=ID[name])), load(Task(name=name, data=str(folder)))
    assert splits.train == local.train and splits.tests == local.tests and splits.sha256 == local.sha256
    assert splits.source == f"hub {ID[name]}, main, {commit(folder)}"
    assert not any("another-config" in path for path in asked)


def test_columns_of_the_hub(tmp_path):
    """The translation is a struct, the label a number beside an idx."""
    as_published("en_ro", tmp_path / "wmt16")
    columns = pyarrow.parquet.read_schema(tmp_path / "wmt16" / "ro-en" / "validation-00000-of-00001.parquet")
    assert columns.names == ["translation"] and pyarrow.types.is_struct(columns.field(0).type)
    row = load(Task(name="en_ro", data=str(tmp_path / "wmt16"))).train[0]
    assert (row.source, row.target) == tuple(toy("en_ro")[0]["translation"].values())


def test_a_script_gives_way_to_the_conversion_and_that_is_told(script, tmp_path, hub, capsys):
    converted = as_converted("xsum", tmp_path / "converted")
    hub({"datasets/EdinburghNLP/xsum": {"main": script, "refs/convert/parquet": converted}})
    splits = load(Task(name="xsum", data="EdinburghNLP/xsum"))
    assert len(splits.train) == 20 and splits.source.startswith("hub EdinburghNLP/xsum, refs/convert/parquet, ")
    assert "note: task.data=EdinburghNLP/xsum: refs/convert/parquet, for main has no data" in capsys.readouterr().err
    again = load(Task(name="xsum", data="EdinburghNLP/xsum"), offline=True)
    assert again.source == splits.source and again.sha256 == splits.sha256


def test_a_script_alone_is_refused_with_all_that_was_tried(script, hub):
    hub({"datasets/EdinburghNLP/xsum": {"main": script}})
    with pytest.raises(UserError) as error:
        load(Task(name="xsum", data="EdinburghNLP/xsum"))
    head, first, second = str(error.value).splitlines()
    assert head == "task.data=EdinburghNLP/xsum: not to be had. Tried"
    assert first.startswith("- main: ") and "no train file" in first
    assert second.startswith("- refs/convert/parquet: it has no revision refs/convert/parquet")


def test_a_pinned_revision_is_the_only_one_tried(script, tmp_path, hub):
    converted = as_converted("xsum", tmp_path / "converted")
    hub({"datasets/EdinburghNLP/xsum": {"main": script, "refs/convert/parquet": converted}})
    with pytest.raises(UserError, match="no train file"):
        load(Task(name="xsum", data="EdinburghNLP/xsum", revision=commit(script)))
    splits = load(Task(name="xsum", data="EdinburghNLP/xsum", revision=commit(converted)))
    assert splits.source == f"hub EdinburghNLP/xsum, {commit(converted)}, {commit(converted)}"


def test_a_misspelt_name_is_told_the_usual_one(hub):
    hub({})
    with pytest.raises(UserError, match=r"no such data set[^\n]*\nThe hub data set of task xsum is EdinburghNLP/xsum"):
        load(Task(name="xsum", data="EdinburghNLP/xsumm"))


def test_another_data_set_in_the_task_s_columns(tmp_path, hub):
    (tmp_path / "own").mkdir()
    write(tmp_path / "own" / "train.jsonl", toy("xsum", 60))
    hub({"datasets/somebody/own": {"main": tmp_path / "own"}})
    assert len(load(Task(name="xsum", data="somebody/own")).train) > 40


def test_no_network_is_told_once(hub, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(
        UserError, match=r"^task.data=wmt/wmt16: the hub \S+ cannot be reached [^\n]*task.data=FOLDER\.$"
    ):
        load(Task(name="en_ro", data="wmt/wmt16"))


def test_offline_without_a_copy(hub):
    with pytest.raises(UserError, match=r"task.data=wmt/wmt16: runtime.offline=true forbids asking the hub"):
        load(Task(name="en_ro", data="wmt/wmt16"), offline=True)


def test_wrong_columns_are_told_with_the_file(tmp_path):
    parquet(tmp_path / "train-00000-of-00001.parquet", [{"article": "a", "highlights": "b"}])
    with pytest.raises(
        UserError, match=r"train-00000-of-00001.parquet: row 1: no column 'document'. There are: article"
    ):
        load(Task(name="xsum", data=str(tmp_path)))
