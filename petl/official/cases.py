"""Our model against the numbers of the authors' code, case by case (`scripts/check_official.py`)."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional as F
from transformers import AutoConfig, PreTrainedModel

from petl.backbone.attach import attach
from petl.backbone.load import CLASSES
from petl.official import checkpoint

GENERATION = {"max_length": 12, "min_length": 3, "do_sample": False}
BEAMS = {"num_beams": 4, "early_stopping": True, "length_penalty": 1.0, "no_repeat_ngram_size": 3}


@dataclass
class Result:
    """Largest relative error of each quantity of one case; `tokens`: which generations are identical."""

    case: str
    errors: dict[str, float] = field(default_factory=dict)
    tokens: dict[str, bool] = field(default_factory=dict)
    skipped: str = ""
    failed: str = ""  # why nothing could be compared

    def passes(self, rtol: float) -> bool:
        return not self.failed and all(error <= rtol for error in self.errors.values()) and all(self.tokens.values())


def find(folder: Path) -> list[Path]:
    """Case folders ARCH/METHOD below `folder`, or the one that `folder` itself is."""
    return sorted(meta.parent for meta in folder.rglob("meta.json") if (meta.parent.parent / "config.json").exists())


def check(case: Path, attention: str = "sdpa", dtype: torch.dtype = torch.float64) -> Result:
    """Everything the case has numbers for, computed by us and compared. A case that we cannot compute has missed."""
    result = Result(f"{case.parent.name}/{case.name}")
    try:
        meta = json.loads((case / "meta.json").read_text())
        if meta["status"] != "ok":
            result.skipped = f"{meta['status']}: {meta.get('error', '').strip()[:60]}"
            return result
        _compare(case, meta, attention, dtype, result)
    except Exception as error:  # one odd case must not hide the others
        result.failed = f"{type(error).__name__}: {error}".splitlines()[0]
    return result


def _compare(case: Path, meta: dict, attention: str, dtype: torch.dtype, result: Result) -> None:
    torch.use_deterministic_algorithms(True)
    want = load_file(case / "outputs.safetensors")
    inputs = load_file(case.parent / "inputs.safetensors")
    model, found = build(case, meta, attention, dtype)
    _forward(model, inputs, want, result)
    _gradients(model, inputs, found, case, result)
    _generate(model, inputs, want, result)
    if "logits_scaled_dropout" in want:
        model, _ = build(case, meta, "eager", dtype, rates=True)
        with scaled_dropout(), torch.no_grad():
            logits = model.train()(**inputs).logits
        result.errors["dropout"] = relative(logits, want["logits_scaled_dropout"])


def build(
    case: Path, meta: dict, attention: str, dtype: torch.dtype, rates: bool = False
) -> tuple[PreTrainedModel, list[checkpoint.Pair]]:
    """The case's backbone with its method attached and its tuned tensors loaded, in evaluation mode."""
    settings = json.loads((case.parent / "config.json").read_text())
    used = settings.pop("_rates_used_for_logits_scaled_dropout", {})
    settings |= {name: rate for name, rate in used.items() if rates and name in settings}
    labels = settings.pop("num_labels", None)
    settings = {k: v for k, v in settings.items() if v is not None}
    config = AutoConfig.for_model(**settings, **({"num_labels": labels} if labels else {}))
    model = CLASSES["classification" if labels else "generation"].from_config(config, attn_implementation=attention)
    frozen = load_file(case.parent / "backbone.safetensors")
    missing, unexpected = model.load_state_dict(frozen, strict=False)
    tied = ("embed_tokens.weight", "lm_head.weight", "position_ids")
    if unexpected or [name for name in missing if not name.endswith(tied)]:
        raise ValueError(f"{case.parent}: backbone tensors do not fit: missing {missing}, unexpected {unexpected}")
    model.tie_weights()
    attach(model, checkpoint.method(meta["options"], config.model_type), seed=0)
    tuned = load_file(case / "tuned.safetensors") if (case / "tuned.safetensors").exists() else {}
    return model.eval(), checkpoint.load_official(model.to(dtype), {k: v.to(dtype) for k, v in tuned.items()})


