"""The arithmetic of FLOPs against torch's counter on small models, and of bytes against what autograd keeps."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode
from transformers import BartConfig, MBartConfig, RobertaConfig

from petl import command
from petl.backbone import attach, resolve
from petl.backbone.load import CLASSES
from petl.plan import flops, memory
from petl.plan.backbones import on_paper
from petl.plan.model import _sum, extra, sized
from petl.training.loss import forward, summed_loss

PAIR = {
    "vocab_size": 500, "d_model": 64, "encoder_layers": 4, "decoder_layers": 4, "encoder_ffn_dim": 256,
    "decoder_ffn_dim": 256, "encoder_attention_heads": 4, "decoder_attention_heads": 4, "max_position_embeddings": 128,
    "dropout": 0.0, "attention_dropout": 0.0, "activation_dropout": 0.0,
}  # fmt: skip
ENCODER = {
    "vocab_size": 500, "hidden_size": 64, "num_hidden_layers": 4, "intermediate_size": 256, "num_attention_heads": 4,
    "max_position_embeddings": 130, "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0,
}  # fmt: skip
TINY = {"xsum": BartConfig(**PAIR), "en_ro": MBartConfig(**PAIR), "sst2": RobertaConfig(**ENCODER)}
ROWS, SOURCE, TARGET = 4, 48, 16
CASES = [(f"method={name}", "xsum") for name in ("full", "bitfit", "prompt", "prefix", "mam", "lora", "mh_parallel")]
CASES += [("method=parallel position=attn", "xsum"), ("method=lora_ffn", "en_ro"), ("method=full", "sst2")]


@pytest.fixture(params=CASES, ids=" ".join, scope="module")
def case(request, tmp_path_factory):
    """The model with its method, a batch, and what the plan knows of both."""
    words, task = request.param
    config, tiny = command.read([*words.split(), f"task={task}"]), TINY[task]
    model = CLASSES[config.task.kind].from_config(deepcopy(tiny), attn_implementation="sdpa").train()
    attach(model, resolve(model, config.method, config.budget)[0], 0, config.recipe.train_head)
    ids = torch.randint(5, 500, (ROWS, SOURCE))
    mask = torch.ones_like(ids)
    mask[0, -3:] = 0
    generates = config.task.kind == "generation"
    labels = torch.randint(5, 500, (ROWS, TARGET)) if generates else torch.randint(0, 2, (ROWS,))
    config.backbone.path = str(folder := tmp_path_factory.mktemp("tiny"))
    tiny.save_pretrained(folder)
    paper = on_paper(config.backbone, 2)
    added = _sum(extra(paper, delta) for delta in sized(config, paper).deltas.values())
    batch = flops.Batch(ROWS, SOURCE, TARGET if generates else 0)
    inputs = {"input_ids": ids, "attention_mask": mask, "labels": labels}
    return model, inputs, paper.shape, added, batch, float(words == "method=full")


def test_flops_of_a_step_are_torchs(case, monkeypatch):
    model, inputs, shape, added, batch, tuned = case
    monkeypatch.setattr(flops, "BACKWARD_ATTENTION", 2.0)  # torch counts the kernel that keeps QK^T
    with sdpa_kernel(SDPBackend.MATH):
        with FlopCounterMode(display=False) as first:
            loss = summed_loss(forward(model, inputs), inputs["labels"])
        with FlopCounterMode(display=False) as second:
            loss.backward()
    read, whole = first.get_total_flops(), first.get_total_flops() + second.get_total_flops()
    assert flops.forward(shape, added, batch) + 2 * added.network == pytest.approx(read, rel=0.005)
    # the plan gives every layer's activations a gradient; below the lowest delta, in the first layers, they have none
    first = flops.Shape(shape.d, shape.f, 1, min(1, shape.decoder), 0)
    below = flops.linear(first, batch) + 2 * flops.attention(first, batch) + flops.deltas(added, batch) / 4
    assert -0.002 * whole < flops.training(shape, added, batch, tuned) - whole < below


def test_bytes_kept_are_autograds(case):
    model, inputs, shape, added, batch, tuned = case
    own = {tensor.untyped_storage().data_ptr() for tensor in (*model.parameters(), *model.buffers())}
    kept: dict[int, int] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        if (storage := tensor.untyped_storage()).data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        loss = summed_loss(forward(model, inputs), inputs["labels"])
    probabilities = 4 * ROWS * batch.target * shape.vocabulary  # of the loss, which memory.logits counts
    counted = memory.kept(shape, added, batch, half=False, tuned=tuned, masks=0) + probabilities
    assert counted == pytest.approx(sum(kept.values()), rel=0.2)
    assert loss.isfinite()


def test_generation_reads_once_and_writes_every_beam():
    shape, none = flops.Shape(64, 256, 2, 2, 500), flops.Extra()
    one = flops.decoding(shape, none, flops.Batch(4, 48), beams=1, steps=10)
    six = flops.decoding(shape, none, flops.Batch(4, 48), beams=6, steps=10)
    read = flops.forward(flops.Shape(64, 256, 2, 0, 0), none, flops.Batch(4, 48))
    assert six - read == pytest.approx(6 * (one - read))


def test_memory_by_hand():
    shape, none = flops.Shape(8, 32, 1, 1, 100), flops.Extra()
    told = memory.training(shape, none, flops.Batch(1, 1, 1), total=1000, matrices=500, trained=10, half=True, shards=2)
    assert (told.weights, told.gradients, told.optimiser) == (4 * 500 + 2 * 500, 20, 40)
    # encoder 272, decoder 316, attention's masks 2 + 4, the embeddings' norms 64, logits 1200
    encoder = (4 * 2 * 8 + 8 + 32) + (2 * 32 + 32 + 8 + 32)
    decoder = encoder + (2 * 2 * 8 + 8 + 32) + 2 * 2 * 8
    assert told.activations == encoder + 2 + decoder + 4 + 64 + 1200
    assert told.need == memory.CONTEXT + memory.SLACK * (3000 + 60 + told.activations)
