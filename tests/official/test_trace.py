"""The replay of a short training, against one that shares no code with its optimiser, loss or schedule."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from petl.official import cases
from petl.official.trace import replay
from tests.official.test_cases import FIXTURES

SETTINGS = {
    "start": "bart/mam", "steps": 6, "lr": 3e-3, "betas": [0.9, 0.98], "eps": 1e-6, "weight_decay": 0.1,
    "max_grad_norm": 0.1, "label_smoothing": 0.1, "schedule": "polynomial, power 1, lr_end 1e-7, no warm-up",
}  # fmt: skip


def reference(folder: Path, accumulate: torch.dtype = torch.float32) -> None:
    """Writes meta.json and tuned_after.safetensors: Adam, decay, clipping, smoothing and schedule by hand."""
    case = FIXTURES / SETTINGS["start"]
    model, pairs = cases.build(case, json.loads((case / "meta.json").read_text()), "eager", torch.float64)
    inputs, trace = load_file(case.parent / "inputs.safetensors"), []
    tensors = {pair.name: pair.parameter for pair in pairs}
    m, v = ({name: torch.zeros_like(t) for name, t in tensors.items()} for _ in range(2))
    (beta1, beta2), total = SETTINGS["betas"], SETTINGS["steps"]
    for step in range(total):
        log_p = model(**inputs).logits.log_softmax(-1)
        labels, keep = inputs["labels"].clamp(min=0), inputs["labels"] != -100
        nll = -log_p.gather(-1, labels[..., None])[..., 0][keep].sum() / keep.sum()
        uniform = (-log_p).sum(-1, keepdim=True, dtype=accumulate).masked_fill(~keep[..., None], 0.0).sum()
        loss = 0.9 * nll + 0.1 * (uniform / (keep.sum() * log_p.shape[-1]))
        grads = dict(zip(tensors, torch.autograd.grad(loss, list(tensors.values())), strict=True))
        norm = math.sqrt(sum((g**2).sum().item() for g in grads.values()))
        lr = 1e-7 + (SETTINGS["lr"] - 1e-7) * (1 - step / total)
        trace.append({"loss": loss.item(), "grad_norm": norm, "lr": lr})
        for name, t in tensors.items():
            g = grads[name] * min(1.0, SETTINGS["max_grad_norm"] / (norm + 1e-6))
            m[name] = beta1 * m[name] + (1 - beta1) * g
            v[name] = beta2 * v[name] + (1 - beta2) * g * g
            rate = lr * math.sqrt(1 - beta2 ** (step + 1)) / (1 - beta1 ** (step + 1))
            new = t.detach() - rate * m[name] / (v[name].sqrt() + SETTINGS["eps"])
            decays = "layer_norm" not in name and "bias" not in name
            t.data.copy_(new - lr * SETTINGS["weight_decay"] * new if decays else new)
    (folder / "meta.json").write_text(json.dumps(SETTINGS | {"trace": trace}))
    save_file({name: t.detach().clone() for name, t in tensors.items()}, folder / "tuned_after.safetensors")


needs_fixtures = pytest.mark.skipif(not FIXTURES.exists(), reason="no ../shared/official/fixtures beside the project")


@needs_fixtures
def test_equals_a_training_by_hand(tmp_path):
    reference(tmp_path)
    result = replay(tmp_path, FIXTURES)
    assert result.passes(1e-9), result


@needs_fixtures
def test_a_loss_smoothed_in_full_precision_is_recognised(tmp_path):
    reference(tmp_path, torch.float64)
    assert replay(tmp_path, FIXTURES).passes(1e-9)


@needs_fixtures
def test_a_trace_of_other_settings_misses(tmp_path):
    reference(tmp_path)
    meta = json.loads((tmp_path / "meta.json").read_text())
    (tmp_path / "meta.json").write_text(json.dumps(meta | {"eps": 1e-8}))
    assert not replay(tmp_path, FIXTURES).passes(1e-9)


@needs_fixtures
@pytest.mark.slow
def test_the_command(tmp_path):
    reference(tmp_path)
    script = Path(__file__).parents[2] / "scripts" / "check_official.py"
    command = [sys.executable, str(script), "--trace", str(tmp_path), "--fixtures", str(FIXTURES)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.startswith("ok    bart/mam over 6 steps"), done.stdout + done.stderr
