"""Share of the rows whose class is right."""

from __future__ import annotations

from petl.metrics.local import Local


class Metric(Local):
    """accuracy in percent."""

    value = "int64"
    signature = "accuracy|percent"

    def scores(self, predictions: list[int], references: list[int]) -> dict[str, float]:
        right = sum(a == b for a, b in zip(predictions, references, strict=True))
        return {"accuracy": 100 * right / len(references)}
