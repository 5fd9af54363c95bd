import errno
import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from petl.config import UserError
from petl.mini import corpora, text


@pytest.fixture
def cache(tmp_path, monkeypatch, package):
    """A cache folder, and packages of a few lines instead of the real ones."""
    calls = []

    def sources(folder):
        calls.append(folder)
        source = package({"pack/a.py": '"""One short text that is free to be read by all of us."""\n'}, "pack")
        catalogue = package({"a/ro.po": 'msgid "Open this file now"\nmsgstr "Deschideți acest fișier acum"\n'}, "po")
        glosses = package({"n.pickle": b"\x80\x04\x8c\x16Apa care cade din nori\x94."}, "net")
        review = package(
            {f"x/{name}": "" for name in text.reviews.OTHERS} | {f"x/{text.reviews.MOVIES}": "1\t2.0\tA fine film\n"}
        )
        line = "00001740 00 a 01 able 0 000 | having the means to do what one has set out to do  "
        lexicon = package(
            {"p/wordnet/dict/data.adj": line, f"p/{text.reviews.FILMS}": '"1","it is , i think , a film"\n'}
        )
        return [source], [catalogue], glosses, review, lexicon

    monkeypatch.setattr(text, "sources", sources)
    monkeypatch.setattr(corpora, "versions", lambda: {"pack": "1.0"})
    return tmp_path, calls


def test_build_writes_every_task_and_says_what_it_read(cache):
    folder = corpora.build(cache[0], progress=False)
    manifest = corpora.manifest(cache[0])
    assert set(manifest["rows"]) == set(corpora.TASKS) <= set(manifest["sha256"])
    assert manifest["packages"] == {"pack": "1.0"} and manifest["licences"]["pack"] == "MIT"
    assert not list(folder.glob("*.partial"))


def test_a_second_build_reads_nothing(cache):
    corpora.build(cache[0], progress=False)
    corpora.build(cache[0], progress=False)
    assert len(cache[1]) == 1


def test_another_package_version_builds_anew(cache, monkeypatch):
    corpora.build(cache[0], progress=False)
    monkeypatch.setattr(corpora, "versions", lambda: {"pack": "1.1"})
    corpora.build(cache[0], progress=False)
    assert len(cache[1]) == 2


def test_rows_come_back_by_split(cache):
    corpora.build(cache[0], progress=False)
    rows = corpora.rows("sst2", cache[0])
    assert rows["test"] == [{"sentence": "A fine film", "label": 1, "id": rows["test"][0]["id"]}]


def test_rows_that_were_altered_are_not_read(cache):
    corpora.build(cache[0], progress=False)
    path = corpora.rows_file("sst2", cache[0])
    path.write_text(path.read_text().replace("fine", "fint"))
    with pytest.raises(UserError, match="sst2.jsonl is not as it was built"):
        corpora.rows("sst2", cache[0])


def test_an_unbuilt_cache_says_how_to_build_it(tmp_path):
    with pytest.raises(UserError, match="python -m petl.mini"):
        corpora.rows("xsum", tmp_path)


def test_an_unknown_task_is_told(tmp_path):
    with pytest.raises(UserError, match="xsum, en_ro, mnli, sst2"):
        corpora.rows("squad", tmp_path)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("EDITION", corpora.EDITION + 1), f"edition {corpora.EDITION}"),
        (("versions", lambda: {"pack": "1.1"}), r"other versions \(pack\)"),
    ],
)
def test_stale_text_is_refused(cache, monkeypatch, change, told):
    corpora.build(cache[0], progress=False)
    monkeypatch.setattr(corpora, *change)
    for read in (corpora.manifest, lambda at: corpora.rows("sst2", at), lambda at: corpora.texts("en", at)):
        with pytest.raises(UserError, match=f"{told}.*python -m petl.mini"):
            read(cache[0])


def test_a_lost_file_is_told_and_built_anew(cache):
    folder = corpora.build(cache[0], progress=False)
    (folder / "en.txt").unlink()
    with pytest.raises(UserError, match="en.txt is missing.*python -m petl.mini"):
        corpora.texts("en", cache[0])
    assert (corpora.build(cache[0], progress=False) / "en.txt").exists()


def test_a_build_cut_short_leaves_no_manifest(cache, monkeypatch):
    corpora.build(cache[0], progress=False)
    monkeypatch.setattr(corpora, "EDITION", corpora.EDITION + 1)
    monkeypatch.setattr(corpora, "_write", lambda path, content: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        corpora.build(cache[0], progress=False)
    assert not (corpora.home(cache[0]) / "manifest.json").exists()


def test_what_is_missing_is_told_on_one_screen_with_exit_code_2(cache, monkeypatch, capsys):
    def missing(*_):
        raise UserError("\n".join(f"{number}.txt is missing" for number in range(100)))

    monkeypatch.setattr("petl.mini.build", missing)
    monkeypatch.setattr(sys, "argv", ["petl.mini", "--cache", str(cache[0])])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("petl.mini", run_name="__main__")
    said = capsys.readouterr().err.splitlines()
    assert ended.value.code == 2
    assert said[0] == "error: 0.txt is missing" and len(said) <= 30


def test_a_full_disk_is_told_and_leaves_no_half_a_file(cache, monkeypatch, capsys):
    def full(path, content, encoding):
        path.touch()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(Path, "write_text", full)
    monkeypatch.setattr(sys, "argv", ["petl.mini", "--cache", str(cache[0])])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("petl.mini", run_name="__main__")
    said = capsys.readouterr().err.splitlines()[-2]
    assert ended.value.code == 4
    assert said.startswith("stopped: No room on disk for the embedded text") and "it needs 330.0 MB" in said
    assert list(corpora.home(cache[0]).iterdir()) == []


@pytest.mark.skipif(not shutil.which("make"), reason="needs make")
def test_make_setup_looks_at_the_embedded_text_every_time(tmp_path):
    (ready := tmp_path / "ready").touch()
    done = subprocess.run(
        ["make", "-n", "setup", f"READY={ready}"], cwd=Path(__file__).parents[2], capture_output=True, text=True
    )
    assert [line for line in done.stdout.splitlines() if "-m" in line] == [".venv/bin/python -m petl.mini >/dev/null"]
