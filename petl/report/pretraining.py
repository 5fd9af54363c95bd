"""Does fine-tuning beat doing nothing, and does pre-training matter? One method on the miniatures, over seeds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import mean, stdev
from typing import Any

from petl.composed import composed
from petl.records import agree
from petl.report.cells import mixes
from petl.report.experiments import METRIC
from petl.report.phrases import p_value
from petl.report.statistics import t_test

ARMS = {
    "untouched": "untuned miniature",
    "random": "on a random backbone",
    "pretrained": "on the miniature",
}

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Line:
    """One task: the test metric of each arm by seed, and the paired differences pretrained - arm."""

    task: str
    metric: str
    arms: dict[str, dict[int, float]]

    def differences(self, arm: str) -> list[float]:
        ours = self.arms["pretrained"]
        return [ours[seed] - value for seed, value in sorted(self.arms[arm].items()) if seed in ours]


def arm(record: Record) -> str:
    config = record["config"]
    if config["recipe"]["steps"] == 0:
        return "untouched"
    return "random" if config["backbone"]["random"] else "pretrained"


def together(one: Record, other: Record) -> bool:
    """Whether two seeds may share a cell: the same settings, rows, weights and metric."""
    settings = agree({**one["config"], "seed": None}, {**other["config"], "seed": None})
    return settings and mixes(one, other)


def lines(records: Iterable[Record], method: str = "mam") -> list[Line]:
    """One line for each task that has records of `method` at mini scale, at its recipe's rate; in METRIC's order."""
    own = {task: composed((f"method={method}", f"task={task}", "scale=mini")).recipe.lr for task in METRIC}
    found: dict[str, dict[str, dict[int, float]]] = {task: {name: {} for name in ARMS} for task in METRIC}
    first: dict[tuple[str, str], Record] = {}
    for record in records:
        config = record["config"]
        task, name = config["task"]["name"], arm(record)
        ours = config["scale"] == "mini" and config["method"]["name"] == method and task in found
        if ours and config["recipe"]["lr"] == own[task]:  # runs that tune the rate have others
            if not together(first.setdefault((task, name), record), record):
                raise ValueError(f"records of several settings for {method} on {task} ({name}): they do not mix")
            found[task][name][config["seed"]] = record["metrics"]["test"][METRIC[task]]
    return [Line(task, METRIC[task], arms) for task, arms in found.items() if any(arms.values())]


def summary(values: Iterable[float]) -> str:
    """mean ± standard deviation (n), or a dash where there is nothing."""
    values = list(values)
    if not values:
        return "—"
    spread = f" ± {stdev(values):.2f}" if len(values) > 1 else ""
    return f"{mean(values):.2f}{spread} (n={len(values)})"


def margin(differences: list[float]) -> str:
    """Mean, range and count of positive ones among the paired differences, and p of a mean of 0."""
    if not differences:
        return "—"
    wins, n = sum(d > 0 for d in differences), len(differences)
    told = f"{mean(differences):+.2f} [{min(differences):+.2f}, {max(differences):+.2f}], {wins} of {n}"
    return told if n == 1 else f"{told}, {p_value(t_test(differences))}"


def markdown(table: list[Line]) -> str:
    heads = ["task", "test metric", *ARMS.values(), "over untuned", "over random"]
    rows = [
        [line.task, line.metric]
        + [summary(line.arms[name].values()) for name in ARMS]
        + [margin(line.differences(name)) for name in ("untouched", "random")]
        for line in table
    ]
    cells = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(row) + " |" for row in cells)
