"""Corpus BLEU as the paper reports it: Moses tokens of Romanian without diacritics, `sacrebleu -tok none -s none`."""

from __future__ import annotations

from importlib.metadata import version

from sacrebleu.metrics.bleu import BLEU

from petl.metrics import romanian
from petl.metrics.bleu import signed


class Measure:
    """bleu_moses, 0 to 100: predictions and references post-processed, then compared token by token."""

    value = "string"

    def __init__(self) -> None:
        self.bleu = BLEU(tokenize="none", smooth_method="none", force=True)  # force: tokens are meant to be tokens
        steps = f"{romanian.STEPS}|sacremoses-{version('sacremoses')}"
        self.signature = f"bleu_moses|romanian:{steps}|{signed(self.bleu)}"

    def scores(self, predictions: list[str], references: list[str]) -> dict[str, float]:
        hypotheses, targets = ([*map(romanian.process, texts)] for texts in (predictions, references))
        return {"bleu_moses": self.bleu.corpus_score(hypotheses, [targets]).score}
