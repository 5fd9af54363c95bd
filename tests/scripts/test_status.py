"""status.py as a user calls it."""

from __future__ import annotations

import time

import pytest

from petl import command
from petl.records.life import underway
from scripts import status


@pytest.fixture
def where(tmp_path):
    return [f"runtime.output={tmp_path}/out", f"runtime.records={tmp_path}/records"]


def test_a_sweep_is_named_by_the_words_of_train(where, capsys):
    words = ["method=lora,mam", "task=sst2", "seed=0,1"]
    with underway(command.read(["method=mam", "task=sst2", "seed=1", *where]), leads=True):
        assert status.main([*words, *where]) == 0
    lora, mam, _, counts = capsys.readouterr().out.splitlines()
    assert lora.split("  ")[0] == "method=lora" and "to do 2 of 2" in lora
    assert "running seed=1" in mam and counts == "1 running, 3 to do"


def test_without_words_everything_is_shown(where, capsys):
    with pytest.raises(KeyboardInterrupt), underway(command.read(["method=mam", "task=sst2", *where]), leads=True):
        raise KeyboardInterrupt
    assert status.main(where) == 0
    assert "stopped: mini sst2 mam" in capsys.readouterr().out


def test_it_watches_until_it_is_stopped(where, capsys, monkeypatch):
    looks = iter([None, None])
    monkeypatch.setattr(time, "sleep", lambda seconds: next(looks, 1) and (_ for _ in ()).throw(KeyboardInterrupt))
    assert status.main([*where, "--watch", "3"]) == 0
    assert capsys.readouterr().out.count("no runs") == 3


def test_a_wrong_word_is_told_with_the_nearest(capsys):
    assert status.main(["experiment=tabel6"]) == 2
    assert "Did you mean table6?" in capsys.readouterr().err
