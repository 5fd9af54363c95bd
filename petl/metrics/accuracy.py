"""Share of the rows whose class is right."""

from __future__ import annotations

FIRST = 1600  # the paper's GLUE figures are of the first 1,600 rows of dev


class Measure:
    """accuracy in percent, and of the first 1,600 rows alone where there are more."""

    value = "int64"
    signature = f"accuracy|percent|accuracy_first_{FIRST}:the first {FIRST} rows scored"

    def scores(self, predictions: list[int], references: list[int]) -> dict[str, float]:
        return self.total(self.rows(predictions, references))

    def rows(self, predictions: list[int], references: list[int]) -> dict[str, list[int]]:
        """{"accuracy": of each row, 1 if it is right}."""
        return {"accuracy": [int(a == b) for a, b in zip(predictions, references, strict=True)]}

    def total(self, rows: dict[str, list[int]]) -> dict[str, float]:
        right = rows["accuracy"]
        scores = {"accuracy": 100 * sum(right) / len(right)}
        if len(right) > FIRST:
            scores[f"accuracy_first_{FIRST}"] = 100 * sum(right[:FIRST]) / FIRST
        return scores
