"""Which rows share a batch, and how a batch is padded.

Rows of different length in one batch cost padding, on both the source and the target side. Sorting by one side leaves
the other ragged, so a plan cuts the set of all rows in two, again and again, each time along the side and at the place
that save most padded tokens, until the parts are batches (a k-d tree over source and target lengths). Chance enters
three times per epoch: rows of equal length fall at random; every possible cut has a random handicap, so that no two
epochs have the same batches; and the batches come in random order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from petl.config import UserError

if TYPE_CHECKING:
    import torch

    from petl.tasks.encoding import Encoded

HANDICAP = 0.5  # a cut's saving counts between half and all of its worth
IGNORED = -100  # label of padding


def plan_batches(
    lengths: Sequence[tuple[int, int]], rows: int, tokens: int | None, seed: int, epoch: int
) -> list[list[int]]:
    """Every row exactly once, in batches of `rows` rows (one batch takes the remainder), or with `tokens`, of at most
    so many tokens: rows x longest source or target, as fairseq counts. Depends on nothing but the arguments.

    Rows of a batch come longest first, so that slices of a batch are as even as the batches.
    """
    if not lengths:
        return []
    sizes = np.asarray(lengths, dtype=np.int64)
    if tokens is not None and sizes.max() > tokens:
        raise UserError(
            f"recipe.batch_tokens={tokens}, but a row has {sizes.max()} tokens. "
            f"Raise it to {sizes.max()}, or lower task.max_source and task.max_target."
        )
    random = np.random.default_rng([seed, epoch])
    batches, parts = [], [random.permutation(len(sizes))]
    while parts:
        part = parts.pop()
        room = rows if tokens is None else tokens // max(1, int(sizes[part].max()))
        if len(part) <= room:
            batches.append(part[np.argsort(-sizes[part].sum(1), kind="stable")].tolist())
        else:
            parts += _cut(part, sizes, room, random)
    return [batches[i] for i in random.permutation(len(batches))]


def _cut(part: np.ndarray, sizes: np.ndarray, room: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two parts, the first of a whole number of batches of `room` rows."""
    firsts = np.arange(room, len(part), room)
    whole = len(part) * sizes[part].max(0).sum()
    candidates = []
    for side in (0, 1):
        order = part[np.argsort(-sizes[part, side], kind="stable")]
        longest = np.maximum.accumulate(sizes[order])  # up to and with each row
        rest = np.maximum.accumulate(sizes[order][::-1])[::-1]  # from each row on
        padded = firsts * longest[firsts - 1].sum(1) + (len(part) - firsts) * rest[firsts].sum(1)
        saved = (whole - padded) * (1 - HANDICAP * random.random(len(firsts)))
        best = int(saved.argmax())
        candidates.append((saved[best], order, firsts[best]))
    _, order, first = max(candidates, key=lambda candidate: candidate[0])
    return order[:first], order[first:]


def padding_share(batches: Sequence[Sequence[int]], lengths: Sequence[tuple[int, int]]) -> float:
    """Share of padding among the source and target tokens that a model processes, 0 to 1."""
    sizes = np.asarray(lengths, dtype=np.int64)
    padded = sum(len(batch) * int(sizes[list(batch)].max(0).sum()) for batch in batches)
    return 1 - sum(int(sizes[list(batch)].sum()) for batch in batches) / padded


@dataclass(frozen=True)
class Collator:
    """Encoded rows -> input_ids, attention_mask [batch, source], labels [batch, target] or [batch], all int64.

    Padded to the longest row. No decoder inputs: the model shifts the labels itself.
    """

    pad_token_id: int
    multiple: int | None = None  # round widths up to a multiple; tensor cores gain from 8, at the price of padding

    def __call__(self, batch: Sequence[Encoded]) -> dict[str, torch.Tensor]:
        import torch  # here, so that plans and tasks can be had without it

        ids = [row.input_ids for row in batch]
        arrays = {"input_ids": self._padded(ids, self.pad_token_id)}
        arrays["attention_mask"] = self._padded([np.ones(len(row), dtype=np.int64) for row in ids], 0)
        types = [row.token_type_ids for row in batch if row.token_type_ids is not None]
        if types:
            arrays["token_type_ids"] = self._padded(types, 0)
        classes = [row.labels for row in batch if isinstance(row.labels, int)]
        targets = [row.labels for row in batch if not isinstance(row.labels, int)]
        arrays["labels"] = np.asarray(classes, dtype=np.int64) if classes else self._padded(targets, IGNORED)
        return {name: torch.from_numpy(array) for name, array in arrays.items()}

    def _padded(self, rows: Sequence[Any], value: int) -> np.ndarray:
        width = max(map(len, rows))
        if self.multiple is not None:
            width = -(-width // self.multiple) * self.multiple
        out = np.full((len(rows), width), value, dtype=np.int64)
        for line, row in zip(out, rows, strict=True):
            line[: len(row)] = row
        return out
