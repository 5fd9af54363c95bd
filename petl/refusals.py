"""How a refusal is worded: what is allowed, the nearest word, and no more of it than a screen."""

from __future__ import annotations

import difflib
import textwrap
from collections.abc import Iterable


def near(word: str, words: Iterable[str], cutoff: float = 0.5) -> str | None:
    """The word that was probably meant."""
    known = {w.lower(): w for w in words}
    found = difflib.get_close_matches(word.lower(), known, n=1, cutoff=cutoff)
    return known[found[0]] if found else None


def hint(meant: str | None) -> str:
    return f" Did you mean {meant}?" if meant else ""


def choice(key: str, value: object, words: Iterable[str]) -> str:
    """The sentence for a value that is none of `words`."""
    words = list(words)
    return f"{key}={value}: no such value; one of {', '.join(words)}." + hint(near(str(value), words))


def screen(text: str, lines: int = 30, width: int = 110) -> str:
    """A message as a terminal shows it: at most a screen of it, and nothing in it that a terminal would obey."""
    shown: list[str] = []
    for line in text.split("\n"):
        line = "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)
        line = line if len(line) <= 6 * width else f"{line[: 3 * width]} ... {line[-2 * width :]}"
        shown += textwrap.wrap(line, width, subsequent_indent="  ", break_on_hyphens=False)
    more = len(shown) - lines
    return "\n".join(shown if more <= 0 else [*shown[: lines - 1], f"... and {more + 1:,} lines more"])
