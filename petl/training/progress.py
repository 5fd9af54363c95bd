"""What a person sees: a bar with the time left on a terminal, few plain lines elsewhere; first process only."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tqdm import tqdm

from petl.training.trackers import POINTS, Tracker

LINES = 10  # of training in a log without a terminal


class Progress:
    """`say` prints a line, `step` moves the bar, `point` reports an evaluation; a tracker hears of both."""

    def __init__(self, shown: bool, bar: bool, tracker: Tracker | None = None) -> None:
        self.shown, self.bar, self.tracker = shown, bar and sys.stdout.isatty(), tracker or Tracker()
        self._total, self._from, self._at, self._start, self._said = 0, 0, 0, 0.0, 0.0
        self._bar: tqdm | None = None

    def say(self, text: str) -> None:
        if self.shown:
            tqdm.write(text) if self._bar is not None else print(text, flush=True)

    def start(self, total: int, step: int) -> None:
        self._total, self._from, self._at, self._start, self._said = total, step, step, time.perf_counter(), 0.0
        if self.shown and self.bar:
            self._bar = tqdm(total=total, initial=step, desc="train", unit="step", dynamic_ncols=True, file=sys.stdout)

    def position(self) -> tuple[int, int]:
        """Optimiser steps done, and in all."""
        return self._at, self._total

    def step(self, loss: float, lr: float) -> None:
        self._at += 1
        if self._at % math.ceil(self._total / POINTS) == 0:
            self.tracker.log({"train/loss": loss, "train/lr": lr}, self._at)
        if self._bar is not None:
            self._bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
            self._bar.update()

    def point(self, step: int, text: str, dev: dict[str, float]) -> None:
        """An evaluation; without a terminal only every tenth of the run is told."""
        self.tracker.log({f"dev/{name}": value for name, value in dev.items()}, step)
        if self._bar is None and step < self._total and step < self._said + self._total / LINES:
            return
        self._said = step
        per_step = (time.perf_counter() - self._start) / max(1, step - self._from)
        left = "" if self._bar is not None else f"  {_clock(per_step * (self._total - step))} left"
        self.say(f"step {step:>{len(str(self._total))}}/{self._total}  {text}{left}")

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


class Clock:
    """Seconds of each phase; an inner phase is not counted to the outer one."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._running: list[str] = []
        self._since = 0.0

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        self._book()
        self._running.append(name)
        try:
            yield
        finally:
            self._book()
            self._running.pop()

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """What others do within is not counted."""
        self._book()
        try:
            yield
        finally:
            self._since = time.perf_counter()

    def add(self, seconds: dict[str, float]) -> None:
        """Count what was spent before a stop."""
        for name, spent in seconds.items():
            self.seconds[name] = self.seconds.get(name, 0.0) + spent

    def _book(self) -> None:
        now = time.perf_counter()
        if self._running:
            self.add({self._running[-1]: now - self._since})
        self._since = now


def _clock(seconds: float) -> str:
    hours, rest = divmod(int(seconds), 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"
