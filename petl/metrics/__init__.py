"""Metrics behind one signature: `load(name).compute(predictions=, references=) -> {score: percent}` and `.signature`.

A metric is a file `petl/metrics/NAME.py` with an `evaluate.Metric` subclass called `Metric`, and an entry in SCORES.
Unlike with `evaluate.load`, nothing is fetched and no script is run. Loading a metric imports `evaluate`, which takes
seconds; importing this module does not.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

SCORES: dict[str, tuple[str, ...]] = {
    "rouge": ("rouge1", "rouge2", "rougeL"),
    "bleu": ("bleu",),
    "accuracy": ("accuracy",),
}  # what each gives; higher is better in all


@cache
def load(name: str) -> Any:
    """The metric of that name, a key of SCORES."""
    if name not in SCORES:
        raise KeyError(f"no metric {name!r}; there are {', '.join(SCORES)}")
    return import_module(f"petl.metrics.{name}").Metric()
