"""Whole runs in a second: tiny random backbones, a few rows, and processes forked from one that has all loaded.

`forked(config)` starts a run as `train.py` would, with its exit codes; `reference(...)` is a run that nothing disturbs;
`ending(config)` is all that two equal runs must have in common.
"""

from __future__ import annotations

import atexit
import io
import mmap
import os
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import torch
from transformers.utils.logging import disable_progress_bar

from petl import command, records
from petl.config import Config, UserError
from petl.training import Halted, run
from petl.training.checkpoint import all_of, load, named
from tests.proofs import tiny

ROOT = Path(__file__).resolve().parents[2]
METHODS = sorted(command.options("method"))
BACKBONES = ("bart-large", "mbart-large-cc25", "roberta-base")
PAIRS = [(method, backbone) for method in METHODS for backbone in BACKBONES]
RECIPE = "recipe.steps=6 recipe.batch=4 recipe.accumulate=2 task.limit_train=24 task.limit_dev=4 task.limit_test=5"
VOLATILE = ("seconds", "memory_mb", "finished", "checksum", "code")  # of a record: when, and of which commit
LONG = 600.0  # seconds after which a run hangs, on a machine as busy as may be


@cache
def furnished(shared: Path) -> Path:
    """A folder with the backbones and rows of their tasks. All that a run loads has been loaded by this process."""
    place = shared / f"tiny-{os.getpid()}"
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    disable_progress_bar()
    for name in BACKBONES:
        tiny.backbone(place / name, name)
        tiny.data(place / tiny.TASKS[name], tiny.TASKS[name])
        with redirect_stdout(io.StringIO()):
            run(configured("mam", name, place / "warm", place))  # what is made once per process is made here
    return place


def configured(method: str, backbone: str, output: Path, place: Path, *more: str) -> Config:
    """A run of six steps with an evaluation after every second, all of whose output goes to `output`."""
    made = _composed(method, backbone, place, *more)
    folders = {name: f"{output}/{folder}" for name, folder in tiny.FOLDERS.items()}
    return replace(made, runtime=replace(made.runtime, **folders))


@cache
def _composed(method: str, backbone: str, place: Path, *more: str) -> Config:
    """Once for all runs that differ in their folders only: composing takes a third as long as such a run."""
    return command.read(words(method, backbone, place / "anywhere", place, *more))


def words(method: str, backbone: str, output: Path, place: Path, *more: str) -> list[str]:
    """The same as words of a command line."""
    usual = tiny.words(backbone, place / backbone, place / tiny.TASKS[backbone], output, f"method={method}")
    return list({word.partition("=")[0]: word for word in [*usual, *RECIPE.split(), *more]}.values())


@dataclass
class Child:
    """A run in a process of its own. What it says goes into a pipe, which has no size that a limit could hit."""

    pid: int
    pipe: int
    said: str = ""
    ended: int | None = None  # as subprocess has it: the exit code, or minus the signal

    def poll(self) -> int | None:
        if self.ended is None:
            done, status = os.waitpid(self.pid, os.WNOHANG)
            with suppress(BlockingIOError):
                while part := os.read(self.pipe, 1 << 16):
                    self.said += part.decode(errors="replace")
            if done:
                self.ended = os.waitstatus_to_exitcode(status)
                os.close(self.pipe)
        return self.ended

    def wait(self, limit: float = LONG) -> int:
        """How it ended; killed where it does not end."""
        until = time.monotonic() + limit
        while (ended := self.poll()) is None:
            if time.monotonic() > until:
                os.kill(self.pid, signal.SIGKILL)
            time.sleep(0.002)
        return ended


def forked(config: Config, first: Callable[[], object] = lambda: None, **environment: str) -> Child:
    """`train.py` with this config, in a fork; `first` is called in it before anything else.

    Before and after the run SIGINT ends it as other signals do: a KeyboardInterrupt would unwind into the proof.
    """
    reads, writes = os.pipe()
    frozen = _frozen()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    if pid := os.fork():
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        os.close(writes)
        os.set_blocking(reads, False)
        return Child(pid, reads)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    code = 1
    try:
        os.close(reads)
        os.dup2(writes, 1)
        os.dup2(writes, 2)
        sys.stdout = os.fdopen(1, "w", closefd=False)
        sys.stderr = os.fdopen(2, "w", closefd=False)
        os.environ.update(environment)
        for name, value in frozen.items():
            setattr(records, name, lambda value=value: value)
        torch.set_num_threads(1)
        first()
        code = _answered(config)
    except BaseException as error:
        code = error.code if isinstance(error, SystemExit) and isinstance(error.code, int) else 1
        if not isinstance(error, SystemExit):
            traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _answered(config: Config) -> int:
    """What train.py makes of it."""
    try:
        run(config)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except Halted as error:
        print(f"stopped: {error}", file=sys.stderr)
        return error.exit_code
    return 0


