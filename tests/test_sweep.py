"""How far a sweep is, told as often as it costs 1% of the time."""

import pytest

from petl import sweep
from petl.config import Config
from petl.records import status


@pytest.fixture
def clock(monkeypatch):
    """A clock to set; a look at all runs takes two seconds of it."""
    now = [1000.0]

    def survey(runs):
        now[0] += 2
        return list(runs)

    monkeypatch.setattr(sweep.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(status, "survey", survey)
    monkeypatch.setattr(status, "line", lambda runs: f"{[name for name, _ in runs]}")
    return now


def test_it_is_told_again_after_a_hundred_times_what_it_took(clock, capsys):
    how_far = sweep.HowFar(["seed=0"], {0: Config()})
    for moment, told in [(1000, 1), (1003, 0), (1201, 0), (1202, 1), (1403, 0)]:
        clock[0] = moment
        how_far.tell()
        assert len(capsys.readouterr().out.splitlines()) == told, moment


def test_runs_that_differ_in_their_seed_are_one_group_and_settled_ones_are_left_out(clock, capsys):
    names = ["lr=1 seed=0", "lr=1 seed=1", "lr=2 seed=0"]
    sweep.HowFar(names, {1: Config(seed=1), 2: Config()}).tell()
    assert capsys.readouterr().out == "['lr=1', 'lr=2']\n"
