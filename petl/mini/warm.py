"""RoBERTa's first weights out of BART's encoder: the same post-LN layers, and positions counted from 2 in both.

From scratch, masked prediction was still near the unigram loss (6.2 of 7.0) after 3.5M tokens; from the encoder it is
below that (5.8) after 0.4M.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForSeq2SeqLM

EMBEDDING = {
    "embed_tokens": "embeddings.word_embeddings",
    "embed_positions": "embeddings.position_embeddings",
    "layernorm_embedding": "embeddings.LayerNorm",
}
LAYER = {
    "self_attn.q_proj": "attention.self.query",
    "self_attn.k_proj": "attention.self.key",
    "self_attn.v_proj": "attention.self.value",
    "self_attn.out_proj": "attention.output.dense",
    "self_attn_layer_norm": "attention.output.LayerNorm",
    "fc1": "intermediate.dense",
    "fc2": "output.dense",
    "final_layer_norm": "output.LayerNorm",
}


def start(model: Any, folder: Path) -> None:
    """Give a RoBERTa the embeddings and layers of the BART in `folder`; its further layers and head stay as drawn."""
    encoder = AutoModelForSeq2SeqLM.from_pretrained(folder, dtype=torch.float32).model.encoder
    names = dict(EMBEDDING)
    for i in range(len(encoder.layers)):
        names |= {f"layers.{i}.{ours}": f"encoder.layer.{i}.{theirs}" for ours, theirs in LAYER.items()}
    types = model.roberta.embeddings.token_type_embeddings.weight  # BART has none
    state = {"embeddings.token_type_embeddings.weight": torch.zeros_like(types)}
    for name, tensor in encoder.state_dict().items():
        module, _, kind = name.rpartition(".")
        state[f"{names[module]}.{kind}"] = tensor
    found = model.roberta.load_state_dict(state, strict=False)
    assert not found.unexpected_keys, found.unexpected_keys