@cache
def _frozen() -> dict[str, Any]:
    """The code as it is at the start: who edits a file while proofs run makes no run start over."""
    return {
        "code_sha256": records.code_sha256(),
        "code_version": records.code_version(),
        "package_versions": records.package_versions(),
    }


def finished(config: Config, first: Callable[[], object] = lambda: None) -> str:
    """Run it, or go on with it, to its end. Returns what it said."""
    child = forked(config, first)
    assert child.wait() == 0, f"it ended with {child.ended}:\n{child.said}"
    return child.said


def watch(config: Config, act: Callable[[], None]) -> None:
    """From now on in this process: `act()` before every operation that changes a file or folder of the run."""
    root = str(Path(config.runtime.output).parent)

    def hook(event: str, given: tuple) -> None:
        if event == "open":
            _, mode, flags = given
            writes = flags & (os.O_WRONLY | os.O_RDWR) if mode is None else set(mode) & set("wax+")
            if writes and str(given[0]).startswith(root):
                act()
        elif event in ("os.rename", "os.mkdir", "shutil.rmtree") and str(given[0]).startswith(root):
            act()
        elif event in ("os.remove", "os.rmdir") and (given[1] != -1 or str(given[0]).startswith(root)):
            act()

    sys.addaudithook(hook)


class Reference(NamedTuple):
    """A run that nothing disturbs: where and how it ends, its seconds, and how often it changed a file or folder."""

    place: Path
    ending: dict[str, Any]
    seconds: float
    operations: int


@cache
def reference(method: str, backbone: str, shared: Path, *more: str) -> Reference:
    place, counter = furnished(shared), mmap.mmap(-1, 8)
    left = place / "reference" / "-".join((method, backbone, *more))
    config = configured(method, backbone, left, place, *more)

    def count() -> None:
        counter[:] = (int.from_bytes(counter[:], "big") + 1).to_bytes(8, "big")

    started = time.monotonic()
    finished(config, lambda: watch(config, count))
    return Reference(left, ending(config), time.monotonic() - started, int.from_bytes(counter[:], "big"))


def ending(config: Config) -> dict[str, Any]:
    """Record, predictions, scores, and weights, optimiser and state of the last and the best checkpoint."""
    path, folder = records.record_path(config), records.run_dir(config)
    record = records.read(path)
    told: dict[str, Any] = {name: value for name, value in record.items() if name not in VOLATILE}
    told["scores"] = path.with_suffix(".scores.json").read_text()
    for file in sorted(folder.glob("predictions*.jsonl")):
        told[file.name] = file.read_text()
    best = named(folder / "checkpoints", "best", record["selected"]["step"])
    for place in (all_of(folder / "checkpoints", "last")[0], best):
        told[place.name] = _checkpoint(place)
    return told


def _checkpoint(place: Path) -> dict[str, Any]:
    weights, told, moments = load(place)
    state = {name: value for name, value in told.items() if name not in ("seconds", "origin")}
    return {"weights": _plain(weights), "state": state, "optimiser": _plain(moments)}


def _plain(held: Any) -> Any:
    """Tensors as their exact values, which compare."""
    if isinstance(held, torch.Tensor):
        raw = held.contiguous().view(-1).view(torch.uint8).numpy().tobytes()
        return (str(held.dtype), tuple(held.shape), raw.hex())
    if isinstance(held, dict):
        return {str(name): _plain(value) for name, value in held.items()}
    return [_plain(value) for value in held] if isinstance(held, list | tuple) else held


def same(one: dict[str, Any], other: dict[str, Any], apart: tuple[str, ...] = ()) -> None:
    """AssertionError with the first of what differs."""
    names = sorted((one.keys() | other.keys()) - set(apart))
    for name in names:
        assert one.get(name) == other.get(name), "not the same: " + _first(one.get(name), other.get(name), name)


def _first(one: Any, other: Any, path: str) -> str:
    if isinstance(one, dict) and isinstance(other, dict):
        name = min(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
        return _first(one.get(name), other.get(name), f"{path} {name}")
    return f"{path}: {str(one)[:200]} | {str(other)[:200]}"
