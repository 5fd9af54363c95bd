"""Every run of the paper's tables and figures at its own shapes, cut to three steps, killed after the second.

`train.py` runs as it would on a cluster, in a process of its own. That is killed when the checkpoint of step 2 is
there, and the same command again has to go on from it and to leave a record. What is real in it and what is not: REAL.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from petl import records
from petl.command import read
from petl.composed import composed
from petl.config import Config
from petl.parameters import HUB
from petl.parameters import measure as measured
from petl.report import published
from petl.shapes import hub

ROOT = Path(__file__).resolve().parents[2]
TABLES = ("table2", "table3", "table4", "table5", "table6", "table12", "figure2", "figure4", "figure5")
STEPS, EVERY = 3, 2  # checkpoints at steps 2 and 3
ROWS = 2  # of a step; of full fine-tuning they are one micro-batch, else two
DECODED = 12  # tokens, start token included: above the min_length of XSum; random weights would go on to the limit
PAGES = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(10**11)}  # kept once they are had
HOURS = 2  # that a run may take before it counts as failed
BESIDES = 3e9  # bytes for activations, logits and libraries
REAL = (
    "Real: architecture, widths, layers, vocabulary, the method and its sizes, sources cut at the recipe's length, "
    "beams and other rules of decoding, optimiser, bf16 as on a GPU. "
    f"Not real: weights, words, {STEPS} steps, {ROWS} rows a step and of dev, 8 rows of test, {DECODED} tokens decoded."
)


@dataclass
class Cell:
    """Rows of tables that are one run."""

    words: list[str]
    config: Config
    rows: list[str] = field(default_factory=list)  # "table6/BitFit", ...

    @property
    def name(self) -> str:
        return " ".join(word for word in self.words if word != "scale=paper")


def distinct() -> list[Cell]:
    """The runs of all tables at scale=paper, each once, those of the smallest backbone first."""
    found: dict[str, Cell] = {}
    for table in TABLES:
        for row in published.table(table)["rows"]:
            for task in row["metrics"]:
                words = published.words(row, task)
                config = composed(tuple(words))
                cell = found.setdefault(records.identity(config), Cell(words, config))
                cell.rows.append(f"{table}/{row['row']}")
    order = list(HUB)  # large ones first
    return sorted(found.values(), key=lambda cell: -order.index(cell.config.backbone.path))


def small(cell: Cell, backbone: Path, data: Path, output: Path) -> list[str]:
    """The words of the cut run."""
    recipe, task, many = cell.config.recipe, cell.config.task, cell.config.method.name != "full"
    batch = f"recipe.batch={ROWS}"
    if recipe.batch_tokens is not None:
        batch = f"recipe.batch_tokens={ROWS * max(task.max_source, task.max_target)}"
    decoded = [f"task.generation.max_length={DECODED}"] if task.kind == "generation" else []
    return [
        *cell.words, *decoded, f"recipe.steps={STEPS}", "recipe.epochs=null", f"recipe.eval_every={EVERY}", batch,
        f"recipe.accumulate={ROWS if many else 1}", "recipe.eval_batch=8", "recipe.precision=bf16",
        f"backbone.path={backbone}", f"task.data={data}", f"task.limit_dev={ROWS}", "task.limit_test=8",
        f"runtime.output={output}", f"runtime.records={output}/records", f"runtime.cache={output}/cache",
        "runtime.offline=true",
    ]  # fmt: skip


def lack(cell: Cell) -> float:
    """Bytes of memory that the machine has too few free for this run; unknown: 0."""
    found = measured(cell.config).parameters
    tensors = found["backbone"] + found["trained"] * (3 if cell.config.method.name == "full" else 5)
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return 0
    free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    return 4 * tensors + BESIDES - free


def prove(cell: Cell, work: Path) -> dict[str, Any]:
    """Run, kill after step 2, run again. What the record says, or what went wrong."""
    start, path, task = time.monotonic(), cell.config.backbone.path, cell.config.task
    model = hub.backbone(work / path.rpartition("/")[2], HUB[path])
    rows = hub.data(work / task.name, task.name, 16, task.max_source)
    words = small(cell, model, rows, work)
    config, log = read(words), work / "run.log"
    for left in (config.runtime.records, records.run_dir(config)):
        shutil.rmtree(left, ignore_errors=True)
    checkpoint = records.run_dir(config) / "checkpoints" / f"last-{EVERY:08d}"
    command = [sys.executable, str(ROOT / "train.py"), *words]
    with log.open("w") as out:
        killed = _run(command, out, checkpoint)
        code = _run(command, out) if killed == -signal.SIGKILL else killed
    said, record = log.read_text(errors="replace"), records.find(config)
    seconds = round(time.monotonic() - start, 1)
    if code != 0 or record is None or f"going on from step {EVERY}" not in said:
        why = f"exit code {code}, {'a' if record else 'no'} record, killed with {killed}"
        return {"failed": f"{why}: {' '.join(said.strip().splitlines()[-1:])[:300]}", "seconds": seconds}
    shutil.rmtree(records.run_dir(config))  # gigabytes
    return {
        "identity": record["identity"],
        "trained": record["parameters"]["trained"],
        "losses": [point["loss"] for point in record["history"]],
        "metrics": {name: value for name, value in record["metrics"]["test"].items() if "_" not in name},
        "source_tokens_cut": record["protocol"]["test"]["cut"]["source"],
        "phases": record["seconds"],
        "memory_mb": record["memory_mb"],
        "device": record["device"],
        "seconds": seconds,
    }


def _run(command: list[str], out: Any, until: Path | None = None) -> int:
    """The exit code. With `until`, the process is killed when that is there."""
    environment = {"OMP_NUM_THREADS": "1", **PAGES, **os.environ}
    process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=environment, cwd=ROOT)
    end = time.monotonic() + HOURS * 3600
    try:
        while process.poll() is None and time.monotonic() < end:
            if until is not None and until.exists():
                break
            time.sleep(0.05)
    finally:
        if process.poll() is None:
            process.kill()
    return process.wait()
