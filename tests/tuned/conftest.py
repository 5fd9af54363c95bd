"""Runs that look trained: a tiny random backbone, a method's tuned tensors moved away from their start, and the files
that a real run of it leaves. Nothing is trained; tests/tuned/test_runs.py does it once for real."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from transformers import MBartConfig, MBartForConditionalGeneration, PreTrainedModel

from petl import backbone, command, records, tasks
from petl.config import Config
from petl.training import account, checkpoint
from tests.training.conftest import TINY, bart, configure, roberta, tiny, tokenizer  # noqa: F401

TASK = {"bart": "xsum", "mbart": "xsum", "roberta": "sst2"}
TEXTS = ["w3 w1 w4 w1 w5", "w9 w2", "w6 w5 w3 w5 w8 w9 w7", "w0"]


class Run(NamedTuple):
    config: Config
    model: PreTrainedModel  # as it was when its checkpoint was written
    folder: Path
    record: Path


def mbart() -> Any:
    torch.manual_seed(0)
    sizes = {f"{side}_{what}": n for side in ("encoder", "decoder") for what, n in SIZES.items()}
    return MBartForConditionalGeneration(MBartConfig(**TINY, d_model=16, **sizes, decoder_start_token_id=2))


SIZES = {"layers": 1, "attention_heads": 2, "ffn_dim": 32}


@pytest.fixture(scope="session")
def backbones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders bart, mbart and roberta: weights and tokenizer."""
    root = tmp_path_factory.mktemp("backbones")
    for make in (bart, mbart, roberta):
        make().save_pretrained(root / make.__name__)
        tokenizer().save_pretrained(root / make.__name__)
    return root


@pytest.fixture
def trained(backbones: Path, tmp_path: Path) -> Callable[..., Run]:
    """trained("bart", "method=mam", ...) -> the run that these words make on that backbone."""

    def make(architecture: str, *words: str) -> Run:
        where = [f"runtime.output={tmp_path}/out", f"runtime.records={tmp_path}/out/records"]
        named = [f"backbone=mini-{architecture}", f"backbone.path={backbones / architecture}", "task.max_source=16"]
        named += [] if architecture == "roberta" else ["task.max_target=8", "task.generation.max_length=8"]
        given = {word.partition("=")[0] for word in words}
        known = [word for word in (f"task={TASK[architecture]}", *named) if word.partition("=")[0] not in given]
        config = command.read([*known, *where, *words])
        labels = len(tasks.find(config.task.name).labels) or None
        model, tok = backbone.load(config.backbone, config.task.kind, labels, config.seed)
        hashes = {
            "sha256": account.weights_sha256(model.state_dict()),
            "tokenizer_sha256": account.tokenizer_sha256(tok),
        }
        method, _ = backbone.resolve(model, config.method, config.budget)
        backbone.attach(model, method, config.seed, config.recipe.train_head)
        move(model)
        told = {"origin": {"backbone": hashes}, "state": {"step": 3}}
        folder = records.run_dir(config)
        checkpoint.save(folder / "checkpoints", "best", 3, backbone.tuned_state(model), told)
        records.write(record(config, model, hashes), records.record_path(config))
        return Run(config, model.eval(), folder, records.record_path(config))

    return make


def move(model: PreTrainedModel) -> None:
    """Away from where a delta starts, so that its absence would show."""
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.3 * torch.randn_like(parameter))


def record(config: Config, model: PreTrainedModel, hashes: dict[str, str]) -> records.Record:
    metric = config.task.select
    return {
        "schema": records.SCHEMA,
        "identity": records.identity(config),
        "config": records.canonical(config),
        "title": config.method.title,
        "code": {"commit": "0" * 40, "dirty": False},
        "packages": records.package_versions(),
        "data": {"sha256": {"test": "ab" * 32}, "rows": {"train": 100, "dev": 10, "test": 1200}, "skipped": {}},
        "backbone": {
            "path": config.backbone.path,
            "revision": None,
            **hashes,
            "files": records.backbone_files(config.backbone),
        },
        "parameters": account.parameters(backbone.counts(model)),
        "deltas": [asdict(row) for row in backbone.describe(model)],
        "metrics": {"dev": {"loss": 2.5, metric: 11.25}, "test": {"loss": 2.625, metric: 10.5}},
        "protocol": {"dev": {"rows": 10}, "test": {"rows": 1200}},
        "signature": "a metric|its settings",
        "selected": {"step": 3, "metric": metric, "value": 11.25},
        "history": [{"step": 3, "loss": 2.75, "lr": 0.001, "dev": {"loss": 2.5, metric: 11.25}}],
        "examples": [{"source": "a private source", "reference": "r", "prediction": "p"}],
        "seconds": {"load": 1.5, "train": 75.0, "test": 3.25},
        "memory_mb": 1234.5,
        "device": "cpu",
        "processes": 1,
        "threads": 1,
        "overflows": 0,
        "finished": "2026-01-01T00:00:00+00:00",
    }


def logits(model: Any, architecture: str) -> torch.Tensor:
    """Of a fixed batch of unequal rows, in evaluation mode."""
    tok = tokenizer()
    rows = tok(TEXTS, padding=True, return_tensors="pt", return_token_type_ids=False)
    if architecture != "roberta":
        rows["decoder_input_ids"] = torch.tensor([[2, 0, 7, 9]] * len(TEXTS))
    with torch.no_grad():
        return model(**rows).logits
