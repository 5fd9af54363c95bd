"""What is remembered of a composition is what composing gives."""

import json

import pytest

from petl import command, composed, paths
from petl.config import UserError
from petl.words import options


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = composed._folder
    folder.cache_clear()
    yield
    folder.cache_clear()


def kept():
    return sorted(paths.cache().glob("composed/*/*.json"))


def never(words):
    raise AssertionError(f"{words} are composed again")


@pytest.mark.parametrize("method", options("method"))
@pytest.mark.parametrize("scale", options("scale"))
def test_it_comes_back_as_it_was(monkeypatch, method, scale):
    words = [f"method={method}", "task=mnli", f"scale={scale}", "recipe.warmup=0.25", "seed=3"]
    first = composed.composition(words)
    monkeypatch.setattr(composed.command, "composed", never)
    assert composed.composition(words) == first
    monkeypatch.undo()
    assert first.config == command.read(words)


def test_other_words_are_other_compositions():
    one = composed.composition(["method=mam", "task=sst2"])
    assert one != composed.composition(["method=mam", "task=sst2", "seed=1"])
    assert len(kept()) == 2


def test_a_file_that_is_gone_by_now_is_refused(tmp_path):
    (rows := tmp_path / "rows.jsonl").write_text('{"text": "a", "label": 0}\n')
    words = ["method=mam", "task=sst2", f"task.data={rows}"]
    composed.composition(words)
    rows.unlink()
    with pytest.raises(UserError, match="rows.jsonl"):
        composed.composition(words)


def test_what_is_refused_is_not_remembered():
    with pytest.raises(UserError):
        composed.composition(["method=mam", "task=sst2", "recipe.warmup=7"])
    assert kept() == []


@pytest.mark.parametrize("text", ["", "[]", '{"config": {"seed": "x"}, "referred": []}', '{"config": {}}'])
def test_a_damaged_one_is_composed_again(text):
    words = ["method=lora", "task=sst2"]
    first = composed.composition(words)
    kept()[0].write_text(text)
    assert composed.composition(words) == first
    assert json.loads(kept()[0].read_text())["referred"] == sorted(first.referred)


def test_a_folder_that_cannot_be_written_is_no_error(monkeypatch, tmp_path):
    (file := tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(file))
    assert composed.composition(["method=lora", "task=sst2"]).config == command.read(["method=lora", "task=sst2"])


def test_states_of_long_ago_are_forgotten(monkeypatch):
    for state in range(composed.STATES + 4):
        monkeypatch.setattr(composed, "_folder", lambda state=state: paths.cache() / "composed" / f"{state:016d}")
        composed.composition(["method=lora", "task=sst2"])
    assert len(kept()) == composed.STATES
