"""Backbones on paper: every tensor of a BART, mBART or RoBERTa by name and shape, from its config.json. No torch.

That loading torch and transformers takes longer than a whole plan is the reason. tests/plan/test_model.py holds the
names and shapes against transformers' own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from petl.config import Backbone, UserError
from petl.plan.flops import Shape
from petl.refusals import choice

HUB = {  # what the paper's backbones say in config.json, as far as shapes go
    "facebook/bart-large": {"model_type": "bart", "vocab_size": 50_265},
    "facebook/mbart-large-cc25": {"model_type": "mbart", "vocab_size": 250_027},
    "FacebookAI/roberta-base": {
        "model_type": "roberta", "vocab_size": 50_265, "max_position_embeddings": 514, "type_vocab_size": 1,
    },
}  # fmt: skip
PAIR = {  # what transformers' config classes fill in
    "d_model": 1024, "encoder_ffn_dim": 4096, "encoder_layers": 12, "decoder_layers": 12,
    "encoder_attention_heads": 16, "max_position_embeddings": 1024,
}  # fmt: skip
ENCODER = {
    "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12,
    "max_position_embeddings": 512, "type_vocab_size": 2,
}  # fmt: skip
DEFAULTS = {"bart": PAIR, "mbart": PAIR, "roberta": ENCODER}

Tensors = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class Paper:
    """A backbone that has no weights."""

    shape: Shape
    heads: int
    tensors: Tensors  # of the backbone and its classification head; a tied one once
    head: str = ""  # how the names of the head's tensors start

    @property
    def parameters(self) -> int:
        """Without the head."""
        return sum(prod(shape) for name, shape in self.tensors.items() if not self.head or self.head not in name)

    @property
    def matrices(self) -> Tensors:
        """What a token is multiplied with, the tied output embedding included."""
        tied = {"model.shared.weight"} if self.shape.vocabulary else set()
        return {n: s for n, s in self.tensors.items() if len(s) == 2 and ("embed" not in n or n in tied)}


def on_paper(backbone: Backbone, labels: int = 0) -> Paper:
    """UserError if it is no BART, mBART or RoBERTa."""
    told = _config(backbone)
    kind = str(told.get("model_type"))
    if kind not in DEFAULTS:
        raise UserError(choice(f"the model_type of backbone.path={backbone.path}", kind, DEFAULTS))
    c = DEFAULTS[kind] | told
    if kind == "roberta":
        shape = Shape(c["hidden_size"], c["intermediate_size"], c["num_hidden_layers"], 0, 0)
        return Paper(shape, c["num_attention_heads"], dict(_roberta(shape, c, labels)), "classifier.")
    shape = Shape(c["d_model"], c["encoder_ffn_dim"], c["encoder_layers"], c["decoder_layers"], c["vocab_size"])
    return Paper(shape, c["encoder_attention_heads"], dict(_pair(shape, c, stream_norm=kind == "mbart")))


def _config(backbone: Backbone) -> dict[str, Any]:
    if backbone.path in HUB:
        return HUB[backbone.path]
    folder = Path(backbone.path).expanduser()
    if backbone.path.startswith("mini:"):
        from petl.mini import backbone_folder

        folder = backbone_folder(backbone.path.removeprefix("mini:"))
    try:
        return json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        from petl.parameters import architecture  # asks the hub

        return architecture(backbone).to_dict()


def _pair(shape: Shape, c: dict[str, Any], stream_norm: bool) -> Iterator[tuple[str, tuple[int, ...]]]:
    d, f = shape.d, shape.f
    yield "model.shared.weight", (c["vocab_size"], d)
    for stack, layers, attentions in (
        ("encoder", shape.encoder, ("self_attn",)),
        ("decoder", shape.decoder, ("self_attn", "encoder_attn")),
    ):
        yield f"model.{stack}.embed_positions.weight", (c["max_position_embeddings"] + 2, d)
        yield from _norm(f"model.{stack}.layernorm_embedding", d)
        if stream_norm:
            yield from _norm(f"model.{stack}.layer_norm", d)
        for i in range(layers):
            layer = f"model.{stack}.layers.{i}"
            for attention in attentions:
                for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
                    yield from _linear(f"{layer}.{attention}.{name}", d, d)
                yield from _norm(f"{layer}.{attention}_layer_norm", d)
            yield from _linear(f"{layer}.fc1", d, f)
            yield from _linear(f"{layer}.fc2", f, d)
            yield from _norm(f"{layer}.final_layer_norm", d)


def _roberta(shape: Shape, c: dict[str, Any], labels: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    d, f = shape.d, shape.f
    rows = {"word": c["vocab_size"], "position": c["max_position_embeddings"], "token_type": c["type_vocab_size"]}
    for name, count in rows.items():
        yield f"roberta.embeddings.{name}_embeddings.weight", (count, d)
    yield from _norm("roberta.embeddings.LayerNorm", d)
    for i in range(shape.encoder):
        layer = f"roberta.encoder.layer.{i}"
        for name in ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"):
            yield from _linear(f"{layer}.{name}", d, d)
        yield from _norm(f"{layer}.attention.output.LayerNorm", d)
        yield from _linear(f"{layer}.intermediate.dense", d, f)
        yield from _linear(f"{layer}.output.dense", f, d)
        yield from _norm(f"{layer}.output.LayerNorm", d)
    yield from _linear("classifier.dense", d, d)
    yield from _linear("classifier.out_proj", d, labels)


def _linear(name: str, d_in: int, d_out: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield from ((f"{name}.weight", (d_out, d_in)), (f"{name}.bias", (d_out,)))


def _norm(name: str, d: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield from ((f"{name}.weight", (d,)), (f"{name}.bias", (d,)))
