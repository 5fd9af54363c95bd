"""Toy rows of every task, and tokenizers of the paper's three kinds, trained here on forty words."""

import json
from pathlib import Path
from typing import Any

import pytest

TEXT = (
    "the a cat dog sat on mat ran home storm over town police found lost bag he she said saw big small red old new "
    "pisica un stat pe acasa oras gasit vechi nou rosu film good bad was not very"
)
WORDS = TEXT.split()


def _texts(count: int, length: int, shift: int = 0) -> list[str]:
    return [
        " ".join(WORDS[(i * 7 + j * (3 + i % 5) + shift) % len(WORDS)] for j in range(length)) for i in range(count)
    ]


def toy(name: str, count: int = 60) -> list[dict]:
    """Distinct rows of a task in the hub's columns."""
    long, short = [f"{text} {i}" for i, text in enumerate(_texts(count, 9))], _texts(count, 4, 11)
    return {
        "xsum": [{"document": a, "summary": b, "id": str(i)} for i, (a, b) in enumerate(zip(long, short, strict=True))],
        "en_ro": [{"translation": {"en": a, "ro": b}} for a, b in zip(long, short, strict=True)],
        "mnli": [
            {"premise": a, "hypothesis": b, "label": i % 3} for i, (a, b) in enumerate(zip(long, short, strict=True))
        ],
        "sst2": [{"sentence": a, "label": ("negative", "positive")[i % 2]} for i, a in enumerate(long)],
    }[name]


def write(path: Path, rows: list[dict]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def bytes_tokenizer():
    """As BART's and RoBERTa's: bytes, <s> ... </s>, pairs <s> a </s></s> b </s>."""
    from tokenizers import ByteLevelBPETokenizer
    from transformers import RobertaTokenizer

    trained = ByteLevelBPETokenizer()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    trained.train_from_iterator([" ".join(WORDS)] * 2, vocab_size=320, special_tokens=special, show_progress=False)
    model = json.loads(trained.to_str())["model"]
    merges: Any = [tuple(merge) for merge in model["merges"]]  # the class takes pairs, its annotation lines
    return RobertaTokenizer(vocab=model["vocab"], merges=merges, model_max_length=64)


@pytest.fixture(scope="session")
def mbart_tokenizer():
    """As mBART's: pieces, ... </s> en_XX."""
    from transformers import MBartTokenizer

    special = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    words = [("▁" + word, -1.0) for word in dict.fromkeys(WORDS)]
    languages = [("en_XX", 0.0), ("ro_RO", 0.0)]
    return MBartTokenizer(vocab=[*special, *words, *languages, ("<mask>", 0.0)], src_lang="en_XX", tgt_lang="ro_RO")
