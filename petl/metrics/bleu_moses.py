"""Corpus BLEU as the paper reports it: Moses tokens of Romanian without diacritics, `sacrebleu -tok none -s none`."""

from __future__ import annotations

from importlib.metadata import version

from sacrebleu.metrics.bleu import BLEU

from petl.metrics import romanian
from petl.metrics.bleu import corpus, signed, statistics


class Measure:
    """bleu_moses, 0 to 100: predictions and references post-processed, then compared token by token."""

    value = "string"

    def __init__(self) -> None:
        self.bleu = BLEU(tokenize="none", smooth_method="none", force=True)  # force: tokens are meant to be tokens
        steps = f"{romanian.STEPS}|sacremoses-{version('sacremoses')}"
        self.signature = f"bleu_moses|romanian:{steps}|{signed(self.bleu)}"

    def scores(self, predictions: list[str], references: list[str]) -> dict[str, float]:
        hypotheses, targets = _processed(predictions, references)
        return {"bleu_moses": self.bleu.corpus_score(hypotheses, [targets]).score}

    def rows(self, predictions: list[str], references: list[str]) -> dict[str, list[list[int]]]:
        """{"bleu_moses": `bleu.statistics` of each row}."""
        return {"bleu_moses": statistics(self.bleu, *_processed(predictions, references))}

    def total(self, rows: dict[str, list[list[int]]]) -> dict[str, float]:
        return {"bleu_moses": corpus(self.bleu, rows["bleu_moses"])}


def _processed(*several: list[str]) -> list[list[str]]:
    return [[*map(romanian.process, texts)] for texts in several]
