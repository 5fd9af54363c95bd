import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from petl import command, records
from petl.config import Config

LINES = [
    *(f"method={name}" for name in command.options("method")),
    *(f"task={name} scale=paper" for name in command.options("task")),
    "method=lora composition=learned budget=r30 recipe.betas=[0.5,0.9] recipe.steps=7",
    "method=adapter method.deltas.main.layers=[0] method.deltas.main.sites=[encoder] recipe.precision=bf16",
]


@pytest.mark.parametrize("line", LINES)
def test_it_is_the_inverse_of_canonical(line):
    config = command.read(line.split())
    told = json.loads(json.dumps(records.canonical(config)))
    again = records.config_of(told)
    assert again.method == config.method and again.recipe == config.recipe and again.task == config.task
    assert (records.canonical(again), records.identity(again)) == (told, records.identity(config))


def test_what_an_old_record_lacks_has_its_default():
    assert records.config_of({"seed": 3}) == Config(seed=3)


WRONG = {
    "config.sed": {"sed": 3},
    "config.seed": {"seed": "3"},
    "config.recipe.lr": {"recipe": {"lr": True}},
    "config.recipe.precision": {"recipe": {"precision": []}},
    "config.recipe.betas": {"recipe": {"betas": 1}},
    "config.method": {"method": ["mam"]},
    "config.method.deltas.main.form": {"method": {"deltas": {"main": {"form": None}}}},
    "config.task.limit_dev": {"task": {"limit_dev": 1.5}},
}


@pytest.mark.parametrize("where", WRONG)
def test_what_is_no_config_is_refused_with_its_place(where):
    with pytest.raises(ValueError, match=where.replace(".", r"\.")):
        records.config_of(WRONG[where])


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["seed", "method", "task", "recipe", "x"]), values))
@settings(max_examples=200, deadline=None)
def test_anything_else_is_a_value_error(told):
    try:
        records.config_of(told)
    except ValueError:
        pass
