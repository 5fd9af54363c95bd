from __future__ import annotations

import pytest
from transformers import BartConfig, MBartConfig, RobertaConfig

from petl import backbone, tasks
from petl.config import Backbone, Generation, Task
from petl.shapes import hub

TINY = {"d_model": 16, "encoder_layers": 1, "decoder_layers": 1, "encoder_ffn_dim": 16, "decoder_ffn_dim": 16}
PAIR = {**TINY, "encoder_attention_heads": 2, "decoder_attention_heads": 2, "max_position_embeddings": 64}
ENCODER = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
CONFIGS = {
    "xsum": BartConfig(vocab_size=1000, **PAIR),
    "en_ro": MBartConfig(vocab_size=1000, **PAIR),
    "mnli": RobertaConfig(vocab_size=1000, max_position_embeddings=66, type_vocab_size=1, **ENCODER),
    "sst2": RobertaConfig(vocab_size=1000, max_position_embeddings=66, type_vocab_size=1, **ENCODER),
}


def test_a_byte_pair_tokenizer_has_the_size_and_the_ends_of_bart_s():
    tokenizer = hub.byte_pairs(50_265)
    assert len(tokenizer) == 50_265
    assert (tokenizer.pad_token_id, tokenizer.mask_token_id) == (1, 50_264)
    assert tokenizer.unk_token_id not in tokenizer("any words at all, é")["input_ids"]


def test_a_sentencepiece_tokenizer_has_the_size_and_the_codes_of_mbart_s():
    tokenizer = hub.sentencepiece(250_027)
    assert len(tokenizer) == 250_027
    assert tokenizer.convert_tokens_to_ids(["en_XX", "ro_RO", "<mask>"]) == [250_004, 250_020, 250_026]
    assert tokenizer.unk_token_id not in tokenizer("any words at all")["input_ids"]


@pytest.mark.parametrize("task", CONFIGS)
def test_backbone_and_data_are_read_as_the_hub_s_would_be(tmp_path, task):
    spec = tasks.find(task)
    folder = hub.backbone(tmp_path / "model", CONFIGS[task])
    assert folder == hub.backbone(folder, CONFIGS[task])  # made once
    model, tokenizer = backbone.load(Backbone("x", str(folder)), spec.kind, len(spec.labels) or None)
    assert len(tokenizer) == model.config.vocab_size == 1000
    data = str(hub.data(tmp_path / "data", task, rows=5, words=40))
    asked = Task(task, spec.kind, data, max_source=60, max_target=60, generation=Generation(max_length=60))
    rows = tasks.load(asked)
    counts = [len(rows.train), len(rows.dev), *map(len, rows.tests.values())]
    assert counts == [5, 8, 8, 8] if task == "mnli" else [5, 8, 8]
    assert tasks.cuts(tasks.encode(rows.train, tokenizer, asked))["source"] == 5
