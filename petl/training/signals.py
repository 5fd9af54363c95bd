"""A run that is told to stop: it leaves a checkpoint of the step it is at, on all its processes together, and goes.

SIGTERM, SIGINT, SIGUSR1 and SIGUSR2 (submitit's) are heard; what is ignored stays ignored. In a run of one process a
signal raises `Stopped` where it comes, but for the moments in which weights, optimiser and state are changed or written
(`held`). Several processes must leave at the same point, so that they only note it and ask each other there
(`agreeing`, `check`). A second signal changes nothing. Whoever had listened to the signal before is told of it when the
run has left.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from accelerate import Accelerator

from petl.training import Stopped
from petl.training.ranks import largest

T = TypeVar("T")

HEARD = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2)
GRACE = 30  # seconds that a data loader's process outlives SIGTERM


@dataclass
class Ear:
    """What this process has heard; there is one, as there is one set of handlers."""

    heard: list[int] = field(default_factory=list)
    held: bool = False  # signals are noted only

    def hear(self, number: int, frame: object) -> None:
        first = not self.heard
        self.heard.append(number)
        if first and not self.held:
            raise Stopped(number)


_ear = Ear()


@contextmanager
def listening() -> Iterator[None]:
    """Handlers for the time of a run, in the main thread; afterwards those from before, told of what was heard."""
    before = _listened() if threading.current_thread() is threading.main_thread() else {}
    _ear.heard, _ear.held = [], False
    for number in before:
        signal.signal(number, _ear.hear)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for number in dict.fromkeys(_ear.heard):
            if callable(handler := before.get(number)) and handler is not signal.default_int_handler:
                handler(number, None)


def check(accelerator: Accelerator) -> None:
    """Stopped, on every process, if any was told to stop. All have to ask at the same point."""
    number = max(_ear.heard, default=0)
    if accelerator.num_processes > 1:
        number = largest(accelerator, number)
    if number:
        _ear.heard.append(number)  # a signal that comes while this process leaves is a second one
        raise Stopped(number)


@contextmanager
def held() -> Iterator[None]:
    """Signals are only noted within: what is done here is done whole. `check` afterwards."""
    before, _ear.held = _ear.held, True
    try:
        yield
    finally:
        _ear.held = before


@contextmanager
def agreeing(accelerator: Accelerator) -> Iterator[None]:
    """Several processes only note signals within, so that none leaves while others wait for it."""
    before, _ear.held = _ear.held, accelerator.num_processes > 1
    try:
        yield
    finally:
        _ear.held = before


def at_once(work: Callable[[], T]) -> T | None:
    """The result of a long piece of work without exchange between processes; None where a signal ended it.

    `check` afterwards. In a run of one process the signal has raised already.
    """
    if not (before := _ear.held):
        return work()
    if _ear.heard:
        return None
    _ear.held = False
    try:
        return work()
    except Stopped:
        return None
    finally:
        _ear.held = before


def deaf(worker: int) -> None:
    """For the processes of a data loader, which a signal to all may reach: the run ends them when it has left."""
    for number in HEARD:
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: signal.alarm(GRACE))


def _listened() -> dict[int, Any]:
    """Signal -> its handler so far, for those to hear; None is one that Python did not set and cannot put back."""
    found = {int(number): signal.getsignal(number) for number in HEARD}
    return {number: handler for number, handler in found.items() if handler not in (None, signal.SIG_IGN)}
