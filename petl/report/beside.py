"""Runs side by side: the settings in which they differ, what they train, what they score, what they cost."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from petl.records import Record
from petl.records.folder import SCORES
from petl.report.cells import other_files
from petl.report.examples import over_rows
from petl.report.statistics import paired

KINDS: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "task": lambda record: record["config"]["task"]["name"],
    "test rows": lambda record: record["data"]["sha256"].get("test"),
    "metric": lambda record: record["signature"],
}
PARAMETERS = ("trained", "stored", "percent")
Line = tuple[str, ...]  # what it is, then a cell for each run


class Run(NamedTuple):
    record: Record
    path: Path

    @property
    def scores(self) -> Path | None:
        path = self.path.with_name(self.path.name.removesuffix(".json") + SCORES)
        return path if path.is_file() else None


def beside(runs: Sequence[Run]) -> str:
    """The comparison as text. Runs of other data, backbone or metric are shown, and told apart."""
    records = [run.record for run in runs]
    parts = [
        _columns(_heads(records)),
        _titled("settings that differ", list(settings(records))),
        _titled("parameters", [_cells(name, _of(records, "parameters", name)) for name in PARAMETERS]),
        _titled("metrics", list(_metrics(records))),
        _titled("cost", list(_costs(records))),
        "\n".join(warnings(records)),
        "\n".join(differences(runs)),
    ]
    return "\n\n".join(part for part in parts if part)


def settings(records: Sequence[Mapping[str, Any]]) -> Iterator[Line]:
    """Dotted keys whose values are not the same in all; — where a record does not know the key."""
    flat = [dict(_flat(record["config"])) for record in records]
    for key in sorted(set().union(*flat)):
        values = [told.get(key, "—") for told in flat]
        if any(value != values[0] for value in values):
            yield _cells(key, values)


def warnings(records: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Why the numbers of a run and those of the first are not of one kind."""
    first, *others = records
    for number, record in enumerate(others, 1):
        differ = [name for name, of in KINDS.items() if of(record) != of(first)]
        differ += [f"file {name}" for name in other_files(first, record)]
        if differ:
            yield f"note: {letter(number)} has other {', other '.join(differ)} than A: such numbers do not compare."


def differences(runs: Sequence[Run]) -> Iterator[str]:
    """Each arm (settings but for the seed) less the first one, on the test metric that dev selected by."""
    arms: dict[str, dict[int, Run]] = {}
    for run in runs:
        arms.setdefault(_arm(run.record), {})[run.record["config"]["seed"]] = run
    first, *others = arms.values()
    metric = next(iter(first.values())).record["config"]["task"]["select"]
    if not others and len(first) > 1:
        yield "The runs differ in their seed alone: there is nothing to compare with."
    for other in others:
        if all(metric in run.record["metrics"].get("test", {}) for run in (*first.values(), *other.values())):
            yield _difference(first, other, metric, runs)
        else:
            yield f"{_letters(other, runs)} and {_letters(first, runs)} have no common test metric {metric}"


def letter(number: int) -> str:
    """A, B, ..., Z, A1, B1, ..."""
    return chr(ord("A") + number % 26) + (str(number // 26) if number >= 26 else "")


def _difference(first: Mapping[int, Run], other: Mapping[int, Run], metric: str, runs: Sequence[Run]) -> str:
    head = f"{_letters(other, runs)} less {_letters(first, runs)}, test {metric}: "
    if len(first) == len(other) == 1:  # one run each: whatever their seeds
        (seed,), (run,), (base,) = other, other.values(), first.values()
        first, other = {seed: base}, {seed: run}
    found = paired(*({seed: _test(run.record, metric) for seed, run in arm.items()} for arm in (other, first)))
    if found is None:
        return head + "no common seed"
    told = f"{found.mean:+.2f}"
    if found.p is not None:
        told += f", over seeds {' '.join(map(str, found.seeds))} " + _bounds(found.low, found.high, found.p)
    resampled = over_rows({seed: (other[seed].scores, first[seed].scores) for seed in found.seeds}, (metric, metric))
    if resampled is None:
        return f"{head}{told}; no per-example scores of the same rows beside the records"
    return f"{head}{told}; over test rows {_bounds(resampled.low, resampled.high, resampled.p)}"


def _bounds(low: float | None, high: float | None, p: float) -> str:
    return f"95% [{low:+.2f}, {high:+.2f}], p = {p:.3f}"


def _letters(arm: Mapping[int, Run], runs: Sequence[Run]) -> str:
    return " ".join(letter(runs.index(run)) for run in arm.values())


def _heads(records: Sequence[Mapping[str, Any]]) -> list[Line]:
    titles = [record["title"] or record["config"]["method"]["name"] for record in records]
    return [
        ("", *map(letter, range(len(records)))),
        _cells("method", titles),
        _cells("task", [record["config"]["task"]["name"] for record in records]),
        _cells("seed", [record["config"]["seed"] for record in records]),
        _cells("identity", [record["identity"] for record in records]),
    ]


def _metrics(records: Sequence[Mapping[str, Any]]) -> Iterator[Line]:
    names = {(split, name): None for record in records for split, told in record["metrics"].items() for name in told}
    for split, name in sorted(names, key=lambda pair: pair[0] == "dev"):  # the tests first
        yield _cells(f"{split} {name}", [record["metrics"].get(split, {}).get(name, "—") for record in records])


def _costs(records: Sequence[Mapping[str, Any]]) -> Iterator[Line]:
    phases = dict.fromkeys(name for record in records for name in record["seconds"])
    for name in phases:
        yield _cells(f"{name}, s", [record["seconds"].get(name, "—") for record in records])
    for name in ("memory_mb", "device", "processes"):
        yield _cells(name, [record[name] for record in records])
    yield _cells("selected step", _of(records, "selected", "step"))


def _of(records: Sequence[Mapping[str, Any]], section: str, name: str) -> list[Any]:
    return [record[section].get(name, "—") for record in records]


def _test(record: Mapping[str, Any], metric: str) -> float:
    return record["metrics"]["test"][metric]


def _arm(record: Mapping[str, Any]) -> str:
    return json.dumps({**record["config"], "seed": None}, sort_keys=True)


def _flat(told: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in told.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _cells(name: str, values: Sequence[Any]) -> Line:
    return (name, *(_shown(value) for value in values))


def _shown(value: Any) -> str:
    if value is None or isinstance(value, bool | list):
        return json.dumps(value)
    if isinstance(value, float):
        return f"{value:,.2f}" if abs(value) >= 0.1 else f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _titled(title: str, lines: Sequence[Line]) -> str:
    return f"{title}\n{_columns(lines)}" if lines else ""


def _columns(lines: Sequence[Line]) -> str:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in lines
    )
