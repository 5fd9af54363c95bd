"""What the authors' code marks trainable, to the last parameter (their numbers are not part of the project)."""

import json
from pathlib import Path

import pytest
import torch
from transformers import AutoConfig

from petl.backbone import attach, counts
from petl.backbone.load import shapes
from petl.backbone.state import heads_of
from petl.design.heads import Network
from petl.official import cases, checkpoint
from petl.official.counts import dead
from petl.parameters import HUB


def runs(path):
    return json.loads((path / "meta.json").read_text())["status"] == "ok"


OFFICIAL = Path(__file__).parents[2].parent / "shared" / "official"
FILE = OFFICIAL / "param_counts.json"
ROWS = json.loads(FILE.read_text()) if FILE.exists() else []
CASES = [path for path in cases.find(OFFICIAL / "fixtures") if runs(path)] if FILE.exists() else []
NONE = pytest.param(None, marks=pytest.mark.skip(reason="no ../shared/official beside the project"))

HUBS = {name.partition("/")[2]: config for name, config in HUB.items()}
PLAIN = {
    "attn_mode": "none", "attn_option": "none", "attn_composition": "add", "ffn_mode": "none", "ffn_option": "none",
    "ffn_adapter_layernorm_option": "none", "ffn_adapter_init_option": "bert", "ffn_adapter_scalar": "1",
    "mid_dim": 800, "prefix_dropout": 0.0, "lora_alpha": 32.0, "lora_dropout": 0.1, "lora_init": "lora",
    "attn_bn": 0, "ffn_bn": 0,
}  # fmt: skip
PREFIX = {"attn_mode": "prefix", "attn_option": "concat"}
FREE = {"attn_mode": "prefix_nomlp", "attn_option": "concat"}
SEQUENTIAL = {"ffn_mode": "adapter", "ffn_option": "sequential"}
PARALLEL = {"ffn_mode": "adapter", "ffn_option": "parallel"}
METHODS = {  # the names of the file, in the released code's options
    "bitfit": {"attn_mode": "bitfit"},
    "ln_tuning": {},
    "prompt_tuning": {"attn_mode": "prompt_tuning"},
    "prefix_concat": PREFIX,
    "prefix_concat_flat": FREE,
    "mh_pa_attn_flat": {"attn_mode": "prefix_nomlp", "attn_option": "cross_attn_relu"},
    "sa_attn": {"attn_mode": "adapter", "attn_option": "sequential"},
    "pa_attn": {"attn_mode": "adapter", "attn_option": "parallel"},
    "sa_ffn": SEQUENTIAL,
    "pa_ffn": PARALLEL,
    "spa_ffn_s4": PARALLEL | {"ffn_adapter_init_option": "lora", "ffn_adapter_scalar": "4"},
    "spa_ffn_learnable": PARALLEL | {"ffn_adapter_init_option": "lora", "ffn_adapter_scalar": "learnable_scalar"},
    "pfeiffer": {"ffn_mode": "adapter", "ffn_option": "pfeiffer"},
    "houlsby": {"attn_mode": "adapter", "attn_option": "sequential"} | SEQUENTIAL,
    "lora_attn": {"attn_mode": "lora"},
    "lora_ffn": {"ffn_mode": "lora"},
    "mam": PREFIX | PARALLEL,
    "mam_flat": FREE | PARALLEL,
    "prefix_lora_ffn": PREFIX | {"ffn_mode": "lora"},
    "pa_attn_pa_ffn": {"attn_mode": "adapter", "attn_option": "parallel"} | PARALLEL,
}


def row(case):
    """bart-large takes long, and a sample of it is in tests/backbone/test_state.py."""
    name = "-".join(filter(None, (case["backbone"], case["method"], case["overrides"])))
    slow = case["backbone"] == "bart-large" and not case["method"].startswith("mam")
    return pytest.param(case, id=name, marks=[pytest.mark.slow] if slow else [])


def ours(config, options, labels=None, tune=()):
    model = shapes(config, "classification" if config.model_type == "roberta" else "generation", labels)
    method = checkpoint.method(options, config.model_type)
    method.tune = [*method.tune, *tune]
    with torch.device("meta"):
        attach(model, method, seed=0)
    return model


@pytest.mark.parametrize("path", CASES or [NONE], ids=lambda p: f"{p.parent.name}-{p.name}" if p else "absent")
def test_dead_weights_are_those_without_gradient(path):
    told = json.loads((path / "meta.json").read_text())
    config = AutoConfig.from_pretrained(path.parent)
    model = ours(config, told["options"])
    unused = told["tuned_params"] - told["tuned_params_with_gradient"]
    assert dead(told["options"], model) == unused
    assert counts(model).trained == told["tuned_params_with_gradient"] or path.name == "ln_tuning"


@pytest.mark.parametrize("case", [row(case) for case in ROWS] or [NONE])
def test_counts_are_the_authors(case):
    sizes = dict(word.split("=") for word in case["overrides"].split(",") if word)
    options = PLAIN | METHODS[case["method"]] | {key: int(value) for key, value in sizes.items()}
    roberta = case["backbone"].startswith("roberta")
    tune = ["*attn_layer_norm*"] if case["method"] == "ln_tuning" else []  # what unfreeze_params=LN matches
    model = ours(HUBS[case["backbone"]], options, 3 if roberta else None, tune)
    found = counts(model)
    head = [p for name in heads_of(model) for p in model.get_submodule(name).parameters()]
    networks = sum(p.numel() for m in model.modules() if isinstance(m, Network) for p in m.parameters())
    assert {
        "backbone_params": found.backbone + sum(p.numel() for p in head),
        "requires_grad": found.trained + dead(options, model),
        "of_which_prefix_reparam": networks * (3 if roberta else 1),
        "classifier_params": sum(p.numel() for p in head),
        "classifier_trained": sum(p.numel() for p in head if p.requires_grad),
    } == {key: case[key] for key in case if key not in ("backbone", "method", "overrides", "percent")}
    assert round(100 * case["requires_grad"] / case["backbone_params"], 3) == case["percent"]
