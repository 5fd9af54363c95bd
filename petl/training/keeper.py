"""What a run carries from step to step, and how it gets it back after a stop."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from accelerate import Accelerator
from torch import nn

from petl import backbone
from petl.training import Halted, Stopped, checkpoint, shards, signals
from petl.training.progress import Clock, Progress
from petl.training.ranks import agree

KEPT = 2  # `last` checkpoints, each with the `best` that it names
PERIOD = 600.0  # seconds of training that a power cut may cost, where evaluations are further apart


@dataclass
class State:
    """All that later steps depend on beside weights and optimiser; the random streams depend on the step alone."""

    step: int = 0  # optimiser steps done
    selected: dict[str, Any] = field(default_factory=lambda: {"step": 0, "metric": None, "value": None, "dev": None})
    history: list[dict[str, Any]] = field(default_factory=list)
    overflows: int = 0  # steps that fp16's loss scaling skipped
    losses: list[float] = field(default_factory=list)  # of the steps since the last point of the history
    halved: list[int] = field(default_factory=list)  # steps from which on micro-batches are cut in half, and again
    packed: int = 1  # most runs whose gradients came out of one pass

    def add(self, loss: float, overflowed: bool) -> None:
        """Count a step."""
        self.step, self.overflows = self.step + 1, self.overflows + overflowed
        self.losses.append(loss)

    @property
    def judged(self) -> bool:
        """Whether the evaluation after the last step has been made."""
        return bool(self.history) and self.history[-1]["step"] == self.step and "dev" in self.history[-1]


@dataclass
class Keeper:
    """Checkpoints of one run. `origin` is what the run computes from; checkpoints of another origin are set aside."""

    folder: Path
    model: nn.Module
    accelerator: Accelerator
    origin: dict[str, Any]
    progress: Progress
    clock: Clock
    _kept: tuple[int, float] = field(default_factory=lambda: (0, time.monotonic()), init=False)  # step, and when

    def keep(self, state: State, optimiser: Any, best: bool = False) -> None:
        """Write the checkpoint of this step, and first, if it is the best so far, its weights as `best`."""
        self._kept = (state.step, time.monotonic())
        weights, moments = shards.whole(backbone.tuned_state(self.model)), shards.whole(optimiser.state_dict())
        if not self.accelerator.is_main_process:
            return
        scaler = self.accelerator.scaler
        told = {
            "origin": self.origin,
            "state": asdict(state),
            "scaler": scaler.state_dict() if scaler else None,
            "seconds": self.clock.seconds,
        }
        if best:
            checkpoint.save(self.folder, "best", state.step, weights, told)
        checkpoint.save(self.folder, "last", state.step, weights, told, moments)
        self._thin_out()

    def keep_in_time(self, state: State, optimiser: Any) -> None:
        """`keep`, if the last time is long ago. Not of shards: their processes would have to agree on the time."""
        if time.monotonic() - self._kept[1] > PERIOD and not shards.is_sharded(self.model):
            self.keep(state, optimiser)

    @contextmanager
    def kept_when_stopped(self, state: State, optimiser: Any) -> Iterator[None]:
        """A signal that ends the block leaves a checkpoint of the steps done so far."""
        try:
            yield
        except Stopped as stop:
            with signals.held():
                if state.step != self._kept[0]:
                    self.keep(state, optimiser)
            self.progress.close()
            self.progress.say(f"stopped by {stop.signal.name} after step {state.step}; its checkpoint is kept")
            raise

    def restore(self, optimiser: Any) -> State:
        """Weights, optimiser and state of the newest whole checkpoint, or a fresh start."""
        place = agree(self.accelerator, self._resumable() if self.accelerator.is_main_process else None)
        if place is None:
            return State()
        told, moments = self._load(place)
        self._kept = (told["state"]["step"], time.monotonic())
        assert moments is not None, "a `last` checkpoint has the optimiser's state"
        optimiser.load_state_dict(shards.moments(moments, optimiser))
        if self.accelerator.scaler is not None:
            self.accelerator.scaler.load_state_dict(told["scaler"])
        self.clock.add(told["seconds"])
        self.progress.say(f"going on from step {told['state']['step']} ({place})")
        return State(**told["state"])

    def take_best(self, state: State) -> None:
        """Put the selected weights into the model, on every process."""
        place = checkpoint.named(self.folder, "best", state.selected["step"])
        if not agree(self.accelerator, checkpoint.is_whole(place) if self.accelerator.is_main_process else None):
            raise Halted(f"{place} was damaged after it was written. The same command computes it anew.")
        self._load(place)

    def _load(self, place: Path) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """Put a checkpoint's weights into the model; returns the rest of it."""
        weights, told, moments = checkpoint.load(place)
        backbone.load_tuned(self.model, shards.parts(weights, backbone.tuned_state(self.model)))
        return told, moments

    def _resumable(self) -> Path | None:
        """The newest `last` that is whole and whose `best` is. Without one, what there is is set aside: nothing of it
        may be taken for a part of the run that starts over."""
        why = "no whole checkpoint"
        for place in checkpoint.all_of(self.folder, "last"):
            if flaw := self._flaw(place):
                checkpoint.put_aside(place, flaw)
                continue
            if not (changed := _differ(checkpoint.load_state(place)["origin"], self.origin)):
                return place
            why = f"other {', '.join(changed)}"
            break
        if checkpoint.any_in(self.folder):
            old = checkpoint.set_aside(self.folder)
            self.progress.say(f"starting over: {self.folder} has {why}; it is kept as {old}")
        return None

    def _flaw(self, place: Path) -> str | None:
        """Why a run cannot go on from there."""
        if not checkpoint.is_whole(place):
            return "it is damaged"
        if (state := _state(place)) is None:
            return "what it holds is not what a run writes"
        step = state.selected["step"]
        best = checkpoint.named(self.folder, "best", step)
        return f"{best.name}, its best, is damaged" if step and not checkpoint.is_whole(best) else None

    def _thin_out(self) -> None:
        """Only the newest stay. Among them is the `best` of each `last`: no two bests are written between two lasts."""
        for kind in ("last", "best"):
            for place in checkpoint.all_of(self.folder, kind)[KEPT:]:
                checkpoint.remove(place)


def _state(place: Path) -> State | None:
    """The state in a whole checkpoint; none where someone else has made it. Nothing in it is executed."""
    try:
        _, told, moments = checkpoint.load(place)
        state = State(**told["state"])
        fits = isinstance(told["origin"], dict) and isinstance(moments, dict) and isinstance(state.step, int)
        return state if fits and isinstance(state.selected["step"], int) else None
    except Exception:  # the formats' readers each have their own
        return None


def _differ(one: Mapping[str, Any], other: Mapping[str, Any], path: str = "") -> list[str]:
    """The names under which two origins differ: `code`, `data train/rows.csv`, `backbone config.json`, ..."""
    names: list[str] = []
    for name in sorted(one.keys() | other.keys()):
        a, b = one.get(name), other.get(name)
        if isinstance(a, Mapping) and isinstance(b, Mapping):
            names += _differ(a, b, f"{path}{name} ")
        elif a != b:
            names.append(f"{path}{name}")
    return names
