from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from petl.config import UserError
from petl.training import shards

ROOT = Path(__file__).parents[2]
EVERY_CELL = """
import torch
from petl.config import Precision, Runtime
from petl.training import ranks, shards
from tests.cells import ALL, ARCHITECTURES, batch, carrying

accelerator, worst, halves = ranks.start(Runtime(device="cpu"), Precision.fp32), 0.0, []

def results(model, inputs):
    answers = model(**inputs)
    answers.loss.backward()
    grads = {n: shards.whole(p.grad) for n, p in model.named_parameters() if p.grad is not None}
    with torch.no_grad(), shards.evaluating(model):
        texts = model.generate(inputs["input_ids"], max_length=6, num_beams=2) if hasattr(model, "generate") else None
    return answers.logits.detach(), grads, texts

for architecture in ARCHITECTURES:
    for cell in ALL:
        inputs, model = batch(architecture), carrying(architecture, cell)
        logits, grads, texts = results(model, inputs)
        model.zero_grad()
        assert shards.shard(model, accelerator)
        parts, wholes = zip(*((shards.local(p).numel(), p.numel()) for p in model.parameters()), strict=True)
        halves.append(sum(parts) / sum(wholes))
        # as both processes have the same rows here, the sum of their gradients is twice that of one
        sharded, sums, same = results(model, inputs)
        assert grads.keys() == sums.keys()
        worst = max([worst, (logits - sharded).abs().max().item()]
                    + [(2 * grads[n] - sums[n]).abs().max().item() / (1 + grads[n].abs().max().item()) for n in grads])
        assert texts is None or torch.equal(texts, same), (architecture, cell)
print(f"cells {len(halves)} worst {worst:.1e} part {min(halves):.2f} to {max(halves):.2f}", flush=True)
assert worst < 1e-12 and max(halves) < 0.55
"""

GOOD = {"ACCELERATE_USE_FSDP": "true", "FSDP_VERSION": "2", "FSDP_RESHARD_AFTER_FORWARD": "false", "WORLD_SIZE": "2"}


@pytest.fixture
def told(monkeypatch):
    def telling(**given):
        for name, value in given.items():
            monkeypatch.setenv(name, value)

    return telling


def test_nobody_asks_for_shards():
    assert shards.plugin() is None


def test_what_the_launcher_was_told_is_used(told):
    told(**GOOD)
    plugin = shards.plugin()
    assert plugin is not None
    assert (plugin.fsdp_version, plugin.reshard_after_forward) == (2, False)


@pytest.mark.parametrize(
    "other",
    [
        {"FSDP_VERSION": "1"},
        {"FSDP_CPU_RAM_EFFICIENT_LOADING": "true"},
        {"FSDP_ACTIVATION_CHECKPOINTING": "true"},
        {"WORLD_SIZE": "1"},
    ],
)
def test_what_would_be_done_otherwise_is_refused(told, other):
    told(**GOOD | other)
    with pytest.raises(UserError, match="fsdp.yaml"):
        shards.plugin()


@pytest.mark.slow
def test_every_cell_of_the_grid_is_the_same_in_shards(tmp_path):
    (tmp_path / "run.py").write_text(EVERY_CELL)
    launcher = ["-m", "accelerate.commands.launch", "--config_file", str(ROOT / "conf" / "accelerate" / "fsdp.yaml")]
    done = subprocess.run(
        [sys.executable, *launcher, "--num_processes", "2", "run.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    print(done.stdout)
