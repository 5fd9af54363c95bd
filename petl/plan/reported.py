"""What the model is held against: times that others report for runs of the paper, and our own records of a CPU core.

The others ran the authors' code, which pads otherwise than ours: each report has its own micro-batch.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from petl.command import read
from petl.plan.estimate import estimate, evaluation, training
from petl.plan.flops import Batch
from petl.plan.hardware import DEVICES
from petl.plan.model import model_of
from petl.plan.workload import workload
from petl.records import Record, config_of

AUTHORS = "README of the authors' code, 2021"
LATER = "a later run of the authors' code, 2026"
XSUM = Batch(16, 512, 42)  # of 16 rows in random order one is cut at 512 tokens
GLUE = Batch(32, 512)  # padded to 512
EN_RO = Batch(0.95 * 4096 / 41, 36, 41)  # 4096 tokens of the longer side


@dataclass(frozen=True)
class Report:
    what: str
    source: str
    device: str
    hours: float  # GPU-hours
    rows: tuple[tuple[int, str, Batch], ...]  # how many runs, of what, their micro-batch
    phase: str = "run"  # or its training, one evaluation on dev, the test
    fits: str = ""  # the constant that was fitted to it; none: it tests


REPORTS = (
    Report("XSum", AUTHORS, "a100-40", 24, ((1, "mam xsum", XSUM),), fits="SHARE"),
    Report("XSum", AUTHORS, "a6000", 50, ((1, "mam xsum", XSUM),), fits="SHARE"),
    Report("en-ro", AUTHORS, "a6000", 20, ((1, "mam en_ro", EN_RO),), fits="SHARE"),
    Report("MNLI, GPU not named", AUTHORS, "a6000", 10, ((1, "mam mnli", GLUE),)),
    Report("SST-2, GPU not named", AUTHORS, "a6000", 2, ((1, "mam sst2", GLUE),)),
    Report(
        "XSum, training", LATER, "b200", 6.0, ((1, "scaled_parallel xsum", XSUM),), "training", fits="TRAINING_LAUNCH"
    ),
    Report(
        "40 runs of Table 2",
        LATER,
        "b200",
        12,
        tuple(
            (5, f"{method} {task}", Batch(32, longest))
            for method in ("prefix", "lora", "adapter", "mam")
            for task, longest in (("mnli", 90), ("sst2", 35))
        ),
        fits="TRAINING_LAUNCH",
    ),
    Report(
        "XSum, 1,600 rows of dev", LATER, "b200", 84 / 3600, ((1, "scaled_parallel xsum", XSUM),), "dev",
        fits="DECODING_LAUNCH",
    ),
    Report("XSum, test", LATER, "b200", 9.8 / 60, ((1, "scaled_parallel xsum", XSUM),), "test"),
)  # fmt: skip


def modelled(report: Report) -> float:
    """GPU-hours of what was reported."""
    return sum(runs * _hours(report, words, batch) for runs, words, batch in report.rows)


def table() -> str:
    """Every report beside the model, in Markdown."""
    lines = [
        "| what | reported by | on | GPU-hours | model | model / reported | fitted |",
        "|---|---|---|--:|--:|--:|---|",
    ]
    for report in REPORTS:
        ours = modelled(report)
        cells = (report.what, report.source, DEVICES[report.device].title, f"{report.hours:.3g}", f"{ours:.3g}")
        lines.append(f"| {' | '.join(cells)} | {ours / report.hours:.2f} | {report.fits or 'no: a test'} |")
    return "\n".join(lines)


def measured(runs: Iterable[Record]) -> str:
    """Records of one core: minutes by task and method, beside the model, in Markdown."""
    found: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for run in runs:
        if run["device"] == "cpu" and run["threads"] == run["processes"] == 1 and run["config"]["recipe"]["steps"]:
            config, spent = config_of(run["config"]), run["seconds"]
            took = sum(spent.get(phase, 0.0) for phase in ("train", "dev", "test")) / 60
            guess = 60 * estimate(config, model_of(config), DEVICES["core"]).hours
            found[config.task.name, run["title"]].append((took, guess))
    lines = ["| task | method | runs | minutes, median | least | most | model | model / median |", "|---" * 8 + "|"]
    for (task, method), pairs in sorted(found.items()):
        took, guess = [pair[0] for pair in pairs], median(pair[1] for pair in pairs)
        numbers = (median(took), min(took), max(took), guess, guess / median(took))
        lines.append(f"| {task} | {method} | {len(took)} | {' | '.join(f'{number:.2f}' for number in numbers)} |")
    return "\n".join(lines)


def _hours(report: Report, words: str, batch: Batch) -> float:
    method, task = words.split()
    config = read([f"method={method}", f"task={task}", "scale=paper"])
    model, device, work = model_of(config), DEVICES[report.device], workload(config)
    trained = work.steps * work.micro_batches * training(config, model, device, batch).seconds / 3600
    batches = {"dev": work.dev_batches, "test": work.test_batches}
    if report.phase in batches:
        return batches[report.phase] * evaluation(config, model, device, work).seconds / 3600
    return trained + (estimate(config, model, device).evaluation_hours if report.phase == "run" else 0)
