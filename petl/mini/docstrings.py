"""Docstrings of Python source: the xsum task (body to summary), and English text to pre-train on.

The task's documents show the summary within the body, never first (petl/mini/text.py, `hidden`): it is to be found and
written out. Source is parsed, never imported.
"""

from __future__ import annotations

import ast
import inspect
import re
import warnings
from collections.abc import Iterator
from typing import NamedTuple

MIN_SUMMARY, MAX_SUMMARY = 4, 25  # words
MIN_BODY, MAX_BODY = 20, 100  # words; longer bodies are cut
LANGUAGE = 0.7  # share of alphabetic words below which a text is a table, a formula or code

_CODE = re.compile(r"^\s*(>>>|\.\.\. |\.\. |[-=~^*#+|`]{3,}|@|\$ )")
_INLINE = [
    (re.compile(r"(?<!\S):(?:param|type|arg|keyword|returns?|rtype|raises?|ivar|cvar|var)\b"), ""),
    (re.compile(r":[\w:+-]+:`~?([^`<]+?)(?:\s*<[^`>]*>)?`"), r"\1"),  # :func:`~a.b` and :ref:`text <target>`
    (re.compile(r"`{1,2}([^`]*)`{1,2}_{0,2}"), r"\1"),
    (re.compile(r"\[([^\]]+)\]\([^)]*\)"), r"\1"),  # [text](link)
    (re.compile(r"\*{1,2}(\w[^*]*)\*{1,2}"), r"\1"),
    (re.compile(r"\[\w{1,12}\]_?"), ""),  # citations
    (re.compile(r"https?://\S+"), ""),
    (re.compile(r"</?\w+[^<>]*>"), ""),
    (re.compile(r"[A-Z]\{([^{}]*)\}"), r"\1"),  # epytext C{code}
]
_SENTENCE_END = re.compile(r"(?<=[a-z\])][.!?])\s+(?=[A-Z])")
_SECTION = re.compile(
    r"(Args|Arguments|Parameters|Params|Returns?|Attributes|Examples?|Notes?|Usage|Raises|See also)\b:?", re.I
)
_ALPHABETIC = re.compile(r"^[(\"']?[A-Za-z][a-z]*(?:-[a-z]+)?(?:'[a-z]+)?[.,:;?!)\"']*$")


class Docstring(NamedTuple):
    module: str
    name: str  # of the object, dotted
    arguments: tuple[str, ...]
    text: str  # dedented, uncleaned


def docstrings(path: str, source: str) -> Iterator[Docstring]:
    """Every docstring of a source file; of one that does not parse, none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError):
            return
    module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    yield from _walk(tree, module, "")


def _walk(node: ast.AST, module: str, prefix: str) -> Iterator[Docstring]:
    if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
        text = ast.get_docstring(node, clean=False)
        if text:
            args = node.args if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) else None
            named = [a.arg for a in [*args.posonlyargs, *args.args, *args.kwonlyargs]] if args else []
            yield Docstring(module, prefix, tuple(a for a in named if a not in ("self", "cls")), inspect.cleandoc(text))
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, (ast.stmt, ast.excepthandler, ast.match_case)):
            continue  # expressions hold no docstrings
        inner = prefix
        if isinstance(child, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            inner = f"{prefix}.{child.name}".lstrip(".")
        yield from _walk(child, module, inner)


def clean(text: str) -> str:
    """Prose of a docstring or a .rst/.md text: no code, no markup, one space between words."""
    lines = [line for line in text.splitlines() if not _CODE.match(line)]
    text = " ".join(lines)
    for pattern, replacement in _INLINE:
        text = pattern.sub(replacement, text)
    return re.sub(r"\s+", " ", text.replace("\\", "")).strip()


def language(text: str) -> bool:
    tokens = text.split()
    return bool(tokens) and sum(bool(_ALPHABETIC.match(t)) for t in tokens) >= LANGUAGE * len(tokens)


def spoken(name: str) -> str:
    """`nn.functional.log_softmax`, `BartModel` -> "nn functional log softmax", "bart model"."""
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", re.sub(r"[._]+", " ", name))
    return name.strip().lower()


def summary_and_body(text: str) -> tuple[str, str]:
    """First sentence of the first paragraph, and everything after it; both cleaned."""
    first, _, rest = text.strip().partition("\n\n")
    sentence, *more = _SENTENCE_END.split(clean(first), maxsplit=1)
    return sentence, " ".join([*more, clean(rest)]).strip()


def pair(doc: Docstring) -> tuple[str, str] | None:
    """(document, summary) of a docstring fit for the task, else None.

    The document is a readable head (the object's name and its arguments' names) and the body, here still without the
    summary; `petl.mini.text.hidden` puts it among the body's sentences, never first.
    """
    if not doc.name or "\n\n" not in doc.text.strip():
        return None
    summary, body = summary_and_body(doc.text)
    fits = MIN_SUMMARY <= len(summary.split()) <= MAX_SUMMARY and len(body.split()) >= MIN_BODY
    body = " ".join(body.split()[:MAX_BODY])
    if not fits or _SECTION.match(summary) or not language(summary) or not language(body):
        return None
    head = spoken(f"{doc.module.rpartition('.')[2]}.{doc.name}")
    takes = f" takes {', '.join(map(spoken, doc.arguments[:8]))}" if doc.arguments else ""
    return f"{head}{takes}. {body}", summary


def comments(source: str) -> Iterator[str]:
    """Blocks of whole-line comments, joined to one line each."""
    block: list[str] = []
    for line in [*source.splitlines(), ""]:
        line = line.strip()
        if line.startswith("# "):
            block.append(line[2:])
        elif block:
            yield clean("\n".join(block))
            block = []
