"""Pushing, with a hub that only keeps what it is told."""

from __future__ import annotations

from types import SimpleNamespace
from unittest.mock import MagicMock

import huggingface_hub
import pytest
from huggingface_hub.errors import HfHubHTTPError

from petl.config import UserError
from petl.tuned.push import check, push


class Hub:
    calls: list = []
    error: Exception | None = None

    def create_repo(self, repo, private, exist_ok):
        self.calls.append(("create", repo, private, exist_ok))
        if self.error:
            raise self.error

    def upload_folder(self, repo_id, folder_path, commit_message):
        self.calls.append(("upload", repo_id, sorted(path.name for path in folder_path.iterdir())))
        return SimpleNamespace(commit_url=f"https://hub/{repo_id}/commit/1")


@pytest.fixture(autouse=True)
def hub(monkeypatch):
    monkeypatch.setattr(Hub, "calls", [])
    monkeypatch.setattr(Hub, "error", None)
    monkeypatch.setattr(huggingface_hub, "HfApi", Hub)
    return Hub


def test_the_folder_goes_up_as_it_is(hub, tmp_path):
    (tmp_path / "README.md").touch()
    assert push(tmp_path, "me/mam-xsum", private=True) == "https://hub/me/mam-xsum/commit/1"
    assert hub.calls == [("create", "me/mam-xsum", True, True), ("upload", "me/mam-xsum", ["README.md"])]


@pytest.mark.parametrize(
    "repo", ["mam", "me/../mam", "/me/mam", "me/ma m", "me/mam/x", "https://hub/me/mam", "me/" + "x" * 97, ""]
)
def test_what_is_no_repository_is_refused_before_anything_is_asked(hub, tmp_path, repo):
    with pytest.raises(UserError, match="wanted OWNER/NAME"):
        check(repo)
    with pytest.raises(UserError, match="wanted OWNER/NAME"):
        push(tmp_path, repo)
    assert not hub.calls


def test_a_refusal_of_the_hub_is_told_with_what_to_do(hub, tmp_path):
    hub.error = HfHubHTTPError("401 Unauthorized\nmany lines", response=MagicMock())
    with pytest.raises(
        UserError, match="Could not push to me/mam .*401 Unauthorized.*\n.*can be pushed later.*hf auth login"
    ):
        push(tmp_path, "me/mam")
