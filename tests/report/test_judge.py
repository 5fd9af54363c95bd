"""Verdicts of single contrasts, by arithmetic."""

import pytest

from petl.report import judge
from petl.report.judge import CONTRADICTED, NOT_RUN, SUPPORTED, UNDECIDED, Amount, Judgement


def contrast(relation, **more):
    return {"relation": relation, "metric": "rouge2", "task": "xsum", **more}


def seeds(*differences):
    return {seed: 20 + d for seed, d in enumerate(differences)}, {seed: 20.0 for seed in range(len(differences))}


# Printed numbers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "left", "right", "verdict"),
    [
        (contrast("above"), 20.66, 19.98, SUPPORTED),
        (contrast("above"), 20.66, 20.66, CONTRADICTED),
        (contrast("below"), 20.66, 20.66, CONTRADICTED),
        (contrast("by", stated=1.7), 20.66, 19.98, CONTRADICTED),  # 0.68: E4
        (contrast("by", stated=0.8), 36.4, 35.6, SUPPORTED),
        (contrast("by", stated=1), 21.31, 20.29, SUPPORTED),  # 1.02 rounds to 1
        (contrast("at_least", stated=1.6), 35.3, 33.7, SUPPORTED),  # 1.6 exactly, not 1.5999...
        (contrast("at_least", stated=1.6), 35.2, 33.7, CONTRADICTED),  # E5
        (contrast("near", within=0.5), 37.5, 37.3, SUPPORTED),
        (contrast("near", within=0.2), 37.5, 37.2, CONTRADICTED),
        (contrast("near", within=0.5), 37.5, 37.5, SUPPORTED),
        (contrast("above"), None, 1.0, NOT_RUN),
    ],
)
def test_printed_numbers(said, left, right, verdict):
    assert judge.exact(said, left, right, Amount.rounded).verdict == verdict


def test_another_run_has_to_come_near_what_is_stated():
    said = contrast("by", stated=0.56)
    assert judge.exact(said, 21.43, 21.31, Amount.rounded).verdict == CONTRADICTED
    assert judge.exact(said, 21.43, 21.31, Amount.about).verdict == SUPPORTED  # 0.12, within 0.5 of 0.56
    assert judge.exact(contrast("by", stated=0.3), 21.3, 21.31, Amount.about).verdict == CONTRADICTED  # the other way


# Seeds ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "differences", "verdict"),
    [
        (contrast("above"), (0.5, 0.6, 0.4, 0.7, 0.5), SUPPORTED),
        (contrast("below"), (0.5, 0.6, 0.4, 0.7, 0.5), CONTRADICTED),
        (contrast("above"), (0.5, -0.6, 0.4, 0.7, 0.5), UNDECIDED),
        (contrast("above"), (0.0, 0.0, 0.0, 0.0, 0.0), UNDECIDED),  # ties
        (contrast("near", within=1.0), (0.5, 0.6, 0.4, 0.7, 0.5), SUPPORTED),
        (contrast("near", within=0.3), (0.5, 0.6, 0.4, 0.7, 0.5), CONTRADICTED),
        (contrast("near", within=0.5), (0.5, 0.6, 0.4, 0.7, 0.5), UNDECIDED),
        (contrast("at_least", stated=1.6), (0.5, 0.6, 0.4, 0.7, 0.5), CONTRADICTED),
        (contrast("by", stated=0.56), (0.5, 0.6, 0.4, 0.7, 0.5), SUPPORTED),
        (contrast("by", stated=1.7), (0.5, 0.6, 0.4, 0.7, 0.5), CONTRADICTED),
        (contrast("above"), (0.5,), UNDECIDED),
        (contrast("above"), (), NOT_RUN),
    ],
)
def test_seeds(said, differences, verdict):
    assert judge.over_seeds(said, *seeds(*differences), Amount.about).verdict == verdict


def test_on_other_models_a_stated_amount_counts_for_its_direction():
    found = judge.over_seeds(contrast("at_least", stated=1.6), *seeds(0.5, 0.6, 0.4, 0.7, 0.5), Amount.direction)
    assert found.verdict == SUPPORTED


def test_the_interval_decides():
    """p of the nearest edge is below 0.05 exactly where the 95% interval does not hold that edge."""
    for shift in (0.05, 0.1, 0.15, 0.2, 0.25, 0.3):
        found = judge.over_seeds(
            contrast("above"), *seeds(*(shift + d for d in (0.1, -0.2, 0.1, 0.2, -0.2))), Amount.about
        )
        assert (found.low > 0) == (found.verdict == SUPPORTED) == (found.p < 0.05)


def test_an_undecided_contrast_says_how_many_more_seeds():
    found = judge.over_seeds(contrast("above"), *seeds(0.5, -0.5, 0.4, 0.7, 0.5), Amount.about)
    total = judge.statistics.seeds_needed(0.32, judge.statistics.std([0.5, -0.5, 0.4, 0.7, 0.5]))
    assert found.verdict == UNDECIDED and found.more == total - 5 > 0


def test_margin_is_the_distance_to_the_nearest_edge():
    found = judge.over_seeds(contrast("near", within=1.0), *seeds(0.5, 0.7), Amount.about)
    assert found.margin == pytest.approx(0.4)
    assert judge.exact(contrast("above"), 1.0, 3.0, Amount.rounded).margin == -2


# Claims of several contrasts ------------------------------------------------------------------------------------------


def judged(verdict, p=0.01, more=None):
    return Judgement(verdict, 1.0, p=p, seeds=(0, 1), more=more)


def test_contradictions_are_corrected_for_the_contrasts():
    four = [judged(CONTRADICTED, 0.03), *[judged(SUPPORTED)] * 3]
    assert [j.verdict for j in judge.corrected(four)] == [UNDECIDED] + [SUPPORTED] * 3  # 4 x 0.03
    assert judge.corrected([judged(CONTRADICTED, 0.01), *four[1:]])[0].verdict == CONTRADICTED  # 4 x 0.01


def test_what_has_not_run_takes_no_part_in_the_correction():
    assert judge.corrected([judged(CONTRADICTED, 0.03), Judgement()])[0].verdict == CONTRADICTED


@pytest.mark.parametrize(
    ("verdicts", "whole"),
    [
        ([SUPPORTED, SUPPORTED], SUPPORTED),
        ([SUPPORTED, CONTRADICTED, NOT_RUN], CONTRADICTED),
        ([SUPPORTED, UNDECIDED], UNDECIDED),
        ([SUPPORTED, NOT_RUN], UNDECIDED),
        ([NOT_RUN, NOT_RUN], NOT_RUN),
        ([], NOT_RUN),
    ],
)
def test_a_claim_stands_with_all_and_falls_with_one(verdicts, whole):
    assert judge.together([judged(v) for v in verdicts])[0] == whole


def test_a_claim_needs_as_many_seeds_as_its_least_certain_contrast():
    assert judge.together([judged(UNDECIDED, more=3), judged(UNDECIDED, more=8)]) == (UNDECIDED, 8)
    assert judge.together([judged(UNDECIDED, more=3), judged(UNDECIDED)]) == (UNDECIDED, None)


def test_printed_spreads_give_welchs_interval():
    told = judge.with_spread(judge.exact(contrast("above"), 37.5, 37.2, Amount.rounded), (37.5, 0.1, 3), (37.2, 0.1, 3))
    assert (
        told.verdict == SUPPORTED
        and told.low == pytest.approx(0.073, abs=1e-3)
        and told.p == pytest.approx(0.0213, abs=1e-3)
    )
