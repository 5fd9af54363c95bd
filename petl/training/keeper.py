"""What a run carries from step to step, and how it gets it back after a stop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from accelerate import Accelerator
from torch import nn

from petl import backbone
from petl.training import checkpoint, shards
from petl.training.progress import Clock, Progress
from petl.training.ranks import agree


@dataclass
class State:
    """All that later steps depend on beside weights and optimiser; the random streams depend on the step alone."""

    step: int = 0  # optimiser steps done
    selected: dict[str, Any] = field(default_factory=lambda: {"step": 0, "metric": None, "value": None, "dev": None})
    history: list[dict[str, Any]] = field(default_factory=list)
    overflows: int = 0  # steps that fp16's loss scaling skipped
    losses: list[float] = field(default_factory=list)  # of the steps since the last point of the history


@dataclass
class Keeper:
    """Checkpoints of one run. `origin` is what the run computes from; checkpoints of another origin are set aside."""

    folder: Path
    model: nn.Module
    accelerator: Accelerator
    origin: dict[str, Any]
    progress: Progress
    clock: Clock

    def keep(self, state: State, optimiser: Any, best: bool) -> None:
        """Write the checkpoint of this step, and first, if it is the best so far, its weights as `best`."""
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
        checkpoint.save(self.folder, "last", state.step, weights, told, moments, keep=2)

    def restore(self, optimiser: Any) -> State:
        """Weights, optimiser and state of the newest whole checkpoint, or a fresh start."""
        place = agree(self.accelerator, self._resumable() if self.accelerator.is_main_process else None)
        if place is None:
            return State()
        told, moments = self._load(place)
        assert moments is not None, "a `last` checkpoint has the optimiser's state"
        optimiser.load_state_dict(shards.moments(moments, optimiser))
        if self.accelerator.scaler is not None:
            self.accelerator.scaler.load_state_dict(told["scaler"])
        self.clock.add(told["seconds"])
        self.progress.say(f"going on from step {told['state']['step']} ({place})")
        return State(**told["state"])

    def take_best(self) -> None:
        """Put the selected weights into the model, on every process."""
        place = agree(self.accelerator, self._best() if self.accelerator.is_main_process else None)
        if place is None:
            raise RuntimeError(f"The best checkpoint in {self.folder} was damaged after it was written.")
        self._load(place)

    def _load(self, place: Path) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """Put a checkpoint's weights into the model; returns the rest of it."""
        weights, told, moments = checkpoint.load(place)
        backbone.load_tuned(self.model, shards.parts(weights, backbone.tuned_state(self.model)))
        return told, moments

    def _best(self) -> Path | None:
        return checkpoint.newest(self.folder, "best")

    def _resumable(self) -> Path | None:
        place = checkpoint.newest(self.folder, "last")
        if place is None:
            return None
        told = checkpoint.load_state(place)
        changed = _differ(told["origin"], self.origin)
        if not changed and (not told["state"]["selected"]["step"] or self._best()):
            return place
        why = f"other {', '.join(changed)}" if changed else "a damaged best checkpoint"
        self.progress.say(f"starting over: {self.folder} has {why}; it is kept as {checkpoint.set_aside(self.folder)}")
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
