"""The record of a finished run: what it holds, and how it is written and read so that it is whole or absent."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, NotRequired, TypedDict

from petl.config import Config
from petl.records.naming import COSMETIC, canonical, identity, record_path
from petl.records.shared import Shared
from petl.records.sources import changed, file_sha256

PACKAGES = (  # whose versions a record names
    ("torch", "transformers", "tokenizers", "accelerate", "safetensors", "numpy")
    + ("evaluate", "rouge-score", "sacrebleu", "sacremoses")
)


class Record(TypedDict):  # its annotations are read, so no `from __future__ import annotations` here
    schema: int  # version of this layout and of the identity
    identity: str  # 12 hex digits, see naming.identity
    config: dict[str, Any]  # every knob but where the run happened
    title: str  # how tables call the method
    code: dict[str, Any]  # commit (none outside git), dirty: were tracked files changed
    packages: dict[str, str]  # versions of what the numbers depend on
    data: dict[str, Any]  # sha256 of files and text, rows per split, rows skipped by reason
    # backbone: path, revision, sha256 of the weights before anything is attached, sha256 of the tokenizer, and of files
    backbone: dict[str, Any]
    parameters: dict[str, Any]  # trained, stored, paper (the paper's rule), backbone: counts; percent: paper / backbone
    deltas: list[dict[str, Any]]  # a row per delta: where, what it reads, form, composition, size, parameters
    metrics: dict[str, dict[str, float]]  # split -> metric -> value
    protocol: dict[str, dict[str, Any]]  # split -> rows, how many sources and targets were cut, decoding settings
    signature: str  # how the metrics are computed
    selected: dict[str, Any]  # step of the weights that were tested, the dev metric that selected them, and its value
    history: list[
        dict[str, Any]
    ]  # step, loss (training, mean since the point before), lr, dev metrics: a few dozen points
    examples: list[dict[str, str]]  # runtime.examples of source, reference, prediction
    seconds: dict[str, float]  # wall clock of each phase
    memory_mb: float  # peak: of the GPU where there is one, else resident, of the first process
    device: str
    precision: NotRequired[str]  # fp32, bf16 or fp16: what `recipe.precision` came to; older records lack it
    processes: int
    threads: int  # of torch, each process
    overflows: int  # optimiser steps that fp16's loss scaling skipped
    halved: NotRequired[list[int]]  # steps from which on micro-batches were cut in half, and again, for want of memory
    packed: NotRequired[int]  # most runs that shared a pass of the backbone (runtime.pack), if any did
    finished: str  # UTC, ISO 8601
    checksum: NotRequired[str]  # sha256 of all the rest; `write` puts it there


def write(record: Record, path: Path) -> Record:
    """Put `record` at `path` in one move: a reader sees the old file or the whole new one, also after a power cut.

    Returns it as `read` would, checksum included.
    """
    body: Record = {**record, "checksum": _checksum(record)}
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("w", encoding="utf-8") as file:
            json.dump(body, file, indent=1, ensure_ascii=False, allow_nan=False)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(path.parent)
    return body


def read(path: Path) -> Record:
    """The record at `path`; ValueError with the reason if it is torn, altered, or no record."""
    try:
        record = json.loads(path.read_bytes().decode("utf-8"))
    except (ValueError, RecursionError) as error:  # of JSON or of UTF-8
        raise ValueError(f"not whole: {error}") from None
    if missing := Record.__required_keys__ - (record.keys() if isinstance(record, dict) else set()):
        raise ValueError(f"without {', '.join(sorted(missing))}")
    if record.get("checksum") != _checksum(record):
        raise ValueError("its checksum does not fit its content")
    return record  # type: ignore[return-value]


def find(config: Config, shared: Shared | None = None) -> Record | None:
    """The complete record of this very run, or None. `shared`: for one who asks for many runs, of files that stay.

    One that is damaged, or whose data or backbone files are others by now, is reported on stderr and counts as absent.
    """
    path = record_path(config, shared)
    try:
        record = read(path)
    except FileNotFoundError:
        return None
    except (ValueError, OSError) as error:
        print(f"warning: the record {path} is left aside: {error}", file=sys.stderr)
        return None
    if not (path.stem.endswith(record["identity"]) and agree(record["config"], canonical(config, shared))):
        return None
    if file := changed(record, config, shared):
        _warn(f"the {file} is not the one of the record {path}: the run is computed anew")
        return None
    return record


def same_run(record: Record, config: Config) -> bool:
    """Whether `record` is of the settings of `config`: by identity, and knob by knob where both name it."""
    return record["identity"] == identity(config) and agree(record["config"], canonical(config))


def package_versions() -> dict[str, str]:
    """Versions of the installed packages that the numbers depend on."""
    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def code_version() -> dict[str, Any]:
    """Commit of the source tree, and whether tracked files differ from it; outside git both are None."""
    here = Path(__file__).resolve().parents[2]

    def git(*words: str) -> str | None:
        try:
            done = subprocess.run(
                ["git", "-C", str(here), *words], capture_output=True, text=True, timeout=20, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    if not (here / ".git").exists() or (commit := git("rev-parse", "HEAD")) is None:
        return {"commit": None, "dirty": None}
    return {"commit": commit, "dirty": git("status", "--porcelain", "--untracked-files=no") != ""}


def code_sha256() -> str:
    """Of the names and contents of all that a run may execute or be configured by: petl/**/*.py and conf/**/*.yaml."""
    root, total = Path(__file__).resolve().parents[2], hashlib.sha256()
    for path in sorted([*(root / "petl").rglob("*.py"), *(root / "conf").rglob("*.yaml")]):
        total.update(f"{path.relative_to(root)} {file_sha256(path)}\n".encode())
    return total.hexdigest()


@cache
def _warn(text: str) -> None:
    """Once, although a run is looked for again when it starts."""
    print(f"warning: {text}", file=sys.stderr)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _checksum(record: Mapping[str, Any]) -> str:
    body = {key: value for key, value in record.items() if key != "checksum"}
    text = json.dumps(body, sort_keys=True, ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def agree(stored: Any, asked: Any, path: str = "") -> bool:
    """Whether two stored configs say the same wherever both say something, but for what is only shown."""
    if isinstance(stored, dict) and isinstance(asked, dict) and stored != asked:
        shared = (key for key in stored.keys() & asked.keys() if f"{path}{key}" not in COSMETIC)
        return all(agree(stored[key], asked[key], f"{path}{key}.") for key in shared)
    return stored == asked
