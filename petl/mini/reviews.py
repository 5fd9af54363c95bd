"""The annotated sentences of the VADER paper: the sst2 task, and English text to pre-train on.

Hutto & Gilbert (2014): sentences of reviews, editorials and tweets, each with the mean of 20 ratings in [-4, 4].
Pang & Lee (2004): whole film reviews; of these the text alone is read.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator

from petl.mini.packages import Package

MOVIES = "movieReviewSnippets_GroundTruth.txt"
OTHERS = ("amazonReviewSnippets_GroundTruth.txt", "nytEditorialSnippets_GroundTruth.txt", "tweets_GroundTruth.txt")
FILMS = "polarity-en-pang&lee1.csv"
NEUTRAL = 0.3  # mean ratings closer to zero than this have no clear sign


def rated(package: Package, file: str) -> Iterator[tuple[float, str]]:
    """(mean rating, sentence) of each line `id <tab> rating <tab> sentence`."""
    path = next(name for name in package.names if name.endswith(file))
    for line in package.read(path).decode("utf-8", "replace").splitlines():
        _, rating, sentence = line.split("\t", 2)
        yield float(rating), clean(sentence)


def clean(sentence: str) -> str:
    sentence = sentence.replace("''", '"').replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">")
    return re.sub(r"\s+", " ", re.sub(r"https?://\S+", "", sentence)).strip()


def labelled(rating: float, sentence: str) -> tuple[str, int] | None:
    """(sentence, 1 if positive else 0); None without a clear sign or without three words."""
    if abs(rating) < NEUTRAL or len(sentence.split()) < 3:
        return None
    return sentence, int(rating > 0)


def films(package: Package) -> Iterator[str]:
    """The reviews, which are in lower case and in tokens, as they would be written."""
    path = next(name for name in package.names if name.endswith(FILMS))
    for row in csv.reader(package.read(path).decode("utf-8-sig").splitlines(keepends=True)):
        yield written(row[1])


def written(tokens: str) -> str:
    """`it's a filthy , sooty place . but` -> `It's a filthy, sooty place. But`."""
    text = re.sub(r"\s+", " ", tokens).strip()
    text = re.sub(r" ([,.;:?!)\]])", r"\1", re.sub(r"([(\[]) ", r"\1", text))
    text = re.sub(r'" ([^"]*?) "', r'"\1"', text)
    return re.sub(r"(^|[.?!] )([a-z])", lambda found: found[1] + found[2].upper(), text)
