"""ROUGE as the paper reports it: rouge_score with the Porter stemmer, F1, mean over rows, x 100."""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import version
from statistics import fmean
from typing import Any

from nltk.tokenize.punkt import PunktParameters, PunktSentenceTokenizer
from rouge_score.rouge_scorer import RougeScorer
from rouge_score.tokenizers import DefaultTokenizer
from sacremoses.corpus import NonbreakingPrefixes

TYPES = ["rouge1", "rouge2", "rougeL"]
PACKAGES = ("rouge_score", "nltk", "sacremoses")


class Stems(DefaultTokenizer):
    """rouge_score's own tokenizer; every word is stemmed once only, for stemming is half of the time."""

    def __init__(self) -> None:
        super().__init__(use_stemmer=True)
        stemmer: Any = self._stemmer
        stemmer.stem = lru_cache(2**17)(stemmer.stem)


class Measure:
    """rouge1, rouge2, rougeL and rougeLsum in percent. Only to the last does it matter where sentences end."""

    value = "string"
    signature = (
        "rouge|fmeasure:mean|stem:porter|case:lower|Lsum:newline between sentences, punkt with moses abbreviations|"
        + ",".join(f"{package}-{version(package)}" for package in PACKAGES)
    )

    def __init__(self) -> None:
        stems = Stems()
        self.scorer = RougeScorer(TYPES, tokenizer=stems)
        self.summaries = RougeScorer(["rougeLsum"], tokenizer=stems)
        self.sentences = _sentences()

    def scores(self, predictions: list[str], references: list[str]) -> dict[str, float]:
        rows = self._fractions(predictions, references)
        return {kind: 100 * fmean(row[kind] for row in rows) for kind in rows[0]}

    def rows(self, predictions: list[str], references: list[str]) -> dict[str, list[float]]:
        """rouge1, ... -> of each row, in percent."""
        rows = self._fractions(predictions, references)
        return {kind: [100 * row[kind] for row in rows] for kind in rows[0]}

    def total(self, rows: dict[str, list[float]]) -> dict[str, float]:
        return {kind: fmean(values) for kind, values in rows.items()}

    def _fractions(self, predictions: list[str], references: list[str]) -> list[dict[str, float]]:
        return [self._row(text, reference) for text, reference in zip(predictions, references, strict=True)]

    def _row(self, text: str, reference: str) -> dict[str, float]:
        scores = {kind: score.fmeasure for kind, score in self.scorer.score(reference, text).items()}
        text, reference = self._lines(text), self._lines(reference)
        lsum = scores["rougeL"]  # of two single sentences they are the same
        if "\n" in text or "\n" in reference:
            lsum = self.summaries.score(reference, text)["rougeLsum"].fmeasure
        return {**scores, "rougeLsum": lsum}

    def _lines(self, text: str) -> str:
        return "\n".join(self.sentences.tokenize(text.strip()))


def _sentences() -> PunktSentenceTokenizer:
    """The paper's sentence splitter, NLTK's Punkt. Its trained table would have to be downloaded: abbreviations come
    from Moses' list for English instead, without those that are such before numbers only (No. 5)."""
    known = PunktParameters()
    known.abbrev_types = {word.lower() for word in NonbreakingPrefixes().words("en") if "#" not in word}
    return PunktSentenceTokenizer(known)
