"""A cell: one row of a table or figure on one task, what the paper prints for it, and our records of it by seed."""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from petl import records
from petl.command import options
from petl.composed import composed
from petl.config import UserError
from petl.refusals import choice
from petl.report import published

Record = records.Record
Candidates = Mapping[tuple[str, str, str], Sequence[Record]]

SEEDS = (0, 1, 2, 3, 4)  # asked of every cell; any others count as well
PROTOCOLS = {
    "whole": {},  # every test row, references as they are
    "paper": {  # as the released scripts: references cut, Romanian tokenised, the first 1,600 rows; L is Lsum (N5)
        "rouge1": ("rouge1_truncated",),
        "rouge2": ("rouge2_truncated",),
        "rougeL": ("rougeLsum_truncated",),
        "bleu": ("bleu_moses_truncated",),
        "accuracy": ("accuracy_first_1600", "accuracy"),  # a set of at most 1,600 rows has the second only
    },
}


@dataclass(frozen=True)
class Cell:
    """`records` by seed, all of the same settings, rows, weights and metrics; `refused`: what was left out."""

    table: str
    row: str
    task: str
    scale: str
    words: list[str]  # after `python train.py`
    published: dict[str, float | None]  # metric -> as printed
    std: dict[str, float]  # likewise, where one is printed
    footnotes: list[str]
    protocol: str = "whole"
    records: dict[int, Record] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    rate: float | None = None  # the learning rate that dev prefers (rates.py), where that is asked for and known

    @property
    def ours(self) -> bool:
        """Whether we run this row: not where it is another paper's number for a setting that has a row of its own."""
        return published.row(f"{self.table}/{self.row}").get("ours", True)

    def metric(self, name: str) -> str:
        """What `name` (rouge2, bleu, ...) is called in a record, by the protocol."""
        names = PROTOCOLS[self.protocol].get(name, (name,))
        held = next(iter(self.records.values()), None)
        return next((n for n in names if held and n in held["metrics"]["test"]), names[0])

    def values(self, metric: str) -> dict[int, float]:
        """seed -> test metric, in the order of seeds; what is absent or no finite number is left out."""
        name = self.metric(metric)
        found = {seed: record["metrics"]["test"].get(name) for seed, record in sorted(self.records.items())}
        return {seed: value for seed, value in found.items() if value is not None and math.isfinite(value)}

    def missing(self, seeds: Sequence[int] = SEEDS) -> list[int]:
        """Which of `seeds` are still to run, so that there are as many as asked for."""
        return [seed for seed in seeds if seed not in self.records][: max(0, len(seeds) - len(self.records))]

    def command(self, seeds: Sequence[int] = SEEDS) -> str:
        """What runs the missing seeds; empty where none is."""
        if not (missing := self.missing(seeds)):
            return ""
        sweep = ["-m"] if len(missing) > 1 else []
        return shlex.join(["python", "train.py", *sweep, *self.words, f"seed={','.join(map(str, missing))}"])


def cells(table: str, scale: str, runs: Iterable[Record], protocol: str | None = None) -> list[Cell]:
    """The cells of a table or figure, row by row, with the runs that are theirs.

    protocol: `paper` or `whole`; None: the paper's at its own scale, whole elsewhere. UserError for an unknown word.
    """
    protocol = protocol or default_protocol(scale)
    if scale not in options("scale"):
        raise UserError(choice("scale", scale, options("scale")))
    if protocol not in PROTOCOLS:
        raise UserError(choice("protocol", protocol, PROTOCOLS))
    held = candidates(runs)
    return [
        filled(empty, held.get((scale, entry["overrides"]["method"], empty.task), []) if empty.ours else [])
        for entry in published.table(table)["rows"]
        for empty in _empty(table, entry, scale, protocol)
    ]


def candidates(runs: Iterable[Record]) -> Candidates:
    """Scale, method and task -> the runs of it, of any settings."""
    found: dict[tuple[str, str, str], list[Record]] = {}
    for run in runs:
        config = run["config"]
        found.setdefault((config["scale"], config["method"]["name"], config["task"]["name"]), []).append(run)
    return found


