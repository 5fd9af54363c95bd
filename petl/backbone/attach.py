"""Installs a method in a backbone: freezes it, puts every delta at its places, and frees what the method tunes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

import torch
from torch import nn
from transformers import PreTrainedModel

from petl.backbone import attention as attention_function
from petl.backbone.anatomy import Anatomy, anatomy
from petl.backbone.hooks import Feeder, OwnDropout, Prepend, Query, Tap
from petl.backbone.places import Layer, attentions, layers, spans
from petl.config import Delta as Spec
from petl.config import Dropout, Method, Position, UserError
from petl.design.delta import Delta, sized
from petl.design.heads import Heads, Network
from petl.design.prompt import Prompt


@dataclass
class Placed:
    """What `attach` did for one delta: for `describe` and `counts`."""

    name: str
    spec: Spec
    places: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)  # of the installed modules
    unit: int = 0  # parameters for each unit of size, by the paper's rule


def attach(model: PreTrainedModel, method: Method, seed: int, train_head: bool = False) -> None:
    """Installs `method` in `model`, in place. Sizes must be resolved (`petl.design.budget.resolve`).

    Afterwards the tuned parameters are those with requires_grad. Every delta starts from its own random stream,
    keyed by (seed, name of the delta). UserError where the backbone lacks a place that the method names.
    """
    if "petl_placed" in vars(model):
        raise UserError("This model already carries a method; attach to a fresh one.")
    model.requires_grad_(False)
    found = []
    # Dropout on FFN outputs is taken over last, after the hooks that act before it
    for name, spec in sorted(method.deltas.items(), key=lambda item: item[1].position is Position.ffn):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(stream(seed, "init", name))
            found.append(install(model, name, spec))
    vars(model)["petl_placed"] = found  # beside the modules: it holds none
    tune(model, method.tune + ([f"{head}.*" for head in heads_of(model)] if train_head else []))


def placed(model: nn.Module) -> list[Placed]:
    """What `attach` did, a row for each delta; empty where no method is attached."""
    return vars(model).get("petl_placed", [])


def stream(seed: int, *key: object) -> int:
    """A seed of its own for everything random that has a name."""
    return int.from_bytes(hashlib.sha256(repr((seed, *key)).encode()).digest()[:8], "big") >> 1


def heads_of(model: PreTrainedModel) -> list[str]:
    """Names of the task heads on top of the base model (none where the head is the tied embedding)."""
    if model.base_model is model or model.get_output_embeddings() is not None:
        return []
    return [name for name, child in model.named_children() if child is not model.base_model]


def tune(model: PreTrainedModel, patterns: list[str]) -> None:
    for pattern in patterns:
        matched = [p for name, p in model.named_parameters() if fnmatchcase(name, pattern)]
        if not matched:
            raise UserError(f"tune={pattern} matches no parameter of this backbone.")
        for parameter in matched:
            parameter.requires_grad_(True)


def install(model: PreTrainedModel, name: str, spec: Spec) -> Placed:
    """Puts one delta at all its places."""
    kinds = {Position.heads: _install_heads, Position.input: _install_prompt}
    how = kinds.get(spec.position, _install_spans)
    return how(model, model.base_model, anatomy(model.config.model_type), name, spec)


def _install_spans(model: PreTrainedModel, base: nn.Module, places: Anatomy, name: str, spec: Spec) -> Placed:
    if spec.position is Position.ffn:
        for layer in layers(base, places, spec):
            own_dropout(layer)
    placed = Placed(name, spec)
    for span in spans(base, places, spec):
        delta = Delta(spec, span.d_in, span.d_out, rate(model, places, spec)).to(like(model))
        add(span.writer, f"petl_{name}", delta)
        Tap(delta, span)
        placed.places.append(span.place)
        placed.paths.append(path_of(model, delta))
        placed.unit += span.d_in + span.d_out
    return placed


def _install_heads(model: PreTrainedModel, base: nn.Module, places: Anatomy, name: str, spec: Spec) -> Placed:
    attention_function.use(model)
    placed, fed = Placed(name, spec), {}
    rates = float(getattr(model.config, places.rates[1])), rate(model, places, spec)
    for layer, part in attentions(base, places, spec):
        module, query = layer[part.module], layer.linear(part.query)
        d_head = int(getattr(module, "head_dim", 0)) or query.out_features // model.config.num_attention_heads
        shape = (layer.linear(part.value).out_features // d_head, d_head)  # of the keys: query heads may share them
        heads = Heads(spec, *shape, query.in_features, *rates).to(like(model))
        add(module, attention_function.HEADS, heads)
        if heads.norm is not None:
            Query(heads, query)
        fed.setdefault((part.site, layer.stack.owner), []).append(heads)
        placed.places.append(f"{part.site}.{layer.index}.heads")
        placed.paths.append(path_of(model, heads))
        placed.unit += 2 * shape[0] * shape[1]
    if not fed:
        raise UserError(f"sites={spec.sites} names no attention of this backbone.")
    if spec.network is not None:
        _install_networks(model, base, spec.network, fed)
    return placed


def _install_networks(model: PreTrainedModel, base: nn.Module, width: int, fed: dict[tuple[str, str], list]) -> None:
    """One network for each kind of attention, as in the released code; RoBERTa gets the one it uses."""
    networks = nn.ModuleDict()
    for (site, owner), heads in fed.items():
        count, length, d_head = heads[0].shape
        network = Network(length, model.config.hidden_size, width, len(heads), count, d_head).to(like(model))
        networks[site] = network
        Feeder(network, heads, base.get_submodule(owner))
    add(base, f"{attention_function.HEADS}_network", networks)


def _install_prompt(model: PreTrainedModel, base: nn.Module, places: Anatomy, name: str, spec: Spec) -> Placed:
    if places.input is None:
        raise UserError("position=input: the anatomy of this backbone names no input that a prompt could precede.")
    where, width = places.input, model.config.hidden_size
    owner = base.get_submodule(where.owner)
    prompt = Prompt(sized(spec), width).to(like(model))
    add(owner, f"petl_{name}", prompt)
    hooks = Prepend(prompt, owner, owner.get_submodule(where.words) if where.words else None)
    if where.join:
        owner.get_submodule(where.join).register_forward_pre_hook(hooks.join)
    for path in where.added:
        added = owner.get_submodule(path)
        added.register_forward_pre_hook(hooks.shorten)
        added.register_forward_hook(hooks.pad)
    if where.cut:
        base.get_submodule(where.cut).register_forward_hook(hooks.cut)
    for path, keyword in where.listeners:
        base.get_submodule(path).register_forward_pre_hook(hooks.listen(keyword).widen, with_kwargs=True)
    return Placed(name, spec, ["input"], [path_of(model, prompt)], unit=width)


def own_dropout(layer: Layer) -> None:
    """Turns a functional dropout that hides h into a module, at every place where the layer uses that rate."""
    ff, name = layer.stack.feed_forward, "petl_dropout"
    if ff.dropout is None or not isinstance(p := getattr(layer.module, ff.dropout, None), float | int):
        return
    if hasattr(layer.module, name):
        return
    dropout = OwnDropout(p)
    add(layer.module, name, dropout)
    setattr(layer.module, ff.dropout, 0.0)
    for path in (*ff.outputs, ff.matrices[-1]):
        layer[path].register_forward_hook(dropout.hook)


def rate(model: PreTrainedModel, places: Anatomy, spec: Spec) -> float:
    """The delta's dropout: its own, or the backbone's `dropout` or `attention_dropout`."""
    if spec.dropout is Dropout.own:
        return spec.dropout_rate
    if spec.dropout is Dropout.none:
        return 0.0
    return float(getattr(model.config, places.rates[spec.dropout is Dropout.attention]))


def add(parent: nn.Module, name: str, child: nn.Module) -> None:
    if hasattr(parent, name):
        raise UserError(
            f"Two deltas want the same place ({name.removeprefix('petl_')}); give them different positions."
        )
    parent.add_module(name, child.train(parent.training))


def like(module: nn.Module) -> torch.Tensor:
    """A tensor whose device and dtype new parameters take."""
    return next(p for p in module.parameters() if p.is_floating_point())


def path_of(model: nn.Module, module: nn.Module) -> str:
    return next(name for name, found in model.named_modules() if found is module)
