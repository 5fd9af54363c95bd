"""Hugging Face's `peft` 0.21: its configurations as rows of the grid, its tensor names beside ours."""

from __future__ import annotations

import re
from collections.abc import Iterator

import torch
from transformers import PretrainedConfig, PreTrainedModel

from petl.backbone.anatomy import anatomy
from petl.backbone.attach import placed
from petl.config import Delta, Insertion, Method, Position, Rule, UserError
from petl.design.delta import Delta as DeltaModule
from petl.oracles.pairs import Pair, insist

PLAIN = {"use_rslora": False, "use_dora": False, "lora_bias": False, "lora_dropout": 0.0, "bias": "none"}


def method(config: dict, backbone: PretrainedConfig) -> Method:
    """A configuration as our method. UserError for an option that the grid does not have."""
    readers = {"LORA": _lora, "IA3": _ia3}
    if config["peft_type"] not in readers:
        raise UserError(f"peft_type={config['peft_type']} is no row of the grid.")
    deltas = readers[config["peft_type"]](config, backbone)
    return Method(name="peft", deltas=deltas, takes=next(iter(deltas)))


def _lora(config: dict, backbone: PretrainedConfig) -> dict[str, Delta]:
    """LoRA at the projections q and v, at the matrices of the FFN, or at both. What else it names `load` refuses."""
    insist(config, PLAIN)
    found = [p for p in (Position.qv, Position.fc) if _targets(config["target_modules"], p, backbone)]
    if not found:
        raise UserError(f"target_modules={config['target_modules']} is neither q and v nor the matrices of the FFN.")
    main = {"insertion": Insertion.parallel, "compose": Rule.scaled, "s": config["lora_alpha"] / config["r"]}
    return {p.value: Delta("linear", p, size=config["r"], bias=False, **main) for p in found}


def _targets(modules: str | list[str], position: Position, backbone: PretrainedConfig) -> bool:
    """Whether `modules`, a pattern of full names or a list of their ends, has the Linears of `position`."""
    pattern = modules if isinstance(modules, str) else rf".*\.({'|'.join(map(re.escape, modules))})"
    names = []
    for stack in anatomy(backbone.model_type).stacks:
        attention = [path for part in stack.attentions for path in (part.query, part.value)]
        inside = attention if position is Position.qv else stack.feed_forward.matrices
        names += [f"{backbone.model_type}.{stack.layers}.0.{path}" for path in inside]
    return all(re.fullmatch(pattern, name) for name in names)


def _ia3(config: dict, backbone: PretrainedConfig) -> dict[str, Delta]:
    """Values and FFN of (IA)^3 as linear deltas: a vector v on h is h + h diag(v - 1).

    The grid trains whole matrices where (IA)^3 trains a diagonal, so this is its function, not its parametrisation. Its
    keys have no cell: no position is at W_k.
    """
    width, inner = backbone.hidden_size, getattr(backbone, "intermediate_size", None) or backbone.encoder_ffn_dim
    return {
        "values": Delta("linear", Position.qv, Insertion.sequential, size=width, bias=False),
        "ffn": Delta("linear", Position.fc, Insertion.parallel, size=inner, bias=False),
    }


def pairs(model: PreTrainedModel) -> list[Pair]:
    """Every tensor of peft beside ours, for a model that carries `method`."""
    return [pair for row in placed(model) for path in row.paths for pair in _pairs(model, row.name, path)]


def _pairs(model: PreTrainedModel, name: str, path: str) -> Iterator[Pair]:
    linear = path.rpartition(".")[0]
    delta, module = model.get_submodule(path), f"base_model.model.{linear}"
    assert isinstance(delta, DeltaModule)
    if name not in ("values", "ffn"):
        yield Pair(f"{module}.lora_A.default.weight", delta.down.weight)
        yield Pair(f"{module}.lora_B.default.weight", delta.up.weight)
        return
    stacks = anatomy(model.config.model_type).stacks
    values, last = [a.value for s in stacks for a in s.attentions], [s.feed_forward.matrices[-1] for s in stacks]
    if linear.endswith(tuple(values if name == "values" else last)):  # the others stay at their start: no change
        yield from _vector_pairs(name, f"{module}.ia3_l.default", delta, model.get_parameter(f"{linear}.weight"))


def _vector_pairs(name: str, vector: str, delta: DeltaModule, weight: torch.Tensor) -> Iterator[Pair]:
    """W_down = 1 and W_up = diag(v - 1) on an output; W_up = W diag(v - 1) on what a matrix W reads."""
    yield Pair(vector, delta.down.weight, fill=lambda v: torch.eye(v.numel(), dtype=v.dtype), ours=None)
    if name == "values":
        yield Pair(vector, delta.up.weight, lambda v: torch.diag(v.flatten() - 1), torch.diagonal, torch.flatten)
    else:
        yield Pair(vector, delta.up.weight, lambda v: weight * (v - 1), lambda g: (g * weight).sum(0), torch.flatten)
