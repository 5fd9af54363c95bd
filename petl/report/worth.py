"""What MAM and full fine-tuning score above what needs no backbone, on the embedded tasks: a table for reading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from petl.records import Record
from petl.report.cells import Cell, cells
from petl.report.experiments import METRIC

ROWS = {"method=mam": "MAM", "method=full": "full fine-tuning"}  # of Tables 6 and 2, by all their words


def markdown(measured: Mapping[str, Any], runs: Sequence[Record]) -> str:
    """measured: results/baselines.json. A dash where no run of the row read these very rows."""
    found = [cell for table in ("table6", "table2") for cell in cells(table, "mini", runs)]
    filled = {(cell.task, " ".join(cell.words[:-2])): cell for cell in found}  # without its task and scale
    heads = ["task", "test metric", "without a backbone", *ROWS.values(), "dev and test rows near one in train"]
    rows = [
        [
            task,
            METRIC[task],
            ", ".join(f"{name} {values[METRIC[task]]:.1f}" for name, values in told["baselines"].items()),
            *(_mean(filled[task, words], METRIC[task], told["sha256"]) for words in ROWS),
            f"{told['overlaps']['near one in train']:,} of {told['overlaps']['rows']:,}",
        ]
        for task, told in measured.items()
    ]
    return "\n".join("| " + " | ".join(row) + " |" for row in [heads, ["---"] * len(heads), *rows])


def _mean(cell: Cell, metric: str, sha256: str) -> str:
    theirs = {run["data"]["sha256"].get(f"embedded {cell.task}") for run in cell.records.values()}
    values = cell.values(metric).values() if theirs == {sha256} else []
    return f"{fmean(values):.1f} (n={len(values)})" if values else "—"
