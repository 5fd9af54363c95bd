"""Backbones and their tokenizers: from the hub, a local folder, the shipped miniatures, or as bare shapes."""

from __future__ import annotations

import copy
import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoConfig, AutoModelForSeq2SeqLM, AutoModelForSequenceClassification, PreTrainedModel
from transformers.utils import logging

from petl import hub
from petl.backbone.anatomy import anatomy
from petl.backbone.attach import stream
from petl.backbone.tokenizer import tokenizer
from petl.backbone.unsafe import refuse_unsafe
from petl.config import Backbone, UserError

CLASSES = {"generation": AutoModelForSeq2SeqLM, "classification": AutoModelForSequenceClassification}


def load(
    backbone: Backbone, kind: str, labels: int | None = None, seed: int = 0, offline: bool = False
) -> tuple[PreTrainedModel, Any]:
    """The model (float32, sdpa) and its tokenizer, which knows how many tokens the model takes.

    `backbone.path` is a hub id, a local folder, or mini:bart, mini:mbart, mini:roberta. With `random` the weights are
    drawn from the seed; a classification head that the checkpoint lacks always is. UserError says what was tried.
    """
    folder = find(backbone, offline)
    config = configure(_config(folder), backbone, labels)
    with _told(backbone, "tokenizer", folder):
        tokens = tokenizer(folder)
    with _told(backbone, "weights", folder), torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream(seed, "init", "backbone"))
        model = _model(folder, config, kind, backbone)
    words = model.config.vocab_size
    if len(tokens) > words:
        raise UserError(f"{folder}: its tokenizer has {len(tokens):,} tokens, its model only {words:,}: not a pair.")
    tokens.model_max_length = min(tokens.model_max_length, _positions(model))
    return model.float(), tokens


def find(backbone: Backbone, offline: bool = False) -> Path:
    """The folder of a backbone, downloaded where it is on the hub. Its name is then the commit."""
    folder = Path(locate(backbone.path)).expanduser()
    return folder if folder.is_dir() else hub.backbone(backbone.path, backbone.revision, offline)


def shapes(config: Any, kind: str, labels: int | None = None) -> PreTrainedModel:
    """The model of `config` on the meta device: exact names and shapes, no memory."""
    config = copy.deepcopy(config)
    if labels is not None:
        config.num_labels = labels
    with torch.device("meta"):
        return CLASSES[kind].from_config(config, attn_implementation="sdpa")


def configure(config: Any, backbone: Backbone, labels: int | None) -> Any:
    """The checkpoint's config with our dropout rates and label count."""
    places = anatomy(config.model_type)
    wanted = dict(zip(places.rates, (backbone.dropout, backbone.attention_dropout), strict=True))
    if backbone.activation_dropout is not None:
        if places.activation_rate is None:
            raise UserError(f"backbone.activation_dropout: {config.model_type} has no such dropout.")
        wanted[places.activation_rate] = backbone.activation_dropout
    for name, rate in wanted.items():
        if rate is not None:
            setattr(config, name, rate)
    if labels is not None:
        config.num_labels = labels
    return config


def locate(path: str) -> str:
    """mini:NAME -> the shipped folder; anything else as it is."""
    if not path.startswith("mini:"):
        return path
    from petl.mini import backbone_folder

    return str(backbone_folder(path.removeprefix("mini:")))


def _config(folder: Path) -> Any:
    """config.json, if it describes an architecture that we know: no other is looked up, or its code run."""
    path = folder / "config.json"
    try:
        told = json.loads(path.read_text("utf-8"))
        anatomy(told["model_type"])
        refuse_unsafe(folder, told)
        return AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except FileNotFoundError as error:
        raise UserError(f"{folder}: no config.json in it, so no backbone. {_holds(folder)}") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path}: not the config of a model ({type(error).__name__}: {_line(error)}).") from error


def _model(folder: Path, config: Any, kind: str, backbone: Backbone) -> PreTrainedModel:
    if backbone.random:
        return CLASSES[kind].from_config(config, attn_implementation="sdpa")
    model, found = CLASSES[kind].from_pretrained(
        folder,
        config=config,
        dtype=torch.float32,
        attn_implementation="sdpa",
        local_files_only=True,
        weights_only=True,
        trust_remote_code=False,
        output_loading_info=True,
    )
    missing = sorted(name for name in found["missing_keys"] if name.startswith(f"{model.base_model_prefix}."))
    if missing:  # transformers would draw them at random
        raise UserError(
            f"{folder}: the weights are not those of this config.json: {len(missing)} tensors are missing, "
            f"as {', '.join(missing[:3])}."
        )
    return model


@contextmanager
def _told(backbone: Backbone, what: str, folder: Path) -> Iterator[None]:
    """Whatever a library says of a user's files, in one sentence; its own reports on stderr are not shown."""
    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    except (UserError, MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # the formats' readers each have their own
        why = f"{type(error).__name__}: {_line(error)}"
        if type(error).__name__ == "UnpicklingError":
            why = "its file holds more than tensors, which could run code; it is not read: convert it to safetensors"
        raise UserError(f"backbone.path={backbone.path}: no {what} from {folder} ({why}). {_holds(folder)}") from error
    finally:
        logging.set_verbosity(verbosity)


def _positions(model: nn.Module) -> int:
    """How many tokens the model has positions for; without a limit a large number."""
    limit = getattr(model.config, "max_position_embeddings", None) or 10**9
    for name, module in model.named_modules():  # RoBERTa counts from behind the padding's position
        if name.endswith("position_embeddings") and isinstance(module, nn.Embedding) and module.padding_idx is not None:
            return limit - module.padding_idx - 1
    return limit


def _holds(folder: Path) -> str:
    names = ", ".join(sorted(path.name for path in folder.iterdir())[:12]) or "nothing"
    return (
        f"The folder holds: {names}. Wanted: config.json; model.safetensors (also in pieces) or pytorch_model.bin; "
        "tokenizer.json, or vocab.json and merges.txt, or a sentencepiece *.model."
    )


def _line(error: Exception) -> str:
    return (str(error).strip() or "no more is said").splitlines()[0][:200]
