"""Rows become token ids, and what generate() gives becomes text again. Takes any fast tokenizer; imports no torch."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from petl.config import Task, UserError
from petl.tasks.spec import Row, TaskSpec

CHUNK = 1000  # rows per call of the tokenizer: it keeps what it cuts off until the call returns


@dataclass(frozen=True, slots=True)
class Encoded:
    row: int  # index into the encoded rows
    input_ids: Sequence[int]  # an array of 32 bits: XSum's sources as lists of int would take gigabytes
    labels: list[int] | int  # target ids with their special tokens, or the number of the class
    cut_source: bool = False  # longer than task.max_source
    cut_target: bool = False  # longer than task.max_target
    token_type_ids: Sequence[int] | None = None  # where the tokenizer tells the texts of a pair apart


def encode(spec: TaskSpec, rows: Sequence[Row], tokenizer: Any, task: Task) -> list[Encoded]:
    """Token ids of every row, cut to `task.max_source` and `task.max_target` tokens, special ones included."""
    check(spec, tokenizer, task)
    encoded: list[Encoded] = []
    for start in range(0, len(rows), CHUNK):
        chunk = rows[start : start + CHUNK]
        source, pair = [row.source for row in chunk], [row.pair for row in chunk] if spec.pair else None
        inputs = tokenizer(source, pair, truncation=True, max_length=task.max_source)
        ids, cut_source = [array("i", ids) for ids in inputs["input_ids"]], _cut(inputs)
        types = inputs.get("token_type_ids", [None] * len(chunk))
        if spec.labels:
            labels, cut_target = [row.target for row in chunk], [False] * len(chunk)
        else:
            targets = [row.target for row in chunk]
            outputs = tokenizer(text_target=targets, truncation=True, max_length=task.max_target)
            labels, cut_target = outputs["input_ids"], _cut(outputs)
        numbers = range(start, start + len(chunk))
        encoded += map(Encoded, numbers, ids, labels, cut_source, cut_target, types)
    return encoded


def cuts(encoded: Iterable[Encoded]) -> dict[str, int]:
    """How many sources and targets were longer than allowed: {"source": ..., "target": ...}."""
    pairs = [(row.cut_source, row.cut_target) for row in encoded]
    return {"source": sum(source for source, _ in pairs), "target": sum(target for _, target in pairs)}


def lengths(encoded: Iterable[Encoded]) -> list[tuple[int, int]]:
    """(source, target) tokens of each row, as `plan_batches` wants them; a class has no target tokens."""
    return [(len(row.input_ids), 0 if isinstance(row.labels, int) else len(row.labels)) for row in encoded]


def decoding(spec: TaskSpec, task: Task, tokenizer: Any) -> dict[str, Any]:
    """Keyword arguments of generate(). With language codes, the target's is the start token (mBART would take id 0)."""
    settings = task.generation
    arguments: dict[str, Any] = {
        "do_sample": False,
        "num_beams": settings.beams,
        "max_length": settings.max_length,
        "min_length": settings.min_length,
        "no_repeat_ngram_size": settings.no_repeat_ngram,
        "length_penalty": settings.length_penalty,
    }
    if settings.force_end:
        arguments["forced_eos_token_id"] = tokenizer.eos_token_id
    if _set_languages(spec, tokenizer):
        arguments["decoder_start_token_id"] = tokenizer.convert_tokens_to_ids(tokenizer.tgt_lang)
    return arguments


def decode(ids: Iterable[Sequence[int]], tokenizer: Any) -> list[str]:
    """The texts of generated ids (padded with the pad id or -100), without special tokens, otherwise as they are."""
    clean = [[int(i) if i >= 0 else tokenizer.pad_token_id for i in row] for row in ids]
    texts = tokenizer.batch_decode(clean, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    return [text.strip() for text in texts]


def truncated(spec: TaskSpec, rows: Sequence[Row], tokenizer: Any, task: Task) -> list[str]:
    """The reference texts as the paper's scripts score against them: cut to as many tokens as are generated at most
    (60 on XSum, 150 on en-ro) and decoded back."""
    _set_languages(spec, tokenizer)
    texts: list[str] = []
    for start in range(0, len(rows), CHUNK):
        targets = [row.target for row in rows[start : start + CHUNK]]
        ids = tokenizer(text_target=targets, truncation=True, max_length=task.generation.max_length)["input_ids"]
        texts += decode(ids, tokenizer)
    return texts


def check(spec: TaskSpec, tokenizer: Any, task: Task) -> None:
    """Tell the tokenizer the task's languages; UserError if it, or the backbone's length, does not fit the task."""
    if not tokenizer.is_fast:
        raise UserError(f"{type(tokenizer).__name__} has no fast version; the backbone needs a tokenizer.json.")
    longest = tokenizer.model_max_length  # huge where the tokenizer does not say
    generated = {"max_target": task.max_target, "generation.max_length": task.generation.max_length}
    sizes = {"max_source": task.max_source} | ({} if spec.labels else generated)
    for name, size in sizes.items():
        if size > longest:
            raise UserError(f"task.{name}={size}, but the backbone takes at most {longest}. Say task.{name}={longest}")
    _set_languages(spec, tokenizer)


def _set_languages(spec: TaskSpec, tokenizer: Any) -> bool:
    """Tell a tokenizer that has language codes the task's; false if task or tokenizer has none."""
    if spec.languages is None or not hasattr(tokenizer, "src_lang"):
        return False
    for code in spec.languages:
        if tokenizer.convert_tokens_to_ids(code) in (None, tokenizer.unk_token_id):
            raise UserError(f"Task {spec.name} needs the language code {code}, which the backbone's tokenizer lacks.")
    tokenizer.src_lang, tokenizer.tgt_lang = spec.languages
    return True


def _cut(encoding: Any) -> list[bool]:
    return [bool(one.overflowing) for one in encoding.encodings]
