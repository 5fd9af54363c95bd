"""A record whose data or backbone is another by now is no answer."""

from __future__ import annotations

import pytest

from petl import hub as repositories
from petl import mini, records


@pytest.fixture
def own(config, make, tmp_path):
    """A config with files of its own and its written record."""
    (tmp_path / "rows.jsonl").write_text("old")
    (tmp_path / "bart").mkdir()
    (tmp_path / "bart" / "model.safetensors").write_text("old")
    config.task.data, config.backbone.path = str(tmp_path / "rows.jsonl"), str(tmp_path / "bart")
    backbone = {"path": config.backbone.path, "files": records.backbone_files(config.backbone)}
    records.write(make(data={"sha256": records.data_files(config)}, backbone=backbone), records.record_path(config))
    return config


def test_files_that_stayed_are_found(own):
    assert records.find(own) is not None


@pytest.mark.parametrize(
    ("file", "named"),
    [("rows.jsonl", "data file train/rows.jsonl"), ("bart/model.safetensors", "backbone file model.safetensors")],
)
def test_a_changed_file_is_named_once_and_the_run_is_not_done(own, tmp_path, capsys, file, named):
    (tmp_path / file).write_text("newer")
    assert records.find(own) is records.find(own) is None
    (line,) = capsys.readouterr().err.splitlines()
    assert named in line


def test_what_is_gone_or_was_not_recorded_is_not_compared(own, make, tmp_path):
    (tmp_path / "rows.jsonl").unlink()
    assert records.find(own) is not None
    records.write(make(data={"sha256": {}}, backbone={"path": "bart"}), records.record_path(own))
    assert records.find(own) is not None


def test_other_embedded_rows_are_other_data(config, make, monkeypatch, tmp_path):
    rows = tmp_path / "xsum.jsonl"
    monkeypatch.setattr(mini, "rows_file", lambda task, cache: rows)
    rows.write_text("old")
    records.write(make(data={"sha256": records.data_files(config)}), records.record_path(config))
    assert records.find(config) is not None
    rows.write_text("newer")
    assert records.find(config) is None


def test_what_the_hub_s_cache_has_counts(config, hub, tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    hub({"models/facebook/bart": {"main": tmp_path / "model"}})
    config.backbone.path = "facebook/bart"
    assert records.backbone_files(config.backbone) == {}
    repositories.backbone("facebook/bart", None, False)
    assert list(records.backbone_files(config.backbone)) == ["config.json"]
