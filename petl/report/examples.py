"""Paired bootstrap over test rows (Koehn 2004): would other rows of the same kind turn the difference round?

It reads the per-example scores beside a record (NAME.scores.json); every system is scored on the same resamples.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from petl.report.cells import Cell
from petl.report.statistics import ALPHA, keyed

DRAWS = 2000
FIRST = "accuracy_first_1600"

Files = Mapping[str, Path]  # identity of a run -> its scores, as petl.records.scores_below finds them


@dataclass(frozen=True)
class OverRows:
    """95% interval of left - right over resampled test rows, mean over the seeds in both; p: two-sided."""

    low: float
    high: float
    p: float
    seeds: tuple[int, ...]
    rows: int


def compare(left: Cell, right: Cell, metric: str, files: Files) -> OverRows | None:
    """None where the seeds in both cells have no scores of `metric`, or scores of other rows."""
    seeds = sorted(left.records.keys() & right.records.keys())
    paths = {seed: [files.get(cell.records[seed]["identity"]) for cell in (left, right)] for seed in seeds}
    return over_rows(paths, (left.metric(metric), right.metric(metric)))


def over_rows(paths: Mapping[int, Sequence[Path | None]], metrics: tuple[str, str]) -> OverRows | None:
    """Left against right, by seed: the files of their scores, and what the metric is called on either side."""
    pairs: dict[int, np.ndarray] = {}
    rows = 0
    for seed, both in paths.items():
        one, other = (path and _read(path, metric) for path, metric in zip(both, metrics, strict=True))
        if one and other and one.key == other.key:
            pairs[seed] = one.resampled - other.resampled
            rows = one.key[1]
    if not pairs:
        return None
    found = np.mean(list(pairs.values()), axis=0)
    low, high = np.quantile(found, (ALPHA / 2, 1 - ALPHA / 2))
    tail = min(int(np.sum(found <= 0)), int(np.sum(found >= 0)))
    return OverRows(float(low), float(high), min(1.0, 2 * (tail + 1) / (DRAWS + 1)), tuple(pairs), rows)


@dataclass(frozen=True)
class Scores:
    """One run's scores of one metric: (rows,) in percent, or (rows, 10) counts of BLEU. key: which rows, how many."""

    metric: str
    values: np.ndarray
    key: tuple[str, int]

    @cached_property
    def resampled(self) -> np.ndarray:
        """The metric on each of DRAWS resamples of the rows."""
        times = _times(self.key)
        parts = [times[i : i + 100].astype(float) @ self.values for i in range(0, DRAWS, 100)]
        totals = np.concatenate(parts)
        return totals / self.key[1] if totals.ndim == 1 else bleu(totals, self.metric == "bleu")


def bleu(counts: np.ndarray, smooth: bool) -> np.ndarray:
    """sacreBLEU's corpus score of (n, 10) counts: tokens, tokens of the reference, n-grams found and there, n = 1 to 4.

    smooth: an n-gram order without any match counts as 1/2, the next one as 1/4, ... of a match (`exp`).
    """
    predicted, wanted, found, there = counts[:, 0], counts[:, 1], counts[:, 2:6], counts[:, 6:]
    halvings = np.cumsum(found == 0, axis=1)
    matches = np.where((found == 0) & smooth, 0.5**halvings, found)
    with np.errstate(divide="ignore", invalid="ignore"):
        order_means = np.log(np.where(there > 0, matches / there, 0)).mean(axis=1)
        brevity = np.minimum(0, 1 - wanted / predicted)
    return np.where(found.any(axis=1), 100 * np.exp(order_means + brevity), 0.0)


@lru_cache(maxsize=4)
def _times(key: tuple[str, int]) -> np.ndarray:
    """How often each row is drawn, (DRAWS, rows)."""
    random, rows = keyed("test rows", *key), key[1]
    drawn = (np.bincount(random.integers(0, rows, rows), minlength=rows) for _ in range(DRAWS))
    return np.stack([counts.astype(np.uint8) for counts in drawn])


@cache
def _read(path: Path, metric: str) -> Scores | None:
    """The scores at `path`; a damaged file is named on stderr and counts as absent."""
    if (told := _told(path)) is None:
        return None
    name, first = ("accuracy", 1600) if metric == FIRST else (metric, None)
    if (values := told["test"].get(name)) is None:
        return None
    if isinstance(values, str):
        values = [100 * int(right) for right in values]
    array = np.asarray(values[:first], dtype=float)
    return Scores(metric, array, (str(told["rows_sha256"]["test"]), len(array)))


@cache
def _told(path: Path) -> dict[str, Any] | None:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return told if told["rows_sha256"]["test"] and isinstance(told["test"], dict) else None
    except (ValueError, OSError, KeyError, TypeError, RecursionError) as error:
        print(f"warning: the scores {path} are left out: {error}", file=sys.stderr)
        return None
