"""English WordNet 3.0 (Princeton): what words mean, as text to pre-train on."""

from __future__ import annotations

import re
from collections.abc import Iterator

from petl.mini.packages import Package

DATA = re.compile(r"/wordnet/dict/data\.(adj|adv|noun\d?|verb)$")


def entries(package: Package) -> Iterator[str]:
    """`ingratiating, insinuating: calculated to please or gain favor. A smooth ingratiating manner.`"""
    for _, text in package.texts(DATA.search):
        for line in text.splitlines():
            if line[:1].isdigit():
                yield entry(line)


def entry(line: str) -> str:
    """A line of a data file: `offset file type count (word id)... relations | definition; "example"...`."""
    fields, _, gloss = line.partition(" | ")
    columns = fields.split()
    words = [word.partition("(")[0].replace("_", " ") for word in columns[4 : 4 + 2 * int(columns[3], 16) : 2]]
    meaning, *examples = re.split(r';\s*"', gloss.strip())
    sentences = [_sentence(example) for example in examples]
    return " ".join([f"{', '.join(words)}: {meaning.strip()}.", *filter(None, sentences)])


def _sentence(example: str) -> str:
    example = example.partition('"')[0].strip()
    return example[:1].upper() + example[1:] + "." * (example[-1:] not in (".", "!", "?")) if example else ""
