"""The cells of the grid, and tiny random backbones to try them on: a new cell is tested by standing here."""

from itertools import product

import torch
from transformers import (
    BartConfig,
    BartForConditionalGeneration,
    MBartConfig,
    MBartForConditionalGeneration,
    PreTrainedModel,
    RobertaConfig,
    RobertaForSequenceClassification,
)

from petl.backbone import attach
from petl.config import Delta, Dropout, Init, Insertion, Method, Norm, Position, Rule

ARCHITECTURES = ("bart", "mbart", "roberta")
SPANS = (Position.attn, Position.ffn, Position.qv, Position.fc)


def span_cells() -> dict[str, Delta]:
    """Every cell whose delta has weights of its own; started as LoRA is, so that it begins at the backbone."""
    cells = {}
    for position, insertion, rule in product(SPANS, Insertion, (Rule.add, Rule.scaled, Rule.learned)):
        s = 2.0 if rule is Rule.scaled else 1.0
        cells[f"relu-{position.value}-{insertion.value}-{rule.value}"] = Delta(
            "relu", position, insertion, rule, s, size=3, init=Init.lora
        )
    for form in ("linear", "gelu", "tanh", "silu", "softmax"):
        cells[f"{form}-ffn-parallel"] = Delta(form, Position.ffn, Insertion.parallel, size=3)
    for rule in (Rule.add, Rule.scaled, Rule.learned):
        cells[f"relu-block-{rule.value}"] = Delta("relu", Position.block, Insertion.sequential, rule, 2.0, size=3)
    cells["attn-before-wo"] = Delta("relu", Position.attn, Insertion.parallel, size=3, before_wo=True, norm=Norm.input)
    cells["ffn-stream"] = Delta("relu", Position.ffn, Insertion.parallel, size=3, reads_stream=True, norm=Norm.output)
    cells["lora-dropout"] = Delta(
        "linear", Position.qv, Insertion.parallel, Rule.scaled, 2.0, 3, bias=False, dropout=Dropout.own,
        dropout_rate=0.1, dropout_on="input",
    )  # fmt: skip
    return cells


def head_cells() -> dict[str, Delta]:
    """Every cell inside attention, and the prompt."""
    heads = {"position": Position.heads, "size": 3}
    return {
        "prefix": Delta("softmax", compose=Rule.gated, network=8, **heads),
        "prefix-free": Delta("softmax", compose=Rule.gated, **heads),
        "prefix-dropout": Delta(
            "softmax",
            compose=Rule.gated,
            network=8,
            dropout=Dropout.own,
            dropout_rate=0.2,
            dropout_on="prefix",
            **heads,
        ),
        "prefix-own-query": Delta("softmax", compose=Rule.gated, norm=Norm.input, **heads),
        "prefix-nogate": Delta("softmax", compose=Rule.add, network=8, **heads),
        "prefix-learned": Delta("softmax", compose=Rule.learned, **heads),
        "multi-head": Delta("relu", compose=Rule.add, network=8, **heads),
        "multi-head-norm": Delta("relu", compose=Rule.scaled, s=2.0, norm=Norm.input, scale_query=False, **heads),
        "prompt": Delta("prompt", Position.input, size=3),
    }


CELLS = span_cells() | head_cells()
MIXTURES = {
    "mam": {"heads": CELLS["prefix"], "main": CELLS["relu-ffn-parallel-scaled"]},
    "houlsby": {"attn": CELLS["relu-attn-sequential-add"], "main": CELLS["relu-ffn-sequential-add"]},
    "prefix-lora": {"heads": CELLS["prefix-free"], "main": Delta("linear", Position.fc, size=2, bias=False)},
}
ALL = {name: {"main": cell} for name, cell in CELLS.items()} | MIXTURES


def backbone(architecture: str, attention: str = "sdpa", seed: int = 0, dropout: float = 0.0) -> PreTrainedModel:
    """A random backbone of 2 layers and width 16, in double precision; wide initial weights, so that a delta shows."""
    torch.manual_seed(seed)
    if architecture == "roberta":
        config = RobertaConfig(
            vocab_size=40, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
            max_position_embeddings=40, type_vocab_size=1, initializer_range=0.3, num_labels=3,
            hidden_dropout_prob=dropout, attention_probs_dropout_prob=dropout, attn_implementation=attention,
        )  # fmt: skip
        model = RobertaForSequenceClassification(config)
    else:
        kind, cls = {
            "bart": (BartConfig, BartForConditionalGeneration),
            "mbart": (MBartConfig, MBartForConditionalGeneration),
        }[architecture]
        config = kind(
            vocab_size=40, d_model=16, encoder_layers=2, decoder_layers=2, encoder_attention_heads=2,
            decoder_attention_heads=2, encoder_ffn_dim=32, decoder_ffn_dim=32, max_position_embeddings=40, init_std=0.3,
            dropout=dropout, attention_dropout=dropout, activation_dropout=dropout, decoder_start_token_id=2,
            forced_eos_token_id=2, attn_implementation=attention,
        )  # fmt: skip
        model = cls(config)
    return model.double().eval()


def carrying(architecture: str, cell: str, **options) -> PreTrainedModel:
    """A backbone that carries the cell, its tuned tensors moved away from their start."""
    model = backbone(architecture, **options)
    attach(model, Method(name=cell, deltas=ALL[cell]), seed=0)
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.3 * torch.randn_like(parameter))
    return model


def batch(architecture: str, rows: int = 12, length: int = 7) -> dict[str, torch.Tensor]:
    """Right-padded rows of several lengths, with labels."""
    torch.manual_seed(2)
    ids = torch.randint(4, 40, (rows, length))
    mask = torch.ones_like(ids)
    for row in range(rows):
        end = length - row % 5
        ids[row, end:], mask[row, end:] = 1, 0
    labels = torch.randint(0, 3, (rows,)) if architecture == "roberta" else torch.randint(4, 40, (rows, 5))
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}
