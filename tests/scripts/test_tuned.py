"""predict.py and export.py as a user calls them."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace

import huggingface_hub
import pytest

import petl
from scripts import export, predict
from tests.tuned.conftest import TEXTS, backbones, trained  # noqa: F401


@pytest.fixture
def run(trained):  # noqa: F811
    return trained("bart", "method=lora")


def test_predict_answers_a_file_line_by_line(run, tmp_path, capsys):
    (tmp_path / "in.txt").write_text("\n".join(TEXTS) + "\n")
    assert predict.main([str(run.folder), "--input", str(tmp_path / "in.txt")]) == 0
    wanted = petl.load(run.folder).generate(TEXTS)
    assert capsys.readouterr().out.splitlines() == wanted
    out = tmp_path / "out.jsonl"
    assert predict.main([str(run.record), "--input", str(tmp_path / "in.txt"), "--output", str(out)]) == 0
    told = [json.loads(line) for line in out.read_text().splitlines()]
    assert told == [{"document": text, "prediction": answer} for text, answer in zip(TEXTS, wanted, strict=True)]


def test_predict_counts_what_it_cut(run, tmp_path, capsys):
    (tmp_path / "in.txt").write_text("w1 " * 50 + "\nw2\n")
    assert predict.main([str(run.folder), "--input", str(tmp_path / "in.txt")]) == 0
    assert "1 of 2 texts were cut to 16 tokens" in capsys.readouterr().err


@pytest.mark.parametrize("script", [predict, export])
def test_a_wrong_run_is_told_before_torch_is_needed(script, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "petl.tuned.restore", None)
    words = ["--input", "-"] if script is predict else ["--out", str(tmp_path / "out")]
    assert script.main(["no-such-run", *words]) == 2
    assert "no-such-run" in capsys.readouterr().err


def test_export_writes_a_folder_that_loads(run, tmp_path, capsys):
    out = tmp_path / "out-folder"
    assert export.main([str(run.folder), "--out", str(out)]) == 0
    assert "layout peft" in capsys.readouterr().out
    assert petl.load(out).generate(TEXTS) == petl.load(run.folder).generate(TEXTS)
    assert export.main([str(run.folder), "--out", str(out)]) == 2
    assert "is there already" in capsys.readouterr().err


def test_export_pushes_only_when_asked(run, tmp_path, monkeypatch, capsys):
    pushed = []
    api = SimpleNamespace(
        create_repo=lambda *_, **__: None,
        upload_folder=lambda **told: pushed.append(told["repo_id"]) or SimpleNamespace(commit_url="https://hub/x"),
    )
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: api)
    assert export.main([str(run.folder), "--out", str(tmp_path / "a")]) == 0 and not pushed
    assert export.main([str(run.folder), "--out", str(tmp_path / "b"), "--push", "no name"]) == 2
    assert not (tmp_path / "b").exists() and not pushed
    assert export.main([str(run.folder), "--out", str(tmp_path / "b"), "--merge", "--push", "me/x"]) == 0
    assert pushed == ["me/x"] and "https://hub/x" in capsys.readouterr().out
