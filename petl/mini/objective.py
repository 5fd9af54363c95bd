"""What each miniature backbone is, and the batches it is pre-trained on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from transformers import AutoConfig, AutoModelForMaskedLM, AutoModelForSeq2SeqLM

from petl.mini import infill, tokenizer
from petl.mini.stream import Stream
from petl.mini.tokenizer import Tokenizer

Batch = dict[str, torch.Tensor]
# Longest sequence of a batch in tokens, and how many batches have it; its sequences are half to wholly as long.
LENGTHS, SHARES = (16, 32, 64, 128, 192), (0.15, 0.3, 0.25, 0.2, 0.1)
TOKENS = 1536  # clean tokens of a batch
PREDICTED = 0.4  # share of the target tokens that enter a denoising loss
TURNED = 0.1  # share of the sources whose sentences are rotated
IGNORED = -100  # label of a position without loss
PAIRED = 0.5  # share of RoBERTa's sequences that are two segments
# Standard deviation of a sequence model's first weights. 0.02 suits d = 1024; at d = 128 it leaves attention 20 times
# weaker than the residual stream, and copying had not emerged after 3M tokens. With 0.08 it has after 0.4M (90 % given
# back). Masked prediction is the other way round: with 0.08 it is stuck at the unigram loss, with 0.02 it is not.
SPREAD = 0.08


class Kind(NamedTuple):
    """One architecture: its tokenizer, its model, its batches."""

    texts: dict[str, float]  # which text, in which share of the batches
    vocabulary: int
    tokenizer: Callable[[list[str], int], Tokenizer]
    architecture: str  # as transformers calls it
    settings: dict[str, Any]  # of its config
    dropout: dict[str, float]  # of the saved config; pre-training itself has none
    auto: Any  # the class that adds the head
    peak: float  # learning rate
    batch: Callable[[list[np.ndarray], str, Tokenizer, np.random.Generator], Batch]
    loss: Callable[[Any, Batch], torch.Tensor]
    starts_from: str | None = None  # the miniature whose tokenizer and encoder it starts with
    head_std: float | None = None  # of the first weights of a head that is added to the pre-trained model

    def model(self, vocabulary: int) -> Any:
        """The untrained model, without dropout. Attention is eager: in bfloat16 on a CPU a third faster than fused."""
        rates = dict.fromkeys(self.dropout, 0.0)
        config = AutoConfig.for_model(self.architecture, vocab_size=vocabulary, **self.settings, **rates)
        return self.auto.from_config(config, attn_implementation="eager")


def draw(
    kind: Kind, streams: dict[str, Stream], positions: dict[str, int], tok: Tokenizer, rng: np.random.Generator
) -> Batch:
    """The next batch; `positions` moves on."""
    text = str(rng.choice(list(kind.texts), p=list(kind.texts.values())))
    longest = int(rng.choice(LENGTHS, p=SHARES)) - 2  # without the special tokens
    sizes = rng.integers(longest // 2, longest + 1, size=TOKENS // longest)
    taken = streams[text].block(positions[text], int(sizes.sum()))
    positions[text] += taken.size
    return kind.batch(np.split(taken, np.cumsum(sizes)[:-1]), text, tok, rng)


def infilling(taken: list[np.ndarray], language: str, tok: Tokenizer, rng: np.random.Generator) -> Batch:
    """Noised source, clean labels; both framed as the tokenizer frames a text."""
    before, after = frame(tok, language)
    stops = set(tok.convert_tokens_to_ids([".", "?", "!", "▁."]))
    sources = []
    for row in taken:
        row = infill.turn(row, stops, rng) if rng.random() < TURNED else row
        sources.append(np.concatenate([before, infill.infill(row, tok.mask_token_id, rng), after]))
    targets = [np.concatenate([before, row, after]) for row in taken]
    shifted = [np.concatenate([row[-1:], row[:-1]]) for row in targets]  # starts with what ends it: `</s>`, or the code
    ids = padded(sources, tok.pad_token_id)
    return {
        "input_ids": ids,
        "attention_mask": ids.ne(tok.pad_token_id).long(),
        "decoder_input_ids": padded(shifted, tok.pad_token_id),
        "labels": padded(targets, IGNORED),
    }


def masking(taken: list[np.ndarray], _: str, tok: Tokenizer, rng: np.random.Generator) -> Batch:
    """`<s> a </s>` or `<s> a </s></s> b </s>`, tokens masked anew every time."""
    framed = []
    for row in taken:
        cut = int(rng.integers(1, len(row))) if rng.random() < PAIRED else len(row)
        middle = [tok.eos_token_id] * 2 if cut < len(row) else []
        framed.append(np.concatenate([[tok.bos_token_id], row[:cut], middle, row[cut:], [tok.eos_token_id]]))
    noised = [infill.mask_tokens(row, tok.mask_token_id, len(tok), len(tokenizer.SPECIAL), rng) for row in framed]
    ids = padded([tokens for tokens, _ in noised], tok.pad_token_id)
    return {
        "input_ids": ids,
        "attention_mask": ids.ne(tok.pad_token_id).long(),
        "labels": padded([labels for _, labels in noised], IGNORED),
    }


def padded(rows: list[np.ndarray], filler: int) -> torch.Tensor:
    """The rows as one tensor [rows, longest]."""
    out = torch.full((len(rows), max(map(len, rows))), filler, dtype=torch.long)
    for i, row in enumerate(rows):
        out[i, : len(row)] = torch.as_tensor(row.astype(np.int64))
    return out


def frame(tok: Tokenizer, language: str) -> tuple[list[int], list[int]]:
    """Special tokens before and after a text: BART's `<s> x </s>`, mBART's `x </s> en_XX`."""
    start, end = tok.bos_token_id, tok.eos_token_id
    if not isinstance(tok, tokenizer.MBartTokenizer):
        return [start], [end]
    code: Any = tok.convert_tokens_to_ids(next(code for code in tokenizer.LANGUAGES if code.startswith(language)))
    return [], [end, code]


def sequence_loss(model: Any, batch: Batch) -> torch.Tensor:
    """Cross-entropy of a random PREDICTED share of the target tokens: the same in expectation, at half the cost."""
    labels = batch["labels"]
    inputs = {name: tensor for name, tensor in batch.items() if name != "labels"}
    drawn = np.random.default_rng(int(labels.sum()) % 2**32).random(labels.shape) < PREDICTED
    chosen = torch.as_tensor(drawn, device=labels.device) & labels.ne(IGNORED)
    hidden = model.model(**inputs).last_hidden_state
    return torch.nn.functional.cross_entropy(model.lm_head(hidden[chosen]).float(), labels[chosen])


def masked_loss(model: Any, batch: Batch) -> torch.Tensor:
    """Cross-entropy of the predicted tokens; logits are computed for those alone."""
    hidden = model.roberta(batch["input_ids"], attention_mask=batch["attention_mask"]).last_hidden_state
    chosen = batch["labels"].ne(IGNORED)
    return torch.nn.functional.cross_entropy(model.lm_head(hidden[chosen]).float(), batch["labels"][chosen])


_IDS = {"bos_token_id": 0, "pad_token_id": 1, "eos_token_id": 2}
_SEQUENCE = _IDS | {
    "d_model": 128, "encoder_layers": 2, "decoder_layers": 2,
    "encoder_attention_heads": 4, "decoder_attention_heads": 4,
    "encoder_ffn_dim": 512, "decoder_ffn_dim": 512, "max_position_embeddings": tokenizer.LONGEST, "init_std": SPREAD,
    "forced_eos_token_id": 2,
}  # fmt: skip
_ENCODER = _IDS | {
    "hidden_size": 128, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 512,
    "type_vocab_size": 1,
    "max_position_embeddings": tokenizer.LONGEST + 2, "layer_norm_eps": 1e-5,
}  # fmt: skip

KINDS = {
    "bart": Kind(
        texts={"en": 1.0},
        vocabulary=5000,
        tokenizer=tokenizer.byte_pairs,
        architecture="bart",
        settings=_SEQUENCE | {"decoder_start_token_id": 2},
        dropout={"dropout": 0.1, "attention_dropout": 0.1, "activation_dropout": 0.1},
        auto=AutoModelForSeq2SeqLM,
        peak=2e-3,
        batch=infilling,
        loss=sequence_loss,
    ),
    "mbart": Kind(
        texts={"en": 0.6, "ro": 0.4},
        vocabulary=6000,
        tokenizer=tokenizer.pieces,
        architecture="mbart",
        settings=_SEQUENCE,
        dropout={"dropout": 0.1, "attention_dropout": 0.0, "activation_dropout": 0.0},
        auto=AutoModelForSeq2SeqLM,
        peak=2e-3,
        batch=infilling,
        loss=sequence_loss,
    ),
    "roberta": Kind(
        texts={"en": 0.25, "opinions": 0.35, "wordnet": 0.2, "nli": 0.2},
        vocabulary=5000,
        tokenizer=tokenizer.byte_pairs,
        architecture="roberta",
        settings=_ENCODER,
        dropout={"hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1},
        auto=AutoModelForMaskedLM,
        peak=1e-3,
        batch=masking,
        loss=masked_loss,
        starts_from="bart",
        head_std=SPREAD,
    ),
}
