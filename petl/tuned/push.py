"""An exported folder to a repository of the hub, when a user asks."""

from __future__ import annotations

import re
from pathlib import Path

from petl.config import UserError

_REPO = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)


def check(repo: str) -> None:
    """UserError unless `repo` reads as OWNER/NAME: asked before anything is written."""
    if not _REPO.fullmatch(repo):
        raise UserError(f"{repo[:100]!r} is no repository of the hub; wanted OWNER/NAME.")


def push(folder: Path, repo: str, private: bool = False) -> str:
    """Upload all of `folder` as one commit; returns its address. The repository is made if it is not there."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError

    check(repo)
    api = HfApi()
    try:
        api.create_repo(repo, private=private, exist_ok=True)
        done = api.upload_folder(repo_id=repo, folder_path=folder, commit_message="Exported by petl")
    except (HfHubHTTPError, LocalTokenNotFoundError, OSError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise UserError(
            f"Could not push to {repo} ({type(error).__name__}: {reason}).\n"
            f"{folder} is complete and can be pushed later. A token is set with: hf auth login"
        ) from error
    return str(done.commit_url)
