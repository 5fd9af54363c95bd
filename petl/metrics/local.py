"""`evaluate.Metric` around a measure, without its cache folder: everything stays in memory."""

from __future__ import annotations

from typing import Any, Protocol

import datasets
import evaluate


class Measure(Protocol):
    """What a metric's file defines."""

    value: str  # type of one prediction and of one reference, as of datasets.Value
    signature: str  # what exactly is computed, by which version

    def scores(self, predictions: list[Any], references: list[Any]) -> dict[str, float]: ...

    def rows(self, predictions: list[Any], references: list[Any]) -> dict[str, list[Any]]:
        """What each row adds to the scores, as JSON values."""
        ...

    def total(self, rows: dict[str, list[Any]]) -> dict[str, float]:
        """The scores of such rows, of all or of a resample."""
        ...


class Local(evaluate.Metric):
    """One measure as evaluate's users know metrics: `compute`, `add_batch`."""

    def __init__(self, measure: Measure) -> None:
        self.measure, self.signature = measure, measure.signature
        super().__init__(keep_in_memory=True)

    def _compute(self, *, predictions: Any = None, references: Any = None, **_: Any) -> dict[str, float]:
        if not references:
            raise ValueError("There is nothing to score: no predictions and no references.")
        return self.measure.scores(list(predictions), list(references))

    def _build_data_dir(self) -> str:
        return ""  # evaluate would make a folder in the user's home

    def _info(self) -> evaluate.MetricInfo:
        features = {name: datasets.Value(self.measure.value) for name in ("predictions", "references")}
        return evaluate.MetricInfo(
            description=self.measure.__doc__ or "",
            citation="",
            features=datasets.Features(features),
            inputs_description="",
        )
