"""What a task is: the columns of its rows, and what generation and scoring need to know. Data, no behaviour."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One example, whatever file it came from. `target` is the reference text, or the number of the class."""

    id: str
    source: str
    pair: str | None  # second text of a sentence pair
    target: str | int


@dataclass(frozen=True)
class Hub:
    """Where the hub keeps the task's published splits."""

    id: str
    config: str | None = None
    train: str = "train"
    dev: str = "validation"
    test: str = "test"
    further: tuple[tuple[str, str], ...] = ()  # more test sets: how records call them, how the hub does

    @property
    def splits(self) -> dict[str, str]:
        return {"train": self.train, "dev": self.dev, "test": self.test, **dict(self.further)}


@dataclass(frozen=True)
class TaskSpec:
    """All a task needs: `petl/tasks/NAME.py` with one of these as `TASK`, and `conf/task/NAME.yaml`."""

    name: str
    kind: str  # generation | classification
    source: str  # column of what the model reads
    target: str  # column of what it should say: a text, or a class
    metrics: tuple[str, ...]  # keys of petl.metrics.SCORES
    pair: str | None = None  # column of the second text
    labels: tuple[str, ...] = ()  # names of the classes, in the order of their numbers
    nested: str | None = None  # column that may hold the others: {"translation": {"en": ..., "ro": ...}}
    languages: tuple[str, str] | None = None  # codes of source and target, for tokenizers that have such
    hub: Hub | None = None

    @property
    def columns(self) -> list[str]:
        return [column for column in (self.source, self.pair, self.target) if column is not None]
