"""The training loop."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Generator
from typing import Any

import torch
from accelerate import Accelerator
from torch import nn

from petl.config import Config, Recipe
from petl.training import memory, signals
from petl.training.batches import Steps
from petl.training.gradients import Wanted
from petl.training.keeper import Keeper, State
from petl.training.numbers import explained, finite, usable
from petl.training.optimiser import learning_rate, make_optimiser
from petl.training.progress import Progress
from petl.training.together import Answer

POINTS = 40  # of the training loss in a history, besides the evaluations


def fit(
    model: nn.Module,
    steps: Steps,
    config: Config,
    accelerator: Accelerator,
    measure: Callable[[], dict[str, float]],
    keeper: Keeper,
    progress: Progress,
    names: Callable[[int], str] = str,
) -> Generator[Wanted, Answer, State]:
    """Train from where the keeper's checkpoints end to the last step; each evaluation is selected from and kept.

    Yields each gradient that it waits for, and goes on when it is in `.grad` (petl.training.together).
    measure() -> dev metrics, the same on every process; names(row) -> what an error calls a row of the training split.
    Raises BadNumbers before the step that would spoil the weights, or before a checkpoint that has. Stopped by a
    signal, it leaves a checkpoint of the last whole step.
    """
    optimiser = _prepared(model, config.recipe, accelerator)
    state = keeper.restore(optimiser)
    total, every = steps.total, config.recipe.eval_every or math.ceil(steps.total / 10)
    progress.start(total, state.step)

    def judge() -> None:
        dev = finite(measure(), "dev", state.step)
        with signals.held():
            best = _select(state, config.task.select, dev)
            point = _note(state, learning_rate(state.step - 1, total, config.recipe), dev)
            keeper.keep(state, optimiser, best)
        progress.point(state.step, _told(point, dev), dev)

    with keeper.kept_when_stopped(state, optimiser):
        if _due(state.step, total, every) and not state.judged:
            judge()  # the run was stopped in this evaluation
        for step in steps.loader(state.step, config.runtime.workers):
            model.train()
            lr = learning_rate(step.number, total, config.recipe)
            with keeper.clock.stopped():
                loss, norm, seconds, runs = yield Wanted(model, step, config, accelerator, optimiser, state.halved)
            keeper.clock.add({"train": seconds})
            state.packed = max(state.packed, runs)
            if not usable(loss, norm, accelerator):
                raise explained(model, step, loss, norm, lr, config, accelerator, names)
            due = _due(step.number + 1, total, every)
            with signals.held():
                take_step(optimiser, norm, lr, config.recipe.max_grad_norm)
                state.add(loss, optimiser.step_was_skipped)
                if not due and state.step % math.ceil(total / POINTS) == 0:
                    _note(state, lr)
                if not due:
                    keeper.keep_in_time(state, optimiser)
            progress.step(loss, lr)
            signals.check(accelerator)
            if due:
                judge()
    progress.close()
    return state


def _prepared(model: nn.Module, recipe: Recipe, accelerator: Accelerator) -> Any:
    """The optimiser, under the accelerator's loss scaling."""
    if recipe.gradient_checkpointing:
        with warnings.catch_warnings(action="ignore", category=FutureWarning):  # transformers 5.17 lacks its new name
            settings = {"use_reentrant": False, "context_fn": memory.contexts}
            model.gradient_checkpointing_enable(settings)  # type: ignore[operator]
    return accelerator.prepare_optimizer(make_optimiser(model, recipe))


def _due(step: int, total: int, every: int) -> bool:
    """Whether there is an evaluation after so many steps."""
    return step > 0 and (step % every == 0 or step == total)


def take_step(optimiser: Any, norm: float, lr: float, max_norm: float) -> None:
    """Clip to `max_norm` (0: no clipping) and step with rate `lr`."""
    parameters = [parameter for group in optimiser.param_groups for parameter in group["params"]]
    # An overflow is left as it is: the loss scaling must see it to skip the step. Within the norm, factors would be 1.
    if max_norm and math.isfinite(norm) and norm + 1e-6 > max_norm:
        torch.nn.utils.clip_grads_with_norm_(parameters, max_norm, torch.tensor(norm))
    for group in optimiser.param_groups:
        group["lr"] = lr
    optimiser.step()


def better(metric: str, new: dict[str, float], old: dict[str, float] | None) -> bool:
    """A loss is better when lower, any other metric when higher; of equals the lower loss, then the first."""

    def rank(dev: dict[str, float]) -> tuple[float, float]:
        return (-dev["loss"] if metric == "loss" else dev[metric], -dev["loss"])

    return old is None or rank(new) > rank(old)


def _select(state: State, metric: str, dev: dict[str, float]) -> bool:
    best = better(metric, dev, state.selected["dev"])
    if best:
        state.selected = {"step": state.step, "metric": metric, "value": dev[metric], "dev": dev}
    return best


def _note(state: State, lr: float, dev: dict[str, float] | None = None) -> dict[str, Any]:
    """A new point of the history, with the mean training loss since the last one."""
    point = {
        "step": state.step,
        "loss": sum(state.losses) / len(state.losses),
        "lr": lr,
        **({"dev": dev} if dev else {}),
    }
    state.history.append(point)
    state.losses = []
    return point


def _told(point: dict[str, Any], dev: dict[str, float]) -> str:
    return f"loss {point['loss']:.3f}  dev " + "  ".join(f"{name} {value:.3f}" for name, value in dev.items())
