"""Configurations and tensor names of other libraries, read into the grid."""

import pytest
import torch

from petl.backbone import attach
from petl.config import Delta, Init, Insertion, Position, Rule, UserError
from petl.oracles import adapterhub, huggingface
from petl.oracles.pairs import Pair, load
from tests.cells import backbone

BOTTLENECK = {
    "mh_adapter": False, "output_adapter": True, "cross_adapter": False, "reduction_factor": 4, "non_linearity": "relu",
    "original_ln_before": False, "ln_before": False, "is_parallel": True, "scaling": 4.0, "init_weights": "mam_adapter",
}  # fmt: skip
HOULSBY = BOTTLENECK | {"mh_adapter": True, "cross_adapter": True, "is_parallel": False, "init_weights": "bert"}
PREFIX = {
    "architecture": "prefix_tuning", "flat": False, "prefix_length": 3, "bottleneck_size": 8, "non_linearity": "tanh",
    "encoder_prefix": True, "cross_prefix": True,
}  # fmt: skip
FREE = PREFIX | {"flat": True}
LORA = {
    "architecture": "lora", "r": 3, "alpha": 6, "selfattn_lora": True, "intermediate_lora": False, "output_lora": False,
    "attn_matrices": ["q", "v"],
}  # fmt: skip
PEFT = {"peft_type": "LORA", "r": 3, "lora_alpha": 6, "target_modules": ["v_proj", "q_proj"]}
IA3 = {"peft_type": "IA3", "target_modules": ["v_proj", "fc2"], "feedforward_modules": ["fc2"]}


def pairs(architecture, library, config):
    model = backbone(architecture)
    attach(model, library.method(config, model.config), seed=0)
    return model, library.pairs(model)


def read(architecture, library, config):
    return library.method(config, backbone(architecture).config).deltas


def test_mam_is_a_union_of_a_prefix_and_a_parallel_adapter():
    config = {"architecture": "union", "configs": [PREFIX, BOTTLENECK]}
    assert read("roberta", adapterhub, config) == {
        "heads": Delta("softmax", Position.heads, compose=Rule.gated, size=3, network=8),
        "ffn": Delta("relu", Position.ffn, Insertion.parallel, Rule.scaled, 4.0, 4, reads_stream=True),
    }


def test_houlsby_is_two_sequential_deltas():
    found = read("bart", adapterhub, HOULSBY)
    assert [(d.position, d.insertion, d.init) for d in found.values()] == [
        (Position.attn, Insertion.sequential, Init.bert),
        (Position.ffn, Insertion.sequential, Init.bert),
    ]
    assert found["attn"].sites == ["encoder", "decoder", "cross"]


def test_an_adapter_that_reads_the_norm_of_the_sum_is_pfeiffers():
    config = BOTTLENECK | {"is_parallel": False, "original_ln_before": True}
    assert read("bart", adapterhub, config)["ffn"].position is Position.block


def test_lora_of_both_libraries_is_one_row():
    (one,), (other,) = (read("bart", *of).values() for of in ((adapterhub, LORA), (huggingface, PEFT)))
    assert one == other
    assert one.s == 2.0


@pytest.mark.parametrize(
    ("library", "config", "option"),
    [
        (adapterhub, BOTTLENECK | {"use_gating": True}, "use_gating"),
        (adapterhub, BOTTLENECK | {"phm_layer": True}, "phm_layer"),
        (adapterhub, BOTTLENECK | {"architecture": "reft"}, "reft"),
        (adapterhub, LORA | {"composition_mode": "scale"}, "composition_mode"),
        (adapterhub, LORA | {"attn_matrices": ["k"]}, "attn_matrices"),
        (huggingface, PEFT | {"use_dora": True}, "use_dora"),
        (huggingface, PEFT | {"target_modules": ["k_proj"]}, "target_modules"),
        (huggingface, PEFT | {"peft_type": "PREFIX_TUNING"}, "PREFIX_TUNING"),
    ],
)
def test_what_the_grid_does_not_have_is_refused(library, config, option):
    with pytest.raises(UserError, match=option):
        read("bart", library, config)


