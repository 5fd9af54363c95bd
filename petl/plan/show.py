"""A plan as text, as JSON, and as what a Slurm cluster takes."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from petl.plan.hardware import DEVICES, Device
from petl.plan.runs import STATES, Group, Priced

HEADER = ("run", *STATES, "trained", "steps", "tokens", "FLOPs")
HEADER += ("optimiser", "activations", "needs", "checkpoint", "h each", "h left")
LEGEND = """\
Estimated, not measured (docs/plan.md). optimiser, activations: bytes of its state and of a micro-batch of the longest
rows; needs: what a GPU must have in all; checkpoint: to go on from; h: GPU-hours, of one run, of all that is left."""


def text(groups: Sequence[Group], device: Device) -> str:
    priced = [group.on(device) for group in groups]
    shared = _shared(groups)
    rows = [HEADER, *(_cells(one, shared) for one in priced)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(_aligned(i, cell, widths[i]) for i, cell in enumerate(row)).rstrip() for row in rows]
    runs = sum(len(group.runs) for group in groups)
    counts = ", ".join(f"{sum(group.count(state) for group in groups)} {state}" for state in STATES)
    head = f"{runs} runs {' '.join(shared)}".rstrip() + f": {counts}. On {device.title}:"
    disk = sum(one.each.disk * len(one.group.runs) for one in priced)
    below = [f"Disk: {_bytes(disk)} for all runs.", *_measured(priced), *_fit(priced)]
    return "\n".join([head, "", *lines, "", *below, "", *_everywhere(groups), "", LEGEND])


def as_json(groups: Sequence[Group], device: Device) -> dict[str, Any]:
    """Bytes, seconds-free: hours are GPU-hours."""
    return {
        "device": asdict(device),
        "estimated": True,
        "runs": {state: sum(group.count(state) for group in groups) for state in STATES},
        "rows": [_told(group.on(device)) for group in groups],
        "hours_left": {d.name: sum(group.on(d).hours_left for group in groups) for d in DEVICES.values()},
    }


def sbatch(groups: Sequence[Group], device: Device, gpus: int) -> str:
    """A Slurm array of the runs that are left, for clusters without submitit: `... --sbatch > job.sh`."""
    left = [run.words for group in groups for run in group.runs if run.state not in ("done", "running")]
    if not left:
        return "# nothing is left to run"
    train = f"torchrun --standalone --nproc_per_node {gpus} train.py" if gpus > 1 else "python train.py"
    return "\n".join(
        [
            "#!/bin/bash",
            "#SBATCH --job-name=petl",
            f"#SBATCH --array=0-{len(left) - 1}",
            f"#SBATCH --gpus-per-node={gpus}",
            f"#SBATCH --time={_minutes(groups, device, gpus)}  # minutes: twice the estimate of the longest run",
            "#SBATCH --signal=B:USR1@120  # a checkpoint before the time is up; sbatch it again to go on",
            "mapfile -t RUNS <<'END'",
            *(shlex.join(words) for words in left),
            "END",
            f'eval "exec {train} ${{RUNS[$SLURM_ARRAY_TASK_ID]}}"',
        ]
    )


def launcher(words: Sequence[str], groups: Sequence[Group], device: Device, gpus: int) -> str:
    """The same through Hydra's launcher of Slurm jobs."""
    several = [f"runtime.processes={gpus}"] if gpus > 1 else []
    minutes = f"hydra.launcher.timeout_min={_minutes(groups, device, gpus)}"
    return f"python train.py -m {shlex.join([*words, *several, 'hydra/launcher=slurm', minutes])}"


def _minutes(groups: Sequence[Group], device: Device, gpus: int) -> int:
    return 30 * math.ceil(2 * 2 * max(group.on(device).each.hours for group in groups) / gpus)


def _shared(groups: Sequence[Group]) -> list[str]:
    return [word for word in groups[0].words if all(word in group.words for group in groups)] if len(groups) > 1 else []


def _name(one: Priced, shared: Sequence[str]) -> str:
    return " ".join(word for word in one.group.words if word not in shared)


def _cells(one: Priced, shared: Sequence[str]) -> tuple[str, ...]:
    group, each = one.group, one.each
    return (
        _name(one, shared),
        *(str(group.count(state)) for state in STATES),
        _short(group.model.trained),
        f"{each.steps:,}",
        _short(each.tokens),
        _short(each.flops),
        *map(_bytes, (each.memory.optimiser, each.memory.activations, each.memory.need, each.checkpoint)),
        _hours(each.hours),
        _hours(one.hours_left),
    )


def _aligned(column: int, cell: str, width: int) -> str:
    return cell.ljust(width) if column == 0 else cell.rjust(width)


def _measured(priced: Sequence[Priced]) -> list[str]:
    """What the runs that are done took, by device, beside the estimate for the chosen one."""
    took: dict[str, list[float]] = {}
    for one in priced:
        for record in (run.record for run in one.group.runs if run.record):
            pair = took.setdefault(record["device"], [0.0, 0.0, 0.0])
            hours = sum(record["seconds"].values()) * record["processes"] / 3600
            took[record["device"]] = [pair[0] + 1, pair[1] + hours, pair[2] + one.each.hours]
    return [
        f"Measured: {count:.0f} done on {device} took {_hours(hours)} h; on {priced[0].device.title} the estimate is "
        f"{_hours(guess)} h."
        for device, (count, hours, guess) in took.items()
    ]


def _fit(priced: Sequence[Priced]) -> list[str]:
    """What does not fit on the GPU, and what would make it fit."""
    shared = _shared([one.group for one in priced])
    misfits = [f"  {_name(one, shared)}: {one.remedy}" for one in priced if not one.fits]
    title = priced[0].device.title
    return (
        [f"These do not fit on {title}; what would make them fit:", *misfits]
        if misfits
        else [f"Every run fits on {title}."]
    )


def _everywhere(groups: Sequence[Group]) -> list[str]:
    """GPU-hours of what is left, on every GPU."""
    rows = [("GPU-hours left on", "", "does not fit")]
    for device in DEVICES.values():
        if device.launches:
            priced = [group.on(device) for group in groups]
            misfits = sum(not one.fits for one in priced)
            hours = sum(one.hours_left for one in priced)
            rows.append((device.title, _hours(hours), f"{misfits} of {len(priced)}" if misfits else ""))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [f"{a:<{widths[0]}}  {b:>{widths[1]}}  {c}".rstrip() for a, b, c in rows]


def _told(one: Priced) -> dict[str, Any]:
    group, each = one.group, one.each
    return {
        "words": group.words,
        "runs": [
            {"words": run.words, "state": run.state, "steps_kept": each.steps if run.state == "done" else run.kept}
            for run in group.runs
        ],
        "trained": group.model.trained,
        "percent": group.model.percent,
        **{key: value for key, value in asdict(each).items() if key != "memory"},
        "memory": {**asdict(each.memory), "need": each.memory.need},
        "hours": each.hours,
        "hours_left": one.hours_left,
        "fits": one.fits,
        "remedy": one.remedy,
    }


def _hours(hours: float) -> str:
    return f"{hours:,.0f}" if hours >= 100 else f"{hours:.2g}" if hours < 10 else f"{hours:.1f}"


def _short(number: float) -> str:
    """12,300,000 -> 12.3M, past the billions in powers of ten."""
    for size, letter in ((1e12, ""), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number:.1e}".replace("e+", "e") if not letter else f"{number / size:.3g}{letter}"
    return f"{number:.0f}"


def _bytes(count: float) -> str:
    for size, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count:.0f} B"
