"""A trained model put together again as its run did it, or not at all."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.utils.logging import disable_progress_bar

from petl import backbone, records, tasks
from petl.backbone.sizes import unit
from petl.checks import validate
from petl.config import Backbone, Config, Method, Precision, Runtime, UserError
from petl.training import account, checkpoint
from petl.tuned import folder, peft
from petl.tuned.find import Found, config_of
from petl.tuned.model import Tuned


def restore(found: Found, device: str = "auto", path: str | None = None) -> Tuned:
    """See `petl.tuned.load`."""
    disable_progress_bar()  # of loading weights: a blink
    if found.folder is None:
        raise UserError(f"{found.path}: the record is here, the run's folder with its weights is not.")
    about, where = folder.about(found.folder) if found.exported else None, _device(device)
    config = _settings(found, path, where)
    if about is not None and about.layout == folder.MERGED:
        config.backbone, config.method = Backbone(config.backbone.name, str(found.folder)), Method(config.method.name)
        model, tokenizer = _backbone(config)
        body = about.backbone_sha256
    else:
        _refuse_other_files(found.record, config)
        model, tokenizer = _backbone(config)
        _refuse_other_weights(found, about, config.backbone.path, model, tokenizer)
        body = account.weights_sha256(model.base_model.state_dict())
        if config.recipe.steps != 0:  # zero steps test the untuned backbone
            weights = folder.weights(found.folder, about) if about else _checkpoint(found.folder, found.record)
            _attach(model, config, weights if about else None)
            told = peft.ours(model, weights) if about and about.layout == folder.PEFT else weights
            backbone.load_tuned(model, told)
    nn.Module.to(model, where)
    return Tuned(model.eval(), tokenizer, config, found.record, body)


def _settings(found: Found, path: str | None, device: torch.device) -> Config:
    """The run's config as far as it speaks of the model, valid on this machine."""
    config = config_of(found.record, found.path)
    config.runtime = Runtime()
    config.task = dataclasses.replace(config.task, data=None, dev=None, test=None, revision=None)
    where = path or config.backbone.path
    commit = found.record["backbone"].get("commit") or config.backbone.revision  # of the hub; main has moved on since
    revision = None if Path(where).expanduser().is_dir() else commit
    config.backbone = dataclasses.replace(config.backbone, path=where, revision=revision)
    precision = Precision(found.record.get("precision", config.recipe.precision))
    if device.type == "cpu" and precision in (Precision.fp16, Precision.auto):
        precision = Precision.fp32
    config.recipe = dataclasses.replace(config.recipe, precision=precision)
    validate(config)
    return config


def _device(name: str) -> torch.device:
    if name not in ("auto", "cpu", "cuda"):
        raise UserError(f"device={name}: one of auto, cpu, cuda.")
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("device=cuda, but torch sees no CUDA device here.")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def _attach(model: PreTrainedModel, config: Config, exported: dict[str, Tensor] | None) -> None:
    """The method with its sizes. What was exported has its prefixes folded, and a classification head.

    It may be a stranger's: sizes that its tensors do not bear out are refused before they take memory.
    """
    method, _ = backbone.resolve(model, config.method, config.budget)
    if exported is not None:
        claimed = sum(unit(model, delta) * (delta.size or 0) for delta in method.deltas.values())
        if claimed > (there := sum(tensor.numel() for tensor in exported.values())):
            raise UserError(f"The record speaks of {claimed:,} tuned parameters, the weights are {there:,}.")
        deltas = {name: dataclasses.replace(delta, network=None) for name, delta in method.deltas.items()}
        method = dataclasses.replace(method, deltas=deltas)
    backbone.attach(model, method, config.seed, exported is not None or config.recipe.train_head)


def _checkpoint(place: Path, record: records.Record) -> dict[str, Tensor]:
    """The weights that the run selected and tested."""
    best, tested = checkpoint.newest(place / "checkpoints", "best"), record["selected"]["step"]
    if best is None:
        raise UserError(f"{place}: no whole best checkpoint, so there are no weights to load.")
    weights, told, _ = checkpoint.load(best)
    same = told["origin"]["backbone"]["sha256"] == record["backbone"]["sha256"]
    if not same or told["state"]["step"] != tested:
        raise UserError(f"{best} is of another run than the record, which tested step {tested}.")
    return weights


# The same backbone ----------------------------------------------------------------------------------------------------


def _backbone(config: Config) -> tuple[PreTrainedModel, Any]:
    labels = len(tasks.find(config.task.name).labels) or None
    return backbone.load(config.backbone, config.task.kind, labels, config.seed, config.runtime.offline)


def _refuse_other_files(record: records.Record, config: Config) -> None:
    stored = record["backbone"].get("files", {})
    for name, sha256 in records.backbone_files(config.backbone).items():
        if stored.get(name, sha256) != sha256:
            raise UserError(
                f"{name} of backbone {config.backbone.path} is another file than the one this run started from:\n"
                f"sha256 {sha256}, in the record {stored[name]}."
            )


def _refuse_other_weights(
    found: Found, about: folder.About | None, path: str, model: PreTrainedModel, tokenizer: Any
) -> None:
    """By what was loaded. An export says nothing of a head that was drawn: it has it."""
    wanted = found.record["backbone"]
    if about is None:
        same = account.weights_sha256(model.state_dict()) == wanted["sha256"]
    else:
        same = account.weights_sha256(model.base_model.state_dict()) == about.backbone_sha256
    if not same or account.tokenizer_sha256(tokenizer) != wanted["tokenizer_sha256"]:
        what = "tokenizer" if same else "weights"
        raise UserError(f"The {what} of backbone {path} are not what this run started from ({found.path}).")
