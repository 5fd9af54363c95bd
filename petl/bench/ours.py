"""Our methods as training and evaluation run them: a method is words of our command line."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from functools import partial

import torch

from petl import backbone as places
from petl import tasks
from petl.bench.shapes import Shape
from petl.bench.systems import FIRST, System, backbone, floor, rows
from petl.bench.words import OURS, words
from petl.command import read
from petl.training import ranks
from petl.training.batches import Steps
from petl.training.fit import take_step
from petl.training.gradients import compute_gradients
from petl.training.optimiser import make_optimiser

STEPS = 1000  # more than are measured


def ours(name: str, shape: Shape, device: torch.device) -> System:
    """The system `name` of OURS."""
    config = read(words(name, shape, device.type))
    accelerator = ranks.start(config.runtime, config.recipe.precision)
    model = backbone(shape, device)
    method, _ = places.resolve(model, config.method, config.budget)
    places.attach(model, method, config.seed, config.recipe.train_head)
    model.to(device)
    made = [tasks.Encoded(i, array("i", source), label) for i, (source, label) in enumerate(rows(shape))]
    steps = iter(Steps(made, tasks.Collator(FIRST - 3), config.recipe, config.seed).loader(0, 0))
    optimiser = accelerator.prepare_optimizer(make_optimiser(model, config.recipe))

    def step() -> None:
        _, norm = compute_gradients(model, next(steps), config, accelerator, optimiser)
        take_step(optimiser, norm, config.recipe.lr, config.recipe.max_grad_norm)

    return System(model, shape, device, step, places.cache)


SYSTEMS: dict[str, Callable[[Shape, torch.device], System]] = {
    "floor": floor,
    **{name: partial(ours, name) for name in OURS},
}
