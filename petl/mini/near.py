"""Near-duplicates and splits, decided by content alone: the order in which files are read never matters."""

from __future__ import annotations

import hashlib
import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

Row = TypeVar("Row")
NEAR = 0.8  # Jaccard index of the words of two rows from which they are near-duplicates
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")


def words(text: str) -> list[str]:
    """Lower-case words without accents, digits, punctuation: what two near-duplicates share."""
    text = text.lower()
    if not text.isascii():
        text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return _WORD.findall(text)


def digest(text: str) -> int:
    """The first 64 bits of the text's SHA-256: the source of every random choice about it."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def grams(text: str, n: int = 8) -> set[int]:
    """Hashes of all n-grams of words; of the whole text where it is shorter."""
    tokens = words(text)
    return {hash_words(tokens[i : i + n]) for i in range(max(1, len(tokens) - n + 1))}


def hash_words(tokens: list[str]) -> int:
    return digest(" ".join(tokens))


def distinct(rows: Iterable[Row], keys: Callable[[Row], list[str]]) -> list[Row]:
    """One row of every group that shares a key, smallest content hash first; sorted by that hash."""
    seen: set[str] = set()
    kept = []
    for row in sorted(rows, key=lambda row: digest(repr(row))):
        mine = keys(row)
        if seen.isdisjoint(mine):
            kept.append(row)
        seen.update(mine)
    return kept


def split(rows: list[Row], group: Callable[[Row], str], dev: int, test: int) -> dict[str, list[Row]]:
    """Whole groups, in the order of their hash, to test until it has `test` rows, then to dev, the rest to train.

    Rows of one group (near-duplicates, sister rows) never straddle two splits.
    """
    order = sorted(rows, key=lambda row: (digest(group(row)), group(row), digest(repr(row))))
    out: dict[str, list[Row]] = {"train": [], "dev": [], "test": []}
    home, last = "test", None
    for row in order:
        if (here := group(row)) != last:
            home = "test" if len(out["test"]) < test else "dev" if len(out["dev"]) < dev else "train"
            last = here
        out[home].append(row)
    return out


def close(rows: Sequence[Sequence[str]], others: Sequence[Sequence[str]]) -> Iterator[tuple[int, int]]:
    """Places of a row and an other that have the same words but for a fifth: |A and B| >= NEAR |A or B|.

    Each row is given by its texts. What is near lacks few of a row's words, so it has one of the rarest few.
    """
    bags, theirs = [_bag(row) for row in rows], [_bag(row) for row in others]
    where: dict[str, list[int]] = defaultdict(list)
    for place, bag in enumerate(theirs):
        for word in bag:
            where[word].append(place)
    for place, bag in enumerate(bags):
        lacking = len(bag) - math.ceil(NEAR * len(bag) - 1e-9)
        rarest = sorted(bag, key=lambda word: (len(where[word]), word))[: lacking + 1]
        for other in Counter(other for word in rarest for other in where[word]):
            if len(bag & theirs[other]) >= NEAR * len(bag | theirs[other]):
                yield place, other


def _bag(row: Iterable[str]) -> frozenset[str]:
    return frozenset(word for text in row for word in words(text))
