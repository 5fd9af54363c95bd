"""One command in a process of its own, with secrets in its environment, watched for all that it does.

Its folder: `work` (where it runs), `home`, `tmp`, `out` (all that it may write to), and what the case has put there.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
TRAIN = str(ROOT / "train.py")
SECRETS = {
    "HF_TOKEN": "hf_canaryAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "WANDB_API_KEY": "canary0bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
    "AWS_SECRET_ACCESS_KEY": "canary1CCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCC",
    "SOME_PASSWORD": "canary2 ddddddddddddddddd",
}
EXECUTED = "executed"  # the file that a payload leaves where it ran
LONG, MEMORY = 300.0, 2500  # seconds; MB that a process may take at most


@dataclass(frozen=True)
class Case:
    name: str
    make: Callable[[Path], Sequence[str]]  # prepares the folder; returns the command after `python`
    said: str = ""  # what the answer names
    unsaid: str = "\0"  # what it does not
    code: int = 2  # 2: refused. 0: contained, the run does what it should as if nothing were there
    environment: dict[str, str] = field(default_factory=dict)


def payload(folder: Path) -> str:
    """Python that leaves a trace when it is executed."""
    return f"open({str(folder / EXECUTED)!r}, 'w').write('here')\n"


class Payload:
    """What executes `payload` when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple:
        return exec, (payload(self.folder),)


def tempt(case: Case, folder: Path) -> None:
    """AssertionError unless the case is refused in a sentence, or contained."""
    for name in ("work", "home", "tmp", "out"):
        (folder / name).mkdir()
    command = [sys.executable, *case.make(folder)]
    before = state(folder)
    code, said, memory = ran(command, folder, case.environment)
    assert code == case.code, f"exit code {code}:\n{said[-3000:]}"
    assert "Traceback" not in said, said[-3000:]
    assert re.sub(r"\s+", " ", case.said) in re.sub(r"\s+", " ", said), f"{case.said!r} is not said:\n{said[-3000:]}"
    assert case.unsaid not in said, said[-3000:]
    if case.code:
        assert len(said.splitlines()) <= 40 and max(map(len, said.splitlines())) <= 120, f"no screen:\n{said[:3000]}"
    assert all(c.isprintable() or c in "\n\r\t" for c in said), f"a terminal would obey it: {said!r}"[:3000]
    assert memory < MEMORY, f"it took {memory} MB"
    assert not (folder / EXECUTED).exists(), "the payload was executed"
    assert state(folder) == before, f"changed: {set(state(folder).items()) ^ set(before.items())}"
    assert not (outside := sorted(written_outside(folder))), f"written outside: {outside[:5]}"
    assert not (told := secrets_in(folder, said)), f"a secret is told in {told}"


def ran(command: Sequence[str], folder: Path, more: dict[str, str]) -> tuple[int, str, int]:
    """Exit code, all that it said, and its peak memory in MB."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH") if name in os.environ}
    places = {
        "HOME": folder / "home",
        "XDG_CACHE_HOME": folder / "home" / "cache",
        "TMPDIR": folder / "tmp",
        "PYTHONPATH": Path(__file__).parent / "watch",
        "PETL_WATCH": folder / "out" / "watch.log",
    }
    fixed = {"OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1", "HF_HUB_OFFLINE": "1", "COLUMNS": "100"}
    environment = {**kept, **{key: str(path) for key, path in places.items()}, **fixed, **SECRETS, **more}
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command, cwd=folder / "work", env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said
        )
        until, most = time.monotonic() + LONG, 0
        while process.poll() is None:
            most = max(most, _memory(process.pid))
            if time.monotonic() > until:
                process.kill()
            time.sleep(0.02)
        said.seek(0)
        return process.returncode, said.read().decode(errors="replace"), most


def _memory(pid: int) -> int:
    """The most that the process has held so far, in MB."""
    with contextlib.suppress(OSError):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return next((int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM")), 0)
    return 0


def state(folder: Path) -> dict[str, str]:
    """Every file but those that a run may write, by its content."""
    free = [folder / name for name in ("out", "tmp", "home")]
    paths = (path for path in folder.rglob("*") if not any(path.is_relative_to(place) for place in free))
    return {str(path): _content(path) for path in paths}


def _content(path: Path) -> str:
    if path.is_symlink():
        return f"-> {os.readlink(path)}"
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"


def written_outside(folder: Path) -> Iterator[str]:
    allowed = [str(folder / name) for name in ("out", "tmp", "home")]
    allowed += ["/dev/", "/proc/self/", "/tmp/pymp-", "/dev/shm"]
    for line in (folder / "out" / "watch.log").read_text(errors="replace").splitlines():
        path = line.partition(" ")[2]
        if not any(path == place or path.startswith(place.rstrip("/") + "/") for place in allowed):
            yield line


def secrets_in(folder: Path, said: str) -> list[str]:
    """Where a secret of the environment is to be found: in what was said, or in any file."""
    values = [value.encode() for value in SECRETS.values()]
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    found = [str(path) for path in files if any(value in path.read_bytes() for value in values)]
    return found + ["its output"] * any(value in said.encode() for value in values)
