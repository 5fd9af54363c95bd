"""Corpus BLEU of sacreBLEU with its default tokenizer, 13a."""

from __future__ import annotations

from sacrebleu.metrics.bleu import BLEU


class Measure:
    """bleu, 0 to 100. Not the paper's figure, which is about 10 points higher: see bleu_moses."""

    value = "string"

    def __init__(self) -> None:
        self.bleu = BLEU(tokenize="13a")
        self.signature = f"bleu|{signed(self.bleu)}"

    def scores(self, predictions: list[str], references: list[str]) -> dict[str, float]:
        return {"bleu": self.bleu.corpus_score(predictions, [references]).score}

    def rows(self, predictions: list[str], references: list[str]) -> dict[str, list[list[int]]]:
        """{"bleu": `statistics` of each row}."""
        return {"bleu": statistics(self.bleu, predictions, references)}

    def total(self, rows: dict[str, list[list[int]]]) -> dict[str, float]:
        return {"bleu": corpus(self.bleu, rows["bleu"])}


def signed(bleu: BLEU) -> str:
    """sacreBLEU's own signature, which can only be had after a first use."""
    bleu.corpus_score(["-"], [["-"]])
    return str(bleu.get_signature())


def statistics(bleu: BLEU, predictions: list[str], references: list[str]) -> list[list[int]]:
    """Of each row its tokens, its reference's, the n-grams found there and those there are, n = 1 to 4: 10 counts.

    The sum over rows is all that corpus BLEU depends on (Papineni et al. 2002).
    """
    single = BLEU(tokenize="none", force=True, effective_order=True)  # its score is not used, its counts are
    single.tokenizer = bleu.tokenizer
    pairs = zip(predictions, references, strict=True)
    found = (single.sentence_score(prediction, [reference]) for prediction, reference in pairs)
    return [[row.sys_len, row.ref_len, *row.counts, *row.totals] for row in found]


def corpus(bleu: BLEU, rows: list[list[int]]) -> float:
    """BLEU of the rows' statistics, or of a resample of them."""
    predicted, wanted, *ngrams = map(sum, zip(*rows, strict=True))
    order = len(ngrams) // 2
    return BLEU.compute_bleu(
        correct=ngrams[:order],
        total=ngrams[order:],
        sys_len=predicted,
        ref_len=wanted,
        smooth_method=bleu.smooth_method,
        smooth_value=bleu.smooth_value,
    ).score
