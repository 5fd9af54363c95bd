"""The authors' option sets and checkpoints, read into our grid.

The released code (jxhe/unify-parameter-efficient-tuning) names a method by options (`attn_mode`, `ffn_mode`, ...) and
its tensors `pretrained_model.<name>` (`ef_*` where added) and `prompt_model.*` (prefix networks).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from petl.backbone.anatomy import anatomy
from petl.backbone.attach import Placed, placed
from petl.config import Delta, Dropout, Init, Insertion, Method, Norm, Position, Rule, UserError
from petl.design.delta import Delta as DeltaModule
from petl.design.heads import Heads, Network

LAYER_NORM = {"in": Norm.input, "out": Norm.output, "none": Norm.none}
NETWORKS = {"decoder": "", "cross": "2", "encoder": "_enc"}  # suffix of wte and control_trans by site
FREE = {"decoder": "decoder_self_attn", "cross": "decoder_cross_attn", "encoder": "encoder_attn"}


def method(options: dict, model_type: str) -> Method:
    """The released code's options as rows of the grid. UserError for an option it does not have."""
    deltas = {"attn": _attention(options, model_type), "ffn": _feed_forward(options)}
    return Method(
        name="official",
        deltas={name: delta for name, delta in deltas.items() if delta is not None},
        takes="ffn" if deltas["ffn"] else "attn",
        tune=["*bias*"] if options["attn_mode"] == "bitfit" else [],
    )


def _attention(options: dict, model_type: str) -> Delta | None:
    mode, size = options["attn_mode"], options["attn_bn"]
    if mode in ("none", "bitfit"):
        return None
    if mode == "prompt_tuning":  # RoBERTa has no code for it and trains nothing, without an error
        return None if model_type == "roberta" else Delta(form="prompt", position=Position.input, size=size)
    if mode == "lora":
        return _lora(options, Position.qv, size)
    if mode == "adapter":
        parallel = options["attn_option"] == "parallel"
        return Delta(
            form="relu", position=Position.attn, size=size,
            insertion=Insertion.parallel if parallel else Insertion.sequential,
            norm=Norm.input, init=Init.bert, dropout=Dropout.attention, before_wo=parallel,
        )  # fmt: skip
    if mode in ("prefix", "prefix_nomlp"):
        return _prefix(options, model_type, size)
    raise UserError(f"attn_mode={mode} is no option of the released code.")


def _prefix(options: dict, model_type: str, size: int) -> Delta:
    option, network = options["attn_option"], options["mid_dim"] if options["attn_mode"] == "prefix" else None
    known = ("concat", "cross_attn", "cross_attn_noln", "cross_attn_relu")
    if option not in known:
        raise UserError(f"attn_option={option} is no option of a prefix; there are {', '.join(known)}.")
    gated = option == "concat" or options["attn_composition"] == "gate_add"
    delta = Delta(
        form="softmax", position=Position.heads, compose=Rule.gated if gated else Rule.add, size=size, network=network,
        dropout=Dropout.own, dropout_rate=options["prefix_dropout"] if network else 0.0, dropout_on="prefix",
        norm=Norm.input if option == "cross_attn" else Norm.none,
    )  # fmt: skip
    if option == "cross_attn_relu":
        delta.form = "relu"
        if model_type == "bart":  # a LayerNorm of its own and no 1/sqrt(d_head); mBART has neither
            delta.norm, delta.scale_query = Norm.input, False
    return delta


def _feed_forward(options: dict) -> Delta | None:
    mode, size, option = options["ffn_mode"], options["ffn_bn"], options["ffn_option"]
    if mode == "none":
        return None
    if mode == "lora":
        return _lora(options, Position.fc, size)
    if mode != "adapter" or option not in ("parallel", "sequential", "pfeiffer"):
        raise UserError(f"ffn_mode={mode} with ffn_option={option} is no option of the released code.")
    scalar, learned = options["ffn_adapter_scalar"], options["ffn_adapter_scalar"] == "learnable_scalar"
    parallel = option == "parallel"
    return Delta(
        form="relu", position=Position.block if option == "pfeiffer" else Position.ffn,
        insertion=Insertion.parallel if parallel else Insertion.sequential,
        compose=Rule.learned if learned else Rule.scaled, s=1.0 if learned else float(scalar), size=size,
        norm=LAYER_NORM[options["ffn_adapter_layernorm_option"]], init=Init(options["ffn_adapter_init_option"]),
        dropout=Dropout.hidden, reads_stream=parallel,
    )  # fmt: skip


def _lora(options: dict, position: Position, size: int) -> Delta:
    return Delta(
        form="linear", position=position, compose=Rule.scaled, s=options["lora_alpha"] / size, size=size, bias=False,
        init=Init(options["lora_init"]), dropout=Dropout.own, dropout_rate=options["lora_dropout"], dropout_on="input",
    )  # fmt: skip


@dataclass(frozen=True)
class Pair:
    """One official tensor and ours; `view` shows ours in the official layout (a view, or a permuted copy)."""

    name: str
    parameter: Tensor
    view: Callable[[Tensor], Tensor] = lambda t: t
    fill: Callable[[Tensor], Tensor] = lambda t: t


def pairs(model: PreTrainedModel, tuned: set[str]) -> list[Pair]:
    """Every tensor of ours that trains or that `tuned` (official names) holds, beside its official name."""
    found = [pair for row in placed(model) for pair in _pairs(model, row)]
    own = {f"pretrained_model.{name}": p for name, p in model.named_parameters() if "petl_" not in name}
    return found + [Pair(name, p) for name, p in own.items() if name in tuned]


