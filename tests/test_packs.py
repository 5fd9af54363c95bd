"""Which runs of a sweep share a pack, and which can be in none."""

from __future__ import annotations

import re

import pytest

from petl.command import expand, read
from petl.config import UserError
from petl.packs import packs, refuse


def packed(*words):
    runs = expand([*words])
    return [[" ".join(runs[n]) for n in pack] for pack in packs(dict(enumerate(map(read, runs))))], runs


def test_runs_that_differ_in_seed_rate_and_s_go_together():
    words = ("method=mam", "task=sst2", "seed=0,1", "recipe.lr=1e-3,2e-3", "composition.s=2,4", "runtime.pack=8")
    (found,), runs = packed(*words)
    assert len(found) == len(runs) == 8


def test_what_differs_in_more_does_not():
    found, _ = packed("method=mam,lora", "task=sst2", "seed=0,1", "budget.size=2,3", "runtime.pack=8")
    assert [len(pack) for pack in found] == [2, 2, 2, 2]
    assert all(len({re.sub("seed=.", "", words) for words in pack}) == 1 for pack in found)


def test_a_pack_is_no_larger_than_asked_and_one_is_no_pack():
    assert [len(pack) for pack in packed("method=mam", "task=sst2", "seed=0,1,2,3,4", "runtime.pack=2")[0]] == [2, 2, 1]
    assert [len(pack) for pack in packed("method=mam", "task=sst2", "seed=0,1,2")[0]] == [1, 1, 1]


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("method=full", "method=full trains the backbone itself"),
        ("backbone.random=true", "draws the backbone from the seed"),
        ("recipe.gradient_checkpointing=true", "fill the memory alone"),
        ("runtime.processes=2", "a pack is one process"),
    ],
)
def test_runs_that_can_be_in_no_pack_are_refused_with_the_reason(word, says):
    with pytest.raises(UserError, match=f"runtime.pack=5: .*{says}"):
        refuse(read(["task=sst2", word, "runtime.pack=5"]))
    refuse(read(["task=sst2", word]))


def test_biases_can_be_packed():
    refuse(read(["task=sst2", "method=bitfit", "runtime.pack=5"]))
