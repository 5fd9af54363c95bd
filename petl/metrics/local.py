"""`evaluate.Metric` without its cache folder: everything stays in memory."""

from __future__ import annotations

from typing import Any

import datasets
import evaluate


class Local(evaluate.Metric):
    """Base of the metrics here. Subclasses give `value`, the type of predictions and references, and `scores`."""

    value = "string"  # a type of datasets.Value
    signature: str  # what exactly is computed, by which version

    def __init__(self) -> None:
        super().__init__(keep_in_memory=True)

    def scores(self, predictions: list[Any], references: list[Any]) -> dict[str, float]:
        raise NotImplementedError

    def _compute(self, *, predictions: Any = None, references: Any = None, **_: Any) -> dict[str, float]:
        if not references:
            raise ValueError("There is nothing to score: no predictions and no references.")
        return self.scores(list(predictions), list(references))

    def _build_data_dir(self) -> str:
        return ""  # evaluate would make a folder in the user's home

    def _info(self) -> evaluate.MetricInfo:
        features = {name: datasets.Value(self.value) for name in ("predictions", "references")}
        return evaluate.MetricInfo(
            description=self.__doc__ or "", citation="", features=datasets.Features(features), inputs_description=""
        )