ADAPTER = "adapters.oracle.adapter"
POOL = "prefix_tuning.pool.prefix_tunings.oracle"


@pytest.mark.parametrize(
    ("architecture", "library", "config", "name"),
    [
        ("bart", adapterhub, BOTTLENECK, f"model.decoder.layers.1.output_adapters.{ADAPTER}_down.0.bias"),
        (
            "bart",
            adapterhub,
            HOULSBY,
            f"model.decoder.layers.0.cross_attention_adapters.{ADAPTER}_up.bias",
        ),
        ("roberta", adapterhub, HOULSBY, f"roberta.encoder.layer.1.attention.output.{ADAPTER}_up.weight"),
        ("roberta", adapterhub, BOTTLENECK, f"roberta.encoder.layer.0.output.{ADAPTER}_up.weight"),
        ("mbart", adapterhub, LORA, "model.decoder.layers.0.encoder_attn.v_proj.loras.oracle.lora_A"),
        ("mbart", adapterhub, PREFIX, f"model.encoder.layers.0.self_attn.{POOL}.cross_prefix.control_trans.2.bias"),
        ("roberta", adapterhub, FREE, f"roberta.encoder.layer.0.attention.self.{POOL}.self_prefix.control_trans"),
        ("bart", huggingface, PEFT, "base_model.model.model.encoder.layers.0.self_attn.q_proj.lora_B.default.weight"),
        ("bart", huggingface, IA3, "base_model.model.model.decoder.layers.1.fc2.ia3_l.default"),
    ],
)
def test_tensors_have_the_librarys_names(architecture, library, config, name):
    assert name in {pair.name for pair in pairs(architecture, library, config)[1]}


@pytest.mark.parametrize("config", [BOTTLENECK, HOULSBY, PREFIX, FREE, LORA, BOTTLENECK | {"scaling": "learned"}])
@pytest.mark.parametrize("architecture", ["bart", "roberta"])
def test_every_tuned_tensor_has_a_partner(architecture, config):
    model, found = pairs(architecture, adapterhub, config)
    assert {id(p) for p in model.parameters() if p.requires_grad} == {id(pair.parameter) for pair in found}


def test_a_free_prefix_is_cut_out_of_one_flat_tensor():
    flat = torch.randn(3, 2, 2, 2, 8)  # l, layers, keys and values, heads, d_head
    model, found = pairs("roberta", adapterhub, FREE)
    load(model, found, {found[0].name: flat.flatten().double()})
    value = model.get_parameter("roberta.encoder.layer.1.attention.self.petl_heads.value")
    assert torch.equal(value, flat[:, 1, 1].transpose(0, 1).double())


def test_a_vector_of_ia3_scales_what_it_should():
    model, found = pairs("roberta", huggingface, IA3 | {"target_modules": r".*\.value"})
    names = sorted({pair.name for pair in found})
    torch.manual_seed(0)
    state = {name: torch.randn(1, 32) if "output.dense" in name else torch.randn(16, 1) for name in names}
    state = {name: vector.double() for name, vector in state.items()}
    plain, x = backbone("roberta").roberta.encoder.layer[0], torch.randn(2, 5, 16).double()
    load(model, found, state)
    ours = model.roberta.encoder.layer[0]
    value = next(v for name, v in state.items() if "layer.0" in name and "value" in name)
    torch.testing.assert_close(ours.attention.self.value(x), plain.attention.self.value(x) * value.flatten())
    inner, scale = torch.randn(2, 5, 32).double(), next(v for name, v in state.items() if "layer.0.output" in name)
    torch.testing.assert_close(ours.output.dense(inner), plain.output.dense(inner * scale))


@pytest.mark.parametrize(("state", "message"), [({}, "1 missing"), ({"a": 0, "b": 0}, "1 unknown")])
def test_tensors_that_do_not_fit_are_refused(state, message):
    with pytest.raises(UserError, match=message):
        load(backbone("bart"), [Pair("a", torch.zeros(1))], {name: torch.zeros(1) for name in state})
