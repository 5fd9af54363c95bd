"""Beam search with the cache that copies little writes what transformers' own cache has it write, to the bit."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch

from petl.backbone import attach, cache, resolve
from petl.backbone.load import CLASSES
from petl.command import read
from tests.plan.test_flops import TINY

WORDS = {
    "plain": "method=full",
    "mam": "method=mam",
    "prefix": "method=prefix budget.size=7",
    "mh": "method=mh_parallel",
    "prompt": "method=prompt budget.size=3",
}


@pytest.fixture(params=[*((name, "xsum") for name in WORDS), ("mam", "en_ro")], ids="-".join)
def model(request):
    name, task = request.param
    config = read([*WORDS[name].split(), f"task={task}"])
    torch.manual_seed(0)
    model = CLASSES["generation"].from_config(deepcopy(TINY[task]), attn_implementation="sdpa").eval()
    attach(model, resolve(model, config.method, config.budget)[0], 0)
    with torch.no_grad():
        for parameter in model.parameters():  # off the start, where all tokens are as likely and no prefix tells
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model


def search(model, past_key_values=None):
    ids = torch.randint(5, 500, (3, 20), generator=torch.Generator().manual_seed(1))
    mask = torch.ones_like(ids)
    mask[1, 15:] = 0
    more = {} if past_key_values is None else {"past_key_values": past_key_values}
    with torch.no_grad():
        return model.generate(
            input_ids=ids, attention_mask=mask, num_beams=4, max_new_tokens=10, do_sample=False, output_scores=True,
            decoder_start_token_id=2, return_dict_in_generate=True, **more,
        )  # fmt: skip


def test_the_same_bits(model):
    theirs, ours = search(model), search(model, cache(model))
    assert torch.equal(theirs.sequences, ours.sequences)
    assert all(torch.equal(a, b) for a, b in zip(theirs.scores, ours.scores, strict=True))
    assert len({tuple(row) for row in theirs.beam_indices.tolist()}) > 1  # beams did change places


def test_a_prefix_is_joined_to_no_keys_while_tokens_are_written(monkeypatch):
    config = read("method=prefix budget.size=13 task=xsum".split())
    model = CLASSES["generation"].from_config(deepcopy(TINY["xsum"]), attn_implementation="sdpa").eval()
    attach(model, resolve(model, config.method, config.budget)[0], 0)
    joined, cat = [], torch.cat

    def watched(tensors, *args, **kwargs):
        joined.append(tuple(tensor.shape[-2] for tensor in tensors if tensor.dim() == 4))
        return cat(tensors, *args, **kwargs)

    monkeypatch.setattr(torch, "cat", watched)
    search(model, cache(model))
    assert [lengths for lengths in joined if lengths[:1] == (13,)] == [(13, 20)] * 2 * TINY["xsum"].encoder_layers
