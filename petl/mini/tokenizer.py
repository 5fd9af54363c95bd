"""The miniature backbones' tokenizers, trained on the pre-training text: byte-level BPE, unigram pieces for mBART."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from tokenizers import ByteLevelBPETokenizer, SentencePieceUnigramTokenizer
from transformers import MBartTokenizer, RobertaTokenizer

Tokenizer = Any  # a PreTrainedTokenizerBase, whose ids transformers types as int, list or None

LONGEST = 512  # positions of the backbones
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
LANGUAGES = ["en_XX", "ro_RO"]


def byte_pairs(texts: Iterable[str], size: int) -> Tokenizer:
    """BART's and RoBERTa's tokenizer; a text starts as if after a space, so that a word has one spelling."""
    trainer = ByteLevelBPETokenizer(add_prefix_space=True)
    trainer.train_from_iterator(texts, vocab_size=size, min_frequency=2, special_tokens=SPECIAL, show_progress=False)
    model = json.loads(trainer._tokenizer.to_str())["model"]  # type: ignore[attr-defined]
    merges: Any = [tuple(merge) for merge in model["merges"]]
    return RobertaTokenizer(vocab=model["vocab"], merges=merges, add_prefix_space=True, model_max_length=LONGEST)


def pieces(texts: Iterable[str], size: int) -> Tokenizer:
    """mBART's tokenizer: a source ends `</s> en_XX`, a target `</s> ro_RO`."""
    trainer = SentencePieceUnigramTokenizer()
    trainer.train_from_iterator(
        texts, vocab_size=size, special_tokens=["<s>", "<pad>", "</s>", "<unk>"], unk_token="<unk>", show_progress=False
    )
    scores = json.loads(trainer._tokenizer.to_str())["model"]["vocab"]  # type: ignore[attr-defined]
    return MBartTokenizer(
        vocab=[(piece, score) for piece, score in scores], src_lang="en_XX", tgt_lang="ro_RO", model_max_length=LONGEST
    )
