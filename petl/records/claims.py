"""Who is at a run: numbered files in its folder, so that of many processes one computes it. Imports no torch.

claims/0001.json, 0002.json, ... are the attempts at the run. A number is made once, by one process (link, or O_EXCL
where there are no links: shared file systems have these where they lack locks), and only after the attempt before has
ended or is stale; the newest counts, and none is ever removed. So no two processes are at a run at once.

A claim is stale at once if its process was one of this machine and is gone, and on any other machine if it has not
changed for STALE seconds while one looked: no two clocks are compared.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from petl.config import Config, UserError
from petl.records.links import refuse_links
from petl.records.naming import run_dir

FOLDER = "claims"
EVERY = 10.0  # seconds between two beats
STALE = 18 * EVERY  # a network file system may show a change a minute late
ELSEWHERE = 75  # exit code (EX_TEMPFAIL) of who leaves a run to another process


class Held(Exception):
    """Another process is at this run."""


class Claim(NamedTuple):
    """The newest attempt at a run. Number 0: there was none."""

    number: int
    text: str = ""

    @property
    def said(self) -> dict[str, Any]:
        """host, machine, pid, born, since, beat, state (running, or how it ended), error; empty if torn."""
        with suppress(ValueError, RecursionError):
            if isinstance(said := json.loads(self.text), dict):
                return said
        return {}

    @property
    def who(self) -> str:
        said = self.said
        return f"process {said.get('pid')} on {said.get('host')}, since {said.get('since')}" if said else "a process"


def newest(config: Config) -> Claim:
    folder = run_dir(config) / FOLDER
    try:
        numbers = [int(name[:-5]) for name in os.listdir(folder) if name[:-5].isdigit()]
    except FileNotFoundError:
        return Claim(0)
    number = max(numbers, default=0)
    return Claim(number, _path(config, number).read_text("utf-8", "replace") if number else "")


class Watch:
    """Tells claims that live from those that are stale; it remembers since when a claim has not changed."""

    def __init__(self) -> None:
        self._seen: dict[Path, tuple[Claim, float]] = {}

    def is_free(self, config: Config, claim: Claim) -> bool:
        """Whether the attempt `claim`, the newest of the run, is over."""
        said = claim.said
        if claim.number == 0 or said.get("state", "running") != "running":
            return True
        if said and said.get("machine") == _machine():
            return _born(said.get("pid")) not in ("", said.get("born"))
        before, since = self._seen.setdefault(path := run_dir(config), (claim, time.monotonic()))
        if before != claim:
            self._seen[path] = claim, time.monotonic()
            return False
        return time.monotonic() - since > STALE

    def wait(self, config: Config) -> int:
        """The number of the next attempt, as soon as one sees that it is free; Held as soon as one sees that it is not.

        Of a process on another machine that takes some seconds: until its claim changes, or has not for STALE.
        """
        first = claim = newest(config)
        while not self.is_free(config, claim):
            if claim != first or claim.said.get("machine") == _machine():
                raise Held(f"{claim.who} is at this run")
            time.sleep(min(1.0, EVERY))
            claim = newest(config)
        return claim.number + 1


@contextmanager
def held(config: Config, number: int) -> Iterator[None]:
    """Attempt `number` at the run is this process's; Held if another was quicker."""
    refuse_links(config)
    path, over = _path(config, number), threading.Event()
    path.parent.mkdir(parents=True, exist_ok=True)
    told = {
        "host": socket.gethostname(),
        "machine": _machine(),
        "pid": os.getpid(),
        "born": _born(os.getpid()),
        "since": time.strftime("%Y-%m-%d %H:%M:%S"),
    }
    handle = _made(path, _text(told, 0))

    def go_on() -> None:
        beat = 0
        while not over.wait(EVERY):
            if _path(config, number + 1).exists():
                print(f"error: taken for dead: another process goes on with {path.parent}", file=sys.stderr, flush=True)
                os._exit(ELSEWHERE)
            beat += 1
            with suppress(OSError):
                os.pwrite(handle, _text(told, beat), 0)

    beating = threading.Thread(target=go_on, daemon=True)
    beating.start()
    state, reason = "ended", None
    try:
        yield
    except BaseException as error:
        state, reason = ("failed", first_line(error)) if isinstance(error, Exception) else ("stopped", None)
        raise
    finally:
        over.set()
        beating.join()
        with suppress(OSError):
            os.pwrite(handle, _text(told, 0, state, error=reason), 0)
        os.close(handle)


def first_line(error: BaseException) -> str:
    """What a line has room for of why a run failed."""
    first = (str(error).strip() or "stopped").partition("\n")[0]
    return first if isinstance(error, UserError) else f"{type(error).__name__}: {first}"


def _text(told: dict[str, Any], beat: int, state: str = "running", **more: Any) -> bytes:
    """Never shorter than the one before, so that writing it over that is one step."""
    return f"{json.dumps({**told, 'state': state, 'beat': f'{beat:09}', **more})}\n".encode()


def _made(path: Path, text: bytes) -> int:
    """The open file at `path`, made by this process; Held if it was there. It appears with its text in it."""
    draft = path.with_name(f".{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    try:
        os.write(handle, text)
        os.link(draft, path)
        return handle
    except FileExistsError:
        os.close(handle)
        raise Held("another process has just begun with this run") from None
    except OSError:  # no links here
        os.close(handle)
        return _made_without_links(path, text)
    finally:
        draft.unlink(missing_ok=True)


def _made_without_links(path: Path, text: bytes) -> int:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError:
        raise Held("another process has just begun with this run") from None
    os.write(handle, text)
    return handle


def _path(config: Config, number: int) -> Path:
    return run_dir(config) / FOLDER / f"{number:04}.json"


@cache
def _machine() -> str:
    """Where a process number means the same: this boot of this machine, and this container."""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.stat('/proc/self/ns/pid').st_ino}"
    return socket.gethostname()


def _born(pid: Any) -> str | None:
    """When a process of this machine was started, which tells it from a later one of the same number; None: it is gone,
    empty: one cannot see."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        pass
    except (OSError, TypeError, OverflowError):
        return None
    try:
        state, *rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return None if state in "ZX" else rest[18]
