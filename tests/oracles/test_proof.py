"""The comparison, on a case that our own model wrote; and the whole command, where the libraries are installed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from petl.backbone import attach
from petl.oracles import huggingface, proof
from scripts import check_oracles
from tests.cells import backbone, batch
from tests.oracles.test_mapping import PEFT

ROOT = Path(__file__).parents[2]
ORACLES = ROOT / ".venv-oracles"


@pytest.fixture
def written(tmp_path):
    """A case of peft's LoRA, and what was written: change it and write again to make a case that misses."""
    model, case = backbone("bart", "eager"), tmp_path / "bart" / "peft-lora"
    case.mkdir(parents=True)
    own = {name: p.detach().clone() for name, p in model.state_dict().items()}
    attach(model, huggingface.method(PEFT, model.config), seed=0)
    pairs = huggingface.pairs(model)
    with torch.no_grad():
        for pair in pairs:
            pair.parameter.add_(0.3 * torch.randn_like(pair.parameter))
    inputs = batch("bart", rows=4)
    out = model(**inputs)
    out.loss.backward()
    settings = {k: v for k, v in model.config.to_diff_dict().items() if isinstance(v, int | float | str)}
    meta = {"library": "peft", "config": PEFT, "difference": None}
    (case.parent / "config.json").write_text(json.dumps(settings | {"model_type": "bart"}))
    (case / "meta.json").write_text(json.dumps(meta))
    save_file(own, case.parent / "backbone.safetensors")
    save_file(inputs, case.parent / "inputs.safetensors")
    tensors = {
        "tuned": {pair.name: pair.parameter.detach() for pair in pairs},
        "grads": {pair.name: pair.parameter.grad.clone() for pair in pairs},
        "outputs": {"logits": out.logits.detach().contiguous(), "loss": out.loss.detach()},
    }
    for name, found in tensors.items():
        save_file(found, case / f"{name}.safetensors")
    return case, meta, tensors


def test_a_case_that_agrees_passes(written):
    result = proof.check(written[0])
    assert result.passes(1e-9), proof.line(result, 1e-9)


@pytest.mark.parametrize("name", ["tuned", "grads"])
def test_one_changed_tensor_is_a_miss(written, name):
    case, _, tensors = written
    first = next(iter(tensors[name]))
    save_file(tensors[name] | {first: tensors[name][first] * 1.01}, case / f"{name}.safetensors")
    assert proof.line(proof.check(case), 1e-9).startswith("MISS")


def test_a_gradient_that_only_we_have_is_a_miss(written):
    case, _, tensors = written
    save_file(dict(list(tensors["grads"].items())[1:]), case / "grads.safetensors")
    assert not proof.check(case).passes(1e-9)


def test_a_known_difference_that_is_gone_is_a_miss(written):
    case, meta, _ = written
    (case / "meta.json").write_text(json.dumps(meta | {"difference": "sdpa"}))
    assert proof.line(proof.check(case), 1e-9).startswith("MISS")


def test_a_folder_without_cases_is_refused(tmp_path):
    assert check_oracles.compare(tmp_path, "sdpa", 1e-9) == 2


@pytest.mark.slow
@pytest.mark.skipif(not (ORACLES / ".petl-ready").exists(), reason="no .venv-oracles: `make oracles` makes it")
def test_the_libraries_agree():
    command = [sys.executable, "scripts/check_oracles.py", "--python", str(ORACLES / "bin" / "python")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
