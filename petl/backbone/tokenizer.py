"""The tokenizer of a backbone's folder, doing what its files say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, normalizers
from transformers import AutoTokenizer, PreTrainedTokenizerBase

FILES = (("tokenizer.json",), ("vocab.json", "merges.txt"), ("*.model",))


def tokenizer(folder: Path) -> Any:
    """From tokenizer.json, vocab.json and merges.txt, or a sentencepiece model.

    Text is normalised as the files say: transformers' MBartTokenizer (5.23) does not do so, and makes unknown tokens of
    "…", "½", full-width letters and accents that are characters of their own.
    """
    if not any(all(any(folder.glob(name)) for name in names) for names in FILES):
        raise FileNotFoundError("none of its files is there")  # transformers would make an empty one
    made = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    if not isinstance(made, PreTrainedTokenizerBase):
        raise ValueError("tokenizer_class in tokenizer_config.json is no tokenizer")
    backend = getattr(made, "backend_tokenizer", None)
    if backend is not None and backend.normalizer is None and (stated := _normaliser(folder)) is not None:
        backend.normalizer = stated
    return made


def _normaliser(folder: Path) -> Any:
    fast = folder / "tokenizer.json"
    if fast.is_file():
        return Tokenizer.from_file(str(fast)).normalizer
    rules = [_charsmap(path) for path in sorted(folder.glob("*.model"))]
    return next((normalizers.Precompiled(rule) for rule in rules if rule), None)


def _charsmap(path: Path) -> bytes:
    """The compiled normalisation rules of a sentencepiece model."""
    from sentencepiece import sentencepiece_model_pb2

    model = sentencepiece_model_pb2.ModelProto()  # type: ignore[attr-defined]  # made when it is imported
    model.ParseFromString(path.read_bytes())
    return model.normalizer_spec.precompiled_charsmap
