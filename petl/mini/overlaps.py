"""Whether dev and test rows of an embedded task have been seen before: in train, or in the pre-training text.

Counted on the files as they were built, apart from the rules that built them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path

from petl.mini import corpora, near
from petl.mini.text import SHARED, texts

GRAM = 8  # words in a row
Texts = Sequence[str]  # of a row: what the model reads, and what it says where that is text


def measured(task: str, plain: Iterable[str], cache: Path | None = None) -> dict[str, int]:
    """Of the dev and test rows, how many overlap, and with what. `plain`: names of the pre-training texts."""
    rows = corpora.rows(task, cache)
    train, held = ([texts(row) for name in names for row in rows[name]] for names in (["train"], ["dev", "test"]))
    read = (corpora.texts(name, cache) for name in plain)
    return {
        "rows": len(held),
        "the same in train": same(train, held),
        "near one in train": len({row for row, _ in near.close(held, train)}),
        "half of a row's eight words in a row in train": shared(train, held),
        "eight words in a row in the pre-training text": seen(chain.from_iterable(read), held),
    }


def same(train: Iterable[Texts], held: Iterable[Texts]) -> int:
    """Rows whose words are those of a row of train, in their order."""
    known = {_key(row) for row in train}
    return sum(_key(row) in known for row in held)


def shared(train: Iterable[Texts], held: Iterable[Texts]) -> int:
    """Rows of which more than SHARED of the sequences of eight words are in train."""
    known = _grams(text for row in train for text in row)
    return sum(len(mine & known) > SHARED * len(mine) for row in held if (mine := _grams(row)))


def seen(plain: Iterable[str], held: Iterable[Texts]) -> int:
    """Rows of which eight words in a row are in a pre-training text."""
    known = _grams(plain)
    return sum(not known.isdisjoint(_grams(row)) for row in held)


def _key(row: Texts) -> str:
    return "|".join(" ".join(near.words(text)) for text in row)


def _grams(texts: Iterable[str]) -> set[int]:
    """Hashes of all sequences of GRAM words; shorter texts have none."""
    return {gram for text in texts if len(near.words(text)) >= GRAM for gram in near.grams(text, GRAM)}
