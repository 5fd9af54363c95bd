"""Romanian translations out of gettext catalogues: the en_ro task's pairs, and Romanian text to pre-train on."""

from __future__ import annotations

import ast
import gettext
import io
import pickletools
import re
from collections.abc import Iterator
from typing import NamedTuple

from petl.mini.near import words
from petl.mini.packages import Package

PATH = re.compile(r"(^|/)(ro|ro_RO)(/LC_MESSAGES/[^/]+)?\.(po|mo)$")  # where packages keep their Romanian catalogues
MIN_WORDS, MAX_WORDS = 4, 60  # of the English side of a pair

_FIELD = re.compile(r'^(msgctxt|msgid_plural|msgid|msgstr(?:\[(\d)\])?)\s+(".*")$')
_PLACEHOLDER = re.compile(r"%\(\w+\)[sdfr]|%[sdfr]|\$?\{[^{}]*\}|%%")
_ENTITY = {"&amp;": "&", "&nbsp;": " ", "&quot;": '"', "&lt;": "<", "&gt;": ">", "&#39;": "'", "&rsquo;": "'"}
_CEDILLA = str.maketrans("şţŞŢ", "șțȘȚ")  # catalogues mix the cedilla and the comma; the comma is the standard


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
            elif line.startswith("#"):
                continue
            elif found := _FIELD.match(line):
                field = found[1]
                fields[field] = _string(found[3])
            elif line.startswith('"') and field:
                fields[field] += _string(line)
        yield from (Entry(s, t, fuzzy) for s, t in _forms(fields) if s and t)


def _forms(fields: dict[str, str]) -> Iterator[tuple[str, str]]:
    source = fields.get("msgid", "")
    plurals = sorted(name for name in fields if name.startswith("msgstr["))
    if not plurals:
        yield source, fields.get("msgstr", "")
        return
    yield source, fields[plurals[0]]
    yield fields.get("msgid_plural", ""), fields[plurals[-1]]


def glosses(package: Package) -> Iterator[str]:
    """Definitions of the Romanian WordNet: the strings of four or more words in its pickle, which is not unpickled."""
    name = next(name for name in package.names if name.endswith(".pickle"))
    for _, argument, _ in pickletools.genops(package.read(name)):
        if isinstance(argument, str) and argument.count(" ") >= MIN_WORDS - 1:
            yield clean(argument)


def _string(quoted: str) -> str:
    try:
        return ast.literal_eval(quoted)
    except (SyntaxError, ValueError):
        return quoted.strip('"')


def clean(text: str) -> str:
    """Markup removed, placeholders of every kind written `{}`, one space between words, ș and ț with commas."""
    text = re.sub(r"<[^<>]+>", " ", text)
    for entity, character in _ENTITY.items():
        text = text.replace(entity, character)
    text = _PLACEHOLDER.sub("{}", text).translate(_CEDILLA)
    return re.sub(r"\s+", " ", text).strip()


def pair(entry: Entry) -> tuple[str, str] | None:
    """(English, Romanian) of an entry fit for the task: long enough, indeed translated, alike in length; else None."""
    if entry.fuzzy:
        return None
    source, target = clean(entry.source), clean(entry.target)
    m, n = len(words(source)), len(words(target))
    if not MIN_WORDS <= m <= MAX_WORDS or not m / 2 <= n <= 2 * m:
        return None
    same = set(words(source)) & set(words(target))
    return None if len(same) > m / 2 else (source, target)
