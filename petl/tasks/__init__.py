"""Tasks: rows -> source and target -> batches; predictions -> metrics. No torch at import.

A new task is a file `petl/tasks/NAME.py` with a `TASK`, and `conf/task/NAME.yaml`. It is found by being here.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from petl import metrics, paths
from petl.config import Task, UserError
from petl.tasks import encoding, prepared, splits
from petl.tasks.batches import Collator, padding_share, plan_batches
from petl.tasks.encoding import Encoded, cuts, decode, lengths
from petl.tasks.spec import Row, TaskSpec
from petl.tasks.splits import Splits

__all__ = [
    "TASKS", "Collator", "Encoded", "Row", "Splits", "TaskSpec", "corpus", "cuts", "decode", "decoding", "encode",
    "find", "lengths", "load", "padding_share", "plan_batches", "prepare", "score", "scores", "signature",
]  # fmt: skip

_modules = [import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__)]
TASKS: dict[str, TaskSpec] = {module.TASK.name: module.TASK for module in _modules if hasattr(module, "TASK")}


def find(name: str) -> TaskSpec:
    if name not in TASKS:
        near = get_close_matches(name, TASKS, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise UserError(f"No task {name!r}; there are {', '.join(sorted(TASKS))}.{hint}")
    return TASKS[name]


def load(task: Task, cache: str | Path | None = None, offline: bool = False) -> Splits:
    """Rows of every split, from `task.data` or embedded, with what was skipped and hashes of what was read."""
    return splits.load(find(task.name), task, cache, offline)


def encode(rows: Sequence[Row], tokenizer: Any, task: Task) -> list[Encoded]:
    """Token ids of every row, cut to `task.max_source` and `task.max_target`; `cuts` counts those that were cut."""
    return encoding.encode(find(task.name), rows, tokenizer, task)


def prepare(
    rows: Sequence[Row], sha256: str, tokenizer: Any, task: Task, cache: str | Path | None = None
) -> list[Encoded]:
    """`encode`, kept in <cache>/tokens for the next start. `sha256` is that of `rows`, as `Splits.sha256` has it."""
    return prepared.encode(find(task.name), rows, sha256, tokenizer, task, paths.cache(cache) / "tokens")


def decoding(task: Task, tokenizer: Any) -> dict[str, Any]:
    """Keyword arguments of generate() for this task and tokenizer."""
    return encoding.decoding(find(task.name), task, tokenizer)


def score(
    task: Task, predictions: Sequence[str] | Sequence[int], rows: Sequence[Row], tokenizer: Any = None
) -> dict[str, float]:
    """The task's metrics, in percent: texts or classes predicted for `rows`, in order, against the whole references.

    With a tokenizer, texts are also scored as the paper's scripts do, against references cut to the length that is
    generated at most: NAME_truncated beside every NAME.
    """
    spec, references = find(task.name), [row.target for row in rows]
    found = _scores(spec, predictions, references)
    if tokenizer is None or spec.labels:
        return found
    short = encoding.truncated(spec, rows, tokenizer, task)
    same = short == [str(text).strip() for text in references]
    of_short = found if same else _scores(spec, predictions, short)
    return found | {f"{name}_truncated": value for name, value in of_short.items()}


def scores(task: Task, predictions: Sequence[str] | Sequence[int], rows: Sequence[Row]) -> dict[str, Any]:
    """What each row adds to the metrics of `score`, against whole references, as compact JSON values in their order.

    ROUGE: percent, two decimals, whose mean is the score. BLEU: ten counts (`petl.metrics.bleu.statistics`), whose sum
    gives the score exactly. Accuracy: a text of 0 and 1. `corpus` makes scores of them again.
    """
    spec, references = find(task.name), [row.target for row in rows]
    told: dict[str, Any] = {}
    for name in spec.metrics:
        for key, values in metrics.measure(name).rows(list(predictions), references).items():
            told[key] = "".join(map(str, values)) if spec.labels else [_short(value) for value in values]
    return told


def corpus(task: Task, told: dict[str, Any], chosen: Sequence[int] | None = None) -> dict[str, float]:
    """The metrics, in percent, of what `scores` told; with `chosen`, of these rows, as a bootstrap draws them."""
    result: dict[str, float] = {}
    for name in find(task.name).metrics:
        part = {key: told[key] for key in metrics.SCORES[name] if key in told}
        some = range(len(next(iter(part.values())))) if chosen is None else chosen
        rows = {key: [_number(values[i]) for i in some] for key, values in part.items()}
        result |= metrics.measure(name).total(rows)
    return result


def signature(task: Task) -> str:
    """What exactly `score` computes, for the record."""
    spec = find(task.name)
    signatures = [metrics.measure(name).signature for name in spec.metrics]
    if not spec.labels:
        length = task.generation.max_length
        signatures.append(f"*_truncated|references cut to {length} tokens of the backbone's tokenizer and decoded back")
    return "; ".join(signatures)


def _short(value: Any) -> Any:
    return round(value, 2) if isinstance(value, float) else value


def _number(value: Any) -> Any:
    return int(value) if isinstance(value, str) else value


def _scores(spec: TaskSpec, predictions: Sequence[Any], references: Sequence[Any]) -> dict[str, float]:
    scores: dict[str, float] = {}
    for name in spec.metrics:
        scores |= metrics.measure(name).scores(list(predictions), list(references))
    return scores
