"""A short training replayed against a recorded one: losses, gradient norms, learning rates and final weights.

DIR/meta.json names the case it starts from and the settings (full batch, dropout 0, float64, polynomial decay of power
1 to 1e-7 without warm-up over its own number of steps); DIR/tuned_after.safetensors holds the tensors after the last.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file

from petl.config import Optimiser, Recipe, UserError
from petl.official import cases
from petl.training.optimiser import learning_rate, make_optimiser

NAMES = {"norm": ("grad_norm", "gradient_norm", "norm"), "lr": ("lr", "learning_rate"), "loss": ("loss",)}


@dataclass
class Replay:
    """Largest relative errors over the steps, and of the weights after the last."""

    start: str
    steps: int
    errors: dict[str, float]

    def passes(self, rtol: float) -> bool:
        return all(error <= rtol for error in self.errors.values())


def recipe_of(meta: dict) -> Recipe:
    return Recipe(
        steps=meta["steps"], lr=meta["lr"], lr_end=meta.get("lr_end", 1e-7), betas=list(meta["betas"]), eps=meta["eps"],
        weight_decay=meta["weight_decay"], max_grad_norm=meta["max_grad_norm"],
        label_smoothing=meta.get("label_smoothing", 0.0), optimiser=Optimiser.transformers,
    )  # fmt: skip


def replay(folder: Path, fixtures: Path | None = None, rtol: float = 1e-9) -> Replay:
    """Trains as `folder` says and compares. `start` is looked up below `fixtures`, else beside `folder` or above.

    A smoothed loss is summed over the vocabulary in float32, as Trainer 4.9 does, and if that misses in full precision:
    the two differ by 1e-8.
    """
    first = _replay(folder, fixtures, torch.float32)
    if first.passes(rtol):
        return first
    second = _replay(folder, fixtures, None)
    return second if second.passes(rtol) else first


def _replay(folder: Path, fixtures: Path | None, accumulate: torch.dtype | None) -> Replay:
    meta = json.loads((folder / "meta.json").read_text())
    case = locate(meta["start"], [fixtures] if fixtures else [folder.parent, *folder.parent.parents])
    recipe = recipe_of(meta)
    inputs = load_file(case.parent / "inputs.safetensors")
    model, pairs = cases.build(case, json.loads((case / "meta.json").read_text()), "eager", torch.float64)
    tuned, optimiser = [pair.parameter for pair in pairs], make_optimiser(model, recipe)
    ours = []
    for step in range(meta["steps"]):
        out = model(**inputs)
        smoothing = recipe.label_smoothing
        loss = cases.smoothed_loss(out.logits, inputs["labels"], smoothing, accumulate) if smoothing else out.loss
        model.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(tuned, recipe.max_grad_norm or torch.inf)
        lr = learning_rate(step, meta["steps"], recipe)
        for group in optimiser.param_groups:
            group["lr"] = lr
        optimiser.step()
        ours.append({"loss": loss.item(), "norm": norm.item(), "lr": lr})
    errors = {name: _worst([o[name] for o in ours], [_read(t, name) for t in meta["trace"]]) for name in NAMES}
    after = load_file(folder / "tuned_after.safetensors")
    weights = [cases.relative(pair.view(pair.parameter), after[pair.name]) for pair in pairs if pair.name in after]
    if not weights:
        raise UserError(f"{folder / 'tuned_after.safetensors'} names none of the tensors that {meta['start']} tunes.")
    return Replay(meta["start"], meta["steps"], errors | {"weights": max(weights)})


def locate(start: str, roots: list[Path]) -> Path:
    for root in roots:
        for place in (root / start, root / "fixtures" / start):
            if (place / "meta.json").exists():
                return place
    raise UserError(f"The case {start} is not below {roots[0]}; say where it is with --fixtures.")


def _read(entry: dict, name: str) -> float:
    return next(entry[key] for key in NAMES[name] if key in entry)


def _worst(ours: list[float], theirs: list[float]) -> float:
    if len(ours) != len(theirs):
        raise UserError(f"meta.json has {len(theirs)} entries in its trace for {len(ours)} steps.")
    errors = [abs(a - b) / max(abs(b), 1e-300) for a, b in zip(ours, theirs, strict=True)]
    return max(errors) if all(map(math.isfinite, errors)) else math.inf
