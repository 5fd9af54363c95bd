"""Which rows make up optimiser step t: a pure function of (seed, t), the same for every number of processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset

from petl.backbone.attach import stream
from petl.config import Recipe, UserError
from petl.tasks import lengths, plan_batches
from petl.tasks.batches import IGNORED
from petl.training.signals import deaf

Batch = dict[str, torch.Tensor]


@dataclass
class Step:
    number: int  # from 0
    rows: list[int]  # indices of the whole step's rows, all processes together
    total: int  # target tokens (classification: rows) of the whole step: what its loss is divided by
    micro_batches: list[tuple[int, Batch]]  # this process's share: (index among those of the step, tensors)
    parts: int = 1  # micro-batches of the whole step

    def rows_of(self, index: int) -> list[int]:
        """The rows of a micro-batch; a step that has fewer rows than micro-batches leaves some without."""
        return self.rows[len(self.rows) * index // self.parts : len(self.rows) * (index + 1) // self.parts]


class Steps(Dataset):
    """`steps[t]` is optimiser step t. Process k of n takes the micro-batches k, k + n, k + 2n, ... of each."""

    def __init__(
        self,
        encoded: Sequence[Any],
        collate: Callable[[list[Any]], Batch],
        recipe: Recipe,
        seed: int,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        self.encoded, self.collate, self.recipe = encoded, collate, recipe
        self.rank, self.world = rank, world
        refuse_uneven(recipe, world)
        self.micro_batches = recipe.accumulate
        self._seed = stream(seed, "order") % 2**31
        self._lengths = lengths(encoded)
        self._ends: list[int] = []  # steps up to the end of each epoch planned so far
        self._plan: tuple[int, list[list[int]]] = (-1, [])  # the epoch planned last
        self.total = recipe.steps if recipe.steps is not None else self._steps_of(recipe.epochs or 1.0)

    def __len__(self) -> int:
        return self.total

    def __getitem__(self, number: int) -> Step:
        if not 0 <= number < self.total:
            raise IndexError(number)
        rows = self._rows(number)
        step = Step(number, rows, sum(target_tokens(self.encoded[row]) for row in rows), [], self.micro_batches)
        for index in range(self.rank, self.micro_batches, self.world):
            mine = step.rows_of(index)
            step.micro_batches.append((index, self._batch(mine) if mine else self._silent(rows[0])))
        return step

    def loader(self, start: int, workers: int) -> DataLoader:
        """The steps from `start` on. With its own generator: a loader must not draw from dropout's."""
        return DataLoader(
            self,
            batch_size=None,
            sampler=range(start, self.total),
            collate_fn=_as_it_is,
            num_workers=workers,
            generator=torch.Generator(),
            worker_init_fn=deaf,
        )

    def _batch(self, rows: list[int]) -> Batch:
        return self.collate([self.encoded[row] for row in rows])

    def _silent(self, row: int) -> Batch:
        """Where a step has fewer rows than micro-batches: one without a target, as shards want all processes to run."""
        batch = self._batch([row])
        return {**batch, "labels": torch.full_like(batch["labels"], IGNORED)}

    def _rows(self, number: int) -> list[int]:
        epoch = next((e for e, end in enumerate(self._ends) if number < end), len(self._ends))
        while epoch == len(self._ends):
            first = self._ends[-1] if self._ends else 0
            self._ends.append(first + len(self._epoch(epoch)))
            epoch += number >= self._ends[-1]
        return self._epoch(epoch)[number - (self._ends[epoch - 1] if epoch else 0)]

    def _epoch(self, epoch: int) -> list[list[int]]:
        if self._plan[0] != epoch:
            plan = plan_batches(self._lengths, self.recipe.batch, self.recipe.batch_tokens, self._seed, epoch)
            self._plan = (epoch, plan)
        return self._plan[1]

    def _steps_of(self, epochs: float) -> int:
        return max(1, round(epochs * len(self._epoch(0))))


def refuse_uneven(recipe: Recipe, world: int) -> None:
    """UserError unless `world` processes get as many micro-batches each.

    To raise `accumulate` silently would keep the run's name and draw other dropout: it is the user's to say.
    """
    if recipe.accumulate % world == 0:
        return
    most = recipe.batch if recipe.batch_tokens is None else None  # rows of a step: its micro-batches have one at least
    up, down = -(-recipe.accumulate // world) * world, recipe.accumulate // world * world
    fits = up if most is None or up <= most else down
    problem = f"recipe.accumulate={recipe.accumulate}: {world} processes cannot share that many micro-batches evenly."
    if fits:
        raise UserError(f"{problem} The nearest that they can:\n  recipe.accumulate={fits}")
    raise UserError(f"{problem} Nor any number up to the {most} rows of recipe.batch: start at most {most} processes.")


def target_tokens(row: Any) -> int:
    """What a row adds to the number the loss is divided by: its target tokens, or 1 for a class."""
    return len(row.labels) if isinstance(row.labels, list) else 1


def _as_it_is(step: Any) -> Any:
    return step
