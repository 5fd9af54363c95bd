"""The paper's post-processing of Romanian, without Perl: what its BLEU compares (exps/romanian_postprocess.sh).

Six steps, as the released chain runs them: Moses' replace-unicode-punctuation, normalize-punctuation -l ro and
remove-non-printing-char, then normalise-romanian and remove-diacritics of the WMT16 scripts, then Moses' tokenizer
-no-escape -l ro. Rules and abbreviations are sacremoses'; where the Perl scripts do otherwise, this does as they do.
"""

from __future__ import annotations

import re

import regex
from sacremoses import MosesPunctNormalizer
from sacremoses.corpus import NonbreakingPrefixes

STEPS = "unicode-punctuation,normalize-punctuation,non-printing,normalise-romanian,remove-diacritics,moses-tokenizer"


def process(text: str) -> str:
    """Tokens of one line, separated by single spaces; accepts any str. A line break counts as a space."""
    text = normalise(text.replace("\n", " "))
    text = regex.sub(r"\p{C}", " ", text)  # control, format, unassigned, and halves of surrogate pairs
    return text if text.isspace() else tokenise(text.translate(_PLAIN))  # the tokenizer leaves blank lines alone


def normalise(line: str) -> str:
    """Punctuation as Moses likes it. The scripts' lines keep their line break, and one rule matches it."""
    line += "\n"
    for rule, replacement in _PUNCTUATION:
        line = rule.sub(replacement, line)
    return line[:-1]


def tokenise(text: str) -> str:
    """Words, numbers and punctuation set apart; a full stop stays with abbreviations and before small letters."""
    text = " ".join(text.split())
    for rule, replacement in _APART:
        text = rule.sub(replacement, text)
    words = text.split()
    following = [*words[1:], ""]
    return " ".join(map(_without_stop, words, following))


def _without_stop(word: str, following: str) -> str:
    """`word`, its full stop set apart unless it belongs to it. At the end of a line it never does."""
    if not _STOPPED.fullmatch(word):
        return word
    stem = word[:-1]
    initials = "." in stem and regex.search(r"\p{Alphabetic}", stem)
    if following and (initials or stem in _ABBREVIATIONS or regex.match(r"\p{Lowercase}", following)):
        return word
    return f"{stem} ."


def _punctuation() -> list[tuple[re.Pattern[str], str]]:
    """Rules of the first two steps. ASCII: the scripts read bytes, so that only 0-9 are digits to them."""
    moses = MosesPunctNormalizer("ro", perl_parity=True)
    *rules, numbers = moses.substitutions
    rules = [*moses.REPLACE_UNICODE_PUNCTUATION, *rules]
    # Quotes before commas and full stops: sacremoses knows this for German, Spanish and French, the script also for
    # Romanian. A run of dots is always taken whole, for a rule that can fail inside it would take quadratic time.
    rules += [(',"', '",'), (r'(\.+)(?:(")(\s*[^<]))?', r"\2\1\3"), numbers]
    return [(re.compile(rule, re.ASCII), replacement) for rule, replacement in rules]


_PUNCTUATION = _punctuation()
_PLAIN = str.maketrans("ŞşŢţȘșȚțĂăÂâÎî", "SsTtSsTtAaAaIi")  # both the cedillas and the commas below
_APART = [
    (regex.compile(rule), replacement)
    for rule, replacement in [
        (r"[^\p{Alnum}\s.'`,\-]", r" \g<0> "),
        (r"\.{2,}", r" \g<0> "),  # dots in a row stay together
        (r"(\P{N}),", r"\1 , "),  # commas, except between digits and at the start
        (r",(\P{N})", r" , \1"),
        (r"(\p{N}),$", r"\1 ,"),
        ("'", " ' "),
    ]
]
_STOPPED = re.compile(r"\S*[^\s.]\.")
_ABBREVIATIONS = frozenset(NonbreakingPrefixes().words("ro"))
