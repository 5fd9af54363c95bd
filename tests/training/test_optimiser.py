from __future__ import annotations

import pytest
from torch import nn

from petl.config import Recipe
from petl.training.optimiser import learning_rate, make_optimiser, parameter_groups


class RMSNorm(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(nn.Linear(4, 4).weight[0].detach())


@pytest.fixture
def model():
    model = nn.ModuleDict(
        {"linear": nn.Linear(4, 4), "frozen": nn.Linear(4, 4), "norm": nn.LayerNorm(4), "rms": RMSNorm()}
    )
    model["frozen"].requires_grad_(False)
    return model


def test_biases_and_norms_have_no_weight_decay(model):
    decayed, spared = parameter_groups(model, 0.1)
    assert decayed["weight_decay"] == 0.1
    assert [id(p) for p in decayed["params"]] == [id(model["linear"].weight)]
    expected = [model["linear"].bias, *model["norm"].parameters(), model["rms"].weight]
    assert spared["weight_decay"] == 0.0
    assert [id(p) for p in spared["params"]] == [id(p) for p in expected]


def test_an_empty_group_is_left_out():
    layer = nn.LayerNorm(4)
    assert [group["weight_decay"] for group in parameter_groups(layer, 0.1)] == [0.0]


def test_adamw_has_the_recipes_settings(model):
    optimiser = make_optimiser(model, Recipe(lr=0.5, betas=[0.8, 0.7], eps=1e-3))
    assert {key: optimiser.defaults[key] for key in ("lr", "betas", "eps")} == {
        "lr": 0.5,
        "betas": (0.8, 0.7),
        "eps": 1e-3,
    }


# W = ceil(0.2 * 10) = 2; then from 1 at step 2 in 8 equal parts towards 0.2
@pytest.mark.parametrize(("step", "rate"), [(0, 0.0), (1, 0.5), (2, 1.0), (3, 0.9), (6, 0.6), (9, 0.3)])
def test_learning_rate_by_hand(step, rate):
    assert learning_rate(step, 10, Recipe(lr=1.0, lr_end=0.2, warmup=0.2)) == pytest.approx(rate)


def test_without_warmup_the_first_step_has_the_full_rate():
    assert learning_rate(0, 10, Recipe(lr=1.0, warmup=0.0)) == 1.0


def test_learning_rate_is_the_schedule_of_the_papers_code(model):
    from transformers import get_polynomial_decay_schedule_with_warmup

    recipe = Recipe(lr=1e-3, lr_end=1e-7, warmup=0.06)
    optimiser = make_optimiser(model, recipe)
    schedule = get_polynomial_decay_schedule_with_warmup(optimiser, 3, 50, lr_end=1e-7)
    for step in range(50):
        assert learning_rate(step, 50, recipe) == pytest.approx(schedule.get_last_lr()[0])
        optimiser.step()
        schedule.step()
