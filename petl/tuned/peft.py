"""LoRA as Hugging Face's peft keeps it. Our deltas hold the same two matrices, so that only names differ.

h <- h + (alpha / r) x A^T B^T with A [r, d_in] = W_down^T, B [d_out, r] = W_up^T and alpha = s r (peft 0.18 to 0.21,
`LoraConfig`). peft itself is not imported.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from torch import Tensor
from transformers import PreTrainedModel

from petl import backbone
from petl.backbone.attach import Placed, heads_of, placed
from petl.config import Config, Dropout, Insertion, Norm, Position, Rule

CONFIG = "adapter_config.json"
PREFIX = "base_model.model."
TASKS = {"generation": "SEQ_2_SEQ_LM", "classification": "SEQ_CLS"}
MATRICES = {"down.weight": "lora_A.weight", "up.weight": "lora_B.weight"}


def refusal(model: PreTrainedModel) -> str | None:
    """Why peft cannot express what `model` carries; None: it can."""
    rows = placed(model)
    if not rows:
        return "no delta is attached; peft's LoRA is one"
    for row in rows:
        if why := next(_problems(row), None):
            return f"{row.name}: {why}"
    if len({(row.spec.size, row.spec.s, _dropout(row)) for row in rows}) > 1:
        return f"{', '.join(row.name for row in rows)}: they differ in r, s or dropout"
    heads = tuple(f"{head}." for head in heads_of(model))
    own = [name for name in backbone.tuned_state(model) if "petl_" not in name and not name.startswith(heads)]
    return f"the backbone's own {own[0]} is tuned as well" if own else None


def config(model: PreTrainedModel, config: Config) -> dict[str, Any]:
    """adapter_config.json, for a model that peft can express."""
    rows = placed(model)
    spec, scale = rows[0].spec, rows[0].spec.s if rows[0].spec.compose is Rule.scaled else 1.0
    assert spec.size is not None
    return {
        "peft_type": "LORA",
        "task_type": TASKS[config.task.kind],
        "base_model_name_or_path": config.backbone.path,
        "revision": config.backbone.revision,
        "inference_mode": True,
        "r": spec.size,
        "lora_alpha": scale * spec.size,
        "lora_dropout": _dropout(rows[0]),
        "target_modules": _targets(model, [path.rpartition(".")[0] for row in rows for path in row.paths]),
        "modules_to_save": heads_of(model) or None,
        "bias": "none",
        "fan_in_fan_out": False,
    }


def theirs(model: PreTrainedModel) -> dict[str, Tensor]:
    """adapter_model.safetensors: the tuned tensors by peft's names."""
    state = backbone.tuned_state(model)
    return {name: state[own] for own, name in _names(model, state).items()}


def ours(model: PreTrainedModel, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """peft's tensors by our names; those it does not know stay as they are, for `load_tuned` to refuse."""
    known = {name: own for own, name in _names(model, backbone.tuned_state(model)).items()}
    return {known.get(name, name): tensor for name, tensor in state.items()}


def _problems(row: Placed) -> Iterator[str]:
    spec = row.spec
    if spec.form != "linear" or spec.position not in (Position.qv, Position.fc):
        yield f"form={spec.form} at position={spec.position}; peft's LoRA is linear, at single matrices (qv, fc)"
    if spec.insertion is not Insertion.parallel:
        yield "insertion=sequential; peft's LoRA reads the input of its matrix"
    if spec.compose is Rule.learned:
        yield "composition=learned; the scale of peft's LoRA is a constant"
    if spec.bias:
        yield "biases; the matrices of peft's LoRA have none"
    if spec.norm is not Norm.none:
        yield f"norm={spec.norm}; peft's LoRA has none"


def _dropout(row: Placed) -> float:
    """The rate on what f reads, which is where peft has its dropout; in evaluation there is none."""
    spec = row.spec
    return spec.dropout_rate if spec.dropout is Dropout.own and spec.dropout_on == "input" else 0.0


def _names(model: PreTrainedModel, own: Iterable[str]) -> dict[str, str]:
    """Our name -> peft's, of every tuned tensor."""
    paths = [path for row in placed(model) for path in row.paths]
    lora = {f"{path}.{a}": f"{path.rpartition('.')[0]}.{b}" for path in paths for a, b in MATRICES.items()}
    return {name: PREFIX + lora.get(name, name) for name in own}


def _targets(model: PreTrainedModel, linears: list[str]) -> list[str]:
    """The last parts of their names, as peft's own configurations have them; whole names where others end alike."""
    ends = sorted({name.rpartition(".")[2] for name in linears})
    alike = {name for name, _ in model.named_modules() if name.rpartition(".")[2] in ends}
    return ends if alike == set(linears) else sorted(linears)
