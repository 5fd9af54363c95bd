"""Does fine-tuning beat doing nothing, and does pre-training matter? One method on the miniatures, over seeds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import mean, stdev
from typing import Any

from petl.composed import composed
from petl.records import agree, canonical
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


def of_the_recipe(config: Mapping[str, Any], recipe: Mapping[str, Any]) -> bool:
    """Whether these are the settings of a recipe in one of the arms, whatever the seed."""
    if config["recipe"]["steps"] not in (0, recipe["recipe"]["steps"]):
        return False
    arms = {"seed": recipe["seed"]}
    for group, key in (("recipe", "steps"), ("backbone", "random")):
        arms[group] = {**config[group], key: recipe[group][key]}
    return agree({**config, **arms}, recipe)


def lines(records: Iterable[Record], method: str = "mam") -> list[Line]:
    """One line for each task that has records of `method` at mini scale by its recipe; in METRIC's order.

    ValueError where those of one arm are of other rows or weights.
    """
    own = {task: canonical(composed((f"method={method}", f"task={task}", "scale=mini"))) for task in METRIC}
    found: dict[str, dict[str, dict[int, float]]] = {task: {name: {} for name in ARMS} for task in METRIC}
    first: dict[tuple[str, str], Record] = {}
    for record in records:
        config = record["config"]
        task, name = config["task"]["name"], arm(record)
        if task in own and of_the_recipe(config, own[task]):
            if not mixes(first.setdefault((task, name), record), record):
                raise ValueError(f"records of other rows or weights for {method} on {task} ({name}): they do not mix")
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
