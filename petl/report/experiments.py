"""conf/experiment: a table or figure of the paper as a sweep, written out of results/paper.json for reading."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from petl.report import published

NAMES = ("table2", "table3", "table4", "table5", "table6", "table12", "figure2", "figure4", "figure5")
SEEDS = (0, 1, 2, 3, 4)  # ours, of every row
PAPER_SEEDS = {1: [42], 3: [42, 15217, 65537], 5: [42, 2, 4, 6, 8]}  # of the released scripts, by how many a row has
METRICS = {"rouge1": "R-1", "rouge2": "R-2", "rougeL": "R-L", "bleu": "BLEU", "accuracy": "accuracy"}
METRIC = {"xsum": "rouge2", "en_ro": "bleu", "mnli": "accuracy", "sst2": "accuracy"}  # what a task is judged by
DIGITS = {"bleu": 1, "accuracy": 1}  # as printed; ROUGE has two
COMMAND = "python train.py -m experiment="


@dataclass(frozen=True)
class Costs:
    """Hours of one run, by the words of its row and its task, from petl.plan: an estimate."""

    paper: Callable[[Sequence[str], str], float]
    mini: Callable[[Sequence[str], str], float]
    paper_device: str
    mini_device: str


def preset(name: str, costs: Costs) -> str:
    """The file conf/experiment/<name>.yaml."""
    table = published.table(name)
    rows = {row["row"]: row for row in table["rows"] if row.get("ours", True)}
    tasks = list(next(iter(rows.values()))["metrics"])
    body = [
        "hydra:",
        "  sweeper:",
        "    params:",
        f"      task: {','.join(tasks)}",
        f"      seed: {','.join(map(str, SEEDS))}",
        "rows:",
        *_rows(rows, table["seeds"]),
    ]
    return "\n".join(["# @package _global_", *_header(name, table, rows, tasks, costs), *body]) + "\n"


def title(name: str) -> str:
    """table6 -> Table 6."""
    return re.sub(r"(?=\d)", " ", name, count=1).capitalize()


def _rows(rows: Mapping[str, published.Row], seeds: int) -> Iterable[str]:
    for label, row in rows.items():
        key = f'"{label}"' if label[0] in "-?:" or ": " in label else label
        words, paper = " ".join(published.row_words(row)), PAPER_SEEDS[row.get("seeds", seeds)]
        line = f"  {key}: {{words: {words}, paper_seeds: {paper}}}"
        yield line if len(line) <= 120 else f"  {key}:\n    words: {words}\n    paper_seeds: {paper}"


def _header(
    name: str, table: published.Row, rows: Mapping[str, published.Row], tasks: Sequence[str], costs: Costs
) -> list[str]:
    pairs = [(row, task) for row in rows.values() for task in tasks]
    mini = sum(len(SEEDS) * costs.mini(published.row_words(row), task) for row, task in pairs)
    paper = [costs.paper(published.row_words(row), task) for row, task in pairs]
    counts = [len(PAPER_SEEDS[row.get("seeds", table["seeds"])]) for row, _ in pairs]
    theirs = sum(count * hours for count, hours in zip(counts, paper, strict=True))
    runs, command = len(SEEDS) * len(pairs), f"{COMMAND}{name}"
    commands = [
        (command, f"mini: {runs} runs, {_hours(mini)} of {costs.mini_device}"),
        (f"{command} scale=paper", f"{runs} runs, {_hours(len(SEEDS) * sum(paper))} of {costs.paper_device}"),
        (f"{command} scale=paper seed=paper", f"{sum(counts)} runs, the paper's seeds, {_hours(theirs)}"),
        (f"{command} {_pick(rows)} task={tasks[0]} seed=0", "picks rows, tasks, seeds"),
    ]
    width = max(len(words) for words, _ in commands)
    return [
        f"# {title(name)} of the paper: {table['caption'][0].lower()}{table['caption'][1:]}.",
        "# Made out of results/paper.json by `python scripts/experiments.py`.",
        "#",
        *(f"#   {words:<{width}}  # {said}" for words, said in commands),
        "#",
        f"# What the paper prints, and the hours of one run at scale=paper: estimated, of {costs.paper_device}:",
        *_expected(table, tasks, costs),
    ]


def _pick(rows: Mapping[str, published.Row]) -> str:
    """A short word that rows have."""
    words = {published.row_words(row)[0] for row in rows.values()}
    return "method=mam" if "method=mam" in words else min(words, key=lambda word: (len(word), word))


def _expected(table: published.Row, tasks: Sequence[str], costs: Costs) -> list[str]:
    metrics = {task: list(table["rows"][0]["metrics"][task]) for task in tasks}
    head = [f"{task} {'/'.join(METRICS[metric] for metric in metrics[task])}" for task in tasks]
    lines = [["", *(cell for task in head for cell in (task, "hours"))]]
    for row in table["rows"]:
        cells = [row["row"]]
        for task in tasks:
            printed = row["metrics"][task]
            cells.append("/".join(f"{printed[metric]:.{DIGITS.get(metric, 2)}f}" for metric in metrics[task]))
            cells.append(f"{costs.paper(published.row_words(row), task):.2g}" if row.get("ours", True) else "")
        lines.append(cells)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        "#   " + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]


def _hours(hours: float) -> str:
    return f"{float(f'{hours:.2g}'):,.0f} hours" if hours >= 9.5 else f"{hours:.1f} hours"
