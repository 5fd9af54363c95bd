"""The paper's backbones and data as local folders laid out as the hub's, of random weights and made-up words.

Widths, layers and vocabularies are the real ones (`petl.parameters.HUB`); so are columns, splits and names of files.
"""

from __future__ import annotations

import itertools
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from string import ascii_lowercase as LETTERS
from typing import Any

import pyarrow
import pyarrow.parquet
import torch
from tokenizers import pre_tokenizers
from transformers import (
    AutoModelForMaskedLM,
    AutoModelForSeq2SeqLM,
    MBartTokenizer,
    PretrainedConfig,
    RobertaTokenizer,
)
from transformers.models.mbart.tokenization_mbart import FAIRSEQ_LANGUAGE_CODES

SPECIAL = ["<s>", "<pad>", "</s>", "<unk>"]
PLACES = {"xsum": "data", "en_ro": "ro-en", "mnli": "mnli", "sst2": "sst2"}  # of a task's files in its data set
HELD_OUT = 8  # rows of every split that is not for training


def backbone(folder: Path, config: PretrainedConfig) -> Path:
    """`folder`, with config.json, model.safetensors and a tokenizer of the config's vocabulary; made once."""
    if not folder.is_dir():
        draft = folder.with_name(f"{folder.name}.draft")
        shutil.rmtree(draft, ignore_errors=True)
        tokenizer = sentencepiece(config.vocab_size) if config.model_type == "mbart" else byte_pairs(config.vocab_size)
        tokenizer.save_pretrained(draft)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            kind = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForMaskedLM
            kind.from_config(config).save_pretrained(draft)
        draft.rename(folder)
    return folder


def data(folder: Path, task: str, rows: int, words: int) -> Path:
    """`folder`, with the task's splits: `rows` for training, whose sources have `words` words."""
    chance, place = random.Random(f"shapes {task}"), folder / PLACES[task]
    splits = {"train": rows, "validation": HELD_OUT, "test": HELD_OUT}
    if task == "mnli":
        splits = {"train": rows, "validation_matched": HELD_OUT, "validation_mismatched": HELD_OUT}
    place.mkdir(parents=True, exist_ok=True)
    for split, count in splits.items():
        made = pyarrow.Table.from_pylist([_row(task, split, number, words, chance) for number in range(count)])
        pyarrow.parquet.write_table(made, place / f"{split}-00000-of-00001.parquet")
    return folder


def byte_pairs(size: int) -> RobertaTokenizer:
    """Byte-level BPE as BART's and RoBERTa's, of `size` tokens."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = list(itertools.islice(_merges(), size - len(SPECIAL) - len(alphabet) - 1))
    tokens = [*SPECIAL, *alphabet, *("".join(pair) for pair in merges), "<mask>"]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    return RobertaTokenizer(vocab=vocabulary, merges=merges)  # type: ignore[arg-type]


def sentencepiece(size: int) -> MBartTokenizer:
    """Unigram pieces and language codes as mBART's, of `size` tokens."""
    last = [*FAIRSEQ_LANGUAGE_CODES, "<mask>"]
    pieces = itertools.chain("▁", LETTERS, (f"▁{''.join(four)}" for four in itertools.product(LETTERS, repeat=4)))
    scored = [(piece, -1.0 - len(piece)) for piece in itertools.islice(pieces, size - len(SPECIAL) - len(last))]
    return MBartTokenizer(vocab=[*((token, 0.0) for token in SPECIAL), *scored, *((token, 0.0) for token in last)])


def _merges() -> Iterator[tuple[str, str]]:
    """Letters to twos and threes, then the same behind a space (Ġ), then fours behind it."""
    for start in ("", "Ġ"):
        if start:
            yield from itertools.product(start, LETTERS)
        for count in (2, 3):
            yield from ((start + "".join(most), last) for *most, last in itertools.product(LETTERS, repeat=count))
    yield from (("Ġ" + "".join(most), last) for *most, last in itertools.product(LETTERS, repeat=4))


def _row(task: str, split: str, number: int, words: int, chance: random.Random) -> dict[str, Any]:
    def text(count: int) -> str:
        return " ".join("".join(chance.choices(LETTERS, k=chance.randint(3, 8))) for _ in range(count))

    if task == "xsum":
        return {"document": text(words), "summary": text(30), "id": str(number)}
    if task == "en_ro":
        return {"translation": {"en": text(words), "ro": text(words)}}
    if task == "mnli":
        return {"premise": text(words), "hypothesis": text(10), "label": number % 3, "idx": number}
    label = -1 if split == "test" else number % 2  # GLUE hides those of its test sets
    return {"sentence": text(words), "label": label, "idx": number}
