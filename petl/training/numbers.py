"""Numbers that are none, NaN or infinite: seen before the optimiser is, with the module that made the first of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from petl.config import Config
from petl.training import BadNumbers
from petl.training.batches import Batch, Step
from petl.training.gradients import backward
from petl.training.memory import is_shortage
from petl.training.ranks import collect
from petl.training.shards import is_sharded, local

ADVICE = "Often a lower recipe.lr or a longer recipe.warmup helps, or recipe.precision=fp32."
RANGE = "In float32 its numbers are finite: they leave the range of {}. There is room in recipe.precision=bf16 or fp32."


def usable(loss: float, norm: float, accelerator: Accelerator) -> bool:
    """Finite; or a gradient that only fp16's range overflowed, which the loss scaling skips and scales down for.

    At a scale of 1 there is nothing left to scale down: the gradient itself is no number.
    """
    scaler = accelerator.scaler
    overflowed = scaler is not None and scaler.is_enabled() and scaler.get_scale() > 1
    return math.isfinite(loss) and (math.isfinite(norm) or overflowed)


def finite(metrics: dict[str, float], split: str, step: int) -> dict[str, float]:
    """`metrics`, if each is a finite number; else BadNumbers with the first that is none."""
    for name, value in metrics.items():
        if not math.isfinite(value):
            raise BadNumbers(f"After step {step} the {split} {name} is {value}: stopped.\n{ADVICE}")
    return metrics


def explained(
    model: nn.Module,
    step: Step,
    loss: float,
    norm: float,
    lr: float,
    config: Config,
    accelerator: Accelerator,
    names: Callable[[int], str],
) -> BadNumbers:
    """What to raise instead of making `step`. Its micro-batches pass once more, with the same dropout, watched."""
    half = accelerator.mixed_precision != "no" and not is_sharded(model)  # shards have to pass equally often everywhere
    found = [(i, *first_bad(model, step, i, batch, config, accelerator, half)) for i, batch in step.micro_batches]
    told = sorted(finding for finding in collect(accelerator, found) if finding[1])
    index, culprit, advice = told[0] if told else (None, "none in a second pass: memory or a kernel that errs", ADVICE)
    rows = step.rows if index is None else step.rows_of(index)
    named = ", ".join(names(row) for row in rows[:16]) + (", ..." if len(rows) > 16 else "")
    return BadNumbers(
        f"Step {step.number + 1} has loss {loss} and gradient norm {norm}: stopped before it; the weights are "
        f"those of the step before.\n  learning rate  {lr:.3g}\n  rows           {named}\n"
        f"  first bad      {culprit}\n{advice}"
    )


def first_bad(
    model: nn.Module, step: Step, index: int, batch: Batch, config: Config, accelerator: Accelerator, half: bool
) -> tuple[str, str]:
    """What in a micro-batch is the first to be no finite number, forwards, then backwards; and what to do about it."""
    try:
        culprit = _passed(model, step, index, batch, config, accelerator, precise=False)
        if culprit and half and not _passed(model, step, index, batch, config, accelerator, precise=True):
            return culprit, RANGE.format(accelerator.mixed_precision)
    except Exception as error:
        if not is_shortage(error):
            raise
        return "not looked for, as a second pass finds no memory", ADVICE
    return culprit, ADVICE


def _passed(
    model: nn.Module, step: Step, index: int, batch: Batch, config: Config, accelerator: Accelerator, precise: bool
) -> str:
    """The culprit of one watched pass, empty if there is none."""
    model.zero_grad()
    with _watched(model) as found:
        for name, weight in model.named_parameters():
            _note(found, local(weight), f"{name}: this weight is")
        backward(model, step, index, batch, config, accelerator, precise=precise)
        for name, weight in model.named_parameters():
            _note(found, weight.grad if weight.grad is None else local(weight.grad), f"{name}: its gradient is")
    model.zero_grad()
    return found[0] if found else ""


@contextmanager
def _watched(model: nn.Module) -> Iterator[list[str]]:
    """A list that takes, within, what is no finite number: of modules' outputs as they come, then of gradients."""
    found: list[str] = []

    def before(name: str) -> Callable[..., None]:
        return lambda module, given: _note(found, given, f"{name}: what it is given is")

    def after(name: str) -> Callable[..., None]:
        def hook(module: nn.Module, given: tuple, output: Any) -> None:
            _note(found, output, f"{name}: its output is")
            for tensor in _tensors(output):
                if tensor.requires_grad:
                    tensor.register_hook(lambda grad: _note(found, grad, f"{name}: the gradient of its output is"))

        return hook

    handles = []
    for name, module in model.named_modules():
        handles += [
            module.register_forward_pre_hook(before(name or "the model")),
            module.register_forward_hook(after(name or "the model")),
        ]
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()


def _note(found: list[str], held: Any, words: str) -> None:
    bad = [tensor for tensor in _tensors(held) if not _is_finite(tensor)]
    if bad:
        found.append(f"{words} {'nan' if bad[0].isnan().any() else 'infinite'}")


def _tensors(held: Any) -> Iterator[Tensor]:
    """The tensors of floating-point numbers in nested tuples, lists and dicts."""
    if isinstance(held, Tensor):
        if held.is_floating_point():
            yield held
    elif isinstance(held, dict):
        yield from _tensors(list(held.values()))
    elif isinstance(held, list | tuple):
        for part in held:
            yield from _tensors(part)


def _is_finite(tensor: Tensor) -> bool:
    return bool(torch.isfinite(tensor).all())
