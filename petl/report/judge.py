"""One contrast of a claim: does left - right lie where the claim says? From printed numbers, or from seeds.

A claim names a region for left - right: above 0, below 0, at least or about what is stated, within a margin. Printed
numbers are in it or not. Of seeds the 95% interval decides: wholly inside supports, wholly outside contradicts, and
what does neither is undecided.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any

from petl.report import statistics
from petl.report.statistics import ALPHA

SUPPORTED, CONTRADICTED, UNDECIDED, NOT_RUN = "supported", "contradicted", "undecided", "not run"
INFINITY = Decimal("Infinity")
TOLERANCE = {
    "rouge1": 0.5,
    "rouge2": 0.5,
    "rougeL": 0.5,
    "bleu": 0.7,
    "accuracy": 1.0,
}  # of "by": AdapterHub's distances

Contrast = Mapping[str, Any]  # left, right, task, metric, relation; stated or within


class Amount(StrEnum):
    """What a stated amount means."""

    rounded = "rounded"  # the printed numbers have to round to it
    about = "about"  # other runs of the same models have to come near it
    direction = "direction"  # other models and data: only the sign counts


@dataclass(frozen=True)
class Judgement:
    """margin: how far the estimate lies inside the region, negative outside. p: two-sided, of the edge of the region
    that is nearest. more: seeds that would decide, None where they cannot be told or are beyond statistics.MOST."""

    verdict: str = NOT_RUN
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    seeds: tuple[int, ...] = ()
    more: int | None = None
    margin: float | None = None


def region(contrast: Contrast, amount: Amount) -> tuple[Decimal, Decimal]:
    """Where left - right lies if the claim is true."""
    relation, zero = contrast["relation"], Decimal(0)
    stated, within = (Decimal(str(contrast.get(key, 0))) for key in ("stated", "within"))
    if relation == "below":
        return -INFINITY, zero
    if relation == "near":
        return -within, within
    if relation == "above" or amount is Amount.direction:
        return zero, INFINITY
    if relation == "at_least":
        return stated, INFINITY
    if amount is Amount.rounded:
        half = Decimal(5).scaleb(int(stated.as_tuple().exponent) - 1)
        return stated - half, stated + half
    about = Decimal(str(TOLERANCE[contrast["metric"]]))
    return max(zero, stated - about), stated + about


# Single numbers -------------------------------------------------------------------------------------------------------


def exact(contrast: Contrast, left: float | None, right: float | None, amount: Amount) -> Judgement:
    """Of two single numbers, in the digits they are given in. An edge of 0 is outside, any other inside."""
    if left is None or right is None:
        return Judgement()
    gap, (low, high) = Decimal(str(left)) - Decimal(str(right)), region(contrast, amount)
    margin = min(gap - low, high - gap)
    holds = margin > 0 or (margin == 0 and gap != 0)
    return Judgement(SUPPORTED if holds else CONTRADICTED, float(gap), margin=float(margin))


def with_spread(judged: Judgement, left: tuple[float, float, int], right: tuple[float, float, int]) -> Judgement:
    """The same with Welch's interval and p of no difference, where (mean, std, n) of both sides are printed."""
    low, high, p = statistics.welch(left, right)
    return judged if math.isnan(p) else replace(judged, low=low, high=high, p=p)


# Seeds ----------------------------------------------------------------------------------------------------------------


def over_seeds(contrast: Contrast, left: Mapping[int, float], right: Mapping[int, float], amount: Amount) -> Judgement:
    """Of values by seed, paired. One seed decides nothing; a contradiction is still to be `corrected`."""
    found = statistics.paired(left, right)
    if found is None:
        return Judgement()
    low, high = map(float, region(contrast, amount))
    margin = min(found.mean - low, high - found.mean)
    told = Judgement(UNDECIDED, found.mean, found.low, found.high, seeds=found.seeds, margin=margin)
    if found.std is None:
        return told
    edge = low if found.mean - low <= high - found.mean else high
    p = statistics.t_test([left[seed] - right[seed] for seed in found.seeds], edge)
    if p < ALPHA:
        return replace(told, p=p, verdict=SUPPORTED if margin > 0 else CONTRADICTED)
    needed = statistics.seeds_needed(abs(margin), found.std)
    return replace(told, p=p, more=None if needed is None else max(1, needed - found.n))


def corrected(judged: Sequence[Judgement]) -> list[Judgement]:
    """A claim falls with one of its contrasts, so contradictions are corrected for their number (Holm); it stands only
    with all of them, which needs no correction (Berger 1982)."""
    tested = [1.0 if j.verdict != CONTRADICTED else j.p for j in judged if j.p is not None]
    ps = iter(statistics.holm(tested))
    found = []
    for j in judged:
        p = next(ps) if j.p is not None else None
        if j.verdict == CONTRADICTED and j.seeds and (p is None or p >= ALPHA):
            j = replace(j, verdict=UNDECIDED, more=1)
        found.append(j)
    return found


def together(judged: Sequence[Judgement]) -> tuple[str, int | None]:
    """The verdict of a claim, and of an undecided one how many more seeds would decide (None: cannot be told)."""
    verdicts = {j.verdict for j in judged}
    if CONTRADICTED in verdicts:
        return CONTRADICTED, None
    if verdicts <= {NOT_RUN}:
        return NOT_RUN, None
    if verdicts == {SUPPORTED}:
        return SUPPORTED, None
    open_ones = [j.more for j in judged if j.verdict == UNDECIDED]
    known = [more for more in open_ones if more is not None]
    return UNDECIDED, max(known) if known and len(known) == len(open_ones) else None
