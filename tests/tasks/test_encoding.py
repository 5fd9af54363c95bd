"""Token ids: special tokens, languages, cuts, and the way back to text."""

import pytest

from petl.config import Task, UserError
from petl.tasks import Collator, Encoded, Row, cuts, decode, encode, lengths


def rows(*sources: str, target: str | int = "the cat sat", pair: str | None = None) -> list[Row]:
    return [Row(str(i), source, pair, target) for i, source in enumerate(sources)]


def test_summaries_are_wrapped(bytes_tokenizer):
    (one,) = encode(rows("the dog ran home"), bytes_tokenizer, Task(name="xsum", max_source=64, max_target=32))
    start, end = bytes_tokenizer.bos_token_id, bytes_tokenizer.eos_token_id
    assert (one.input_ids[0], one.input_ids[-1]) == (start, end)
    assert isinstance(one.labels, list) and (one.labels[0], one.labels[-1]) == (start, end)


def test_languages_of_both_sides(mbart_tokenizer):
    task = Task(name="en_ro", max_source=32, max_target=32)
    mbart_tokenizer.src_lang = "ro_RO"  # what another task may have left
    (one,) = encode(rows("the cat", target="pisica"), mbart_tokenizer, task)
    names = mbart_tokenizer.convert_ids_to_tokens
    assert names(list(one.input_ids)) == ["▁the", "▁cat", "</s>", "en_XX"]
    assert names(one.labels) == ["▁pisica", "</s>", "ro_RO"]


def test_missing_language_is_told(bytes_tokenizer):
    bytes_tokenizer.src_lang = "en_XX"
    try:
        with pytest.raises(UserError, match="language code en_XX"):
            encode(rows("the"), bytes_tokenizer, Task(name="en_ro", max_source=32, max_target=32))
    finally:
        del bytes_tokenizer.src_lang


def test_pairs_are_joined(bytes_tokenizer):
    task = Task(name="mnli", max_source=64)
    (one,) = encode(rows("the cat", pair="a dog", target=2), bytes_tokenizer, task)
    assert bytes_tokenizer.decode(list(one.input_ids)) == "<s>the cat</s></s>a dog</s>"
    assert one.labels == 2


def test_cuts_are_counted_exactly(bytes_tokenizer):
    fits = rows("the cat")
    size = len(encode(fits, bytes_tokenizer, Task(name="xsum", max_source=64, max_target=64))[0].input_ids)
    task = Task(name="xsum", max_source=size, max_target=64)
    encoded = encode(fits + rows("the cat sat on the mat", target="a " * 80), bytes_tokenizer, task)
    assert [row.cut_source for row in encoded] == [False, True]
    assert cuts(encoded) == {"source": 1, "target": 1}
    assert lengths(encoded)[1] == (size, 64)
    assert encoded[1].input_ids[-1] == bytes_tokenizer.eos_token_id  # cut, yet ended


def test_chunks_keep_order(bytes_tokenizer, monkeypatch):
    task = Task(name="sst2", max_source=64)
    many = rows(*(f"cat {i}" for i in range(25)), target=1)
    whole = encode(many, bytes_tokenizer, task)
    monkeypatch.setattr("petl.tasks.encoding.CHUNK", 10)
    assert encode(many, bytes_tokenizer, task) == whole
    assert [row.row for row in whole] == list(range(25))


def test_longer_than_the_backbone(bytes_tokenizer):
    with pytest.raises(UserError, match=r"task.max_source=512, but the backbone takes at most 64"):
        encode(rows("the"), bytes_tokenizer, Task(name="xsum"))


def test_text_survives(bytes_tokenizer):
    text = "a cat , he said ."
    ids = bytes_tokenizer(text)["input_ids"]
    assert decode([[*ids, -100, -100], [*ids, bytes_tokenizer.pad_token_id]], bytes_tokenizer) == [text, text]


def test_collator_pads():
    batch = Collator(pad_token_id=9)([Encoded(0, [9, 2], [4]), Encoded(1, [1, 2, 3], [5, 6])])
    assert batch["input_ids"].tolist() == [[9, 2, 9], [1, 2, 3]]
    assert batch["attention_mask"].tolist() == [[1, 1, 0], [1, 1, 1]]  # the source's own 9 is no padding
    assert batch["labels"].tolist() == [[4, -100], [5, 6]]


def test_collator_rounds_widths():
    batch = Collator(pad_token_id=0, multiple=8)([Encoded(0, [1] * 9, 1)])
    assert batch["input_ids"].shape == (1, 16)
    assert batch["labels"].tolist() == [1]


def test_collator_keeps_token_types():
    batch = Collator(pad_token_id=0)(
        [Encoded(0, [1, 2], 0, token_type_ids=[0, 1]), Encoded(1, [1], 0, token_type_ids=[1])]
    )
    assert batch["token_type_ids"].tolist() == [[0, 1], [1, 0]]
