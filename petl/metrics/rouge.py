"""ROUGE as the paper reports it: rouge_score with the Porter stemmer, F1, mean over rows, x 100."""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import version
from statistics import fmean
from typing import Any

from rouge_score.rouge_scorer import RougeScorer
from rouge_score.tokenizers import DefaultTokenizer

from petl.metrics import SCORES
from petl.metrics.local import Local

TYPES = list(SCORES["rouge"])


class Stems(DefaultTokenizer):
    """rouge_score's own tokenizer; every word is stemmed once only, for stemming is half of the time."""

    def __init__(self) -> None:
        super().__init__(use_stemmer=True)
        stemmer: Any = self._stemmer
        stemmer.stem = lru_cache(2**17)(stemmer.stem)


class Metric(Local):
    """rouge1, rouge2 and rougeL in percent. Newlines do not matter to these three."""

    signature = f"rouge|fmeasure:mean|stem:porter|case:lower|version:rouge_score-{version('rouge_score')}"

    def __init__(self) -> None:
        super().__init__()
        self.scorer = RougeScorer(TYPES, tokenizer=Stems())

    def scores(self, predictions: list[str], references: list[str]) -> dict[str, float]:
        scores = [self.scorer.score(reference, text) for reference, text in zip(references, predictions, strict=True)]
        return {kind: 100 * fmean(score[kind].fmeasure for score in scores) for kind in TYPES}
