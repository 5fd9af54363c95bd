"""What a few seeds can tell: paired tests, intervals, corrections, and how many seeds would tell more.

numpy only; tests/report/test_statistics.py holds every function against scipy or arithmetic by hand. Anything random
is drawn from a generator that a key seeds, so the same records give the same digits.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np

ALPHA = 0.05
POWER = 0.8
MOST = 1000  # seeds beyond which asking for more is no advice
EXACT = 14  # up to so many differences every pattern of signs is tried


@dataclass(frozen=True)
class Paired:
    """Differences left - right over common seeds: mean, its 95% interval, and p of mean = 0 (None for one seed)."""

    seeds: tuple[int, ...]
    mean: float
    std: float | None
    low: float | None
    high: float | None
    p: float | None
    sign_flip: float | None

    @property
    def n(self) -> int:
        return len(self.seeds)


def paired(left: Mapping[int, float], right: Mapping[int, float]) -> Paired | None:
    """Of the values by seed; None where no seed is in both."""
    seeds = tuple(sorted(left.keys() & right.keys()))
    if not seeds:
        return None
    differences = [left[seed] - right[seed] for seed in seeds]
    low, high = interval(differences)
    p, flips = (t_test(differences), sign_flip(differences)) if len(seeds) > 1 else (None, None)
    return Paired(seeds, mean(differences), std(differences), low, high, p, flips)


# Summaries ------------------------------------------------------------------------------------------------------------


def mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def std(values: Sequence[float]) -> float | None:
    """Of the sample, n - 1 below; None for one value."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else None


def median(values: Sequence[float]) -> float:
    return float(np.median(values))


# Tests ----------------------------------------------------------------------------------------------------------------


def t_test(differences: Sequence[float], edge: float = 0.0) -> float:
    """Two-sided p of mean = `edge`, n >= 2: t = (mean - edge) / (std / sqrt(n)) with n - 1 degrees of freedom.

    Differences that are all the same have no spread to measure by; then p is the sign-flip test's.
    """
    n, spread, centre = len(differences), std(differences), mean(differences) - edge
    if not spread or spread < 1e-12 * max(map(abs, differences)):
        return sign_flip([d - edge for d in differences])
    return t_p(centre / (spread / math.sqrt(n)), n - 1)


def sign_flip(differences: Sequence[float], draws: int = 20_000) -> float:
    """Two-sided p of mean = 0 if every difference could as well have had the other sign (Fisher's permutation test).

    Exact up to 14 differences, beyond that from keyed draws. Its smallest value is 2 / 2^n: 0.0625 for five seeds.
    """
    values = np.asarray(differences, dtype=float)
    n = len(values)
    if n <= EXACT:
        signs = np.array(list(product((1.0, -1.0), repeat=n)))
        means = np.abs(signs @ values)
        return float(np.mean(means >= np.abs(values.sum()) * (1 - 1e-12) - 1e-300))
    signs = keyed("sign flip", n).choice((1.0, -1.0), size=(draws, n))
    reached = int(np.sum(np.abs(signs @ values) >= np.abs(values.sum()) * (1 - 1e-12)))
    return (reached + 1) / (draws + 1)


def holm(ps: Sequence[float | None]) -> list[float | None]:
    """p-values corrected for their number (Holm 1979), monotone, at most 1; None stays None and counts for nothing."""
    order = sorted((p, i) for i, p in enumerate(ps) if p is not None)
    corrected: list[float | None] = [None] * len(ps)
    highest = 0.0
    for rank, (p, i) in enumerate(order):
        highest = max(highest, min(1.0, (len(order) - rank) * p))
        corrected[i] = highest
    return corrected


# Intervals ------------------------------------------------------------------------------------------------------------


def interval(values: Sequence[float], alpha: float = ALPHA) -> tuple[float, float] | tuple[None, None]:
    """Student's interval of the mean; none for one value."""
    if (spread := std(values)) is None:
        return None, None
    half = t_quantile(1 - alpha / 2, len(values) - 1) * spread / math.sqrt(len(values))
    return mean(values) - half, mean(values) + half