@torch.no_grad()
def load_official(model: PreTrainedModel, state: dict[str, Tensor]) -> list[Pair]:
    """Copies an official state dict into a model that carries the same method; what it names is tuned, and only that.

    Tensors that the released code creates but never uses are passed over (RoBERTa: a second FFN adapter and two prefix
    sets; mBART: the LayerNorm of multi-head adapters). UserError where one of ours is missing.
    """
    found = pairs(model, set(state))
    missing = [pair.name for pair in found if pair.name not in state]
    if missing:
        raise UserError(f"{len(missing)} tensors are missing from the official checkpoint: {missing[:3]}.")
    model.requires_grad_(False)
    for pair in found:
        pair.parameter.copy_(pair.fill(state[pair.name]))
        pair.parameter.requires_grad_(True)
    return found


def to_official(model: PreTrainedModel) -> dict[str, Tensor]:
    """The tuned tensors under the released code's names and layouts; without the ones it creates and never uses."""
    own = {f"pretrained_model.{name}" for name, p in model.named_parameters() if p.requires_grad}
    return {pair.name: pair.view(pair.parameter).detach().clone() for pair in pairs(model, own)}


def _pairs(model: PreTrainedModel, row: Placed) -> Iterator[Pair]:
    prefix = f"pretrained_model.{model.base_model_prefix}"
    if row.spec.position is Position.input:
        yield Pair(f"{prefix}.encoder.ef_prefix_emb.weight", model.get_parameter(f"{row.paths[0]}.weight"))
    elif row.spec.position is Position.heads:
        yield from _prefix_pairs(model, row, prefix)
    else:
        for place, path in zip(row.places, row.paths, strict=True):
            delta = model.get_submodule(path)
            assert isinstance(delta, DeltaModule)
            yield from _delta_pairs(delta, f"{prefix}.{_module(model, row.spec, place)}")


def _delta_pairs(delta: DeltaModule, module: str) -> Iterator[Pair]:
    if delta.down.bias is None:
        yield Pair(f"{module}.ef_lora_A", delta.down.weight)
        yield Pair(f"{module}.ef_lora_B", delta.up.weight)
        return
    for name, linear in (("down_proj", delta.down), ("up_proj", delta.up)):
        yield Pair(f"{module}.{name}.weight", linear.weight)
        yield Pair(f"{module}.{name}.bias", linear.bias)
    if (norm := delta.norm_in or delta.norm_out) is not None:
        yield from _norm_pairs(norm, f"{module}.adapter_layer_norm_before")
    if isinstance(delta.scale.s, nn.Parameter):
        yield Pair(f"{module}.scale", delta.scale.s)


def _norm_pairs(norm: nn.LayerNorm, name: str) -> Iterator[Pair]:
    yield Pair(f"{name}.weight", norm.weight)
    yield Pair(f"{name}.bias", norm.bias)


def _prefix_pairs(model: PreTrainedModel, row: Placed, prefix: str) -> Iterator[Pair]:
    encoder_only = len(anatomy(model.config.model_type).stacks) == 1  # RoBERTa reads the decoder's set
    for place, path in zip(row.places, row.paths, strict=True):
        site, index, _ = place.split(".")
        heads = model.get_submodule(path)
        assert isinstance(heads, Heads)
        if heads.norm is not None:
            module = path.removeprefix(f"{model.base_model_prefix}.").rpartition(".")[0]
            yield from _norm_pairs(heads.norm, f"{prefix}.{module}.ef_transform_layer_norm")
        if heads.key is not None:
            stem = f"prompt_model.{FREE['decoder' if encoder_only else site]}"
            for name, parameter in (("key", heads.key), ("value", heads.value)):
                assert parameter is not None
                count, _, d_head = parameter.shape

                def fill(t: Tensor, count: int = count, d_head: int = d_head) -> Tensor:
                    return t.view(-1, count, d_head).transpose(0, 1)

                yield Pair(f"{stem}_{name}.{index}.weight", parameter, lambda t: t.transpose(0, 1).flatten(1), fill)
    for name, network in model.named_modules():
        if not isinstance(network, Network):
            continue
        site = name.rpartition(".")[2]
        suffix = NETWORKS["decoder" if encoder_only else site]
        yield Pair(f"prompt_model.wte{suffix}.weight", network.embedding)
        for number, linear in ((0, network.inner), (2, network.outer)):
            yield Pair(f"prompt_model.control_trans{suffix}.{number}.weight", linear.weight)
            yield Pair(f"prompt_model.control_trans{suffix}.{number}.bias", linear.bias)


def _module(model: PreTrainedModel, spec: Delta, place: str) -> str:
    """The module of the released code that holds the delta of `place`, relative to the base model."""
    site, index, what = place.split(".", 2)
    stack = next(
        s for s in anatomy(model.config.model_type).stacks if s.site == ("decoder" if site == "cross" else site)
    )
    layer = f"{stack.layers}.{index}"
    if spec.position in (Position.qv, Position.fc):
        return f"{layer}.{what}"
    roberta = model.config.model_type == "roberta"
    if spec.position is Position.attn:
        attention = next(a for a in stack.attentions if a.site == site)
        after = roberta and spec.insertion is Insertion.sequential
        return f"{layer}.{attention.output.rpartition('.')[0] if after else attention.module}.ef_attn_adapter"
    return f"{layer}.output.ef_ffn_adapter" if roberta and not spec.reads_stream else f"{layer}.ef_ffn_adapter"
