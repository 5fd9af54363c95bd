"""How far runs are, from what they leave: records, checkpoints and run.json. Reads names and times; imports no torch.

done      its record is there
running   it said so a moment ago (petl.records.life)
failed    it said why it stopped
stopped   it has a checkpoint and nobody is at it: its command goes on from there
to do     nothing is there yet
"""

from __future__ import annotations

import re
import textwrap
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from petl.config import Config
from petl.records import life
from petl.records.naming import record_path, run_dir
from petl.records.record import read
from petl.refusals import screen

STATES = ("done", "running", "failed", "stopped", "to do")
FEW = 5  # labels in a line
WIDE = 160  # characters of an error
SAMPLE = 3  # records of a group that its time is estimated from
_IDENTITY = re.compile("[0-9a-f]{12}")


@dataclass(frozen=True)
class Run:
    """One run. `group` names it with those beside it, `label` among them."""

    group: str
    label: str
    state: str
    record: Path
    step: int = 0
    total: int = 0  # 0: not known
    checkpoint: int = 0  # step of the newest
    age: float = 0.0  # seconds since it said or wrote something
    left: float | None = None  # seconds of training, of a running one at its present pace
    error: str = ""

    @property
    def place(self) -> str:
        """How far it is."""
        steps = (
            f"step {self.step:,}/{self.total:,}" if self.total else f"step {self.step:,}" if self.step else "starting"
        )
        kept = f", checkpoint {self.checkpoint:,}" if self.checkpoint else ""
        left = f", {clock(self.left)} left" if self.left is not None else ""
        return steps + kept + left


def survey(runs: Iterable[tuple[str, Config]]) -> list[Run]:
    """The runs of a sweep as (name of the run without its seed, config), in their order."""
    return [look(name, f"seed={config.seed}", run_dir(config), record_path(config)) for name, config in runs]


def everything(output: Path, *records: Path) -> list[Run]:
    """All that has left a record below one of `records` or a folder below `output`, by scale, task and method."""
    found: dict[tuple[str, ...], Path] = {}
    for path in (path for root in reversed(records) for path in root.glob("*/*/*-*.json")):
        method, _, identity = path.stem.rpartition("-")
        if _IDENTITY.fullmatch(identity):
            found[(*path.parts[-3:-1], method, identity)] = path
    for folder in output.glob("*/*/*/*"):
        scale, task, method, identity = folder.parts[-4:]
        if _IDENTITY.fullmatch(identity):
            found.setdefault(folder.parts[-4:], records[0] / scale / task / f"{method}-{identity}.json")
    return [look(" ".join(key[:3]), key[3], output.joinpath(*key), record) for key, record in sorted(found.items())]


def look(group: str, label: str, folder: Path, record: Path) -> Run:
    """The state of one run."""
    finished, spoke = _time(record), _time(folder / life.FILE)
    if finished is not None and (spoke is None or spoke <= finished):
        return Run(group, label, "done", record, age=_since(finished))
    said = life.told(folder) or {}
    kept, written = _newest(folder / "checkpoints")
    age = _since(max(moment for moment in (spoke, written, 0.0) if moment is not None))
    if said and life.is_alive(said):
        step, total = said["step"], said["total"]
        return Run(group, label, "running", record, step, total, kept, age, _left(said, step, total))
    if finished is not None:
        return Run(group, label, "done", record, age=_since(finished))
    total, error = said.get("total", 0), said.get("error") or ""
    state = "failed" if said.get("state") == "failed" else "stopped" if kept or said else "to do"
    return Run(group, label, state, record, kept, total, kept, age, error=error)


def line(runs: Sequence[Run]) -> str:
    """How many of each state, and the time left: `3 done, 1 running, 1 to do; about 0:02:10 left`."""
    counts = [f"{count:,} {state}" for state in STATES if (count := sum(run.state == state for run in runs))]
    left = remaining(runs)
    return (", ".join(counts) or "no runs") + (f"; about {clock(left)} left" if left else "")


def table(runs: Sequence[Run]) -> str:
    """A line for each group, then what runs, what failed and what stopped, and the counts."""
    groups = _grouped(runs)
    width = max((len(name) for name in groups), default=0)
    lines = []
    for name, members in groups.items():
        cells = (_cell(state, members) for state in STATES)
        lines.append(f"{name:<{width}}  " + "   ".join(cell for cell in cells if cell))
    for run in runs:
        if run.state in ("running", "failed", "stopped"):
            ago = f"{clock(run.age)} ago"
            what = screen(textwrap.shorten(run.error, WIDE, placeholder=" ..."), width=2 * WIDE) or run.place
            lines.append(f"{run.state}: {run.group} {run.label}: {what} ({ago})")
    return "\n".join([*lines, line(runs)])


def remaining(runs: Sequence[Run]) -> float | None:
    """Seconds until all runs are done, if as many go on at once as now; by the times in records. None: no record."""
    groups = _grouped(runs)
    known = {name: spent for name, members in groups.items() if (spent := _seconds(members)) is not None}
    if not known:
        return None
    total = 0.0
    for name, members in groups.items():
        each = known.get(name, fmean(known.values()))
        for run in members:
            if run.state != "done":
                total += each * (1 - run.step / run.total if run.total else 1)
    return total / max(1, sum(run.state == "running" for run in runs))


def clock(seconds: float) -> str:
    """1:02:03, or 2 d 3 h for what takes days."""
    minutes, rest = divmod(int(seconds), 60)
    if minutes >= 48 * 60:
        return f"{minutes // 1440} d {minutes % 1440 // 60} h"
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}" if minutes >= 60 else f"{minutes}:{rest:02d}"


def _grouped(runs: Iterable[Run]) -> dict[str, list[Run]]:
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(run.group, []).append(run)
    return groups


def _cell(state: str, members: Sequence[Run]) -> str:
    """`done 2 of 5`, `running seed=3`: the labels of some that are not done, while they are few."""
    labels = [run.label for run in members if run.state == state]
    if not labels:
        return ""
    if state == "done" or len(labels) > FEW or len(labels) == len(members) > 1:
        return f"{state} {len(labels)} of {len(members)}"
    return f"{state} {' '.join(labels)}"


def _seconds(members: Iterable[Run]) -> float | None:
    """What a run of the group takes, by a few of its records."""
    spent: list[float] = []
    for run in members:
        if run.state == "done" and len(spent) < SAMPLE:
            try:
                spent.append(sum(read(run.record)["seconds"].values()))
            except (OSError, ValueError):
                continue
    return fmean(spent) if spent else None


def _left(said: dict[str, Any], step: int, total: int) -> float | None:
    done = step - said["from"]
    return (said["beat"] - said["started"]) / done * (total - step) if done > 0 and total else None


def _newest(folder: Path) -> tuple[int, float | None]:
    """Step and time of the newest checkpoint."""
    steps = sorted((int(place.name[5:]), place) for place in _last(folder))
    return (steps[-1][0], _time(steps[-1][1])) if steps else (0, None)


def _last(folder: Path) -> Iterator[Path]:
    return (place for place in folder.glob("last-*") if place.name[5:].isdigit())


def _time(path: Path) -> float | None:
    try:
        return path.stat().st_mtime
    except OSError:
        return None


def _since(moment: float) -> float:
    return max(0.0, time.time() - moment)
