"""The bench's own arithmetic: turns, ratios, bars, tables."""

from __future__ import annotations

import pytest

from petl.bench import bars, rounds
from petl.bench.rounds import Series, in_turn
from petl.bench.rows import compared, spread, table
from petl.bench.shapes import SHAPES
from petl.bench.words import OURS, PEERS

FOUND = {"a": Series([2.0, 3.0, 12.0]), "floor": Series([2.0, 2.0, 4.0]), "lost": Series(failed="no such thing")}


def test_systems_are_measured_in_turn():
    asked = []
    in_turn("step", ["a", "b"], 2, lambda do, system: asked.append((do, system)) or 1.0, lambda _: None)
    assert asked == [("step", "a"), ("step", "b")] * 2


def test_one_that_fails_or_takes_too_long_is_not_asked_again():
    def ask(do: str, system: str) -> float:
        if system == "fails":
            raise RuntimeError("has no decoder")
        return rounds.ENOUGH + 1

    found = in_turn("decode", ["slow", "fails"], 3, ask, lambda _: None)
    assert found["slow"] == Series([rounds.ENOUGH + 1])
    assert found["fails"] == Series(failed="has no decoder")


def test_a_ratio_is_the_median_of_the_rounds_own():
    row = compared("step", "a", "floor", "s", FOUND, bar=1.5)
    assert (row.value, row.floor, row.ratio, row.rounds) == (3.0, 2.0, 1.5, 3)
    assert row.spread == pytest.approx(spread([1.0, 1.5, 3.0]))
    assert row.holds is True
    assert compared("step", "a", "floor", "s", FOUND, bar=1.49).holds is False
    assert compared("step", "a", "floor", "s", FOUND).holds is None


def test_a_rate_has_the_ratio_of_its_costs():
    row = compared("search", "a", "floor", "tokens/s", FOUND, shown=6)
    assert (row.value, row.floor, row.ratio) == (2.0, 3.0, 1.5)


@pytest.mark.parametrize("system, note", [("lost", "no such thing"), ("unknown", "not measured")])
def test_what_was_not_measured_says_why_and_holds_no_bar(system, note):
    row = compared("step", system, "floor", "s", FOUND, bar=1.0)
    assert (row.ratio, row.holds, row.note) == (None, None, note)


def test_the_table_has_a_part_for_each_measure_and_says_what_misses():
    found = [compared(measure, "a", "floor", "s", FOUND, bar=1.0) for measure in ("step", "search")]
    text = table(found, "# Cost")
    assert text.count("| a | 3.00 | floor | 2.00 | 1.50 |") == 2
    assert text.count("**no**") == 2 and "## step" in text and "## search" in text


def test_without_their_environment_the_peers_rows_say_so():
    absent = {name: Series(failed="not run: make oracles") for name in PEERS}
    found = {"floor": Series([1.0]), "mam": Series([1.2]), "full": Series([1.4]), "lora": Series([1.0])}
    shape = SHAPES["cpu"][0]
    rows = list(bars.step_rows(shape, found, absent))
    assert {row.note for row in rows if row.against in PEERS} == {"not run: make oracles"}
    ours = {(row.system, row.against): row for row in rows}
    assert ours["mam", "floor"].bar == 1.13 and ours["mam", "full"].bar == 0.8
    assert ours["mam", "adapters mam"].bar == 0.8 and ours["lora", "peft lora"].bar == 1.0


def test_peers_follow_the_method_they_are_compared_with():
    found = bars.order(["mam", "lora"], peers=True)
    assert found == ["floor", "mam", "adapters mam", "lora", "adapters lora", "peft lora"]
    assert bars.order(["mam"], peers=False) == ["floor", "mam"]


@pytest.mark.parametrize("name", OURS)
def test_every_system_is_a_run_whose_flops_are_known(name):
    assert bars.step_share(name, SHAPES["cpu"][0]) >= 1 - 1e-9
