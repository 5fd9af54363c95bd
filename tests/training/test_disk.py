"""A full disk: a sentence with need and have, and nothing half written."""

from __future__ import annotations

import errno
import os

import pytest
import torch

from petl.training import NoRoom, checkpoint, disk, run


@pytest.fixture
def free(monkeypatch):
    """free(bytes): so much is free on every disk."""
    return lambda count: monkeypatch.setattr(disk, "free", lambda _: count)


def test_need_and_have_are_said(free, tmp_path):
    free(1_500_000)
    with pytest.raises(NoRoom, match=r"the checkpoint: it needs 3.0 GB, and 1.5 MB are free in (?s:.*)same command"):
        disk.require(tmp_path, 3_000_000_000, "the checkpoint")
    disk.require(tmp_path, 1_500_000, "the checkpoint")


def test_room_is_asked_for_before_the_run_starts(configure, free):
    free(1_000_000)
    with pytest.raises(NoRoom, match="the checkpoints and predictions of this run: it needs 16.0 MB"):
        run(configure("sst2"))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_checkpoint_that_finds_no_room_leaves_the_one_before(tmp_path, monkeypatch, number):
    def full(*_):
        raise OSError(number, os.strerror(number))

    before = checkpoint.save(tmp_path, "last", 1, {"w": torch.ones(3)}, {})
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NoRoom, match="the checkpoint of step 2"):
        checkpoint.save(tmp_path, "last", 2, {"w": torch.ones(3)}, {})
    assert [place.name for place in tmp_path.iterdir()] == [before.name]
    assert checkpoint.is_whole(before)


def test_another_error_is_no_full_disk(tmp_path):
    with pytest.raises(PermissionError), disk.told(tmp_path):
        raise PermissionError(errno.EACCES, "Permission denied")


def test_a_folder_that_is_not_there_yet_is_on_the_disk_of_its_parent(tmp_path):
    assert disk.free(tmp_path / "a" / "b") > 0
    assert disk.used(tmp_path / "a") == 0


def test_what_torch_says_last_of_a_file_that_did_not_fit_is_told_as_a_full_disk(tmp_path):
    def save():
        try:
            raise RuntimeError("basic_ios::clear: iostream error")
        finally:
            raise RuntimeError("unexpected pos 12927 vs 12880")

    with pytest.raises(NoRoom, match="the optimiser"), disk.writing(tmp_path, 1, "the optimiser"):
        save()
    with pytest.raises(RuntimeError, match="pos"), disk.writing(tmp_path, 1, "the optimiser"):
        raise RuntimeError("unexpected pos 12927 vs 12880")
