"""Out of memory: what does not fit at once is done in parts, to the same result; else the run ends in a sentence."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch

from petl import records
from petl.training import evaluate, fit, gradients, job
from tests.proofs import Note, promise
from tests.proofs.preemption import tell_at_step
from tests.proofs.runs import PAIRS, configured, ending, finished, forked, furnished, reference, same

LARGER = ("recipe.batch=8", "recipe.accumulate=2", "recipe.eval_batch=4")  # four rows at a time


def summed(notes: list[Note]) -> str:
    kinds = [note["kind"] for note in notes]
    furthest = max([note.get("furthest", 0.0) for note in notes], default=0.0)
    return ", ".join(f"{kinds.count(kind)} {kind}" for kind in sorted(set(kinds))) + f"; losses within {furthest:.0e}"


@promise(full=50, quick=5, slow=True, sum_up=summed)
def memory(number: int, folder: Path) -> Note:
    """Out of memory: micro-batches and evaluation batches are halved to the same result, recorded; else exit code 5.

    OutOfMemoryError is raised by passes of more rows than a random number, in the forward or the backward pass, from a
    random step on; by evaluations; or by what cannot be cut: a single row, the optimiser's state, loading.
    """
    chance = random.Random(number)
    pair = PAIRS[number * 7 % len(PAIRS)]
    case = (in_a_pass, in_a_pass, in_a_pass, in_an_evaluation, where_nothing_can_be_cut)[number % 5]
    return case(chance, pair, folder)


def in_a_pass(chance: random.Random, pair: tuple[str, str], folder: Path) -> Note:
    """The same losses up to rounding, and the same predictions; told to stop and started again, the same bits."""
    place, expected = furnished(folder.parent), reference(*pair, folder.parent, *LARGER)
    fits, step = chance.randint(1, 3), chance.randrange(6)
    short = chance.choice((forward_fails, backward_fails))
    config = configured(*pair, folder / "run", place, *LARGER)
    finished(config, lambda: short(step, fits))
    found = ending(config)
    assert found["halved"] == [step + 1] * (2 if fits == 1 else 1), found["halved"]
    furthest = apart(found, expected.ending)
    again = configured(*pair, folder / "again", place, *LARGER)
    child = forked(again, lambda: (short(step, fits), tell_at_step(chance.randint(1, 6))))
    assert child.wait() == 143, child.said
    finished(again, lambda: short(step, fits))
    same(ending(again), found)
    return {"kind": f"in a {short.__name__.partition('_')[0]} pass", "furthest": furthest}


def in_an_evaluation(chance: random.Random, pair: tuple[str, str], folder: Path) -> Note:
    place, expected = furnished(folder.parent), reference(*pair, folder.parent, *LARGER)
    config = configured(*pair, folder / "run", place, *LARGER)
    finished(config, lambda: evaluation_fails(chance.randint(1, 3)))
    return {"kind": "in an evaluation", "furthest": apart(ending(config), expected.ending)}


def where_nothing_can_be_cut(chance: random.Random, pair: tuple[str, str], folder: Path) -> Note:
    """Exit code 5, one sentence; started again with more memory, the same end."""
    place, expected = furnished(folder.parent), reference(*pair, folder.parent, *LARGER)
    config = configured(*pair, folder / "run", place, *LARGER)
    step = chance.randrange(6)
    fail = chance.choice((lambda: forward_fails(step, 0), lambda: optimiser_fails(step), loading_fails))
    child = forked(config, fail)
    assert child.wait() == 5, child.said
    assert "Out of memory" in child.said and "Traceback" not in child.said, child.said
    assert not records.record_path(config).exists()
    finished(config)
    same(ending(config), expected.ending)
    return {"kind": "where nothing can be cut"}


def apart(found: dict, expected: dict) -> float:
    """The largest relative difference of a loss. Steps, rows and texts are the same."""
    assert [point["step"] for point in found["history"]] == [point["step"] for point in expected["history"]]
    losses = [(a["loss"], b["loss"]) for a, b in zip(found["history"], expected["history"], strict=True)]
    losses += [(found["metrics"][split]["loss"], expected["metrics"][split]["loss"]) for split in ("dev", "test")]
    for one, other in losses:
        assert one == pytest.approx(other, rel=1e-5)
    assert found["predictions.jsonl"] == expected["predictions.jsonl"]
    return max(abs(one - other) / abs(other) for one, other in losses)


def forward_fails(step: int, fits: int) -> None:
    """From `step` on, of training passes with more than `fits` rows."""
    honest, now = gradients.forward, watched_step()

    def forward(model, batch):
        if now[0] >= step and len(batch["labels"]) > fits:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return honest(model, batch)

    gradients.forward = forward


def backward_fails(step: int, fits: int) -> None:
    """Likewise, in the backward pass, when some gradients are there."""
    honest, now, watched = gradients.forward, watched_step(), []
    short = False

    def refuse(grad: torch.Tensor) -> None:
        if short:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    def forward(model, batch):
        nonlocal short
        if not watched:  # the first weight to be used, which is the last to get a gradient
            watched.append(next(parameter for parameter in model.parameters() if parameter.requires_grad))
            watched[0].register_hook(refuse)
        short = now[0] >= step and len(batch["labels"]) > fits
        return honest(model, batch)

    gradients.forward = forward


def watched_step() -> list[int]:
    """The number of the step under way, in a list."""
    honest, now = gradients.set_stream, [0]

    def stream(seed, purpose, step, index):
        now[0] = step
        honest(seed, purpose, step, index)

    gradients.set_stream = stream
    return now


def evaluation_fails(fits: int) -> None:
    honest = {"forward": evaluate.forward, "generate": evaluate.Judge._generate}

    def forward(model, batch):
        if len(batch["labels"]) > fits:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return honest["forward"](model, batch)

    def generate(judge, indices, batch):
        if len(indices) > fits:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return honest["generate"](judge, indices, batch)

    evaluate.forward, evaluate.Judge._generate = forward, generate


def optimiser_fails(step: int) -> None:
    honest, made = fit.take_step, [0]

    def take_step(*given) -> None:
        made[0] += 1
        if made[0] == step + 1:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        honest(*given)

    fit.take_step = take_step


def loading_fails() -> None:
    def load(*given):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    job.backbone.load = load
