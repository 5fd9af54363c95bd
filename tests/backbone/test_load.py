"""Backbones out of folders laid out as the hub's, and refusals of what is none."""

import json
import os
import socket
import zipfile

import pytest
import torch
from tokenizers import ByteLevelBPETokenizer

from petl import backbone as room
from petl.backbone.load import find
from petl.config import Backbone, Generation, Task, UserError
from petl.tasks import Collator, Row, decoding, encode
from petl.training.evaluate import decoding_for

from .folders import LAYOUTS, bart_large, mbart_large_cc25, roberta_base, sentencepiece

KIND = {"roberta-base": ("classification", 3)}


def load(path, name="", **more):
    return room.load(Backbone(name="x", path=str(path), **more), *KIND.get(name, ("generation", None)))


@pytest.fixture(params=LAYOUTS)
def published(request, tmp_path):
    """(layout's name, its folder, the model in it)."""
    return request.param, tmp_path, LAYOUTS[request.param](tmp_path)


def test_the_model_is_the_folder_s(published):
    name, folder, original = published
    model, tokenizer = load(folder, name)
    batch = tokenizer(["the cat sat", "a dog"], return_tensors="pt", padding=True)
    hidden = model.base_model(**batch).last_hidden_state
    assert torch.equal(hidden, original.base_model(**batch).last_hidden_state)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert tokenizer.is_fast and tokenizer.model_max_length == 48


def test_the_same_out_of_the_hub(published, hub):
    name, folder, _ = published
    local, tokenizer = load(folder, name)
    asked = hub({f"models/facebook/{name.replace(' ', '-')}": {"main": folder}})
    model, again = load(f"facebook/{name.replace(' ', '-')}", name)
    assert all(torch.equal(a, b) for a, b in zip(model.state_dict().values(), local.state_dict().values(), strict=True))
    assert again.get_vocab() == tokenizer.get_vocab()
    assert all("/revision/" in path or "/tree/" in path or "/resolve/" in path or "harness" in path for path in asked)


def test_offline_opens_no_connection(hub, tmp_path, monkeypatch):
    (tmp_path / "model").mkdir()
    mbart_large_cc25(tmp_path / "model")
    hub({"models/facebook/mbart": {"main": tmp_path / "model"}})
    path = find(Backbone(path="facebook/mbart"))

    def refuse(*_):
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert find(Backbone(path="facebook/mbart"), offline=True) == path
    load(path)


def test_weights_at_random_need_no_file_of_weights(tmp_path):
    bart_large(tmp_path)
    (tmp_path / "pytorch_model.bin").unlink()
    first, second = (load(tmp_path, random=True)[0].state_dict() for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first.values(), second.values(), strict=True))


# Tokenizers -----------------------------------------------------------------------------------------------------------


def test_pairs_out_of_vocab_and_merges(tmp_path):
    roberta_base(tmp_path)
    _, tokenizer = load(tmp_path, "roberta-base")
    (one,) = encode([Row("0", "the cat", "a dog sat", 1)], tokenizer, Task(name="mnli", max_source=48))
    plain = ByteLevelBPETokenizer(str(tmp_path / "vocab.json"), str(tmp_path / "merges.txt"))
    first, second = plain.encode("the cat").tokens, plain.encode("a dog sat").tokens
    assert tokenizer.convert_ids_to_tokens(list(one.input_ids)) == ["<s>", *first, "</s>", "</s>", *second, "</s>"]


def noise(text):
    return [
        text,
        "…",
        "½ ﬁ ＡＢＣ",
        "ga\u0306sit o casa\u0306",
        "“Și” ",
        "  a\u00a0b\u2028c\t",
        "①",
        "x\u200by",
        "ţară",
        "e\u0301 ▁",
    ]


@pytest.mark.parametrize("fast", [False, True], ids=["sentencepiece alone", "tokenizer.json"])
def test_mbart_s_tokens_are_sentencepiece_s(tmp_path, fast):
    """Its own library's pieces, a place up as in fairseq, with the codes at the end (transformers/fairseq's layout)."""
    import sentencepiece as library

    mbart_large_cc25(tmp_path)
    if fast:
        as_fast(tmp_path)
    _, tokenizer = load(tmp_path)
    own = library.SentencePieceProcessor(model_file=str(tmp_path / "sentencepiece.bpe.model"))  # type: ignore[attr-defined]
    last = own.get_piece_size()
    codes = {code: tokenizer.convert_tokens_to_ids(code) for code in ("ar_AR", "en_XX", "ro_RO", "zh_CN", "<mask>")}
    assert codes == {"ar_AR": last + 1, "en_XX": last + 4, "ro_RO": last + 20, "zh_CN": last + 25, "<mask>": last + 26}
    tokenizer.src_lang = "en_XX"
    for text in noise("the cat ran home pisica"):
        pieces = [piece + 1 if piece else tokenizer.unk_token_id for piece in own.encode(text)]
        assert tokenizer(text)["input_ids"] == [*pieces, tokenizer.eos_token_id, codes["en_XX"]], text


