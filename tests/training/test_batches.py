from __future__ import annotations

import pytest
import torch

from petl.config import Recipe, UserError
from petl.tasks import Collator, Encoded
from petl.training.batches import Steps


@pytest.fixture
def encoded():
    return [Encoded(row, [5] * (3 + row % 5), [6] * (1 + row % 3)) for row in range(20)]


def steps(encoded, rank=0, world=1, **recipe):
    return Steps(encoded, Collator(1), Recipe(**{"steps": 9, "batch": 6, **recipe}), 0, rank, world)


def test_an_epoch_has_every_row_once(encoded):
    made = steps(encoded, steps=None, epochs=1.0)
    assert sorted(row for step in made for row in step.rows) == list(range(20))


def test_a_step_is_the_same_in_whatever_order_steps_are_asked_for(encoded):
    forwards, backwards = steps(encoded), steps(encoded)
    assert [forwards[i].rows for i in range(9)] == [backwards[i].rows for i in reversed(range(9))][::-1]


def test_epochs_differ(encoded):
    made = steps(encoded)
    assert [made[i].rows for i in range(4)] != [made[i].rows for i in range(4, 8)]


def test_processes_share_a_step_without_overlap(encoded):
    alone = steps(encoded, accumulate=4)[0]
    shared = [steps(encoded, rank, 2, accumulate=4)[0] for rank in (0, 1)]
    assert [index for index, _ in shared[0].micro_batches] == [0, 2]
    assert [index for index, _ in shared[1].micro_batches] == [1, 3]
    assert sum(len(batch["labels"]) for step in shared for _, batch in step.micro_batches) == len(alone.rows)
    assert {step.total for step in shared} == {alone.total}


@pytest.mark.parametrize("world", [1, 2, 4])
def test_every_world_consumes_the_same_rows_in_each_step(encoded, world):
    shares = [steps(encoded, rank, world, accumulate=4) for rank in range(world)]
    for number in range(9):
        micro = dict(batch for share in shares for batch in share[number].micro_batches)
        expected = dict(steps(encoded, accumulate=4)[number].micro_batches)
        assert micro.keys() == expected.keys()
        assert all(torch.equal(micro[i]["input_ids"], expected[i]["input_ids"]) for i in expected)


def test_a_step_with_fewer_rows_than_micro_batches_keeps_all_processes_busy(encoded):
    last = [steps(encoded[:7], rank, 4, steps=2, accumulate=4)[number] for rank in range(4) for number in (0, 1)]
    assert all(len(step.micro_batches) == 1 for step in last)
    targets = sum(int((batch["labels"] != -100).sum()) for step in last for _, batch in step.micro_batches)
    assert targets == sum(len(row.labels) for row in encoded[:7])


@pytest.mark.parametrize(
    ("accumulate", "world", "batch", "advice"),
    [
        (4, 8, 64, "recipe.accumulate=8"),
        (3, 2, 64, "recipe.accumulate=4"),
        (5, 2, 5, "recipe.accumulate=4"),
        (1, 8, 4, "at most 4 processes"),
    ],
)
def test_micro_batches_that_processes_cannot_share_evenly_are_refused(encoded, accumulate, world, batch, advice):
    with pytest.raises(UserError, match=f"{advice}$|{advice}\\.$"):
        steps(encoded, 0, world, accumulate=accumulate, batch=batch)


def test_total_counts_the_target_tokens_of_all_processes(encoded):
    step = steps(encoded, 1, 2, accumulate=2)[0]
    assert step.total == sum(1 + row % 3 for row in step.rows)


def test_the_loader_starts_anywhere_and_draws_nothing_from_the_global_generator(encoded):
    before = torch.get_rng_state()
    assert [step.number for step in steps(encoded).loader(6, workers=0)] == [6, 7, 8]
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.slow
def test_workers_change_nothing(encoded):
    made = steps(encoded)
    assert [step.rows for step in made.loader(0, workers=2)] == [step.rows for step in made.loader(0, workers=0)]
