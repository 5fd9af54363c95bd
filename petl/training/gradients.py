"""The gradient of one optimiser step, the same to the bit on any number of processes."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any, NamedTuple

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from petl.config import Config
from petl.training import memory
from petl.training.batches import Batch, Step
from petl.training.loss import forward, summed_loss
from petl.training.ranks import add_up
from petl.training.shards import is_sharded, local, whole
from petl.training.streams import set_stream


class Wanted(NamedTuple):
    """A gradient that a run waits for: what `compute_gradients` is called with."""

    model: nn.Module
    step: Step
    config: Config
    accelerator: Accelerator
    optimiser: Any
    halved: list[int]


def compute_gradients(
    model: nn.Module,
    step: Step,
    config: Config,
    accelerator: Accelerator,
    optimiser: Any,
    halved: list[int] | None = None,
) -> tuple[float, float]:
    """Leave the gradient of the step's mean loss over all its target tokens in `.grad`; return loss and 2-norm.

    Each micro-batch adds its sum divided by the whole step's count, so the result does not depend on how rows fall into
    micro-batches and processes. The sum over processes is one exchange of the trained parameters only.

    halved: the steps at which micro-batches were cut in half for want of memory; the next is appended. NoMemory where
    nothing is left to cut.
    """
    wanted = Wanted(model, step, config, accelerator, optimiser, [] if halved is None else halved)
    gradient = Gradient(wanted, trained_of(model))
    for index, batch in step.micro_batches:
        gradient.add(_fitted(wanted, index, batch))
    return gradient.finish()


def trained_of(model: nn.Module) -> list[nn.Parameter]:
    return [parameter for parameter in model.parameters() if parameter.requires_grad]


class Gradient:
    """The gradient of one step in the making, from that of each micro-batch in turn."""

    def __init__(self, wanted: Wanted, trained: list[nn.Parameter]) -> None:
        self.wanted, self.trained = wanted, trained
        self.total = Total(self.trained, wanted.accelerator) if wanted.config.recipe.accumulate > 1 else None
        self.mean = torch.zeros((), device=wanted.accelerator.device)

    def add(self, mean: Tensor) -> None:
        """Of a micro-batch that alone is in `.grad`; `mean` is its loss."""
        self.mean = mean
        if self.total is not None:
            self.total.add(mean)

    def finish(self) -> tuple[float, float]:
        """Leave the whole in `.grad`; its loss and norm."""
        for parameter in self.trained:
            if parameter.grad is None:  # no gradient is one of zeros: the norm and the loss scaling want a tensor
                parameter.grad = torch.zeros_like(parameter)
        loss = self.mean.item() if self.total is None else self.total.finish(is_sharded(self.wanted.model))
        self.wanted.accelerator.unscale_gradients(self.wanted.optimiser)
        norm = torch.nn.utils.get_total_norm([p.grad for p in self.trained if p.grad is not None])
        return loss, whole(norm).item()


def backward(
    model: nn.Module,
    step: Step,
    index: int,
    batch: Batch,
    config: Config,
    accelerator: Accelerator,
    parts: int = 1,
    precise: bool = False,
) -> Tensor:
    """Add a micro-batch's gradient to `.grad`, in so many passes; its loss. precise: in float32, no loss scaling."""
    batch = {name: tensor.to(accelerator.device, non_blocking=True) for name, tensor in batch.items()}
    mean = torch.zeros((), device=accelerator.device)
    for part in memory.cut(batch, parts):
        set_stream(config.seed, "dropout", step.number, index)
        with nullcontext() if precise else accelerator.autocast(), part.drawing():
            logits = forward(model, part.batch)
        loss = summed_loss(logits, part.batch["labels"], config.recipe.label_smoothing) / step.total
        loss.backward() if precise else accelerator.backward(loss)
        mean += loss.detach()
    return mean


def _fitted(wanted: Wanted, index: int, batch: Batch) -> Tensor:
    """`backward` of one micro-batch alone, in passes that fit into memory."""
    model, step, config, accelerator, optimiser, halved = wanted
    while True:
        optimiser.zero_grad()
        try:
            return backward(model, step, index, batch, config, accelerator, parts=2 ** len(halved))
        except Exception as error:
            if not memory.is_shortage(error) or is_sharded(model):  # other processes would wait for this one's passes
                raise
            why = memory.reason(error)  # not the error: it holds all tensors of the pass
        memory.halve(halved, step.number + 1, len(batch["labels"]), why)


class Total:
    """Gradients and losses of all micro-batches, of all processes, added up in float64 and rounded once.

    Two dozen bits to spare make the sum exact but for one case in millions, so it does not depend on the order.
    """

    def __init__(self, trained: list[nn.Parameter], accelerator: Accelerator) -> None:
        sizes = [local(parameter).numel() for parameter in trained]
        self.trained, self.accelerator = trained, accelerator
        self.flat = torch.zeros(sum(sizes) + 1, dtype=torch.float64, device=local(trained[0]).device)
        *self.parts, self.loss = self.flat.split([*sizes, 1])

    def add(self, loss: Tensor) -> None:
        for part, parameter in zip(self.parts, self.trained, strict=True):
            if parameter.grad is not None:
                part += local(parameter.grad).reshape(-1)
        self.loss += loss.to(self.loss.device)

    def finish(self, reduced: bool) -> float:
        """Put the sums into `.grad` and return the loss. `reduced`: backward has summed over the processes."""
        add_up(self.accelerator, self.loss if reduced else self.flat)
        for part, parameter in zip(self.parts, self.trained, strict=True):
            gradient = local(parameter.grad)  # type: ignore[arg-type]
            gradient.copy_(part.view_as(gradient))
        return self.loss.item()
