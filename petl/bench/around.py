"""What is around the steps: start-up, tokenising, what a sweep adds, padding. Commands as users type them, and clocks.

Costs are CPU time of the command with all its processes, where nothing else is said: what other processes do to the
clock on the wall does not count.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

from petl.bench.rounds import ROOT, Series
from petl.config import Config

READY = "trained parameters"  # what a run prints when all is loaded and the first step is next
TINY = ("task=sst2", "recipe.steps=2", "recipe.epochs=null", "task.limit_train=64", "task.limit_dev=8",
        "task.limit_test=8", "runtime.progress=false")  # fmt: skip
SWEPT = 4  # runs
TASKS = ("xsum", "en_ro", "mnli", "sst2")


# What a run cannot start without: a model's class, accelerate, an optimiser. torch and transformers load more for each.
LIBRARIES = (
    "import accelerate, torch; from transformers import RobertaForSequenceClassification, AutoTokenizer; "
    "torch.optim.AdamW(torch.nn.Linear(2, 2).parameters())"
)


def start_up(device: str) -> dict[str, Callable[[], float]]:
    """To the first step of a run whose data is tokenised already; to `import torch`, and to the libraries it needs."""
    folder = tempfile.mkdtemp(prefix="petl-bench-")
    words = ["method=mam", "task=sst2", f"runtime.output={folder}", f"runtime.records={folder}/records",
             f"runtime.device={device}"]  # fmt: skip

    def run() -> float:
        return until([sys.executable, "train.py", *words], READY)

    def code(lines: str) -> Callable[[], float]:
        return lambda: until([sys.executable, "-c", f"{lines}; print('there')"], "there")

    return {"import torch": code("import torch"), "the libraries alone": code(LIBRARIES), "run": run}


def sweep(device: str) -> dict[str, Callable[[], float]]:
    """A run of two steps by itself, and as one of a sweep: CPU time of one run."""

    def words() -> list[str]:
        folder = tempfile.mkdtemp(prefix="petl-bench-")
        return ["method=mam", *TINY, f"runtime.output={folder}", f"runtime.records={folder}/records",
                f"runtime.device={device}"]  # fmt: skip

    def alone() -> float:
        return whole([sys.executable, "train.py", *words(), "seed=0"])

    def swept() -> float:
        seeds = ",".join(map(str, range(SWEPT)))
        return whole([sys.executable, "train.py", "-m", *words(), f"seed={seeds}"]) / SWEPT

    return {"run alone": alone, "run of a sweep": swept}


def tokenising() -> dict[str, Callable[[], float]]:
    """All training rows of xsum: by the tokenizer alone, as a first run does it, and as later runs find it."""
    from petl import tasks
    from petl.tasks.splits import rows_digest

    config, tokenizer = _config("xsum")
    rows, folder = tasks.load(config.task).train, tempfile.mkdtemp(prefix="petl-bench-")
    texts, sha256 = [text for row in rows for text in (row.source, row.target)], rows_digest(rows)

    def kept() -> object:
        return tasks.prepare(rows, sha256, tokenizer, config.task, folder)

    kept()  # for the later runs
    return {
        "tokenizer alone": lambda: _own(lambda: tokenizer.backend_tokenizer.encode_batch(texts)),
        "first run": lambda: _own(lambda: tasks.encode(rows, tokenizer, config.task)),
        "later runs": lambda: _own(kept),
    }


def padding() -> dict[str, Series]:
    """The share of padding in the first epoch of each task, in one number that is always the same."""
    from petl import tasks

    shares = {}
    for task in TASKS:
        config, tokenizer = _config(task)
        lengths = tasks.lengths(tasks.encode(tasks.load(config.task).train, tokenizer, config.task))
        plan = tasks.plan_batches(lengths, config.recipe.batch, config.recipe.batch_tokens, 0, 0)
        shares[task] = Series([tasks.padding_share(plan, lengths)])
    return shares


def _config(task: str) -> tuple[Config, Any]:
    from petl.backbone.load import find
    from petl.backbone.tokenizer import tokenizer
    from petl.command import read

    config = read([f"task={task}"])
    return config, tokenizer(find(config.backbone))


def _own(run: Callable[[], object]) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start


def until(command: list[str], line: str) -> float:
    """CPU time of a command until it prints `line`; it is ended there."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT)
    assert process.stdout is not None
    seen = any(line in told for told in process.stdout)
    process.kill()
    _, _, usage = os.wait4(process.pid, 0)
    process.returncode = 0  # waited for
    if not seen:
        raise RuntimeError(f"{' '.join(command[1:4])} ... has ended without saying '{line}'")
    return usage.ru_utime + usage.ru_stime


def whole(command: list[str]) -> float:
    """Seconds on the wall that a command takes: the processes of a sweep are not this one's to count."""
    start = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[1:4])} ...: {done.stdout.strip().splitlines()[-1:]}")
    return time.perf_counter() - start