def as_fast(folder):
    """tokenizer.json beside the sentencepiece model, as facebook/mbart-large-cc25 has it."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers
    from transformers.models.mbart.tokenization_mbart import FAIRSEQ_LANGUAGE_CODES

    from petl.backbone.tokenizer import _charsmap, _normaliser

    slow = folder / "sentencepiece.bpe.model"
    import sentencepiece as library

    own = library.SentencePieceProcessor(model_file=str(slow))  # type: ignore[attr-defined]
    pieces = [(own.id_to_piece(i), own.get_score(i)) for i in range(3, own.get_piece_size())]
    special = [(token, 0.0) for token in ("<s>", "<pad>", "</s>", "<unk>")]
    codes = [(code, 0.0) for code in [*FAIRSEQ_LANGUAGE_CODES, "<mask>"]]
    made = Tokenizer(models.Unigram([*special, *pieces, *codes], unk_id=3))
    made.normalizer = normalizers.Precompiled(_charsmap(slow))
    made.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    made.decoder = decoders.Metaspace()
    made.save(str(folder / "tokenizer.json"))
    assert _normaliser(folder) is not None


def test_mbart_reads_english_and_says_romanian(tmp_path):
    """Source `... </s> en_XX`; the decoder reads `ro_RO ... </s>` in training, and starts with it when decoding."""
    mbart_large_cc25(tmp_path)
    model, tokenizer = load(tmp_path)
    task = Task(
        name="en_ro", max_source=48, max_target=48, generation=Generation(beams=2, max_length=7, force_end=True)
    )
    batch = Collator(tokenizer.pad_token_id)(encode([Row("0", "the cat", None, "pisica")], tokenizer, task))
    romanian, end = tokenizer.convert_tokens_to_ids("ro_RO"), tokenizer.eos_token_id
    assert batch["input_ids"][0, -2:].tolist() == [end, tokenizer.convert_tokens_to_ids("en_XX")]
    shifted = model.prepare_decoder_input_ids_from_labels(batch["labels"])
    assert shifted[0].tolist() == [romanian, *batch["labels"][0, :-1].tolist()]
    settings = decoding_for(model, decoding(task, tokenizer))
    settings.min_length = 7  # so that the end does not come by itself
    inputs = {name: batch[name] for name in ("input_ids", "attention_mask")}
    (made,) = model.generate(**inputs, generation_config=settings).tolist()
    assert made[0] == romanian and made[-1] == end and len(made) == 7


def test_bart_s_own_decoding_settings_are_not_used(tmp_path):
    """facebook/bart-large has beams, a forced <s> and an n-gram block in its config; the task says what is done."""
    bart_large(tmp_path)
    told = json.loads((tmp_path / "config.json").read_text())
    own = {"num_beams": 4, "no_repeat_ngram_size": 3, "forced_bos_token_id": 0, "early_stopping": True}
    (tmp_path / "config.json").write_text(json.dumps({**told, **own}))
    model, tokenizer = load(tmp_path)
    settings = decoding_for(model, decoding(Task(name="xsum", generation=Generation(beams=6)), tokenizer))
    assert (settings.num_beams, settings.no_repeat_ngram_size, settings.forced_bos_token_id) == (6, 0, None)
    assert settings.forced_eos_token_id is None and settings.decoder_start_token_id == 2


# Refusals -------------------------------------------------------------------------------------------------------------


def told(path, name="", **more):
    with pytest.raises(UserError) as error:
        load(path, name, **more)
    message = str(error.value)
    assert str(path) in message and len(message) < 900 and message.count("\n") < 6
    return message


def test_an_empty_folder(tmp_path):
    message = told(tmp_path)
    assert (
        "no config.json" in message and "The folder holds: nothing. Wanted: config.json; model.safetensors" in message
    )


def test_a_folder_of_something_else(tmp_path):
    (tmp_path / "train.jsonl").write_text("{}")
    assert "The folder holds: train.jsonl." in told(tmp_path)


@pytest.mark.parametrize("content", ["", "[1]", "{}", "\x80", '{"model_type": 5}'])
def test_a_config_that_is_none(tmp_path, content):
    (tmp_path / "config.json").write_bytes(content.encode("latin1"))
    with pytest.raises(UserError, match="not the config of a model|No anatomy"):
        load(tmp_path)


def test_an_architecture_nobody_described_and_its_code_is_not_run(tmp_path):
    (tmp_path / "model.py").write_text(f"open({str(tmp_path / 'run')!r}, 'w')")
    config = {"model_type": "own", "auto_map": {"AutoConfig": "model.Config", "AutoModelForSeq2SeqLM": "model.Model"}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match="No anatomy for backbones of type 'own'; known: bart, mbart, roberta"):
        load(tmp_path)
    assert not (tmp_path / "run").exists()


def test_no_weights(tmp_path):
    bart_large(tmp_path)
    (tmp_path / "pytorch_model.bin").unlink()
    message = told(tmp_path)
    assert "no weights from" in message and "The folder holds: config.json, merges.txt" in message


def test_no_tokenizer(tmp_path):
    bart_large(tmp_path)
    for name in ("vocab.json", "merges.txt"):
        (tmp_path / name).unlink()
    assert "no tokenizer from" in told(tmp_path)


def test_the_tokenizer_of_a_larger_model(tmp_path):
    bart_large(tmp_path)
    words = json.loads((tmp_path / "vocab.json").read_text())
    (tmp_path / "vocab.json").write_text(json.dumps({**words, "one more": len(words)}))
    assert "its tokenizer has 301 tokens, its model only 300" in told(tmp_path)


def test_the_weights_of_another_model(tmp_path):
    bart_large(tmp_path)
    (tmp_path / "other").mkdir()
    roberta_base(tmp_path / "other")
    (tmp_path / "model.safetensors").write_bytes((tmp_path / "other" / "model.safetensors").read_bytes())
    message = told(tmp_path)
    assert "the weights are not those of this config.json" in message and "tensors are missing" in message


def test_weights_of_another_size(tmp_path):
    bart_large(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "encoder_ffn_dim": 24}))
    assert "no weights from" in told(tmp_path)


@pytest.mark.parametrize("keep", [0, 5, 200, -1])
def test_torn_weights(tmp_path, keep):
    roberta_base(tmp_path)
    path = tmp_path / "model.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    assert "no weights from" in told(tmp_path, "roberta-base")


def test_a_pickle_that_would_run_something(tmp_path):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "run"),)

    bart_large(tmp_path)
    torch.save({"shared.weight": Evil()}, tmp_path / "pytorch_model.bin")
    assert "holds more than tensors" in told(tmp_path)
    assert not (tmp_path / "run").exists()


def test_a_missing_piece(tmp_path):
    LAYOUTS["in pieces"](tmp_path)
    next(tmp_path.glob("model-00001-*.safetensors")).unlink()
    assert "no weights from" in told(tmp_path)


def test_positions_limit_the_lengths(tmp_path):
    bart_large(tmp_path)  # its tokenizer says 1024, its positions end at 48
    _, tokenizer = load(tmp_path)
    with pytest.raises(UserError, match=r"task.max_source=512, but the backbone takes at most 48"):
        encode([Row("0", "the", None, "a")], tokenizer, Task(name="xsum", max_source=512))


def test_sentencepiece_is_trained_as_mbart_s(tmp_path):
    assert sentencepiece(tmp_path) > 30


# Folders that are more than a model -----------------------------------------------------------------------------------


def config_with(folder, **more):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **more}))


UNSAFE = {
    "adapter": (
        lambda folder: (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "elsewhere/model"}'),
        "would silently become part",
    ),
    "quantised": (lambda folder: config_with(folder, quantization_config={"quant_method": "x"}), "quantised"),
    "tower": (lambda folder: config_with(folder, encoder_layers=10**9), "encoder_layers=1000000000, at most 1000"),
    "index": (
        lambda folder: (folder / "model.safetensors.index.json").write_text(
            '{"weight_map": {"a": "../b.safetensors"}}'
        ),
        "names '../b.safetensors': its pieces stand beside it",
    ),
    "bomb": (lambda folder: compressed(folder / "pytorch_model.bin"), "pytorch_model.bin is compressed"),
    "no tokenizer": (
        lambda folder: (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "AutoModel"}'),
        "is no tokenizer",
    ),
}


def compressed(path):
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in parts.items():
            new.writestr(name, content)


@pytest.mark.parametrize("name", UNSAFE)
def test_a_folder_that_is_more_than_a_model(name, tmp_path):
    bart_large(tmp_path)
    spoil, said = UNSAFE[name]
    spoil(tmp_path)
    with pytest.raises(UserError, match=said):
        load(tmp_path)
