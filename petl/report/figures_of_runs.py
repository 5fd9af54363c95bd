"""Learning curves and cost of our runs: figures that the paper does not have. Pure functions of records."""

from __future__ import annotations

import math
import textwrap
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from statistics import mean
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from petl.records import Record
from petl.report import published, style
from petl.report.cells import Cell, cells
from petl.report.experiments import METRIC
from petl.report.points import look
from petl.report.published import METRICS, TASKS
from petl.report.statistics import std
from petl.report.style import Drawing

TABLES = ("table6", "table2")  # whose rows are compared
ACROSS = 4  # panels of curves beside each other
Curve = list[tuple[int, float]]


def drawings(scale: str, runs: Sequence[Record]) -> list[Drawing]:
    """Curves and cost of every task that was run; of the others nothing."""
    held = [cell for table in TABLES for cell in cells(table, scale, runs) if cell.records]
    tasks = {task: [cell for cell in held if cell.task == task] for task in METRIC}
    run = {task: found for task, found in tasks.items() if found}
    kinds = {task: {"dev": f"{METRICS[METRIC[task]]} on dev", "loss": "training loss"} for task in run}
    learning = [curves(task, found, *kind) for task, found in run.items() for kind in kinds[task].items()]
    return [*learning, *(cost(task, found) for task, found in run.items())]


def shown(cell: Cell) -> dict[str, Any]:
    return look(published.row(f"{cell.table}/{cell.row}"))


# Learning curves ------------------------------------------------------------------------------------------------------


def curves(task: str, found: Sequence[Cell], kind: str, title: str) -> Drawing:
    """Training loss (`loss`) or the tables' metric on the dev rows (`dev`) against steps, a panel for each method."""
    across = min(ACROSS, len(found))
    down = math.ceil(len(found) / across)
    wide, high = style.WIDTH * max(across / ACROSS, 0.5), 0.6 + 1.45 * down
    figure = Figure(figsize=(wide, high))
    figure.subplots_adjust(0.7 / wide, 0.45 / high, 1 - 0.1 / wide, 1 - 0.3 / high, wspace=0.12, hspace=0.4)
    grid = figure.subplots(down, across, squeeze=False, sharex=True, sharey=True)
    drawn = {cell.row: [curve(run, kind, METRIC[task]) for run in cell.records.values()] for cell in found}
    for axes, cell in zip(grid.flat, found, strict=False):
        panel(axes, cell, drawn)
    for axes in list(grid.flat)[len(found) :]:
        axes.set_axis_off()
    figure.supxlabel("optimiser steps", fontsize=8)
    figure.supylabel(title, fontsize=8)
    caption = (
        f"One panel for each method on {TASKS[task]}, {found[0].scale} scale. Thin: single seeds; thick: their mean; "
        "grey: the means of the other methods."
    )
    return Drawing(f"curves-{task}-{kind}", f"Learning curves on {TASKS[task]}: {title}", caption, figure)


def panel(axes: Axes, cell: Cell, drawn: Mapping[str, list[Curve]]) -> None:
    """One method before the others."""
    colour = shown(cell)["color"]
    for row, others in drawn.items():
        if row != cell.row:
            axes.plot(*average(others), color=style.GREY, alpha=0.4, linewidth=0.6)
    for own in drawn[cell.row]:
        axes.plot([step for step, _ in own], [value for _, value in own], color=colour, linewidth=0.5, alpha=0.6)
    axes.plot(*average(drawn[cell.row]), color=colour, linewidth=1.6)
    axes.set_title(textwrap.fill(f"{cell.row} (n={len(cell.records)})", 27), fontsize=6.5)


def curve(run: Record, kind: str, metric: str) -> Curve:
    if kind == "loss":
        return [(point["step"], point["loss"]) for point in run["history"]]
    return [(point["step"], point["dev"][metric]) for point in run["history"] if metric in point.get("dev", {})]


def average(curves: Sequence[Curve]) -> tuple[list[int], list[float]]:
    """Mean over the runs at each step that all of them have."""
    tables = [dict(curve) for curve in curves]
    steps = sorted(set.intersection(*map(set, tables)))
    return steps, [mean(table[step] for table in tables) for step in steps]


# Cost -----------------------------------------------------------------------------------------------------------------

COSTS: dict[str, Callable[[Record], float]] = {
    "trained parameters, % of the backbone": lambda run: (
        100 * run["parameters"]["trained"] / run["parameters"]["backbone"]
    ),
    "training time, minutes": lambda run: run["seconds"]["train"] / 60,
    "peak memory, MB": lambda run: run["memory_mb"],
}
EDGE: dict[str, Any] = {"linestyle": "none", "elinewidth": 0.7, "markeredgecolor": style.PAPER, "markeredgewidth": 0.4}


def cost(task: str, found: Sequence[Cell]) -> Drawing:
    """Test metric against trained parameters, time and memory."""
    metric = METRIC[task]
    kept, said = on_one_machine(found)
    figure = Figure(figsize=(style.WIDTH, 3.3), layout="constrained")
    for axes, (title, of) in zip(figure.subplots(1, len(COSTS), sharey=True), COSTS.items(), strict=True):
        for cell in kept:
            ys = cell.values(metric)
            xs = [of(cell.records[seed]) for seed in ys]
            bars = {"xerr": std(xs), "yerr": std(list(ys.values()))}
            axes.errorbar(mean(xs), mean(ys.values()), **bars, **shown(cell), **EDGE)
        axes.set_xlabel(title, fontsize=7)
        axes.locator_params(axis="x", nbins=4)
    style.plain_log(figure.axes[0])
    figure.axes[0].set_ylabel(METRICS[metric])
    handles = [Line2D([], [], linestyle="none", **shown(cell)) for cell in kept]
    figure.legend(handles, [cell.row for cell in kept], loc="outside lower center", ncols=3, fontsize=7)
    caption = (
        f"Test metric against what a run on {TASKS[task]} costs, {found[0].scale} scale: mean and standard deviation "
        f"over seeds. Trained parameters include the networks that prefixes come out of. {said}"
    )
    return Drawing(f"cost-{task}", f"Quality and cost on {TASKS[task]}", caption, figure)


def on_one_machine(found: Sequence[Cell]) -> tuple[list[Cell], str]:
    """Time and memory compare on one machine only: the runs on the most frequent one, and a sentence that says so."""
    counts = Counter(machine(run) for cell in found for run in cell.records.values())
    most = max(sorted(counts), key=lambda name: counts[name])
    kept = [replace(c, records={s: run for s, run in c.records.items() if machine(run) == most}) for c in found]
    left = counts.total() - counts[most]
    others = f"; {left} of {counts.total()} runs were on other ones and are left out" if left else ""
    return [cell for cell in kept if cell.values(METRIC[cell.task])], f"All on one kind of machine ({most}){others}."


def machine(run: Record) -> str:
    precision = run["config"]["recipe"]["precision"]
    return f"{run['device']}, processes: {run['processes']}, threads: {run['threads']}, {precision}"
