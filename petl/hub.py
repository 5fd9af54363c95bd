"""Repositories of the hub as local folders: the one way in for backbones and for data. Imports no torch.

A folder has one meaning wherever it comes from, is checked and hashed like any other, and nothing but files is asked
of the hub: no code, no conversion started there in the user's name.
"""

from __future__ import annotations

import errno
import shutil
from collections.abc import Sequence
from pathlib import Path

from petl.config import UserError

BACKBONE = (  # all that is read of a backbone's folder, but for its weights
    ("config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")
    + ("added_tokens.json", "vocab.json", "merges.txt", "*.model")
)
WEIGHTS = (
    ("model*.safetensors", "model.safetensors.index.json"),
    ("pytorch_model*.bin", "pytorch_model.bin.index.json"),
)
ROOM = "Make room, or choose another disk with HF_HOME=FOLDER in the environment."


def backbone(repository: str, revision: str | None, offline: bool) -> Path:
    """Config, tokenizer and weights of a model: safetensors, or where the repository has none, pytorch_model.bin.

    The folder's name is the commit.
    """
    for weights in WEIGHTS:
        folder = snapshot("backbone.path", repository, revision, (*BACKBONE, *weights), offline)
        if any(folder.glob(weights[0])):
            break
    return folder


def snapshot(key: str, repository: str, revision: str | None, patterns: Sequence[str], offline: bool) -> Path:
    """Folder of the repository's files that fit `patterns`, from the hub's cache or downloaded into it.

    `key` is the setting that names the repository: backbone.path or task.data. A UserError says what was tried.
    """
    from huggingface_hub import snapshot_download

    wanted = {
        "repo_id": repository,
        "repo_type": "model" if key == "backbone.path" else "dataset",
        "revision": revision,
        "allow_patterns": list(patterns),
    }
    try:
        if not offline:
            _refuse_full_disk(key, repository, wanted)
        return Path(snapshot_download(**wanted, local_files_only=offline))
    except (OSError, ValueError) as error:  # all of the hub's own errors are one of them
        raise UserError(f"{key}={repository}: {_why(error, key, revision, offline)}") from error


def _refuse_full_disk(key: str, repository: str, wanted: dict) -> None:
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub.errors import DryRunError

    try:
        files = snapshot_download(**wanted, dry_run=True)
    except DryRunError:  # not to be reached: the cache may have it
        return
    need = sum(file.file_size or 0 for file in files if file.will_download)
    cache = Path(constants.HF_HUB_CACHE)
    have = shutil.disk_usage(next(folder for folder in (cache, *cache.parents) if folder.exists())).free
    if need > have:
        sizes = f"the download needs {need / 1e9:.2f} GB, and {cache} has {have / 1e9:.2f} GB free"
        raise UserError(f"{key}={repository}: {sizes}. {ROOM}")


def _why(error: Exception, key: str, revision: str | None, offline: bool) -> str:
    from huggingface_hub import constants, errors

    what = "model" if key == "backbone.path" else "data set"
    local = f"A local copy: {key}=FOLDER."
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return f"the disk of {constants.HF_HUB_CACHE} is full. {ROOM}"
    if isinstance(error, errors.GatedRepoError):
        return f"the hub gives it to those who accepted its licence there: do so, then `hf auth login`. {local}"
    if isinstance(error, errors.RepositoryNotFoundError):
        return f"the hub has no such {what}, or a private one. Check the name (owner/name), or `hf auth login`. {local}"
    if isinstance(error, errors.RevisionNotFoundError):
        return f"it has no revision {revision}. {key.partition('.')[0]}.revision takes a commit, a tag or a branch."
    if isinstance(error, errors.LocalEntryNotFoundError):
        lacks = f"its cache {constants.HF_HUB_CACHE} has no whole copy of it"
        if offline or constants.HF_HUB_OFFLINE:
            forbids = "runtime.offline=true" if offline else "HF_HUB_OFFLINE in the environment"
            return f"{forbids} forbids asking the hub, and {lacks}. {local}"
        cause = _first_line(error.__cause__ or error)
        return (
            f"the hub {constants.ENDPOINT} cannot be reached ({cause}), and {lacks}. Check network and proxy. {local}"
        )
    return f"the hub did not give it ({_first_line(error)}). {local}"


def _first_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {(str(error).strip() or 'no message').splitlines()[0][:200]}"
