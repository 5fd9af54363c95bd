"""What the page says of single runs: a line in a table, the whole record as data, decoded examples side by side."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from petl.records import Record
from petl.report import cells, published, rates
from petl.report.experiments import METRIC
from petl.report.pretraining import arm
from petl.report.published import METRICS, TASKS

TABLES = [name for name, table in published.paper()["tables"].items() if "metrics" in (table["rows"] or [{}])[0]]
POOLED = ("config", "code", "packages", "data", "backbone", "parameters", "deltas", "protocol", "signature")
DIGITS = 5  # of a number in the page; the record itself has all of them


@dataclass(frozen=True)
class Line:
    """A run in the table of runs. size: of each delta; places: the rows of the paper that it counts for."""

    identity: str
    scale: str
    task: str
    title: str
    size: str
    arm: str
    lr: float
    seed: int
    percent: float
    metric: str
    value: float | None
    minutes: float | None
    memory: float
    device: str
    finished: str
    places: list[str]


def lines(runs: Iterable[Record]) -> list[Line]:
    """In the order of scale, task, method, size, start, rate and seed."""
    runs = list(runs)
    found = places(runs)
    order = {task: number for number, task in enumerate(METRIC)}
    made = [line(run, found.get(run["identity"], [])) for run in runs]
    return sorted(made, key=lambda x: (x.scale, order.get(x.task, 9), x.task, x.title, x.size, x.arm, x.lr, x.seed))


def line(run: Record, places: list[str]) -> Line:
    config = run["config"]
    task, seconds = config["task"]["name"], run["seconds"].get("train")
    metric = METRIC.get(task) or config["task"]["select"]
    return Line(
        identity=run["identity"],
        scale=config["scale"],
        task=task,
        title=run["title"] or config["method"]["name"],
        size=size(run),
        arm={"pretrained": "", "random": "random backbone", "untouched": "untuned"}[arm(run)],
        lr=config["recipe"]["lr"],
        seed=config["seed"],
        percent=run["parameters"]["percent"],
        metric=METRICS.get(metric, metric),
        value=run["metrics"].get("test", {}).get(metric),
        minutes=None if seconds is None else seconds / 60,
        memory=run["memory_mb"],
        device=run["device"],
        finished=run["finished"][:10],
        places=places,
    )


def size(run: Record) -> str:
    """`heads 6, main 103`; of a single delta the number alone."""
    sizes = [(delta["delta"], delta["size"]) for delta in run["deltas"] if delta.get("size")]
    return str(sizes[0][1]) if len(sizes) == 1 else ", ".join(f"{name} {number}" for name, number in sizes)


def places(runs: Sequence[Record]) -> dict[str, list[str]]:
    """identity -> `Table 6: BitFit`, for every row of the paper that a run counts for."""
    found: dict[str, list[str]] = {}
    for scale in sorted({run["config"]["scale"] for run in runs}):
        for table in TABLES:
            own = cells.cells(table, scale, runs)
            for cell, tuned in zip(own, rates.retuned(own, runs), strict=True):
                for run in cell.records.values():
                    found.setdefault(run["identity"], []).append(f"{heading(table)}: {cell.row}")
                for run in tuned.records.values() if tuned.words != cell.words else ():
                    found.setdefault(run["identity"], []).append(f"{heading(table)}, tuned: {cell.row}")
    return found


def heading(table: str) -> str:
    """`Table 6` of `table6`."""
    return table.replace("table", "Table ").replace("figure", "Figure ")


# The records as data ----------------------------------------------------------------------------------------------


def data(runs: Iterable[Record]) -> str:
    """Every record as JSON that a page can hold: what many runs share stands once, in `pool`, and is named by number.

    A config comes without its seed, which stands in `seed`, so that the seeds of a cell share it.
    """
    pool: dict[str, int] = {}
    told = []
    for run in sorted(runs, key=lambda run: run["identity"]):
        whole: dict[str, Any] = {key: value for key, value in run.items() if key != "checksum"}
        whole["seed"] = run["config"]["seed"]
        whole["config"] = {key: value for key, value in run["config"].items() if key != "seed"}
        for key in POOLED:
            whole[key] = pool.setdefault(_json(whole[key]), len(pool))
        whole["history"] = columns(run["history"])
        told.append(whole)
    parts = {"pooled": list(POOLED), "pool": [json.loads(text) for text in pool], "runs": told}
    return _json(parts).replace("<", r"\u003c")  # no text ends the script element


def columns(history: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """The points of a run as one list for each quantity; a dev metric stands beside the steps it was taken at."""
    dev = [point for point in history if "dev" in point]
    names = list(dict.fromkeys(name for point in dev for name in point["dev"] if not name.endswith("_truncated")))
    return {
        "step": [point["step"] for point in history],
        "loss": [point["loss"] for point in history],
        "lr": [point["lr"] for point in history],
        "dev_step": [point["step"] for point in dev],
        **{f"dev_{name}": [point["dev"].get(name) for point in dev] for name in names},
    }


def _json(value: Any) -> str:
    return json.dumps(_rounded(value), ensure_ascii=False, separators=(",", ":"))


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(part) for part in value]
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


# Decoded examples -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Example:
    source: str
    reference: str
    predictions: list[tuple[str, str]]  # (method, text)


def examples(runs: Iterable[Record], shown: Mapping[str, Line]) -> dict[str, list[Example]]:
    """Scale and task -> its examples, each with what the first seed of every method makes of it.

    A record whose decoded text was taken out, as in results/runs where it is third-party, has none.
    """
    first: dict[tuple[str, ...], Record] = {}
    for run in sorted(runs, key=lambda run: run["config"]["seed"]):
        own = shown[run["identity"]]
        if run["examples"]:
            first.setdefault((f"{own.scale}: {TASKS.get(own.task, own.task)}", called(own)), run)
    found: dict[str, dict[tuple[str, str], list[tuple[str, str]]]] = {}
    for (where, method), run in sorted(first.items(), key=lambda item: item[0]):
        for example in run["examples"]:
            rows = found.setdefault(where, {})
            rows.setdefault((example["source"], example["reference"]), []).append((method, example["prediction"]))
    return {where: [Example(*key, told) for key, told in rows.items()] for where, rows in found.items()}


def called(own: Line) -> str:
    """`MAM adapter, heads 6, main 103, untuned`"""
    return ", ".join(filter(None, (own.title, own.size, own.arm)))
