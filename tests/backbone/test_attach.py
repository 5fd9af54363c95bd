"""What must hold for every cell of the grid on every architecture."""

import copy

import pytest
import torch

from petl.backbone import attach
from petl.backbone.attach import placed
from petl.config import Delta, Insertion, Method, Position, UserError
from tests.cells import ALL, ARCHITECTURES, backbone, batch, carrying, span_cells

GENERATORS = ("bart", "mbart")


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("cell", span_cells())
def test_starts_bit_exactly_at_the_backbone(architecture, cell):
    inputs = batch(architecture)
    plain, model = backbone(architecture), backbone(architecture)
    attach(model, Method(deltas=ALL[cell]), seed=0)
    with torch.no_grad():
        start, reference = model(**inputs).logits, plain(**inputs).logits
    assert torch.equal(start, reference)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("cell", ALL)
def test_changes_the_output_once_moved(architecture, cell):
    inputs = batch(architecture)
    with torch.no_grad():
        change = carrying(architecture, cell)(**inputs).logits - backbone(architecture)(**inputs).logits
    assert change.abs().max() > 1e-4


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("cell", ALL)
def test_gradients_reach_every_tuned_tensor_and_no_frozen_one(architecture, cell):
    model = carrying(architecture, cell)
    model(**batch(architecture)).loss.backward()
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            assert "petl_" in name
            assert parameter.grad is not None and parameter.grad.abs().max() > 0, name
        else:
            assert parameter.grad is None, name


@pytest.mark.filterwarnings("ignore:.*gradient_checkpointing_enable:FutureWarning")  # its new name is not in 5.17
@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("cell", ALL)
def test_gradient_checkpointing_gives_the_same_gradients(architecture, cell):
    inputs, grads = batch(architecture), []
    for checkpointing in (False, True):
        model = carrying(architecture, cell, dropout=0.1).train()
        if checkpointing:
            model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        torch.manual_seed(3)
        model(**inputs).loss.backward()
        grads.append([p.grad for p in model.parameters() if p.requires_grad])
    for one, other in zip(*grads, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("architecture", GENERATORS)
@pytest.mark.parametrize("cell", ALL)
def test_cached_beam_search_equals_uncached(architecture, cell):
    model, inputs = carrying(architecture, cell), batch(architecture)
    del inputs["labels"]
    search = {
        "num_beams": 3,
        "max_length": 9,
        "do_sample": False,
        "output_scores": True,
        "return_dict_in_generate": True,
    }
    with torch.no_grad():
        cached = model.generate(**inputs, **search, use_cache=True)
        uncached = model.generate(**inputs, **search, use_cache=False)
    assert torch.equal(cached.sequences, uncached.sequences)
    torch.testing.assert_close(cached.sequences_scores, uncached.sequences_scores, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("cell", ALL)
def test_deepcopy_is_independent(architecture, cell):
    model, inputs = carrying(architecture, cell), batch(architecture)
    model(**inputs).loss.backward()  # leaves behind whatever a step leaves behind
    twin = copy.deepcopy(model)
    with torch.no_grad():
        before = model(**inputs).logits
        assert torch.equal(twin(**inputs).logits, before)
        for parameter in twin.parameters():
            if parameter.requires_grad:
                parameter.mul_(1.5).add_(0.1)
        assert not torch.equal(twin(**inputs).logits, before)
        assert torch.equal(model(**inputs).logits, before)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("cell", ["mam", "prompt"])
def test_compiles_to_one_graph(architecture, cell):
    compiles(architecture, cell)


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("cell", ALL)
def test_every_cell_compiles_to_one_graph(architecture, cell):
    compiles(architecture, cell)


def compiles(architecture, cell):
    model, inputs = carrying(architecture, cell), batch(architecture)
    if architecture != "roberta":  # beside a mask of its own, transformers builds the decoder's outside the graph
        inputs["decoder_attention_mask"] = torch.ones_like(inputs["labels"])
    torch._dynamo.reset()
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")
    reference = model(**inputs)
    reference.loss.backward()
    grads = [p.grad.clone() for p in model.parameters() if p.requires_grad]
    model.zero_grad()
    out = compiled(**inputs)
    out.loss.backward()
    torch.testing.assert_close(out.logits, reference.logits, rtol=1e-9, atol=1e-12)
    for grad, parameter in zip(grads, (p for p in model.parameters() if p.requires_grad), strict=True):
        torch.testing.assert_close(parameter.grad, grad, rtol=1e-9, atol=1e-12)


def test_one_model_carries_one_method():
    model = carrying("bart", "prompt")
    with pytest.raises(UserError, match="already carries"):
        attach(model, Method(deltas=ALL["prefix"]), seed=0)


def test_layers_and_sites_choose_places():
    model = backbone("bart")
    delta = Delta("relu", Position.attn, Insertion.sequential, size=2, layers=[1], sites=["cross"])
    attach(model, Method(deltas={"main": delta}), seed=0)
    assert placed(model)[0].places == ["cross.1.attn"]


@pytest.mark.parametrize(
    ("field", "value", "message"), [("layers", [2], "layers 0 to 1"), ("sites", ["cross"], "no place")]
)
def test_places_that_do_not_exist_are_refused(field, value, message):
    delta = Delta("relu", Position.ffn, size=2, **{field: value})
    with pytest.raises(UserError, match=message):
        attach(backbone("roberta"), Method(deltas={"main": delta}), seed=0)


def test_a_pattern_that_tunes_nothing_is_refused():
    with pytest.raises(UserError, match="matches no parameter"):
        attach(backbone("bart"), Method(tune=["*.bais"]), seed=0)


def test_the_start_depends_on_the_seed_and_the_name_alone():
    def start(seed, deltas):
        model = backbone("bart")
        attach(model, Method(deltas=deltas), seed)
        return model.model.encoder.layers[0].fc2.petl_main.down.weight

    alone, mixed = ({"main": ALL["mam"]["main"]}, ALL["mam"])
    assert torch.equal(start(0, alone), start(0, mixed))
    assert not torch.equal(start(0, alone), start(1, alone))
