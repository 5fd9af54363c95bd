"""One case of an independent library against our model (`scripts/check_oracles.py`)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors.torch import load_file
from transformers import AutoConfig, PreTrainedModel

from petl.backbone.attach import attach
from petl.backbone.load import CLASSES
from petl.official.cases import relative
from petl.oracles import adapterhub, huggingface
from petl.oracles.pairs import Pair, load

LIBRARIES = {"adapters": adapterhub, "peft": huggingface}
APART = 1e-3  # a known difference is one that shows in the logits


@dataclass
class Result:
    """Largest relative error of each quantity of one case; `difference`: the key of the known difference it shows."""

    case: str
    difference: str | None
    errors: dict[str, float] = field(default_factory=dict)

    def passes(self, rtol: float) -> bool:
        if self.difference:
            return self.errors["logits"] > APART
        return all(error <= rtol for error in self.errors.values())


def check(case: Path, attention: str = "sdpa") -> Result:
    """Logits, loss and the gradient of every tuned tensor, in double precision."""
    meta = json.loads((case / "meta.json").read_text())
    want, grads = (load_file(case / f"{name}.safetensors") for name in ("outputs", "grads"))
    model, pairs = build(case, meta, attention)
    out = model(**load_file(case.parent / "inputs.safetensors"))
    out.loss.backward()
    result = Result(f"{case.parent.name}/{case.name}", meta["difference"])
    result.errors = {name: relative(getattr(out, name), want[name]) for name in ("logits", "loss")}
    result.errors["gradients"] = max(_gradient(pair, grads) for pair in pairs if pair.ours)
    return result


def build(case: Path, meta: dict, attention: str) -> tuple[PreTrainedModel, list[Pair]]:
    """The case's backbone with its method attached and its tensors loaded, in evaluation mode."""
    config = AutoConfig.for_model(**json.loads((case.parent / "config.json").read_text()))
    kind = "generation" if config.is_encoder_decoder else "classification"
    model = CLASSES[kind].from_config(config, attn_implementation=attention).double()
    missing, unexpected = model.load_state_dict(load_file(case.parent / "backbone.safetensors"), strict=False)
    if missing or unexpected:
        raise ValueError(f"{case.parent}: backbone tensors do not fit: missing {missing}, unexpected {unexpected}")
    library = LIBRARIES[meta["library"]]
    attach(model, library.method(meta["config"], config), seed=0)
    pairs = library.pairs(model)
    load(model, pairs, load_file(case / "tuned.safetensors"))
    return model.eval(), pairs


def _gradient(pair: Pair, grads: dict[str, torch.Tensor]) -> float:
    """Infinite where only one side has a gradient; zero where the true gradient is zero, as a key's bias has."""
    ours, theirs = pair.parameter.grad, grads.get(pair.name)
    if ours is None or theirs is None or pair.ours is None:
        return 0.0 if ours is None and theirs is None else float("inf")
    theirs = pair.theirs(theirs)
    return relative(pair.ours(ours), theirs, floor=1e-10 if theirs.abs().max() < 1e-10 else 0.0)


def line(result: Result, rtol: float) -> str:
    """One line of the report."""
    word = ("differs" if result.difference else "ok") if result.passes(rtol) else "MISS"
    cells = "  ".join(f"{name} {error:.1e}" for name, error in result.errors.items())
    return f"{word:<8} {result.case:<34} {cells}" + (f"  [{result.difference}]" if result.difference else "")
