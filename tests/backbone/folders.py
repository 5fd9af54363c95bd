"""Folders laid out as the hub's of the paper's three backbones, made here: tiny, with the same files and names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from transformers import (
    BartConfig,
    BartForConditionalGeneration,
    MBartConfig,
    MBartForConditionalGeneration,
    PreTrainedModel,
    RobertaConfig,
    RobertaForMaskedLM,
)

TEXT = "the a cat dog sat on mat ran home over town pisica un stat pe acasa oras Și ţară a găsit o casă".split()
SIZES: dict[str, Any] = {
    "d_model": 16,
    "encoder_layers": 1,
    "decoder_layers": 1,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 16,
    "decoder_ffn_dim": 16,
    "max_position_embeddings": 48,
    "init_std": 0.3,
}


def bart_large(folder: Path) -> PreTrainedModel:
    """config.json says BartModel and the tensors have no prefix; pytorch_model.bin; vocab.json, merges.txt."""
    model = _model(BartForConditionalGeneration, BartConfig(vocab_size=_bytes(folder), **SIZES))
    state = {name.removeprefix("model."): t for name, t in model.state_dict().items() if name.startswith("model.")}
    torch.save(state, folder / "pytorch_model.bin")
    _config(folder, model, architectures=["BartModel"])
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": 1024}))
    return model


def mbart_large_cc25(folder: Path) -> PreTrainedModel:
    """pytorch_model.bin as torch wrote it before 1.6; sentencepiece.bpe.model and no fast tokenizer."""
    pieces = sentencepiece(folder)
    model = _model(MBartForConditionalGeneration, MBartConfig(vocab_size=pieces + 1 + 25 + 1, **SIZES))
    torch.save(model.state_dict(), folder / "pytorch_model.bin", _use_new_zipfile_serialization=False)
    _config(folder, model)
    return model


def roberta_base(folder: Path) -> PreTrainedModel:
    """A masked language model, whose head is not used; model.safetensors; vocab.json, merges.txt."""
    sizes: dict[str, Any] = {
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 16,
    }
    config = RobertaConfig(vocab_size=_bytes(folder), **sizes, max_position_embeddings=50, type_vocab_size=1)
    model = _model(RobertaForMaskedLM, config)
    model.save_pretrained(folder)
    return model


def in_pieces(folder: Path) -> PreTrainedModel:
    """model-00001-of-0000N.safetensors and their index."""
    model = bart_large(folder)
    (folder / "pytorch_model.bin").unlink()
    model.save_pretrained(folder, max_shard_size="10KB")
    return model


LAYOUTS = {
    "bart-large": bart_large,
    "mbart-large-cc25": mbart_large_cc25,
    "roberta-base": roberta_base,
    "in pieces": in_pieces,
}


def sentencepiece(folder: Path, vocabulary: int = 60) -> int:
    """sentencepiece.bpe.model as mBART's: unigram pieces, NFKC; returns their number."""
    import sentencepiece

    with (folder / "sentencepiece.bpe.model").open("wb") as file:
        sentencepiece.SentencePieceTrainer.train(  # type: ignore[attr-defined]
            sentence_iterator=iter([" ".join(TEXT), "Anno 1 2 3 . , ! ? fi ABC"] * 20),
            model_writer=file,
            vocab_size=vocabulary,
            hard_vocab_limit=False,
            minloglevel=2,
        )
    model = str(folder / "sentencepiece.bpe.model")
    return sentencepiece.SentencePieceProcessor(model_file=model).get_piece_size()  # type: ignore[attr-defined]


def _bytes(folder: Path) -> int:
    """vocab.json and merges.txt as BART's and RoBERTa's; returns the size of the vocabulary."""
    from tokenizers import ByteLevelBPETokenizer

    trained = ByteLevelBPETokenizer()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    trained.train_from_iterator([" ".join(TEXT)] * 2, vocab_size=300, special_tokens=special, show_progress=False)
    trained.save_model(str(folder))
    return trained.get_vocab_size()


def _model(kind: type[PreTrainedModel], config: Any) -> PreTrainedModel:
    torch.manual_seed(1)
    model = kind(config).eval()
    with torch.no_grad():  # no two tensors alike, zeros least of all
        for parameter in model.parameters():
            parameter.normal_(std=0.3)
    return model


def _config(folder: Path, model: PreTrainedModel, **changed: Any) -> None:
    (folder / "config.json").write_text(json.dumps({**model.config.to_dict(), **changed}))
