"""The runs of a plan: what is done of them, and what the rest costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from petl import records
from petl.config import Config
from petl.leaves import reader
from petl.plan.estimate import Estimate, estimate
from petl.plan.fit import fits, remedy
from petl.plan.hardware import Device
from petl.plan.model import Model, model_of
from petl.records import status

STATES = ("done", "running", "partial", "to do")  # partial: it has a checkpoint, and nobody is at it


@dataclass(frozen=True)
class Run:
    words: list[str]
    state: str
    kept: int = 0  # optimiser steps that a checkpoint keeps
    record: records.Record | None = None


@dataclass
class Group:
    """Runs that differ in their seed alone."""

    words: list[str]  # all but the seed
    config: Config
    model: Model
    runs: list[Run] = field(default_factory=list)

    def count(self, state: str) -> int:
        return sum(run.state == state for run in self.runs)

    def on(self, device: Device) -> Priced:
        return Priced(self, device)


@dataclass(frozen=True)
class Priced:
    """A group on one GPU."""

    group: Group
    device: Device

    @cached_property
    def each(self) -> Estimate:
        return estimate(self.group.config, self.group.model, self.device)

    @property
    def hours_left(self) -> float:
        """GPU-hours of what is not done; of a run with a checkpoint the share of the steps after it."""
        total = max(1, self.each.steps)
        return sum(self.each.hours * (1 - run.kept / total) for run in self.group.runs if run.state != "done")

    @property
    def fits(self) -> bool:
        return fits(self.group.config, self.group.model, self.device)

    @property
    def remedy(self) -> str:
        return remedy(self.group.config, self.group.model, self.device)


def groups(runs: Sequence[Sequence[str]]) -> list[Group]:
    """The runs of `petl.command.expand`, in its order. UserError for the first that makes no run."""
    read, found = reader(), {}
    for words in runs:
        config = read(words)
        rest = [word for word in words if not word.startswith("seed=")]
        group = found.get(tuple(rest))
        if group is None:
            group = found[tuple(rest)] = Group(rest, config, model_of(config))
        group.runs.append(look(words, config))
    return list(found.values())


def look(words: Sequence[str], config: Config) -> Run:
    """What a run has left behind so far."""
    if not config.runtime.force and (record := records.find(config)):
        return Run(list(words), "done", record=record)
    seen = status.look("", "", records.run_dir(config), records.record_path(config))
    state = "running" if seen.state == "running" else "partial" if seen.checkpoint else "to do"
    return Run(list(words), state, seen.checkpoint)
