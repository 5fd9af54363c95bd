import math
import random
from collections import Counter

import pytest

from petl.mini import lexicon, nli


@pytest.fixture(scope="module")
def rows():
    return nli.mnli()


def _grams(text: str) -> set:
    words = text.lower().strip(".").split()
    return {*words, *zip(words, words[1:], strict=False)}


def _naive_bayes(train: list[dict], test: list[dict], features) -> float:
    """Accuracy in percent."""
    counts = [Counter() for _ in nli.LABELS]
    totals = Counter(row["label"] for row in train)
    for row in train:
        counts[row["label"]].update(features(row))

    def guess(row):
        scores = [
            math.log(totals[y]) + sum(math.log((counts[y][f] + 0.5) / (totals[y] + 1)) for f in features(row))
            for y in range(3)
        ]
        return scores.index(max(scores))

    return 100 * sum(guess(row) == row["label"] for row in test) / len(test)


def test_there_are_twenty_thousand_distinct_pairs(rows):
    pairs = [(row["premise"], row["hypothesis"]) for part in rows.values() for row in part]
    assert len(set(pairs)) == len(pairs) >= 20_000
    assert len(rows["dev"]) >= 1000 <= len(rows["test"])


@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_every_hypothesis_has_one_premise_of_each_label(rows, split):
    labels: dict[str, list[int]] = {}
    for row in rows[split]:
        labels.setdefault(row["hypothesis"], []).append(row["label"])
    assert all(sorted(found) == [0, 1, 2] for found in labels.values())


def test_no_hypothesis_is_in_two_splits(rows):
    sets = [{row["hypothesis"] for row in part} for part in rows.values()]
    assert not (sets[0] & sets[1] or sets[0] & sets[2] or sets[1] & sets[2])


def test_the_hypothesis_alone_tells_nothing(rows):
    accuracy = _naive_bayes(rows["train"], rows["test"], lambda row: _grams(row["hypothesis"]))
    assert accuracy < 100 / 3 + 5


def test_bags_of_words_do_not_solve_it(rows):
    def features(row):
        premise, hypothesis = (set(row[side].lower().strip(".").split()) for side in ("premise", "hypothesis"))
        both = {("both", word) for word in premise & hypothesis}
        return both | {("p", word) for word in premise - hypothesis} | {("h", word) for word in hypothesis - premise}

    assert _naive_bayes(rows["train"], rows["test"], features) < 75


def test_the_rows_are_the_same_every_time(rows):
    assert nli.mnli() == rows


@pytest.mark.slow
def test_pretraining_sentences_are_in_no_row(rows):
    held = {row[side] for part in rows.values() for row in part for side in ("premise", "hypothesis")}
    texts = nli.passages(rows, each=50)
    assert texts and not any(text == row or text.endswith(f". {row}") for text in texts for row in held)


def test_what_a_premise_entails_follows_it_in_pretraining(rows):
    entailed = {f"{item.entailing} {item.hypothesis}" for _, item in nli.items(50, "text")}
    assert entailed & set(nli.passages(rows, each=50))


# Labels are checked against small worlds: a premise that entails holds only where the hypothesis does, and so on.
LABELLED = [
    (nli.numbers, lambda text: _numbers(text)),
    (nli.order, lambda text: _order(text)),
]
COUNTS = {word: number for number, word in enumerate(lexicon.NUMBERS, 2)}


def _numbers(text: str) -> set:
    """Worlds (how many) in which a sentence of the rule holds."""
    bound, word = (
        (text.split()[0], text.split()[1]) if text.startswith("Exactly") else (text.split()[0], text.split()[2])
    )
    n = COUNTS[word]
    return {world for world in range(20) if {"More": world > n, "Fewer": world < n, "Exactly": world == n}[bound]}


def _order(text: str) -> set:
    """Worlds (which of the two names comes first)."""
    text = text.strip(".")
    names = sorted(word for word in text.split() if word in lexicon.NAMES)
    for link in (" before ", " after "):
        if link in text:
            first, second = (part.split()[0] for part in text.split(link))
            return {first if link == " before " else second}
    return set(names)


@pytest.mark.parametrize(("rule", "worlds"), LABELLED, ids=["numbers", "order"])
def test_labels_follow_from_worlds(rule, worlds):
    for i in range(300):
        item = rule(random.Random(i))
        holds = worlds(item.hypothesis)
        assert worlds(item.entailing) <= holds
        assert worlds(item.neutral) & holds and worlds(item.neutral) - holds
        assert not worlds(item.contradicting) & holds
