"""The frame of the proofs: what held is counted, what broke is kept, what was tried is not tried again."""

import argparse

import pytest

from scripts import prove
from tests.proofs import Outcome, promise


def summed(notes):
    assert len(notes) >= 2, "that is too few"
    return f"{sum(note['weight'] for note in notes)} kg"


@promise(full=6, quick=3, sum_up=summed)
def odd_breaks(number, folder):
    """Even numbers hold.

    This is not said.
    """
    (folder / "left").touch()
    assert number % 2 == 0, f"{number} is odd"
    return {"weight": number}


@promise(full=10_000, quick=10)
def together(numbers, folder):
    """Made together."""
    for number in numbers:
        yield Outcome(number, "wrong" if number == 3 else "")


def test_a_promise_is_its_function():
    assert (odd_breaks.name, odd_breaks.says) == ("odd_breaks", "Even numbers hold.")


def test_cases_are_spread_over_all():
    assert odd_breaks.numbers(3) == [0, 2, 4] and odd_breaks.numbers(99) == list(range(6))


def test_what_broke_is_kept(tmp_path):
    outcomes = {o.number: o for o in odd_breaks.prove([2, 3], tmp_path)}
    assert outcomes[2].wrong == "" and outcomes[2].note == {"weight": 2}
    assert "AssertionError: 3 is odd" in outcomes[3].wrong
    assert [path.name for path in tmp_path.iterdir()] == ["3"]


def test_cases_made_together(tmp_path):
    assert [o.wrong for o in together.prove([2, 3], tmp_path)] == ["", "wrong"]


@pytest.fixture
def kept(tmp_path, capsys):
    """kept(promise, share, case) -> whether it is proven, and what is said of it."""

    def run(of, share=1.0, case=None):
        fits = prove.kept(of, argparse.Namespace(share=share, case=case, folder=tmp_path / "prove"))
        return fits, " ".join(capsys.readouterr().out.split())

    return run


def test_a_line_says_how_many_held(kept):
    assert kept(odd_breaks, share=0.5) == (True, "odd_breaks 3/3 0 s 6 kg")
    fits, line = kept(odd_breaks)
    assert not fits and "3/6" in line


def test_all_held_but_the_sum_does_not_fit(kept):
    fits, line = kept(odd_breaks, share=0.1)
    assert not fits and line.endswith("1/1 0 s but that is too few")


def test_an_interrupted_proof_goes_on(kept, tmp_path):
    kept(odd_breaks, share=0.5)
    kept(odd_breaks)
    log = tmp_path / "prove" / "odd_breaks.jsonl"
    assert len(log.read_text().splitlines()) == 6
    with log.open("a") as file:
        file.write('{"code": "torn')
    kept(odd_breaks, case=[2])
    assert len(log.read_text().splitlines()) == 7


def test_other_code_is_tried_anew(kept, tmp_path, monkeypatch):
    kept(together, share=0.001)
    monkeypatch.setattr(prove, "code_version", lambda file: "other")
    kept(together, share=0.001)
    assert len((tmp_path / "prove" / "together.jsonl").read_text().splitlines()) == 20
