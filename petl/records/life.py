"""What a run says of itself while it runs: `run.json` in its folder, written anew every few seconds. Imports no torch.

It says where the run will leave its record, who runs it, how far it is, and in the end why it stopped, if it did. It is
for people and for finding one's way from a folder to its record: no result depends on it.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import NoneType
from typing import Any

from petl.config import Config
from petl.records.naming import canonical, identity, record_path, run_dir

FILE = "run.json"
EVERY = 10.0  # seconds between two beats
STALE = 12 * EVERY  # a run that said nothing for so long is gone
_TYPES: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("identity", "record", "host", "state"), (str,)),
    **dict.fromkeys(("pid", "step", "total", "from"), (int,)),
    **dict.fromkeys(("started", "beat"), (int, float)),
    "error": (str, NoneType),
}


class Beat:
    """The file of one run. `follow` says how far it is: position() -> (steps done, steps in all)."""

    def __init__(self, config: Config) -> None:
        folder = run_dir(config)
        self._path, self._position = folder / FILE, lambda: (0, 0)
        self._told: dict[str, Any] = {
            "identity": identity(config),
            "config": canonical(config),
            "record": os.path.relpath(record_path(config), folder),  # so that outputs/ can be moved
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "started": time.time(),
        }
        self._from: int | None = None  # the step that this process started at

    def follow(self, position: Callable[[], tuple[int, int]]) -> None:
        self._position = position

    def write(self, state: str, error: str | None = None) -> None:
        step, total = self._position()
        if self._from is None and total:
            self._from = step
        told = {"state": state, "error": error, "step": step, "total": total, "from": self._from or 0}
        draft = self._path.with_name(f".{FILE}.{os.getpid()}")
        with contextlib.suppress(OSError):  # a full disk: the run has more to lose than this
            self._path.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(json.dumps({**self._told, **told, "beat": time.time()}, indent=1), encoding="utf-8")
            os.replace(draft, self._path)


@contextlib.contextmanager
def underway(config: Config, leads: bool) -> Iterator[Beat]:
    """Keeps `run.json` of the run up to date, by the process that `leads`, until it ends."""
    beat, over = Beat(config), threading.Event()
    if not leads:
        yield beat
        return

    def go_on() -> None:
        while not over.wait(EVERY):
            beat.write("running")

    beat.write("running")
    threading.Thread(target=go_on, daemon=True).start()
    try:
        yield beat
    except BaseException as error:
        over.set()
        failed = isinstance(error, Exception)
        beat.write("failed" if failed else "stopped", _reason(error) if failed else None)
        raise
    over.set()
    beat.write("ended")


def told(folder: Path) -> dict[str, Any] | None:
    """What the run of `folder` said last; None if it said nothing that can be read."""
    try:
        said = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    whole = isinstance(said, dict) and all(type(said.get(name)) in types for name, types in _TYPES.items())
    return said if whole else None


def is_alive(said: dict[str, Any]) -> bool:
    """Whether that run still goes on: it spoke lately, and its process is there if it is one of this machine."""
    if said["state"] != "running" or time.time() - said["beat"] > STALE:
        return False
    if said["host"] != socket.gethostname():
        return True
    try:
        os.kill(said["pid"], 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _reason(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".strip().partition("\n")[0]
