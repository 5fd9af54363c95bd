"""A run that was really trained, used: its answers are those that its run stored."""

from __future__ import annotations

import json

import pytest
import torch

import petl
from petl import records
from petl.config import UserError
from petl.training import run


def stored(config) -> list[dict[str, str]]:
    return [json.loads(line) for line in (records.run_dir(config) / "predictions.jsonl").read_text().splitlines()]


@pytest.fixture
def config(configure, request):
    made = configure(getattr(request, "param", "sst2"))
    run(made)
    return made


@pytest.mark.parametrize("config", ["xsum", "sst2"], indirect=True)
def test_its_answers_are_those_of_its_test_set(config):
    rows, tuned = stored(config), petl.load(records.run_dir(config))
    texts = [row["source"] for row in rows]
    state = torch.get_rng_state()
    assert tuned.predict(texts) == [row["prediction"] for row in rows]
    assert tuned.predict(texts[::-1]) == [row["prediction"] for row in rows][::-1]
    assert torch.equal(torch.get_rng_state(), state), "the caller's random numbers were disturbed"
    if config.task.kind == "generation":
        assert tuned.generate(texts) == tuned.predict(texts)
    else:
        with pytest.raises(UserError, match="task=sst2 has classes.*predict"):
            tuned.generate(texts)


def test_texts_that_are_too_long_are_cut_and_counted(config):
    tuned = petl.load(records.run_dir(config))
    tuned.predict(["w0 " * 100, "w1", "w2 " * 100])
    assert tuned.cut == 2
    tuned.predict(["w1"])
    assert tuned.cut == 0 and tuned.predict([]) == []


def test_what_is_no_list_of_texts_is_refused(config):
    tuned = petl.load(records.run_dir(config))
    for wrong in ("one text", [1], [None], [("a", "b")], [b"bytes"]):
        with pytest.raises(UserError, match="a list of texts|wants a text"):
            tuned.predict(wrong)
