"""Every statistic against scipy or arithmetic by hand."""

import math

import numpy as np
import pytest
from scipy import special, stats

from petl.report import statistics as ours

FIVE = [0.4, 0.9, -0.1, 0.6, 0.3]


# Against scipy --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("x", [1e-9, 0.01, 0.3, 0.77, 0.999, 1 - 1e-9])
@pytest.mark.parametrize(("a", "b"), [(0.5, 0.5), (2, 0.5), (0.5, 30), (150, 0.5), (499.5, 0.5)])
def test_incomplete_beta(x, a, b):
    assert ours.beta(x, a, b) == pytest.approx(special.betainc(a, b, x), rel=1e-9, abs=1e-14)


@pytest.mark.parametrize("df", [1, 2, 4, 7.3, 99, 999])
def test_students_t(df):
    assert ours.t_quantile(0.975, df) == pytest.approx(stats.t.ppf(0.975, df), rel=1e-9)
    for t in (0, 0.3, 2.1, 9, -40):
        assert ours.t_p(t, df) == pytest.approx(2 * stats.t.sf(abs(t), df), rel=1e-9)


@pytest.mark.parametrize("edge", [0, 0.25, -1])
def test_paired_t_test(edge):
    assert ours.t_test(FIVE, edge) == pytest.approx(stats.ttest_1samp(FIVE, edge).pvalue, rel=1e-9)


def test_interval_of_a_mean():
    expected = stats.t.interval(0.95, 4, loc=np.mean(FIVE), scale=stats.sem(FIVE))
    assert ours.interval(FIVE) == pytest.approx(expected, rel=1e-9)


def test_sign_flips():
    expected = stats.permutation_test((FIVE,), np.mean, permutation_type="samples", n_resamples=np.inf)
    assert ours.sign_flip(FIVE) == pytest.approx(expected.pvalue)


def test_sign_flips_of_many():
    many = list(np.random.default_rng(0).normal(0.4, 1, 40))
    assert ours.sign_flip(many) == pytest.approx(stats.ttest_1samp(many, 0).pvalue, abs=0.01)


def test_welch():
    expected = stats.ttest_ind_from_stats(87.4, 0.3, 5, 87.6, 0.4, 5, equal_var=False)
    low, high, p = ours.welch((87.4, 0.3, 5), (87.6, 0.4, 5))
    assert p == pytest.approx(expected.pvalue, rel=1e-9)
    assert (low + high) / 2 == pytest.approx(-0.2)
    assert (high - low) / 2 == pytest.approx(stats.t.ppf(0.975, 7.418) * 0.5 / math.sqrt(5), rel=1e-4)


def test_holm():
    ps = [0.04, 0.01, 0.03, 0.005]
    assert ours.holm(ps) == pytest.approx([0.06, 0.03, 0.06, 0.02])  # 4 x .005, 3 x .01, 2 x .03, then no smaller


@pytest.mark.parametrize(("effect", "n"), [(0.5, 2), (1.0, 5), (2.0, 5), (0.1, 500), (-1.0, 12)])
def test_power(effect, n):
    shift, bound = abs(effect) * math.sqrt(n), stats.t.ppf(0.975, n - 1)
    expected = stats.nct.sf(bound, n - 1, shift) + stats.nct.cdf(-bound, n - 1, shift)
    assert ours.power(effect, n) == pytest.approx(expected, abs=2e-4)


def test_bootstrap():
    many = list(np.random.default_rng(0).normal(0, 1, 60))
    expected = stats.bootstrap((many,), np.median, method="percentile", rng=0).confidence_interval
    assert ours.bootstrap(many, "key", np.median) == pytest.approx((expected.low, expected.high), abs=0.03)


# By hand --------------------------------------------------------------------------------------------------------------


def test_summaries():
    assert ours.mean([1, 2, 6]) == 3 and ours.median([1, 2, 6]) == 2
    assert ours.std([1, 2, 6]) == pytest.approx(math.sqrt((4 + 1 + 9) / 2))
    assert ours.std([7]) is None


def test_seeds_are_paired_by_name():
    found = ours.paired({0: 1.0, 1: 5.0, 7: 9.0}, {1: 2.0, 0: 2.0, 8: 0.0})
    assert found is not None and (found.seeds, found.mean, found.n) == ((0, 1), 1.0, 2)


def test_no_seed_in_common():
    assert ours.paired({0: 1.0}, {1: 1.0}) is None


def test_one_seed_has_a_difference_and_no_p():
    found = ours.paired({0: 3.0}, {0: 1.0})
    assert found == ours.Paired((0,), 2.0, None, None, None, None, None)


def test_five_seeds_of_one_sign_have_two_of_32_patterns():
    assert ours.sign_flip([1, 2, 3, 4, 5]) == 2 / 32


def test_ties_are_no_evidence():
    found = ours.paired({s: 50.0 for s in range(5)}, {s: 50.0 for s in range(5)})
    assert found is not None and found.p == found.sign_flip == 1.0 and (found.low, found.high) == (0, 0)


def test_differences_without_spread_are_judged_by_their_signs():
    assert ours.t_test([0.5, 0.5, 0.5]) == ours.sign_flip([0.5, 0.5, 0.5]) == 2 / 8


def test_what_has_no_p_does_not_count_in_the_correction():
    assert ours.holm([None, 0.03, None]) == [None, 0.03, None]
    assert ours.holm([0.9, 0.8]) == [1.0, 1.0]


def test_seeds_that_would_decide():
    found = ours.seeds_needed(0.5, 0.5)
    assert found is not None and ours.power(1, found) >= 0.8 > ours.power(1, found - 1)
    assert found == 10  # Cohen's d = 1
    assert ours.seeds_needed(0.0, 1.0) is None and ours.seeds_needed(0.001, 1.0) is None
    assert ours.seeds_needed(1.0, 0.0) == 6  # 2 / 2^6 < 0.05 <= 2 / 2^5


def test_draws_follow_from_their_key():
    assert ours.bootstrap(FIVE, "a") == ours.bootstrap(FIVE, "a") != ours.bootstrap(FIVE, "b")


def test_one_value_has_no_interval():
    assert ours.bootstrap([1.0], "a") == ours.interval([1.0]) == (None, None)


def test_spreads_printed_as_zero_say_nothing():
    low, high, p = ours.welch((1.0, 0.0, 3), (0.5, 0.0, 3))
    assert (low, high) == (0.5, 0.5) and math.isnan(p)
