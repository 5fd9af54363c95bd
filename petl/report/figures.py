"""The paper's Figures 2, 4 and 5, printed and measured side by side: pure functions of results/paper.json and records.

Error bars are one standard deviation over seeds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import mean
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from petl.records import Record
from petl.report import figures_of_runs, style
from petl.report.points import Point, points
from petl.report.published import METRICS, TASKS
from petl.report.statistics import std
from petl.report.style import Drawing


@dataclass(frozen=True)
class Plan:
    """A figure of the paper: a row of panels for each task, on which axis, in which colours."""

    title: str
    tasks: dict[str, str]  # task -> metric
    log: bool = False  # the share of parameters on a logarithmic axis
    hues: dict[str, dict[str, Any]] = field(default_factory=dict)  # what a series is called -> look beyond its own


PLANS = {
    "figure2": Plan("Quality against tuned parameters", {"xsum": "rouge2"}),
    "figure4": Plan("Existing methods at several sizes", {"xsum": "rouge2", "en_ro": "bleu"}, log=True),
    "figure5": Plan(
        "Attention against FFN modification",
        {"xsum": "rouge2", "en_ro": "bleu"},
        hues={
            "(attn)": {"color": style.BLUE, "linestyle": "-"},
            "(ffn)": {"color": style.VERMILION, "linestyle": "--"},
        },
    ),
}
CAPTION = "Left: as printed, one run each. Right: measured here, {scale} scale, mean and standard deviation over seeds."
ACROSS = " Long dashes: full fine-tuning."
LOG = " The axis of shares is logarithmic, where the paper's is linear."
SHARED = " The printed points are repeated, pale, behind the measured ones."


def drawings(scale: str, runs: Sequence[Record]) -> list[Drawing]:
    """All figures of `scale`, laid out; those of our own for the tasks that were run."""
    with style.look():
        found = [*(of_paper(name, scale, runs) for name in PLANS), *figures_of_runs.drawings(scale, runs)]
        for drawing in found:
            style.settle(drawing.figure)
    return found


def of_paper(name: str, scale: str, runs: Sequence[Record]) -> Drawing:
    """A row for each task, printed on the left, measured on the right; at paper scale both have one y axis."""
    plan, one_scale = PLANS[name], scale == "paper"
    figure = Figure(figsize=(style.WIDTH, 0.7 + 2.4 * len(plan.tasks)), layout="constrained")
    grid = figure.subplots(len(plan.tasks), 2, squeeze=False, sharey="row" if one_scale else "none", sharex=True)
    found: list[Point] = []
    for (task, metric), (printed, measured) in zip(plan.tasks.items(), grid, strict=True):
        found = points(name, task, metric, scale, runs)
        draw_printed(printed, found, plan)
        printed.set(title=f"{TASKS[task]}, as printed", ylabel=METRICS[metric])
        if one_scale:
            draw_printed(measured, found, plan, alpha=0.3)
        elif not any(point.ours for point in found):
            draw_nothing(measured, f"python train.py -m experiment={name} scale={scale}")
        draw_measured(measured, found, plan)
        measured.set_title(f"{TASKS[task]}, measured: {extent(found)}")
    for axes in grid[-1]:
        axes.set_xlabel("tuned parameters, %")
    for axes in grid.flat:
        axes.tick_params(labelleft=True)
        if plan.log:
            style.plain_log(axes)
    handles, labels = grid[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    said = [ACROSS] * any(point.across for point in found) + [LOG] * plan.log + [SHARED] * one_scale
    title = f"{name.replace('figure', 'Figure ')}. {plan.title}"
    return Drawing(name, title, CAPTION.format(scale=scale) + "".join(said), figure)


def draw_printed(axes: Axes, found: Iterable[Point], plan: Plan, alpha: float = 1.0) -> None:
    for series, row in by_series(found):
        if row[0].across:
            draw_across(axes, row[0].printed[1], alpha)
            continue
        xs, ys = zip(*sorted(point.printed for point in row), strict=True)
        axes.plot(xs, ys, label=series, alpha=alpha, markerfacecolor=style.PAPER, **look(row[0], plan))


def draw_measured(axes: Axes, found: Iterable[Point], plan: Plan) -> None:
    for series, row in by_series(point for point in found if point.ours):
        if row[0].across:
            draw_across(axes, mean(row[0].ours.values()))
            continue
        at = sorted(
            (point.share or 0.0, mean(point.ours.values()), std(list(point.ours.values())) or 0) for point in row
        )
        xs, ys, errors = zip(*at, strict=True)
        axes.errorbar(xs, ys, yerr=errors, label=series, **look(row[0], plan))


def draw_nothing(axes: Axes, command: str) -> None:
    """What fills an empty panel."""
    axes.text(
        0.5, 0.5, f"not run yet:\n{command}", transform=axes.transAxes, ha="center", va="center", ma="center", size=7
    )
    axes.set_yticks([])


def draw_across(axes: Axes, value: float, alpha: float = 1.0) -> None:
    """Full fine-tuning, with its value where it is not the pale repetition."""
    axes.axhline(value, color=style.INK, linewidth=0.9, linestyle=(0, (6, 3)), alpha=alpha)
    if alpha == 1:
        axes.annotate(
            f"full fine-tuning {value:.2f}",
            (0.01, value),
            xycoords=("axes fraction", "data"),
            xytext=(0, -3),
            va="top",
            textcoords="offset points",
            fontsize=7,
        )


def look(point: Point, plan: Plan) -> dict[str, Any]:
    own = next((hue for word, hue in plan.hues.items() if word in point.series), {})
    return {**point.look, **own}


def by_series(found: Iterable[Point]) -> list[tuple[str, list[Point]]]:
    grouped: dict[str, list[Point]] = {}
    for point in found:
        grouped.setdefault(point.series, []).append(point)
    return list(grouped.items())


def extent(found: Sequence[Point]) -> str:
    """How much of a panel there is: `3 of 14 rows, 2-5 seeds`."""
    seeds = sorted(len(point.ours) for point in found if point.ours)
    told = f"{len(seeds)} of {len(found)} rows"
    if not seeds:
        return told
    many = f"{seeds[0]}-{seeds[-1]}" if seeds[0] < seeds[-1] else f"{seeds[0]}"
    return f"{told}, {many} seed{'s' * (many != '1')}"
