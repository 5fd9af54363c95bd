"""Metrics behind one signature: `load(name).compute(predictions=, references=) -> {score: percent}` and `.signature`.

A metric is a file `petl/metrics/NAME.py` with a class `Measure` (see `local.Measure`), and an entry in SCORES. `load`
makes an `evaluate.Metric` of it, importing `evaluate`, which takes seconds and brings torch; `measure` gives the bare
one. Unlike with `evaluate.load`, nothing is fetched and no script is run. Importing this module imports neither.

A score is a function of what each row adds to it (`rows`, then `total`), so that a resample of the rows, as of a
bootstrap, has its exact score without the texts.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

SCORES: dict[str, tuple[str, ...]] = {
    "rouge": ("rouge1", "rouge2", "rougeL", "rougeLsum"),
    "bleu": ("bleu",),
    "bleu_moses": ("bleu_moses",),
    "accuracy": ("accuracy", "accuracy_first_1600"),  # the second only where there are more rows
}  # what each gives, all in percent; higher is better in all


@cache
def measure(name: str) -> Any:
    """The bare metric of that name, a key of SCORES: `.scores(predictions, references)` and `.signature`."""
    if name not in SCORES:
        raise KeyError(f"no metric {name!r}; there are {', '.join(SCORES)}")
    return import_module(f"petl.metrics.{name}").Measure()


@cache
def load(name: str) -> Any:
    """The same as an `evaluate.Metric`."""
    bare = measure(name)
    return import_module("petl.metrics.local").Local(bare)
