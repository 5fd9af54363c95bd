"""What runs compute in one pass is what each computes alone: dropout, padding, losses and norms included."""

from __future__ import annotations

import pytest
import torch

from petl.backbone import attach
from petl.backbone.pack import share
from petl.config import Config, Method, Precision, Recipe, Runtime, UserError
from petl.design.compose import Scale
from petl.training import ranks
from petl.training.batches import Step
from petl.training.gradients import Wanted, compute_gradients
from petl.training.optimiser import make_optimiser
from petl.training.packed import WORK, Layout, Packed, pays, work_of
from tests import cells

KINDS = ["mam", "prefix-dropout", "prefix-own-query", "prompt", "lora-dropout", "ffn-stream", "bitfit"]
EVERY = [pytest.param(cell, marks=[] if cell in KINDS else pytest.mark.slow) for cell in [*cells.ALL, "bitfit"]]
SHAPES = [(4, 5), (5, 3), (2, 6)]  # rows, and tokens of the source, of each run's micro-batches


@pytest.fixture
def accelerator():
    return ranks.start(Runtime(device="cpu"), Precision.fp32)


@pytest.fixture
def waiting(accelerator):
    """waiting(architecture, cell, ...) -> what three runs of different seeds, batches and steps wait for."""

    def made(architecture, cell, shapes=SHAPES, micro=2, dropout=0.3, attention="sdpa", head=True):
        wanted = []
        for seed, (rows, tokens) in enumerate(shapes):
            model = cells.backbone(architecture, attention, dropout=dropout).train()
            method = Method(cell, tune=["*bias*"]) if cell == "bitfit" else Method(cell, deltas=cells.ALL[cell])
            attach(model, method, seed, train_head=head)
            moved(model, seed)
            recipe = Recipe(steps=1, accumulate=micro, label_smoothing=0.1)
            whole = cells.batch(architecture, rows=5 * micro)
            whole |= {name: whole[name].roll(seed, 0)[:, :tokens] for name in ("input_ids", "attention_mask")}
            if architecture != "roberta":
                whole["labels"] = whole["labels"].roll(seed, 1)[:, : tokens - 1]
            parts = [(i, {name: t[i * rows : (i + 1) * rows] for name, t in whole.items()}) for i in range(micro)]
            step = Step(7 * seed, list(range(rows * micro)), 3 + seed, parts, micro)
            optimiser = accelerator.prepare(make_optimiser(model, recipe))
            wanted.append(Wanted(model, step, Config(seed=seed, recipe=recipe), accelerator, optimiser, []))
        return wanted

    return made


def moved(model, seed):
    """No tensor stays at a start that hides it (LoRA's up is zero); a head is the seed's own, trained or not."""
    chance = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in model.named_parameters():
            if tensor.requires_grad or name.startswith("classifier"):
                tensor += 0.1 * torch.randn(tensor.shape, generator=chance, dtype=tensor.dtype)


def gradients(wanted):
    return [{n: p.grad.clone() for n, p in one.model.named_parameters() if p.requires_grad} for one in wanted]


def packed(wanted):
    share([one.model for one in wanted])
    return Packed([one.model for one in wanted])


def compare(wanted):
    alone = [compute_gradients(*one) for one in wanted]
    expected = gradients(wanted)
    together = packed(wanted).compute(wanted)
    for (loss, norm), (other_loss, other_norm) in zip(alone, together, strict=True):
        assert (other_loss, other_norm) == pytest.approx((loss, norm), rel=1e-5)
    for one, other in zip(expected, gradients(wanted), strict=True):
        for name in one:
            torch.testing.assert_close(other[name], one[name], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("cell", EVERY)
@pytest.mark.parametrize("architecture", cells.ARCHITECTURES)
def test_a_pass_of_several_makes_the_gradients_of_each_alone(waiting, architecture, cell):
    compare(waiting(architecture, cell))


@pytest.mark.parametrize("architecture", cells.ARCHITECTURES)
def test_so_it_does_where_attention_is_eager_and_a_head_stays_at_its_seeds_start(waiting, architecture):
    compare(waiting(architecture, "mam", attention="eager", head=False, micro=1))


def test_so_it_does_without_padding_or_dropout(waiting):
    wanted = waiting("bart", "mam", shapes=[(3, 6)] * 2, dropout=0.0)
    for one in wanted:
        for _, batch in one.step.micro_batches:
            batch["attention_mask"].fill_(1)
    compare(wanted)


def test_runs_differ_in_s(waiting):
    wanted = waiting("bart", "relu-ffn-parallel-scaled")
    for number, one in enumerate(wanted):
        for module in one.model.modules():
            if isinstance(module, Scale):
                module.s = 1.0 + number
    compare(wanted)


def test_the_tensors_of_a_run_are_its_part_of_the_packs(waiting):
    wanted = waiting("bart", "mam")
    pack = packed(wanted).pack
    name = next(name for name, tensor in wanted[1].model.named_parameters() if tensor.requires_grad)
    with torch.no_grad():
        wanted[1].model.get_parameter(name).fill_(7.0)
    first, second, _ = pack.model.get_parameter(name)
    assert (second == 7).all() and not (first == 7).any()
    frozen = wanted[0].model.get_parameter("model.encoder.embed_tokens.weight")
    assert all(one.model.get_parameter("model.shared.weight").data_ptr() == frozen.data_ptr() for one in wanted)


def test_what_no_pack_can_hold_is_named(waiting):
    wanted = waiting("bart", "mam")
    for one in wanted:
        one.model.get_parameter("model.encoder.embed_positions.weight").requires_grad_(True)
    with pytest.raises(UserError, match=r"embed_positions\.weight is each run's own"):
        packed(wanted)


def test_a_large_pass_does_not_pay(waiting):
    wanted = waiting("bart", "mam")
    tokens = 3 * 5 * (6 + 5) / 2  # runs, rows, and what a matrix sees: source or target
    fits = WORK["cpu"] / tokens
    assert pays(wanted, int(fits)) and not pays(wanted, int(fits) + 1)
    assert work_of(wanted[0].model) > 0


def test_widths_are_told_apart_from_each_other_and_from_sizes_of_the_model():
    layout = Layout([1, 1], [[7, 5], [4, 8]], added={0, 3}, taken={3, 9})
    assert layout.widths == [7, 11] or len({w + more for w in layout.widths for more in (0, 3)} - {3, 9}) == 4
    assert layout.size([2, 4, layout.widths[1], layout.widths[0] + 3], 0) == [1, 4, 5, 10]
