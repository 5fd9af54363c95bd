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
LENGTHS, SHARES = (24, 48, 96, 192), (0.35, 0.3, 0.25, 0.1)  # tokens of a sequence, and how many batches have it
TOKENS = 1536  # clean tokens of a batch
PREDICTED = 0.4  # share of the target tokens that enter a denoising loss
TURNED = 0.1  # share of the sources whose sentences are rotated
PAIRED = 0.5  # share of RoBERTa's sequences that are two segments
# Standard deviation of the first weights. 0.02 suits d = 1024; at d = 128 it leaves attention 20 times weaker than the
# residual stream, and copying had not emerged after 3M tokens. With 0.08 it has after 0.4M (90 % given back).
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
    batch: Callable[[np.ndarray, str, Tokenizer, np.random.Generator], Batch]
    loss: Callable[[Any, Batch], torch.Tensor]

    def model(self, vocabulary: int) -> Any:
        """The untrained model, without dropout. Attention is eager: in bfloat16 on a CPU a third faster than fused."""
        rates = dict.fromkeys(self.dropout, 0.0)
        config = AutoConfig.for_model(self.architecture, vocab_size=vocabulary, **self.settings, **rates)
        return self.auto.from_config(config, attn_implementation="eager")


def draw(
    kind: Kind, streams: dict[str, Stream], positions: dict[str, int], tok: Tokenizer, rng: np.random.Generator
) -> Batch:
    """The next batch; `positions` moves on."""
    language = str(rng.choice(list(kind.texts), p=list(kind.texts.values())))
    length = int(rng.choice(LENGTHS, p=SHARES))
    rows = TOKENS // length
    taken = streams[language].block(positions[language], rows * (length - 2)).reshape(rows, length - 2)
    positions[language] += taken.size
    return kind.batch(taken, language, tok, rng)


def infilling(taken: np.ndarray, language: str, tok: Tokenizer, rng: np.random.Generator) -> Batch:
    """Noised source, clean labels; wrapped as the tokenizer wraps a text: `<s> x </s>`, or mBART's `x </s> en_XX`."""
    before, after = frame(tok, language)
    stops = set(tok.convert_tokens_to_ids([".", "?", "!", "▁."]))
    sources = []
    for row in taken:
        row = infill.turn(row, stops, rng) if rng.random() < TURNED else row
        sources.append(np.concatenate([before, infill.infill(row, tok.mask_token_id, rng), after]))
    width = max(map(len, sources))
    ids = np.full((len(sources), width), tok.pad_token_id)
    for i, source in enumerate(sources):
        ids[i, : len(source)] = source
    labels = np.concatenate([np.tile(before, (len(taken), 1)), taken, np.tile(after, (len(taken), 1))], axis=1)
    tensor = torch.as_tensor(ids, dtype=torch.long)
    return {
        "input_ids": tensor,
        "attention_mask": tensor.ne(tok.pad_token_id).long(),
        "labels": torch.as_tensor(labels, dtype=torch.long),
    }


def frame(tok: Tokenizer, language: str) -> tuple[list[int], list[int]]:
    """Special tokens before and after a text: BART's `<s> x </s>`, mBART's `x </s> en_XX`."""
    start, end = tok.bos_token_id, tok.eos_token_id
    if not isinstance(tok, tokenizer.MBartTokenizer):
        return [start], [end]
    code: Any = tok.convert_tokens_to_ids(next(code for code in tokenizer.LANGUAGES if code.startswith(language)))
    return [], [end, code]


def masking(taken: np.ndarray, language: str, tok: Tokenizer, rng: np.random.Generator) -> Batch:
    """`<s> a </s>` or `<s> a </s></s> b </s>`, tokens masked anew every time."""
    rows, inner = taken.shape
    ids = np.full((rows, inner + 2), tok.eos_token_id)
    ids[:, 0] = tok.bos_token_id
    for row, text in zip(ids, taken, strict=True):
        row[1:-1] = text
        if rng.random() < PAIRED:
            cut = int(rng.integers(2, inner - 2))
            row[cut : cut + 2] = tok.eos_token_id
    noised, labels = infill.mask_tokens(ids, tok.mask_token_id, len(tok), len(tokenizer.SPECIAL), rng)
    tensor = torch.as_tensor(noised, dtype=torch.long)
    return {"input_ids": tensor, "labels": torch.as_tensor(labels, dtype=torch.long)}


def sequence_loss(model: Any, batch: Batch) -> torch.Tensor:
    """Cross-entropy of a random PREDICTED share of the target tokens: the same in expectation, at half the cost."""
    labels = batch["labels"]
    hidden = model.model(
        input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], decoder_input_ids=shifted(labels)
    ).last_hidden_state
    chosen = torch.from_numpy(np.random.default_rng(int(labels.sum())).random(labels.shape) < PREDICTED)
    return torch.nn.functional.cross_entropy(model.lm_head(hidden[chosen]).float(), labels[chosen])


def shifted(labels: torch.Tensor) -> torch.Tensor:
    """The decoder's input: it starts with what ends the labels, BART's `</s>` or mBART's language code."""
    return torch.cat([labels[:, -1:], labels[:, :-1]], dim=1)


def masked_loss(model: Any, batch: Batch) -> torch.Tensor:
    """Cross-entropy of the predicted tokens; logits are computed for those alone."""
    hidden = model.roberta(batch["input_ids"]).last_hidden_state
    wanted = batch["labels"] != -100
    return torch.nn.functional.cross_entropy(model.lm_head(hidden[wanted]).float(), batch["labels"][wanted])


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
    "max_position_embeddings": tokenizer.LONGEST + 2, "initializer_range": SPREAD, "layer_norm_eps": 1e-5,
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
        batch=infilling,
        loss=sequence_loss,
    ),
    "roberta": Kind(
        texts={"en": 0.55, "opinions": 0.3, "nli": 0.15},
        vocabulary=5000,
        tokenizer=tokenizer.byte_pairs,
        architecture="roberta",
        settings=_ENCODER,
        dropout={"hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1},
        auto=AutoModelForMaskedLM,
        batch=masking,
        loss=masked_loss,
    ),
}
