"""Romanian translations out of gettext catalogues: the en_ro task's pairs, and Romanian text to pre-train on."""

from __future__ import annotations

import ast
import gettext
import io
import pickletools
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from petl.mini.near import words
from petl.mini.packages import Package

PATH = re.compile(r"(^|/)(ro|ro_RO)(/LC_MESSAGES/[^/]+)?\.(po|mo)$")  # where packages keep their Romanian catalogues
MIN_WORDS, MAX_WORDS = 4, 60  # of the English side of a pair

_FIELD = re.compile(r'^(msgctxt|msgid_plural|msgid|msgstr(?:\[(\d)\])?)\s+(".*")$')
_DEFAULT = re.compile(r'^#\.\s+Default:\s+(".*")$')  # Plone's catalogues: the message is a key, its English a comment
_PLACEHOLDER = re.compile(r"%\(\w+\)[sdfr]|%[sdfr]|\$?\{[^{}]*\}|%%")
_ENTITY = {"&amp;": "&", "&nbsp;": " ", "&quot;": '"', "&lt;": "<", "&gt;": ">", "&#39;": "'", "&rsquo;": "'"}
# Half of the catalogues are written without these marks, and the paper's BLEU takes them away: so no text has them.
_MARKS = str.maketrans("ăâîșțşţĂÂÎȘȚŞŢ", "aaiststAAISTST")
_RULE = re.compile(r"([=~^*_#-])\1{3,}")  # under a heading
_TOKEN = re.compile(r"\w+|[^\w\s]")
_BREAK = re.compile(r"\n\s*\n|\n\s*(?=[*-]\s)|<br\s*/?>|</(?:p|li|h\d|div|td)>")
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-ZĂÂÎȘȚŞŢ])")


class Entry(NamedTuple):
    source: str
    target: str
    fuzzy: bool


def read(package: Package) -> Iterator[Entry]:
    """Every translated entry of a package's Romanian catalogues; compiled ones (.mo) only where no .po is shipped."""
    names = [name for name in package.names if PATH.search(name)]
    for name in names:
        if name.endswith(".po"):
            yield from entries(package.read(name).decode("utf-8", "replace"))
        elif name.removesuffix(".mo") + ".po" not in names:
            yield from compiled(package.read(name))


def compiled(data: bytes) -> Iterator[Entry]:
    """Every entry of a .mo file, which holds no fuzzy ones."""
    catalogue = gettext.GNUTranslations(io.BytesIO(data))._catalog  # type: ignore[attr-defined]
    for key, target in catalogue.items():
        source, number = key if isinstance(key, tuple) else (key, 0)
        if source and target and number == 0:
            yield Entry(source.rpartition("\x04")[2], target, False)  # "context \x04 message"


def entries(text: str) -> Iterator[Entry]:
    """Every translated entry of a .po file; a plural entry gives its singular form and its last plural form."""
    for block in re.split(r"\n\s*\n", text.replace("\r\n", "\n")):
        fields: dict[str, str] = {}
        fuzzy, field = False, None
        for line in block.split("\n"):
            line = line.strip()
            if line.startswith("#,"):
                fuzzy |= "fuzzy" in line
            elif found := _DEFAULT.match(line):
                fields["default"] = _string(found[1])
            elif line.startswith("#"):
                continue
            elif found := _FIELD.match(line):
                field = found[1]
                fields[field] = _string(found[3])
            elif line.startswith('"') and field:
                fields[field] += _string(line)
        yield from (Entry(s, t, fuzzy) for s, t in _forms(fields) if s and t)


def _forms(fields: dict[str, str]) -> Iterator[tuple[str, str]]:
    source = fields.get("default") or fields.get("msgid", "")
    plurals = sorted(name for name in fields if name.startswith("msgstr["))
    if not plurals:
        yield source, fields.get("msgstr", "")
        return
    yield source, fields[plurals[0]]
    yield fields.get("msgid_plural", ""), fields[plurals[-1]]


def glosses(package: Package) -> Iterator[str]:
    """What Romanian words mean, `apa: lichid incolor`, out of the Romanian WordNet's pickle, which is not unpickled.

    Of an entry the pickle holds its words, then their senses, then the definition, each under its field's name.
    """
    name = next(name for name in package.names if name.endswith(".pickle"))
    field, literals = "", []
    for text in _strings(package.read(name)):
        if text in ("_literals", "_literals_senses", "_definition"):
            field, literals = text, [] if text == "_literals" else literals
        elif field == "_literals":
            literals.append(text.replace("_", " "))
        elif field == "_definition":
            yield romanian(f"{', '.join(literals)}: {text}".removeprefix(": "))  # some have no words
            field = ""


def _strings(pickled: bytes) -> Iterator[str]:
    """Every string in the order in which it is used; one that comes again stands in the pickle as a number."""
    memo: dict[object, object] = {}
    last: object = None
    for op, argument, _ in pickletools.genops(pickled):
        if op.name in ("BINPUT", "LONG_BINPUT", "MEMOIZE"):
            memo[len(memo) if argument is None else argument] = last
            continue
        last = memo[argument] if op.name in ("BINGET", "LONG_BINGET") else argument if "UNICODE" in op.name else None
        if isinstance(last, str):
            yield last


def _string(quoted: str) -> str:
    try:
        return ast.literal_eval(quoted)
    except (SyntaxError, ValueError):
        return quoted.strip('"')


def clean(text: str) -> str:
    """Markup removed, placeholders of every kind written `{}`, one space between words."""
    text = re.sub(r"<[^<>]+>", " ", _RULE.sub(" ", text))
    for entity, character in _ENTITY.items():
        text = text.replace(entity, character)
    return re.sub(r"\s+", " ", _PLACEHOLDER.sub("{}", text)).strip()


def romanian(text: str) -> str:
    """Clean, and without diacritics."""
    return clean(unicodedata.normalize("NFC", text)).translate(_MARKS)


def parts(entry: Entry) -> Iterator[Entry]:
    """The sentences of an entry, paragraph by paragraph, where both languages have equally many; else what is whole."""
    for source, target in _aligned(_BREAK, entry.source, entry.target):
        for english, translation in _aligned(_SENTENCE, source.strip(), target.strip()):
            yield Entry(english, translation, entry.fuzzy)


def _aligned(at: re.Pattern, source: str, target: str) -> list[tuple[str, str]]:
    left, right = at.split(source), at.split(target)
    return list(zip(left, right, strict=True)) if len(left) == len(right) else [(source, target)]


def pair(entry: Entry) -> tuple[str, str] | None:
    """(English, Romanian) of an entry fit for the task: long enough, indeed translated, alike in length; else None.

    Translated: at most half of the English words, and at most half of its words, signs and placeholders, stand in the
    Romanian as they are. Of a row beyond that, most would be right by copying.
    """
    if entry.fuzzy or " " not in entry.source.strip():  # a key of words, `label_new_user`, is no English
        return None
    source, target = clean(entry.source), romanian(entry.target)
    m, n = len(words(source)), len(words(target))
    if not MIN_WORDS <= m <= MAX_WORDS or not m / 2 <= n <= 2 * m:
        return None
    same = set(words(source)) & set(words(target))
    return None if len(same) > m / 2 or _copied(source, target) > 0.5 else (source, target)


def _copied(source: str, target: str) -> float:
    left, right = (Counter(_TOKEN.findall(text.lower())) for text in (source, target))
    return (left & right).total() / left.total()
