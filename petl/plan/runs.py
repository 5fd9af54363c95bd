"""The runs of a plan: what is done of them, and what the rest costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from petl import records
from petl.command import reader
from petl.config import Config
from petl.plan.estimate import Estimate, estimate
from petl.plan.fit import fits, remedy
from petl.plan.hardware import Device
from petl.plan.model import Model, model_of

STATES = ("done", "partial", "to do")


@dataclass
class Group:
    """Runs that differ in their seed alone."""

    words: list[str]  # all but the seed
    config: Config
    model: Model
    runs: list[list[str]] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)  # of each: optimiser steps that need no repeating; -1: done
    records: list[records.Record] = field(default_factory=list)  # of those that are done

    def count(self, state: str) -> int:
        return sum(state_of(step) == state for step in self.steps)

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
        """GPU-hours of what is not done; of a partial run the share of the steps that is left, and its test."""
        total = max(1, self.each.steps)
        return sum(self.each.hours * (1 - step / total) for step in self.group.steps if step >= 0)

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
        group.runs.append(list(words))
        if done := None if config.runtime.force else records.find(config):
            group.records.append(done)
        group.steps.append(-1 if done else kept_steps(config))
    return list(found.values())


def state_of(step: int) -> str:
    return STATES[0] if step < 0 else STATES[1 if step else 2]


def kept_steps(config: Config) -> int:
    """Of the newest checkpoint; 0 without one."""
    places = (records.run_dir(config) / "checkpoints").glob("last-*")
    return max((int(place.name.removeprefix("last-")) for place in places), default=0)