def welch(left: tuple[float, float, int], right: tuple[float, float, int]) -> tuple[float, float, float]:
    """Interval and two-sided p of the difference of two printed (mean, std, n) (Welch 1947).

    Two printed spreads of 0 say nothing: the interval is the difference itself, p is nan.
    """
    (a, s, n), (b, t, m) = left, right
    u, v = s * s / n, t * t / m
    if not u + v:
        return a - b, a - b, math.nan
    df = (u + v) ** 2 / (u * u / (n - 1) + v * v / (m - 1))
    half = t_quantile(1 - ALPHA / 2, df) * math.sqrt(u + v)
    return a - b - half, a - b + half, t_p((a - b) / math.sqrt(u + v), df)


def bootstrap(
    values: Sequence[float], key: str, statistic: Callable[..., np.ndarray] = np.mean, draws: int = 10_000
) -> tuple[float, float] | tuple[None, None]:
    """95% percentile interval of `statistic` (np.mean, np.median) over resamples of `values`; none for one value."""
    if len(values) < 2:
        return None, None
    drawn = keyed("bootstrap", key, len(values)).integers(0, len(values), size=(draws, len(values)))
    low, high = np.quantile(statistic(np.asarray(values)[drawn], axis=1), (ALPHA / 2, 1 - ALPHA / 2))
    return float(low), float(high)


def keyed(*key: object) -> np.random.Generator:
    """A generator of its own for each key."""
    return np.random.default_rng(int.from_bytes(hashlib.sha256(repr(key).encode()).digest()[:16]))


# Power ----------------------------------------------------------------------------------------------------------------


def power(effect: float, n: int, alpha: float = ALPHA) -> float:
    """Chance that the two-sided t-test of n differences gives p < alpha, if their mean is `effect` times their std.

    T is noncentral t: (Z + d) / S with d = effect sqrt(n) and S^2 = chi^2 / (n - 1), integrated over S.
    """
    df, shift = n - 1, abs(effect) * math.sqrt(n)
    step = (1 + 12 / math.sqrt(df)) / 4000
    s = (np.arange(4000) + 0.5) * step
    logs = (df - 1) * np.log(s) - df * s * s / 2
    constant = math.log(2) + df / 2 * math.log(df / 2) - math.lgamma(df / 2)
    weights = np.exp(logs + constant) * step
    bound = t_quantile(1 - alpha / 2, df) * s
    return float(np.sum(weights * (normal(shift - bound) + normal(-shift - bound))))


def seeds_needed(distance: float, spread: float) -> int | None:
    """Smallest n with 80% power to see a mean of `distance` with this std at p < 0.05; None: more than MOST."""
    if not distance:
        return None
    if not spread:
        return math.ceil(math.log2(2 / ALPHA))  # by signs alone
    low, high = 1, 2
    while power(distance / spread, high) < POWER:
        low, high = high, 2 * high
        if low >= MOST:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power(distance / spread, middle) >= POWER else (middle, high)
    return high if high <= MOST else None


# Distributions --------------------------------------------------------------------------------------------------------


def normal(z: np.ndarray) -> np.ndarray:
    """Cumulative distribution of the standard normal."""
    return np.array([math.erfc(-value / math.sqrt(2)) / 2 for value in np.atleast_1d(z)])


def t_p(t: float, df: float) -> float:
    """P(|T| >= |t|) = I_x(df/2, 1/2) with x = df / (df + t^2)."""
    return beta(df / (df + t * t), df / 2, 0.5)


@cache
def t_quantile(q: float, df: float) -> float:
    """The value that T is below with probability q > 1/2, by bisection."""
    low, high = 0.0, 1.0
    while t_p(high, df) > 2 * (1 - q):
        low, high = high, 2 * high
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if t_p(middle, df) > 2 * (1 - q) else (low, middle)
    return high


def beta(x: float, a: float, b: float) -> float:
    """Regularised incomplete beta function I_x(a, b), by its continued fraction (Abramowitz and Stegun 26.5.8)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - beta(1 - x, b, a)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    fraction = 0.0
    for m in range(200, 0, -1):  # from the end: d_2m and d_2m-1
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m - 1) * (a + b + m - 1) * x / ((a + 2 * m - 2) * (a + 2 * m - 1))
        fraction = odd / (1 + even / (1 + fraction))
    return front / a / (1 + fraction)
