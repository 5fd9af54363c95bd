"""Records made by hand: the real settings of a row of the paper, with the numbers that a test gives."""

from __future__ import annotations

from typing import Any

from petl import records
from petl.leaves import reader
from petl.report import published

_read = reader()


def made(
    reference: str, task: str, seed: int, scale: str = "mini", words: tuple[str, ...] = (), **metrics: float
) -> Any:
    """made("table6/BitFit", "xsum", 0, rouge2=17.3) -> a record of that row with these test metrics."""
    return made_of((*published.words(published.row(reference), task, scale), *words), seed, **metrics)


def made_of(words: tuple[str, ...], seed: int, **metrics: float) -> Any:
    """The same of a run in the words of a command line."""
    config = _read((*words, f"seed={seed}"))
    return {
        "schema": records.SCHEMA,
        "identity": records.identity(config),
        "config": records.canonical(config),
        "title": config.method.title,
        "code": {"commit": "0" * 40, "dirty": False},
        "packages": {},
        "data": {"sha256": {"train": "a", "dev": "b", "test": "c"}, "rows": {"train": 9, "dev": 5, "test": 7}},
        "backbone": {"path": config.backbone.path, "revision": None, "sha256": "w", "tokenizer_sha256": "t"},
        "parameters": {"trained": 123, "stored": 120, "paper": 100, "backbone": 2000, "percent": 5.0},
        "deltas": [],
        "metrics": {"dev": {}, "test": metrics},
        "protocol": {"test": {"rows": 7, "cut": {}, "decoding": None}},
        "signature": "s",
        "selected": {"step": 1, "metric": "loss", "value": 1.0},
        "history": [],
        "examples": [],
        "seconds": {"train": 10.0},
        "memory_mb": 1.0,
        "device": "cpu",
        "processes": 1,
        "threads": 1,
        "overflows": 0,
        "finished": f"2026-01-0{1 + seed % 9}T00:00:00+00:00",
    }
