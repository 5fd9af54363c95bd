from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from petl import records
from petl.config import Backbone, Config, Delta, Method, Runtime, Task


@pytest.fixture
def config(tmp_path) -> Config:
    return Config(
        method=Method("mam", "MAM adapter", {"main": Delta(s=4.0)}),
        backbone=Backbone("mini-bart", "mini:bart"),
        task=Task(name="xsum", kind="generation", select="rouge2"),
        runtime=Runtime(output=str(tmp_path / "out"), records=str(tmp_path / "records")),
    )


@pytest.fixture
def make(config) -> Callable[..., records.Record]:
    """make(key=value, ...) -> a record of `config`, with these keys changed."""

    def build(**changed: Any) -> records.Record:
        record: Any = {
            "schema": records.SCHEMA,
            "identity": records.identity(config),
            "config": records.canonical(config),
            "title": "MAM adapter",
            "code": {"commit": "0" * 40, "dirty": False},
            "packages": {"torch": "2.13.0"},
            "data": {"sha256": {"test": "ab"}, "rows": {"train": 100, "dev": 10, "test": 1200}, "skipped": {}},
            "backbone": {"path": "mini:bart", "revision": None, "sha256": "cd", "tokenizer_sha256": "ef"},
            "parameters": {"trained": 12345, "stored": 12000, "paper": 11000, "backbone": 200000, "percent": 5.5},
            "deltas": [{"delta": "main", "size": 16}],
            "metrics": {"dev": {"loss": 2.5, "rouge2": 11.25}, "test": {"loss": 2.625, "rouge2": 10.5}},
            "protocol": {"dev": {"rows": 10}, "test": {"rows": 1200}},
            "signature": "rouge|stem:porter",
            "selected": {"step": 1200, "metric": "rouge2", "value": 11.25},
            "history": [{"step": 1200, "loss": 2.75, "lr": 0.001, "dev": {"loss": 2.5, "rouge2": 11.25}}],
            "examples": [
                {"source": f"the source {i}", "reference": "the\nreference", "prediction": "" if i == 4 else "a guess"}
                for i in range(5)
            ],
            "seconds": {"load": 1.5, "train": 75.0, "test": 3.25},
            "memory_mb": 1234.5,
            "device": "cpu",
            "processes": 1,
            "threads": 2,
            "overflows": 0,
            "finished": "2026-01-01T00:00:00+00:00",
        }
        record.update(changed)
        return record

    return build
