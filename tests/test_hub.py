"""A folder out of the hub, or a sentence that says what was tried and what to do. The hub is one on this machine."""

import errno
import shutil

import pytest

from petl import hub as repositories
from petl.config import UserError
from tests.fake_hub import commit


@pytest.fixture
def model(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    for name in ("config.json", "merges.txt", "pytorch_model.bin", "flax_model.msgpack", "README.md"):
        (folder / name).write_text(name)
    return folder


def told(repository, revision=None, offline=False):
    with pytest.raises(UserError) as error:
        repositories.backbone(repository, revision, offline)
    assert f"backbone.path={repository}: " in str(error.value)
    return str(error.value)


def test_only_what_is_read_is_downloaded(hub, model):
    hub({"models/facebook/bart": {"main": model}})
    folder = repositories.backbone("facebook/bart", None, False)
    assert folder.name == commit(model)
    assert {path.name for path in folder.iterdir()} == {"config.json", "merges.txt", "pytorch_model.bin"}


def test_safetensors_are_taken_rather_than_pickles(hub, model):
    (model / "model.safetensors").write_text("weights")
    hub({"models/facebook/bart": {"main": model}})
    folder = repositories.backbone("facebook/bart", None, False)
    assert {path.name for path in folder.iterdir()} == {"config.json", "merges.txt", "model.safetensors"}


def test_a_pinned_revision(hub, model, tmp_path):
    other = shutil.copytree(model, tmp_path / "other")
    (other / "config.json").write_text("newer")
    hub({"models/facebook/bart": {"main": other, "v1": model}})
    for revision in ("v1", commit(model)):
        folder = repositories.backbone("facebook/bart", revision, False)
        assert (folder / "config.json").read_text() == "config.json" and folder.name == commit(model)


def test_offline_takes_the_cache_and_asks_nobody(hub, model):
    asked = hub({"models/facebook/bart": {"main": model}})
    online = repositories.backbone("facebook/bart", None, False)
    asked.clear()
    assert repositories.backbone("facebook/bart", None, True) == online
    assert not asked


def test_the_cache_serves_while_the_hub_is_away(hub, model, monkeypatch):
    hub({"models/facebook/bart": {"main": model}})
    online = repositories.backbone("facebook/bart", None, False)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:1")
    assert repositories.backbone("facebook/bart", None, False) == online


def test_unknown_name(hub, model):
    hub({"models/facebook/bart": {"main": model}})
    assert "the hub has no such model, or a private one. Check the name" in told("facebok/bart")


def test_unknown_revision(hub, model):
    hub({"models/facebook/bart": {"main": model}})
    assert "no revision v9. backbone.revision takes a commit, a tag or a branch" in told("facebook/bart", "v9")


def test_licence_not_accepted(hub):
    hub({"models/meta/llama": {}})
    assert "accepted its licence" in told("meta/llama")


def test_no_network(hub, monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:1")
    message = told("facebook/bart")
    assert "http://127.0.0.1:1 cannot be reached" in message and str(tmp_path / "hub-cache") in message
    assert "Check network and proxy. A local copy: backbone.path=FOLDER" in message


def test_offline_without_a_copy(hub):
    assert "runtime.offline=true forbids asking the hub" in told("facebook/bart", offline=True)


def test_offline_by_the_environment(hub, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE in the environment forbids" in told("facebook/bart")


def test_no_room_is_told_before_the_download(hub, model, monkeypatch):
    asked = hub({"models/facebook/bart": {"main": model}})
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(100, 90, 10))  # type: ignore[attr-defined]
    message = told("facebook/bart")
    assert "the download needs 0.00 GB" in message and "choose another disk with HF_HOME=FOLDER" in message
    assert not any("pytorch_model.bin" in path and "resolve" in path for path in asked[-1:])


def test_the_disk_fills_up_on_the_way(hub, model, monkeypatch):
    hub({"models/facebook/bart": {"main": model}})

    def full(*args, dry_run=False, **kwargs):
        if dry_run:
            return []
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("huggingface_hub.snapshot_download", full)
    assert "is full. Make room" in told("facebook/bart")
