"""What a user means by RUN."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from petl import records
from petl.config import UserError
from petl.tuned.find import find
from tests.records.conftest import config, make  # noqa: F401

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def run(config, make) -> Path:  # noqa: F811
    """A record below tmp/out/records and its run's folder."""
    config.runtime.records = str(Path(config.runtime.output) / "records")
    records.run_dir(config).mkdir(parents=True)
    records.write(make(), records.record_path(config))
    return records.run_dir(config)


@pytest.fixture
def roots(run, tmp_path) -> list[Path]:
    return [tmp_path / "out" / "records"]


def test_a_run_is_named_by_folder_record_or_the_first_digits(run, roots, config, monkeypatch):  # noqa: F811
    path = records.record_path(config)
    for word in (run, path, run.name, run.name[:4], f"mam-{run.name[:3]}", "mam"):
        found = find(word, roots)
        assert found.record["identity"] == run.name and found.path.samefile(path) and found.folder.samefile(run)


def test_the_runs_own_word_says_where_its_record_is(run, config, tmp_path):  # noqa: F811
    elsewhere = tmp_path / "kept" / "r.json"
    elsewhere.parent.mkdir()
    records.record_path(config).rename(elsewhere)
    with pytest.raises(UserError, match="no record of this run.*\n.*name the record"):
        find(run, [])
    with records.underway(config, leads=True):
        pass
    said = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**said, "record": "../../../../../kept/r.json"}))
    assert find(run, []).record["identity"] == run.name


def test_a_record_without_its_folder_is_still_a_record(run, roots):
    run.rmdir()
    assert find(run.name, roots).folder is None


def test_several_are_listed(run, roots, make, config):  # noqa: F811
    config.seed = 1
    records.write(make(identity=records.identity(config)), records.record_path(config))
    with pytest.raises(
        UserError, match=r"mam: 2 runs begin with it; give more of one:\n  mam-.*  xsum\n  mam-.*  xsum"
    ):
        find("mam", roots)


WRONG = {
    "mamm": "Did you mean mam",
    "": "neither a run's folder",
    "zzzz": "begins with it",
    "no/such/folder": "no such file or folder",
    "x" * 300: "begins with it",
    "../" * 100 + "x": "no such file or folder",
    "a\0b": "begins with it",
}


@pytest.mark.parametrize("word", WRONG)
def test_a_word_that_names_no_run_is_refused(run, roots, word):
    with pytest.raises(UserError, match=WRONG[word]):
        find(word, roots)


def test_the_nearest_identity_is_named(run, roots):
    with pytest.raises(UserError, match=f"Did you mean .*{run.name}"):
        find("0" + run.name[1:], roots)


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "neither a run's folder"), ("{", "not whole"), ("{}", "without"), ("[]", "without")]
)
def test_what_is_no_run_is_refused_with_the_reason(tmp_path, content, reason):
    place = tmp_path
    if content is not None:
        place = tmp_path / "record.json"
        place.write_text(content)
    with pytest.raises(UserError, match=reason):
        find(place, [])


@pytest.mark.parametrize("module", ["petl", "petl.tuned", "petl.tuned.find", "petl.tuned.card", "petl.tuned.push"])
def test_looking_for_a_run_loads_no_torch(module):
    code = f"import sys, {module}, petl; assert petl.load; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
