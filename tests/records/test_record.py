from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from dataclasses import replace

import pytest

from petl import records


@pytest.fixture
def path(config):
    return records.record_path(config)


def test_what_is_written_is_found(config, make, path):
    written = records.write(make(), path)
    assert records.find(config) == written
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_nothing_is_found_where_nothing_is(config):
    assert records.find(config) is None


def test_a_torn_or_altered_record_is_reported_and_absent(config, make, path, capsys):
    records.write(make(), path)
    whole, chance = path.read_bytes(), random.Random(0)
    for _ in range(50):
        spot = chance.randrange(1, len(whole) - 2)
        flipped = whole[:spot] + bytes([whole[spot] ^ 1 << chance.randrange(8)]) + whole[spot + 1 :]
        for damaged in (flipped, whole[:spot], b""):
            path.write_bytes(damaged)
            found = records.find(config)
            if found is None:
                assert "left aside" in capsys.readouterr().err
            else:  # a changed blank between two values
                assert json.loads(damaged) == json.loads(whole)


def test_a_failed_write_leaves_the_old_record_and_no_draft(config, make, path, monkeypatch):
    old = records.write(make(), path)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        records.write(make(title="new"), path)
    assert records.find(config) == old
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_numbers_that_are_none_are_not_written(make, path):
    with pytest.raises(ValueError, match="Out of range"):
        records.write(make(memory_mb=float("nan")), path)


def test_a_record_of_other_defaults_is_not_this_runs(config, make, path):
    told = records.canonical(config)
    records.write(make(config={**told, "recipe": {**told["recipe"], "lr": 0.5}}), path)
    assert records.find(config) is None


def test_a_record_from_before_a_knob_was_added_is_still_this_runs(config, make, path):
    told = records.canonical(config)
    recipe = {name: value for name, value in told["recipe"].items() if name != "lr_end"}
    records.write(make(config={**told, "recipe": recipe}), path)
    assert records.find(config) is not None


def test_a_record_under_another_title_is_still_this_runs(config, make, path):
    records.write(make(), path)
    config.method.title, config.backbone.name = "Mix", "BART, small"
    assert records.find(config) is not None


def test_another_runs_record_in_this_place_is_not_this_runs(config, make, path):
    records.write(make(), path)
    other = replace(config, seed=1)
    records.record_path(other).write_bytes(path.read_bytes())
    assert records.find(other) is None


def test_the_environment_is_not_stored(make, path, monkeypatch):
    monkeypatch.setenv("SECRET", "hunter2-hunter2")
    versions = {**records.package_versions(), **records.code_version()}
    records.write(make(packages=versions), path)
    assert "hunter2" not in path.read_text()


def test_versions_of_the_code_and_of_its_packages():
    assert records.package_versions()["torch"]
    assert records.code_version().keys() == {"commit", "dirty"}


def test_the_hash_of_the_code_is_that_of_its_content(monkeypatch, tmp_path):
    from petl.records import record

    monkeypatch.setattr(record, "__file__", str(tmp_path / "petl" / "records" / "record.py"))
    (tmp_path / "petl").mkdir()
    (tmp_path / "petl" / "code.py").write_text("1")
    (tmp_path / "README.md").write_text("1")
    before = records.code_sha256()
    (tmp_path / "README.md").write_text("other")
    assert records.code_sha256() == before
    (tmp_path / "petl" / "code.py").write_text("other")
    assert records.code_sha256() != before


def test_records_import_no_torch():
    code = "import sys, petl.records; sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
