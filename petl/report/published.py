"""results/paper.json, the published numbers: how a row of a table is said to train.py, and found again."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from petl.config import UserError

PATH = Path(__file__).resolve().parents[2] / "results" / "paper.json"

TASKS = {"mnli": "MNLI", "sst2": "SST-2", "xsum": "XSum", "en_ro": "en-ro"}
METRICS = {"rouge1": "R-1", "rouge2": "R-2", "rougeL": "R-L", "bleu": "BLEU", "accuracy": "accuracy"}
DIGITS = {"rouge1": 2, "rouge2": 2, "rougeL": 2, "bleu": 1, "accuracy": 1}  # as the paper prints them

Row = dict[str, Any]


@cache
def paper() -> dict[str, Any]:
    """The whole file; `about.note` in it says how to read it."""
    return json.loads(PATH.read_text(encoding="utf-8"))


def table(name: str) -> dict[str, Any]:
    """caption, footnotes and rows of `table1` ... `table12`, `figure2`, `figure4`, `figure5`."""
    tables = paper()["tables"]
    if name not in tables:
        raise UserError(f"{name}: the paper has no such table; there are {', '.join(tables)}.")
    return tables[name]


def row(reference: str) -> Row:
    """The row that `table6/BitFit` refers to."""
    name, _, label = reference.partition("/")
    return next(entry for entry in table(name)["rows"] if entry["row"] == label)


def words(entry: Row, task: str, scale: str = "paper") -> list[str]:
    """The command line of a row: `python train.py` and these. On another scale its sizes are the same shares."""
    return [*row_words(entry), f"task={task}", f"scale={scale}"]


def row_words(entry: Row) -> list[str]:
    """What a row sets, on any task and scale."""
    return [f"{key}={'null' if value is None else value}" for key, value in entry["overrides"].items()]


def sizes(entry: Row, task: str) -> dict[str, int]:
    """The size of each delta of a row in the paper."""
    return {name: size[task] if isinstance(size, dict) else size for name, size in entry["sizes"].items()}


def reimplemented(name: str, reference: str, task: str) -> tuple[dict[str, float], list[str]]:
    """What the re-implementation `name` has for a row on a task, and its footnotes: of this very row, or of another
    that is the same run."""
    wanted = row(reference)
    same = [entry for entry in paper()["reimplementations"][name]["rows"] if task in entry["metrics"] and entry["of"]]
    same = [entry for entry in same if row(entry["of"])["overrides"] == wanted["overrides"]]
    for entry in sorted(same, key=lambda entry: entry["of"] != reference)[:1]:
        return entry["metrics"][task], entry["footnotes"]
    return {}, []


def footnotes(ids: list[str]) -> dict[str, str]:
    """Texts of footnotes, errata first, each once, in the order of their numbers."""
    return {name: paper()["footnotes"][name] for name in sorted(set(ids), key=lambda i: (i[0], int(i[1:])))}
