"""What proofs run on: backbones and rows so small that a run takes a second, as words of a command line."""

from __future__ import annotations

from pathlib import Path

from tests.backbone.folders import LAYOUTS
from tests.tasks.conftest import toy, write

TASKS = {"bart-large": "xsum", "mbart-large-cc25": "en_ro", "roberta-base": "sst2", "in pieces": "xsum"}
SPLITS = {"train": (0, 40), "dev": (40, 50), "test": (50, 60)}
FOLDERS = {"output": "out", "records": "records", "cache": "cache"}  # of runtime -> below a run's own folder
SHORT = (
    "recipe=mini/sst2 recipe.steps=4 recipe.batch=8 recipe.eval_every=2 recipe.eval_batch=4 recipe.warmup=0 "
    "recipe.train_head=false task.max_source=24 task.limit_dev=null runtime.device=cpu runtime.progress=false "
    "runtime.offline=true"
).split()
GENERATION = "task.max_target=8 task.generation.max_length=6 task.generation.beams=2".split()


def backbone(folder: Path, layout: str) -> Path:
    """A backbone with random weights, laid out in `folder` as the hub's `layout` is."""
    folder.mkdir(parents=True, exist_ok=True)
    LAYOUTS[layout](folder)
    return folder


def data(folder: Path, task: str) -> Path:
    """train.jsonl, dev.jsonl and test.jsonl of a task."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = toy(task)
    for split, (start, end) in SPLITS.items():
        write(folder / f"{split}.jsonl", rows[start:end])
    return folder


def words(layout: str, model: Path, rows: Path, out: Path, *more: str, task: str | None = None) -> list[str]:
    """A run of four steps of the layout's task, or another, after `python train.py`."""
    task = task or TASKS[layout]
    where = [f"runtime.{name}={out}/{folder}" for name, folder in FOLDERS.items()]
    mine = [f"task={task}", f"backbone.path={model}", f"task.data={rows}", *where]
    return [*mine, *SHORT, *(GENERATION if task in ("xsum", "en_ro") else []), *more]
