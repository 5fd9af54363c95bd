"""Backbones and their tokenizers: from the hub, a local folder, the shipped miniatures, or as bare shapes."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoConfig,
    AutoModelForSeq2SeqLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedModel,
)

from petl.backbone.anatomy import anatomy
from petl.backbone.attach import stream
from petl.config import Backbone, UserError

CLASSES = {"generation": AutoModelForSeq2SeqLM, "classification": AutoModelForSequenceClassification}


def load(
    backbone: Backbone, kind: str, labels: int | None = None, seed: int = 0, offline: bool = False
) -> tuple[PreTrainedModel, Any]:
    """The model (float32, sdpa) and its tokenizer.

    `backbone.path` is a hub id, a local folder, or mini:bart, mini:mbart, mini:roberta. With `random` the weights are
    drawn from the seed; a classification head that the checkpoint lacks always is. UserError says what was tried.
    """
    source, options = locate(backbone.path), {"revision": backbone.revision, "local_files_only": offline}
    if Path(source).is_dir():
        options = {}
    try:
        config = configure(AutoConfig.from_pretrained(source, **options), backbone, labels)
        tokenizer = AutoTokenizer.from_pretrained(source, **options)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(stream(seed, "init", "backbone"))
            if backbone.random:
                model = CLASSES[kind].from_config(config, attn_implementation="sdpa")
            else:
                model = CLASSES[kind].from_pretrained(
                    source, config=config, dtype=torch.float32, attn_implementation="sdpa", **options
                )
    except (OSError, ValueError) as error:
        raise UserError(
            f"Could not load backbone.path={backbone.path} ({type(error).__name__}: {str(error).splitlines()[0]}).\n"
            "Give a hub id, a folder with config.json, weights and tokenizer, or mini:bart, mini:mbart, mini:roberta."
        ) from error
    return model.float(), tokenizer


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
