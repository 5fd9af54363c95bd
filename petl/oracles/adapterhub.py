"""AdapterHub's `adapters` 1.3: its configurations as rows of the grid, its tensor names beside ours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch
from transformers import PretrainedConfig, PreTrainedModel

from petl.backbone.anatomy import Stack, anatomy
from petl.backbone.attach import Placed, placed
from petl.config import Delta, Init, Insertion, Method, Norm, Position, Rule, UserError
from petl.design.delta import Delta as DeltaModule
from petl.design.heads import Heads, Network
from petl.oracles.pairs import Pair, insist

ADAPTER = "oracle"  # the name under which record.py adds the method
PREFIXES = {"encoder": "encoder_prefix", "decoder": "self_prefix", "cross": "cross_prefix"}
PLAIN = {"leave_out": [], "dropout": 0.0, "use_gating": False}
ONE_FORM = {"inv_adapter": None, "ln_after": False, "original_ln_after": True, "phm_layer": False}


def method(config: dict, backbone: PretrainedConfig) -> Method:
    """A configuration, or a union of several, as our method. UserError for an option that the grid does not have."""
    readers = {None: _bottleneck, "lora": _lora, "prefix_tuning": _prefix}
    deltas: dict[str, Delta] = {}
    for part in config["configs"] if config.get("architecture") == "union" else [config]:
        kind = part.get("architecture")
        if kind not in readers:
            raise UserError(f"architecture={kind} of AdapterHub is no row of the grid.")
        insist(part, PLAIN)
        deltas |= readers[kind](part, backbone)
    return Method(name="adapterhub", deltas=deltas, takes=next(iter(deltas)))


def _bottleneck(config: dict, backbone: PretrainedConfig) -> dict[str, Delta]:
    insist(config, ONE_FORM)
    parallel, learned, form = config["is_parallel"], config["scaling"] == "learned", config["non_linearity"]
    size = int(backbone.hidden_size // config["reduction_factor"])
    main = Delta(
        form="silu" if form == "swish" else form, position=Position.ffn, size=size,
        insertion=Insertion.parallel if parallel else Insertion.sequential,
        compose=Rule.learned if learned else Rule.scaled, s=1.0 if learned else config["scaling"],
        norm=Norm.input if config["ln_before"] else Norm.none,
        init=Init.lora if config["init_weights"] == "mam_adapter" else Init.bert, reads_stream=parallel,
    )  # fmt: skip
    own, cross = config["mh_adapter"], config["cross_adapter"]
    sites = ["encoder", "decoder"] * own + ["cross"] * cross
    after_norm = config["original_ln_before"] and not parallel  # Pfeiffer: reads LN(h + x), its residual is h
    if after_norm:
        insist(config, {"residual_before_ln": True, "mh_adapter": False, "cross_adapter": False})
        main.position = Position.block
    deltas = {"attn": replace(main, position=Position.attn, sites=sites, reads_stream=False)} if sites else {}
    return deltas | ({"ffn": main} if config["output_adapter"] else {})


def _lora(config: dict, backbone: PretrainedConfig) -> dict[str, Delta]:
    insist(config, {"composition_mode": "add", "use_dora": False, "vera_d": None, "vera_b": None})
    insist(config, {"intermediate_lora": config["output_lora"]})
    main = Delta(
        form="linear", insertion=Insertion.parallel, compose=Rule.scaled, s=config["alpha"] / config["r"],
        size=config["r"], bias=False,
    )  # fmt: skip
    if config["selfattn_lora"]:
        insist(config, {"attn_matrices": ["q", "v"]})
    deltas = {"attn": replace(main, position=Position.qv)} if config["selfattn_lora"] else {}
    return deltas | ({"ffn": replace(main, position=Position.fc)} if config["output_lora"] else {})


def _prefix(config: dict, backbone: PretrainedConfig) -> dict[str, Delta]:
    insist(config, {"non_linearity": "tanh"})
    sites = ["encoder"] * config["encoder_prefix"] + ["decoder"] + ["cross"] * config["cross_prefix"]
    network = None if config["flat"] else config["bottleneck_size"]
    size = config["prefix_length"]
    if len(anatomy(backbone.model_type).stacks) == 1:
        sites = None
    return {"heads": Delta("softmax", Position.heads, compose=Rule.gated, size=size, network=network, sites=sites)}


def pairs(model: PreTrainedModel) -> list[Pair]:
    """Every tensor of AdapterHub beside ours, for a model that carries `method`."""
    return [pair for row in placed(model) for pair in _pairs(model, row)]


def _pairs(model: PreTrainedModel, row: Placed) -> Iterator[Pair]:
    if row.spec.position is Position.heads:
        yield from _network_pairs(model) if row.spec.network else _free_pairs(model, row)
        return
    for place, path in zip(row.places, row.paths, strict=True):
        delta = model.get_submodule(path)
        assert isinstance(delta, DeltaModule)
        if row.spec.position in (Position.qv, Position.fc):
            lora = f"{path.rpartition('.')[0]}.loras.{ADAPTER}"
            yield Pair(f"{lora}.lora_A", delta.down.weight)
            yield Pair(f"{lora}.lora_B", delta.up.weight)
        else:
            yield from _bottleneck_pairs(delta, _holder(model, place))


def _bottleneck_pairs(delta: DeltaModule, holder: str) -> Iterator[Pair]:
    module = f"{holder}.adapters.{ADAPTER}"
    found: dict[str, torch.nn.Linear | torch.nn.LayerNorm] = {"adapter_up": delta.up}
    found[f"adapter_down.{0 if delta.norm_in is None else 1}"] = delta.down
    if delta.norm_in is not None:
        found["adapter_norm_before"] = delta.norm_in
    for name, part in found.items():
        yield Pair(f"{module}.{name}.weight", part.weight)
        yield Pair(f"{module}.{name}.bias", part.bias)
    if isinstance(delta.scale.s, torch.nn.Parameter):
        yield Pair(f"{module}.scaling", delta.scale.s)


def _network_pairs(model: PreTrainedModel) -> Iterator[Pair]:
    for path, network in model.named_modules():
        if isinstance(network, Network):
            module = _prefix_module(model, path.rpartition(".")[2])
            yield Pair(f"{module}.wte.weight", network.embedding)
            for number, linear in ((0, network.inner), (2, network.outer)):
                yield Pair(f"{module}.control_trans.{number}.weight", linear.weight)
                yield Pair(f"{module}.control_trans.{number}.bias", linear.bias)


def _free_pairs(model: PreTrainedModel, row: Placed) -> Iterator[Pair]:
    """One flat tensor [l, layers, 2, heads, d_head] for each kind of attention."""
    for place, path in zip(row.places, row.paths, strict=True):
        site, index, _ = place.split(".")
        heads = model.get_submodule(path)
        assert isinstance(heads, Heads)
        for half, parameter in enumerate((heads.key, heads.value)):
            assert parameter is not None
            count, length, d_head = parameter.shape

            def part(t: torch.Tensor, at: tuple = (int(index), half), shape: tuple = (length, -1, 2, count, d_head)):
                return t.view(shape)[:, *at].transpose(0, 1)

            yield Pair(f"{_prefix_module(model, site)}.control_trans", parameter, fill=part, theirs=part)


def _prefix_module(model: PreTrainedModel, site: str) -> str:
    """The pool that holds every prefix is registered under the first attention of the first stack."""
    stacks = anatomy(model.config.model_type).stacks
    first = f"{model.base_model_prefix}.{stacks[0].layers}.0.{stacks[0].attentions[0].module}"
    kind = PREFIXES["decoder" if len(stacks) == 1 else site]
    return f"{first}.prefix_tuning.pool.prefix_tunings.{ADAPTER}.{kind}"


def _holder(model: PreTrainedModel, place: str) -> str:
    """The module that holds the bottleneck adapter of `place`."""
    site, index, what = place.split(".")
    stacks = {stack.site: stack for stack in anatomy(model.config.model_type).stacks}
    stack: Stack = stacks["decoder" if site == "cross" else site]
    layer = f"{model.base_model_prefix}.{stack.layers}.{index}"
    if len(stacks) == 1:  # inside the sub-layer's output module
        return f"{layer}.attention.output" if what == "attn" else f"{layer}.output"
    kind = "output" if what != "attn" else "cross_attention" if site == "cross" else "attention"
    return f"{layer}.{kind}_adapters"
