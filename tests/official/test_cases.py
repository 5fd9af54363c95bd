"""Equality with the authors' code on the cases at hand (they are not part of the project)."""

import json
from pathlib import Path

import pytest
import torch

from petl.backbone import attach, counts
from petl.backbone.load import shapes
from petl.config import UserError
from petl.official import cases, checkpoint

OFFICIAL = Path(__file__).parents[2].parent / "shared" / "official"
FIXTURES = OFFICIAL / "fixtures"
CASES = cases.find(FIXTURES) if FIXTURES.exists() else []
NONE = pytest.param(None, marks=pytest.mark.skip(reason="no ../shared/official/fixtures beside the project"))


@pytest.mark.slow
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("case", CASES or [NONE], ids=lambda p: f"{p.parent.name}-{p.name}" if p else "absent")
def test_equals_the_authors_numbers(case, attention):
    result = cases.check(case, attention)
    if result.skipped:
        pytest.skip(result.skipped)
    assert result.passes(1e-9), cases.line(result, 1e-9)


@pytest.mark.parametrize(
    "name", ["bart/mam", "mbart/pfeiffer", "roberta/pa_attn", "bart/mh_pa_attn", "bart/prompt_tuning"]
)
def test_equals_the_authors_numbers_in_single_precision(name):
    if not CASES:
        pytest.skip("no ../shared/official/fixtures beside the project")
    result = cases.check(FIXTURES / name, dtype=torch.float32)
    assert result.passes(1e-4), cases.line(result, 1e-4)


@pytest.mark.parametrize(("option", "value"), [("attn_mode", "prefixx"), ("ffn_mode", "nope")])
def test_unknown_options_are_refused(option, value):
    options = {"attn_mode": "none", "attn_bn": 2, "ffn_mode": "none", "ffn_bn": 2, "ffn_option": "none", option: value}
    with pytest.raises(UserError, match=value):
        checkpoint.method(options, "bart")


def test_a_checkpoint_that_lacks_a_tensor_is_refused():
    from transformers import BartConfig

    options = {"attn_mode": "prompt_tuning", "attn_bn": 2, "ffn_mode": "none", "ffn_bn": 2, "ffn_option": "none"}
    model = shapes(BartConfig(encoder_layers=1, decoder_layers=1), "generation")
    with torch.device("meta"):
        attach(model, checkpoint.method(options, "bart"), seed=0)
    with pytest.raises(UserError, match="ef_prefix_emb"):
        checkpoint.load_official(model, {})
    assert counts(model).trained == 2 * 1024


def test_cases_are_found_below_any_folder(tmp_path):
    (tmp_path / "bart" / "mam").mkdir(parents=True)
    (tmp_path / "bart" / "config.json").write_text("{}")
    (tmp_path / "bart" / "mam" / "meta.json").write_text(json.dumps({}))
    for folder in (tmp_path, tmp_path / "bart", tmp_path / "bart" / "mam"):
        assert cases.find(folder) == [tmp_path / "bart" / "mam"]


def test_what_is_no_number_misses():
    nan = torch.tensor([1.0, float("nan")])
    assert cases.relative(nan, torch.ones(2)) == float("inf") == cases.relative(torch.ones(2), nan)


def test_a_case_that_cannot_be_computed_is_a_miss_with_its_reason(tmp_path):
    (tmp_path / "bart" / "odd").mkdir(parents=True)
    (tmp_path / "bart" / "config.json").write_text("{}")
    (tmp_path / "bart" / "odd" / "meta.json").write_text(json.dumps({"status": "ok", "options": {}}))
    result = cases.check(tmp_path / "bart" / "odd")
    assert not result.passes(1.0) and cases.line(result, 1.0).startswith("MISS  bart/odd")


ROUND_TRIPS = [
    {"attn_mode": "prefix", "attn_option": "concat", "ffn_mode": "adapter", "ffn_option": "parallel"},
    {"attn_mode": "prefix_nomlp", "attn_option": "cross_attn_relu"},
    {"attn_mode": "adapter", "attn_option": "sequential", "ffn_mode": "lora"},
    {"attn_mode": "lora", "ffn_mode": "adapter", "ffn_option": "sequential", "ffn_adapter_scalar": "learnable_scalar"},
    {"attn_mode": "bitfit"},
    {"attn_mode": "prompt_tuning"},
]
DEFAULTS = {
    "attn_mode": "none", "attn_option": "none", "attn_composition": "add", "attn_bn": 3, "ffn_mode": "none",
    "ffn_option": "none", "ffn_bn": 2, "ffn_adapter_layernorm_option": "in", "ffn_adapter_init_option": "bert",
    "ffn_adapter_scalar": "2", "mid_dim": 8, "prefix_dropout": 0.0, "lora_alpha": 4.0, "lora_dropout": 0.0,
    "lora_init": "bert",
}  # fmt: skip


@pytest.mark.parametrize("architecture", ["bart", "mbart"])
@pytest.mark.parametrize("options", ROUND_TRIPS, ids=lambda o: "-".join(o.values()))
def test_out_to_the_official_layout_and_back(options, architecture):
    from tests.cells import backbone, batch

    method = checkpoint.method(DEFAULTS | options, architecture)
    one, other = backbone(architecture), backbone(architecture)
    for seed, model in enumerate((one, other)):
        attach(model, method, seed)
    state = checkpoint.to_official(one)
    checkpoint.load_official(other, state)
    assert checkpoint.to_official(other).keys() == state.keys()
    with torch.no_grad():
        assert torch.equal(one(**batch(architecture)).logits, other(**batch(architecture)).logits)
