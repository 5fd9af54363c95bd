"""What any correct method obeys, whatever its numbers: no oracle, every cell, eager and sdpa."""

import pytest
import torch

from tests.cells import ALL, backbone, batch, carrying

ATTENTION = ("sdpa", "eager")
# In the quick suite one cell of each kind; the slow suite takes them all.
KINDS = [
    "mam",
    "houlsby",
    "prefix-own-query",
    "prefix-nogate",
    "multi-head-norm",
    "prompt",
    "relu-block-add",
    "lora-dropout",
]
EVERY = [pytest.param(cell, marks=[] if cell in KINDS else pytest.mark.slow) for cell in ALL]
generators = pytest.mark.parametrize("architecture", ["bart", "mbart"])
architectures = pytest.mark.parametrize("architecture", ["bart", "mbart", "roberta"])
attentions = pytest.mark.parametrize("attention", ATTENTION)
cells = pytest.mark.parametrize("cell", EVERY)


def close(ours, theirs):
    torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-11)


def teacher(model, architecture):
    inputs = batch(architecture, rows=4)
    target = inputs.pop("labels")
    with torch.no_grad():
        return inputs, target, model(**inputs, decoder_input_ids=target).logits


@cells
@architectures
def test_eager_equals_sdpa(cell, architecture):
    inputs = batch(architecture, rows=4)
    with torch.no_grad():
        sdpa, eager = (carrying(architecture, cell, attention=a)(**inputs).logits for a in ATTENTION)
    close(sdpa, eager)


@cells
@generators
@attentions
def test_a_later_token_moves_no_earlier_logit(cell, architecture, attention):
    model = carrying(architecture, cell, attention=attention)
    inputs, target, logits = teacher(model, architecture)
    for t in range(1, target.shape[1]):
        changed = target.clone()
        changed[:, t] = (target[:, t] + 3) % 36 + 4
        with torch.no_grad():
            moved = model(**inputs, decoder_input_ids=changed).logits
        close(moved[:, :t], logits[:, :t])
        assert (moved[:, t] - logits[:, t]).abs().max() > 1e-6, "a position must see itself"


@cells
@architectures
@attentions
def test_padding_changes_nothing(cell, architecture, attention):
    model = carrying(architecture, cell, attention=attention)
    inputs = batch(architecture, rows=4)
    inputs.pop("labels")
    more = {} if architecture == "roberta" else {"decoder_input_ids": torch.full((4, 3), 7)}
    wider = {
        "input_ids": torch.nn.functional.pad(inputs["input_ids"], (0, 3), value=1),
        "attention_mask": torch.nn.functional.pad(inputs["attention_mask"], (0, 3)),
    }
    with torch.no_grad():
        close(model(**wider, **more).logits, model(**inputs, **more).logits)


@cells
@generators
@attentions
def test_teacher_forcing_equals_cached_steps(cell, architecture, attention):
    model = carrying(architecture, cell, attention=attention)
    inputs, target, logits = teacher(model, architecture)
    cache, steps, encoded = None, [], model.get_encoder()(**inputs)
    mask = inputs["attention_mask"]
    with torch.no_grad():
        for t in range(target.shape[1]):
            out = model(
                encoder_outputs=encoded, attention_mask=mask, decoder_input_ids=target[:, t : t + 1],
                past_key_values=cache, use_cache=True,
            )  # fmt: skip
            cache = out.past_key_values
            steps.append(out.logits)
    close(torch.cat(steps, 1), logits)


@cells
@generators
def test_one_beam_is_greedy(cell, architecture):
    """With one beam every token is the likeliest one after those before it, found without a cache."""
    model = carrying(architecture, cell)
    inputs = batch(architecture, rows=4)
    inputs.pop("labels")
    tokens = model.generate(**inputs, num_beams=1, max_length=8, do_sample=False)
    with torch.no_grad():
        for t in range(1, tokens.shape[1] - 1):
            logits = model(**inputs, decoder_input_ids=tokens[:, :t]).logits[:, -1]
            live = ~(tokens[:, 1:t] == 2).any(1)
            assert torch.equal(logits.argmax(-1)[live], tokens[live, t])


@generators
def test_sampling_and_several_returned_sequences_work(architecture):
    """The released code crashes on both."""
    model, inputs = carrying(architecture, "prefix-nogate"), batch(architecture, rows=2)
    inputs.pop("labels")
    torch.manual_seed(0)
    tokens = model.generate(**inputs, do_sample=True, num_return_sequences=3, max_length=6)
    assert tokens.shape[0] == 6


@architectures
def test_no_mask_means_no_padding(architecture):
    """Without attention_mask causality still holds: transformers passes None, the attention function has to know."""
    model = carrying(architecture, "mam")
    inputs = batch(architecture, rows=2)
    inputs["attention_mask"] = torch.ones_like(inputs["attention_mask"])
    with torch.no_grad():
        masked = model(**inputs).logits
        del inputs["attention_mask"]
        close(model(**inputs).logits, masked)


def test_attention_without_a_delta_is_the_backbones_own():
    """Layers outside the chosen ones go through our function untouched, bit for bit."""
    from dataclasses import replace

    from petl.backbone import attach
    from petl.config import Method

    model, plain, inputs = backbone("bart"), backbone("bart"), batch("bart")
    attach(model, Method(deltas={"main": replace(ALL["prefix-free"]["main"], sites=["cross"])}), seed=0)
    with torch.no_grad():
        ours = model.model.encoder(inputs["input_ids"], inputs["attention_mask"]).last_hidden_state
        theirs = plain.model.encoder(inputs["input_ids"], inputs["attention_mask"]).last_hidden_state
    assert torch.equal(ours, theirs)
