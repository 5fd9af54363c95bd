"""Out of memory: micro-batches are cut in half, and again, and make the gradient that they would have made whole.

The halves keep the padding of the whole, their losses are divided by the targets of the whole step, and dropout draws
for all rows of the whole and uses the part that is theirs. What remains is rounding: sums are taken in another order.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from petl.training import NoMemory
from petl.training.batches import Batch

ADVICE = (
    "What the run has kept stays. It takes less memory with recipe.gradient_checkpointing=true, a smaller\n"
    "recipe.eval_batch, recipe.precision=bf16, or with conf/accelerate/fsdp.yaml on several GPUs."
)


def is_shortage(error: BaseException) -> bool:
    """Whether `error` says that memory is short: of a GPU, or of this process."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
    )


@contextmanager
def told() -> Iterator[None]:
    """Whatever else runs out of memory, in one sentence."""
    try:
        yield
    except Exception as error:
        if not is_shortage(error):
            raise
        raise NoMemory(f"Out of memory: {reason(error)}\n{ADVICE}") from error


def halve(halved: list[int], step: int, rows: int, why: str) -> None:
    """From this step on micro-batches are cut into 2**len(halved) parts; NoMemory where one of `rows` has no half."""
    if rows <= 2 ** len(halved):
        raise NoMemory(f"Out of memory in step {step}, with one row at a time: {why}\n{ADVICE}")
    halved.append(step)
    free()


def free() -> None:
    """Give back what a failed pass had taken."""
    gc.collect()
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()


def reason(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]


@dataclass
class Part:
    """Rows `start` up to `end` of a batch of `whole` rows, padded as they were."""

    batch: Batch
    start: int
    end: int
    whole: int

    def drawing(self) -> AbstractContextManager:
        """Within, dropout is what it would be in the whole batch."""
        return nullcontext() if self.end - self.start == self.whole else AsWhole(self)


def cut(batch: Batch, parts: int) -> list[Part]:
    """In so many parts, or one for each row if there are fewer."""
    rows = len(batch["labels"])
    parts = min(parts, rows)
    ends = [rows * i // parts for i in range(parts + 1)]
    return [
        Part({name: tensor[start:end] for name, tensor in batch.items()}, start, end, rows)
        for start, end in zip(ends, ends[1:], strict=False)
    ]


def in_halves(answer: Callable[[list[int], Batch], list[Any]], indices: list[int], batch: Batch) -> list[Any]:
    """`answer`, which exchanges nothing between processes, of as many rows at a time as memory allows."""
    try:
        return answer(indices, batch)
    except Exception as error:
        if not is_shortage(error) or len(indices) == 1:
            raise
    free()
    answers: list[Any] = []
    for part in cut(batch, 2):
        answers += in_halves(answer, indices[part.start : part.end], part.batch)
    return answers


class AsWhole(TorchFunctionMode):
    """Dropout of a part: masks are drawn for the whole batch, in the same order, and cut.

    F.dropout draws one number for each element. Attention draws inside its kernel, by row, head and position: it is
    given as many rows as the whole has, and its answer is cut.
    """

    active: AsWhole | None = None

    def __init__(self, part: Part) -> None:
        super().__init__()
        self.part, self.rows = part, part.end - part.start

    def __enter__(self) -> AsWhole:
        AsWhole.active = self
        return super().__enter__()

    def __exit__(self, *error: Any) -> None:
        AsWhole.active = None
        super().__exit__(*error)

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None) -> Any:
        given = kwargs or {}
        if func is F.dropout:
            return self._dropout(*args, **given)
        if func is F.scaled_dot_product_attention and given.get("dropout_p"):
            told = {name: self._spread(value) for name, value in given.items()}
            return func(*map(self._spread, args), **told)[self.part.start : self.part.end]
        return func(*args, **given)

    def _dropout(self, x: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
        if not training or p == 0 or len(x) != self.rows:
            return F.dropout(x, p, training)
        return x * F.dropout(ones_like(x, self.part.whole, x.shape[1:]), p)[self.part.start : self.part.end]

    def _spread(self, held: Any) -> Any:
        """As many rows as the whole has: its own at their places, and copies of its outer ones around them."""
        if not isinstance(held, Tensor) or held.dim() < 3 or len(held) != self.rows:
            return held
        place = torch.arange(self.part.whole, device=held.device) - self.part.start
        return held[place.clamp(0, self.rows - 1)]


def ones_like(x: Tensor, rows: int, shape: Sequence[int]) -> Tensor:
    """So many rows of that shape, laid out in memory as those of x are: dropout draws numbers in that order."""
    sizes, strides = [rows, *shape], list(x.stride())
    if len(x) == 1 or strides[0] == 0:  # rows that are one in memory lie behind each other in what is made of it
        strides[0] = max(strides) + 1
    order = sorted(range(x.dim()), key=strides.__getitem__, reverse=True)
    back = sorted(range(x.dim()), key=order.__getitem__)
    return x.new_ones([sizes[i] for i in order]).permute(back)


def contexts() -> tuple[AbstractContextManager, AbstractContextManager]:
    """For gradient checkpointing: the context of the forward pass, and the one in which it is repeated."""
    return nullcontext(), AsWhole(AsWhole.active.part) if AsWhole.active is not None else nullcontext()