def default_protocol(scale: str) -> str:
    return "paper" if scale == "paper" else "whole"


def shared(run: Mapping[str, Any]) -> str:
    """What the seeds of one cell must have in common beside their settings: rows, weights, tokenizer, metric, decoding.

    A classifier's own weights are hashed with its head, which comes from the seed: of those the files count.
    """
    data, backbone, config = run["data"]["sha256"], run["backbone"], run["config"]
    rows = {name: sha for name, sha in data.items() if name not in _files(run)}
    weights = backbone["sha256"]
    if config["backbone"]["random"] or config["task"].get("kind") == "classification":
        weights = "those of the files" if backbone.get("files") else [backbone["path"], backbone.get("revision")]
    test = run["protocol"].get("test", {})
    decoding = {k: v for k, v in (test.get("decoding") or {}).items() if k != "transformers_version"}
    told = [rows, weights, backbone.get("tokenizer_sha256"), run["signature"], test.get("rows"), decoding]
    return json.dumps(told, sort_keys=True)


def other_files(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """The files that both runs read and that are not the same. What only one names is no other: older runs name few."""
    mine, theirs = _files(one), _files(other)
    return [name for name in mine if theirs.get(name, mine[name]) != mine[name]]


def _files(run: Mapping[str, Any]) -> dict[str, str]:
    """Raw files by name: a split and a file's name, `embedded` and a task, or what stands in the backbone's folder."""
    data = {name: sha for name, sha in run["data"]["sha256"].items() if "/" in name or " " in name}
    return data | run["backbone"].get("files", {})


def _empty(table: str, entry: published.Row, scale: str, protocol: str) -> Iterable[Cell]:
    for task, printed in entry["metrics"].items():
        yield Cell(
            table=table,
            row=entry["row"],
            task=task,
            scale=scale,
            words=published.words(entry, task, scale),
            published=dict(printed),
            std=dict(entry.get("std", {}).get(task, {})),
            footnotes=entry["footnotes"],
            protocol=protocol,
        )


def filled(cell: Cell, candidates: Sequence[Record]) -> Cell:
    """`cell` with the largest group of records that go together; of several, the one that was finished last."""
    asked = composed(tuple(cell.words))
    own = [run for run in candidates if records.same_run(run, replace(asked, seed=run["config"]["seed"]))]
    if not own:
        return cell
    *others, chosen = sorted(groups(own), key=lambda group: (len(_seeds(group)), max(map(_finished, group))))
    by_seed = {run["config"]["seed"]: run for run in sorted(chosen, key=_finished)}
    return replace(cell, records=dict(sorted(by_seed.items())), refused=[_refusal(group, chosen) for group in others])


def groups(runs: Iterable[Record]) -> list[list[Record]]:
    """The runs, parted so that those of a group go together."""
    found: list[list[Record]] = []
    for run in runs:
        fits = (group for group in found if all(mixes(run, other) for other in group))
        if (group := next(fits, None)) is None:
            found.append(group := [])
        group.append(run)
    return found


def mixes(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two runs of the same settings may share a cell."""
    return shared(one) == shared(other) and not other_files(one, other)


def _refusal(group: Sequence[Record], chosen: Sequence[Record]) -> str:
    """Why records of the same settings are left out."""
    names = ("rows", "backbone weights", "tokenizer", "metric", "number of test rows", "decoding")
    pairs = [(one, other) for one in group for other in chosen if not mixes(one, other)]
    differ = [f"file {name}" for name in dict.fromkeys(name for pair in pairs for name in other_files(*pair))]
    one, other = map(json.loads, map(shared, pairs[0]))
    differ += [name for name, a, b in zip(names, one, other, strict=True) if a != b]
    seeds = _seeds(group)
    return f"seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))} left out: other {' and '.join(differ)}"


def _seeds(group: Sequence[Record]) -> list[int]:
    return sorted({run["config"]["seed"] for run in group})


def _finished(run: Record) -> Any:
    return run["finished"]
