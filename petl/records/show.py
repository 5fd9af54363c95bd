"""A record as plain text: the end of a run, and the answer to running it again."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Mapping
from typing import Any


def summary(record: Mapping[str, Any], path: object = None, width: int | None = None) -> str:
    """Method, metrics, parameters, time, five decoded examples beside their references, and where the record is."""
    width = min(width or shutil.get_terminal_size((100, 24)).columns, 120)
    lines = [_title(record), "-" * width]
    lines += [_row("parameters", _parameters(record["parameters"]))]
    lines += [_row(split, _metrics(record, split)) for split in record["metrics"]]
    lines += [_row("selected", _selected(record["selected"])), _row("time", _time(record))]
    lines += ["", *_examples(record["examples"], width)]
    lines += ["", _row("record", str(path if path is not None else record["identity"]))]
    return "\n".join(lines)


def _title(record: Mapping[str, Any]) -> str:
    config = record["config"]
    method, task = record["title"] or config["method"]["name"], config["task"]["name"]
    return f"{method} on {task} · {config['scale']} · {record['backbone']['path']} · seed {config['seed']}"


def _parameters(counts: Mapping[str, Any]) -> str:
    shown = f"{counts['trained']:,} trained"
    if counts.get("stored") not in (None, counts["trained"]):
        shown += f", {counts['stored']:,} stored"
    return f"{shown}, {counts['percent']:.2f}% of {counts['backbone']:,} by the paper's count"


def _metrics(record: Mapping[str, Any], split: str) -> str:
    values = "  ".join(
        f"{name} {value:.{3 if name == 'loss' else 2}f}" for name, value in record["metrics"][split].items()
    )
    return f"{values}  ({record['protocol'][split]['rows']:,} rows)"


def _selected(selected: Mapping[str, Any]) -> str:
    if not selected["step"]:
        return "the untuned model"
    return f"step {selected['step']:,}, dev {selected['metric']} {selected['value']:.3f}"


def _time(record: Mapping[str, Any]) -> str:
    phases = ", ".join(f"{name} {_clock(seconds)}" for name, seconds in record["seconds"].items())
    processes = f"{record['processes']} process{'es' * (record['processes'] != 1)}"
    return f"{phases}  ({record['device']}, {processes}, peak {record['memory_mb']:,.0f} MB)"


def _clock(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else f"{int(seconds // 60)} min {int(seconds % 60):02d} s"


def _examples(examples: list[dict[str, str]], width: int) -> list[str]:
    lines = []
    for number, example in enumerate(examples, 1):
        for label in ("source", "reference", "prediction"):
            plain = "".join(c if c.isprintable() else " " for c in example[label])  # a terminal obeys the others
            text = textwrap.shorten(" ".join(plain.split()), width - 16, placeholder=" ...") or "(nothing)"
            lines.append(f"{number if label == 'source' else ' '}  {label:<12} {text}")
    return lines


def _row(label: str, text: str) -> str:
    return f"{label:<12} {text}"