def _forward(model: PreTrainedModel, inputs: dict, want: dict, result: Result) -> None:
    with torch.no_grad():
        out = model(**inputs, output_hidden_states=True)
    result.errors["logits"] = relative(out.logits, want["logits"])
    result.errors["loss"] = relative(out.loss, want["loss"])
    if (smoothed := want.get("loss_label_smoothed_0.1")) is not None:
        result.errors["smoothed"] = relative(smoothed_loss(out.logits, inputs["labels"], 0.1), smoothed)
    for name in ("hidden_states", "encoder_hidden_states", "decoder_hidden_states"):
        if name in want:
            result.errors[name] = relative(torch.stack(getattr(out, name)), want[name])


def smoothed_loss(
    logits: Tensor, labels: Tensor, epsilon: float, accumulate: torch.dtype | None = torch.float32
) -> Tensor:
    """(1 - eps) NLL + eps mean_V(-log p), both averaged over the labels that are not -100.

    Trainer 4.9 sums over the vocabulary in float32, whatever the precision of the logits (`accumulate`; none: theirs).
    """
    hidden = (labels == -100).unsqueeze(-1)
    scores, count = -logits.log_softmax(-1), (labels != -100).sum()
    chosen = scores.gather(-1, labels.clamp(min=0).unsqueeze(-1)).masked_fill(hidden, 0.0)
    smooth = scores.sum(-1, keepdim=True, dtype=accumulate).masked_fill(hidden, 0.0)
    return (1 - epsilon) * (chosen.sum() / count) + epsilon * (smooth.sum() / (count * logits.shape[-1]))


def _gradients(model: PreTrainedModel, inputs: dict, found: list[checkpoint.Pair], case: Path, result: Result) -> None:
    if not (case / "grads.safetensors").exists():
        return
    want = load_file(case / "grads.safetensors")
    out = model(**inputs)
    out.loss.backward()
    floor = 1e-10 if out.loss.dtype == torch.float64 else 1e-6  # k_proj.bias has a true gradient of zero
    errors = [
        relative(pair.view(pair.parameter.grad), want[pair.name], floor)
        for pair in found
        if pair.parameter.grad is not None and pair.name in want
    ]
    reached = {pair.name for pair in found if pair.parameter.grad is not None}
    unreached = [name for name, grad in want.items() if name not in reached and grad.abs().max() > 0]
    result.errors["gradients"] = float("inf") if unreached else max(errors, default=0.0)


def _generate(model: Any, inputs: dict, want: dict, result: Result) -> None:
    source = {name: inputs[name] for name in ("input_ids", "attention_mask")}
    for name, more in (("greedy", {}), ("beam4", BEAMS)):
        if f"generate_{name}" in want:
            with torch.no_grad():
                tokens = model.generate(**source, **GENERATION, **more)
            result.tokens[name] = torch.equal(tokens, want[f"generate_{name}"])


def relative(ours: Tensor, theirs: Tensor, floor: float = 0.0) -> float:
    """max |ours - theirs| / max |theirs|; zero for a difference below `floor`, infinite for one that is no number."""
    theirs = theirs.to(torch.float64)
    difference = (ours.detach().to(torch.float64).reshape(theirs.shape) - theirs).abs().max().item()
    if not math.isfinite(difference):
        return math.inf
    return 0.0 if difference <= floor else difference / max(theirs.abs().max().item(), 1e-300)


@contextmanager
def scaled_dropout() -> Iterator[None]:
    """Every dropout becomes x (1 - p): a missing or misplaced one shows in the logits."""

    def scale(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
        return input * (1 - p) if training else input

    with mock.patch.object(F, "dropout", scale), mock.patch.object(torch.nn.functional, "dropout", scale):
        yield


def line(result: Result, rtol: float) -> str:
    """One line of the report."""
    if result.skipped:
        return f"skip  {result.case:<32} {result.skipped}"
    if result.failed:
        return f"MISS  {result.case:<32} {result.failed}"
    errors: dict[str, Any] = {name: f"{error:.1e}" for name, error in result.errors.items()}
    cells = [
        f"{name} {value}"
        for name, value in (errors | {k: "=" if v else "DIFFERS" for k, v in result.tokens.items()}).items()
    ]
    return f"{'ok' if result.passes(rtol) else 'MISS':<5} {result.case:<32} " + "  ".join(cells)
