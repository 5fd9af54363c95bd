"""A new backbone needs a table entry and nothing else: T5, Llama and Qwen3, which the project does not ship."""

import copy

import pytest
import torch
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
    T5Config,
    T5ForConditionalGeneration,
)

from petl.backbone import anatomy as room
from petl.backbone import attach
from petl.backbone.anatomy import Anatomy, Attention, FeedForward, Input, Stack
from petl.config import Method, UserError
from tests.cells import ALL


def t5_attention(site: str, module: str) -> Attention:
    return Attention(site, module, f"{module}.q", f"{module}.v", f"{module}.o")


def t5_feed_forward(index: int) -> FeedForward:
    return FeedForward(
        (f"layer.{index}.DenseReluDense.wi", f"layer.{index}.DenseReluDense.wo"),
        f"layer.{index}.dropout",
        f"layer.{index}.layer_norm",
    )


T5 = Anatomy(
    stacks=(
        Stack(
            "encoder", "encoder", "encoder.block", (t5_attention("encoder", "layer.0.SelfAttention"),),
            t5_feed_forward(1),
        ),
        Stack(
            "decoder", "decoder", "decoder.block",
            (t5_attention("decoder", "layer.0.SelfAttention"), t5_attention("cross", "layer.1.EncDecAttention")),
            t5_feed_forward(2),
        ),
    ),
    pre_norm=True,
    rates=("dropout_rate", "dropout_rate"),
    input=Input("encoder", words="embed_tokens", listeners=(("decoder", "encoder_attention_mask"),)),
)  # fmt: skip
LLAMA = Anatomy(
    stacks=(
        Stack(
            "decoder", "", "layers",
            (Attention("decoder", "self_attn", "self_attn.q_proj", "self_attn.v_proj", "self_attn.o_proj"),),
            FeedForward(("mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"), None, "post_attention_layernorm"),
        ),
    ),
    pre_norm=True,
    rates=("attention_dropout", "attention_dropout"),
)  # fmt: skip
ENTRIES = {"t5": T5, "llama": LLAMA, "qwen3": LLAMA}


@pytest.fixture(autouse=True)
def entries(monkeypatch):
    for name, entry in ENTRIES.items():
        monkeypatch.setitem(room.ANATOMIES, name, entry)


def backbone(name: str):
    torch.manual_seed(0)
    if name == "t5":
        config = T5Config(
            vocab_size=40,
            d_model=16,
            d_kv=8,
            d_ff=32,
            num_layers=2,
            num_heads=2,
            dropout_rate=0.0,
            decoder_start_token_id=0,
        )
        model = T5ForConditionalGeneration(config)
    else:
        kind, cls = {"llama": (LlamaConfig, LlamaForCausalLM), "qwen3": (Qwen3Config, Qwen3ForCausalLM)}[name]
        model = cls(
            kind(
                vocab_size=40,
                hidden_size=16,
                intermediate_size=32,
                num_hidden_layers=2,
                num_attention_heads=4,
                num_key_value_heads=2,
                head_dim=4,
                pad_token_id=0,
            )
        )
    model = model.double().eval()
    for parameter in model.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.3)
    return model


def carrying(name: str, cell: str):
    model = backbone(name)
    attach(model, Method(deltas=ALL[cell]), seed=0)
    torch.manual_seed(1)
    for parameter in model.parameters():
        if parameter.requires_grad:
            torch.nn.init.normal_(parameter, std=0.5)
    return model


CELLS = [
    "mam",
    "houlsby",
    "prefix-lora",
    "multi-head-norm",
    "relu-block-add",
    "relu-qv-parallel-learned",
    "ffn-stream",
    "prefix-own-query",
]


@pytest.mark.parametrize("name", ENTRIES)
@pytest.mark.parametrize("cell", CELLS)
def test_every_kind_of_place_is_found(name, cell):
    ids = torch.randint(4, 40, (3, 6), generator=torch.Generator().manual_seed(0))
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": ids}
    model = carrying(name, cell)
    out = model(**inputs)
    out.loss.backward()
    assert (out.logits - backbone(name)(**inputs).logits).abs().max() > 1e-4
    assert all(p.grad is not None for p in model.parameters() if p.requires_grad)
    assert torch.equal(copy.deepcopy(model)(**inputs).logits, out.logits)


@pytest.mark.parametrize("name", ENTRIES)
@pytest.mark.parametrize("cell", ["mam", "houlsby", "multi-head-norm", "prefix-own-query"])
def test_a_later_token_moves_no_earlier_logit_and_the_cache_changes_nothing(name, cell):
    model = carrying(name, cell)
    ids = torch.randint(4, 40, (2, 6), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        decoder = {"input_ids": ids, "decoder_input_ids": ids} if name == "t5" else {"input_ids": ids}
        last = "decoder_input_ids" if name == "t5" else "input_ids"
        changed = {**decoder, last: torch.cat([ids[:, :-1], ids[:, -1:] % 30 + 5], 1)}
        torch.testing.assert_close(model(**decoder).logits[:, :-1], model(**changed).logits[:, :-1])
        tokens = [model.generate(input_ids=ids, max_new_tokens=6, do_sample=False, use_cache=c) for c in (True, False)]
    assert torch.equal(*tokens)


def test_a_prompt_for_t5():
    ids = torch.randint(4, 40, (2, 6), generator=torch.Generator().manual_seed(0))
    model = carrying("t5", "prompt")
    model(input_ids=ids, labels=ids).loss.backward()
    assert model.encoder.petl_main.weight.grad.abs().max() > 0


def test_a_place_that_a_backbone_lacks_is_refused():
    with pytest.raises(UserError, match="names no input"):
        carrying("llama", "prompt")


def test_an_unknown_backbone_is_refused():
    with pytest.raises(UserError, match="No anatomy for backbones of type 'gpt9'"):
        room.anatomy("gpt9")
