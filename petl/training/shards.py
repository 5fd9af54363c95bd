"""A model in shards (FSDP2), for backbones that do not fit one device: every process holds a part of every weight.

Asked for with `accelerate launch --config_file conf/accelerate/fsdp.yaml`. The units are the transformer layers and
what is left of the model, tied embeddings included (accelerate 1.15's own units split these, which torch 2.13 refuses).
A unit is whole while it runs. Frozen and trained weights are sharded alike, and so is the optimiser's state. Gradients
come out of the backward pass summed over the processes. Checkpoints are whole: a run goes on with or without shards.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from accelerate import Accelerator, FullyShardedDataParallelPlugin
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard, register_fsdp_forward_method
from torch.distributed.tensor import DTensor, distribute_tensor
from transformers import PreTrainedModel

from petl.backbone.anatomy import anatomy
from petl.config import UserError
from petl.design.heads import Network


def plugin() -> FullyShardedDataParallelPlugin | None:
    """What accelerate's launcher was told about FSDP; None: nothing. UserError for what is not done that way here."""
    told = os.environ.get
    if told("ACCELERATE_USE_FSDP", "false").lower() != "true":
        return None
    on = {name for name, value in os.environ.items() if name.startswith("FSDP_") and value.lower() == "true"}
    asked = [
        (told("FSDP_VERSION", "1") != "2", "fsdp_version: 2"),
        ("FSDP_CPU_RAM_EFFICIENT_LOADING" in on, "fsdp_cpu_ram_efficient_loading: false"),  # every process hashes them
        ("FSDP_ACTIVATION_CHECKPOINTING" in on, "fsdp_activation_checkpointing: false (recipe.gradient_checkpointing)"),
        (told("WORLD_SIZE", "1") == "1", "num_processes: 2 or more"),
    ]
    if needed := [words for wrong, words in asked if wrong]:
        raise UserError(f"FSDP here is as in conf/accelerate/fsdp.yaml. Needed: {', '.join(needed)}.")
    return FullyShardedDataParallelPlugin()


def shard(model: PreTrainedModel, accelerator: Accelerator) -> bool:
    """Cut `model` up in place and move each part to its device, if that was asked for. Before the optimiser is made."""
    if (told := plugin()) is None:
        return False
    options: dict[str, Any] = {
        "mesh": init_device_mesh(accelerator.device.type, (accelerator.num_processes,)),
        "offload_policy": told.cpu_offload,
    }
    for stack in anatomy(model.config.model_type).stacks:
        for layer in model.base_model.get_submodule(stack.layers).children():
            fully_shard(layer, reshard_after_forward=bool(told.reshard_after_forward), **options)
    fully_shard(model, **options)
    for unit in _units(model):
        unit.set_gradient_divide_factor(1.0)  # the sum: a step's loss is divided by the targets of all processes
        unit.set_force_sum_reduction_for_comms(True)  # and nothing else, which gloo cannot do
    if hasattr(model, "generate"):  # it calls the encoder by itself, and what is left of the model must be whole then
        register_fsdp_forward_method(model, "generate")
    return True


def is_sharded(model: nn.Module) -> bool:
    return isinstance(model, FSDPModule)


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Afterwards nothing made of whole weights is left, which would outlive a change of the shards."""
    try:
        yield
    finally:
        for unit in _units(model):
            unit.reshard()
        if is_sharded(model):
            for module in model.modules():
                if isinstance(module, Network):
                    module.forget()


def local(tensor: Tensor) -> Tensor:
    """This process's part of a sharded tensor; any other as it is."""
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor


def whole(held: Any) -> Any:
    """`held`, a tensor or dicts of such, with the parts of all processes put together. Every process has to call it."""
    if isinstance(held, dict):
        return {name: whole(value) for name, value in held.items()}
    return held.full_tensor().cpu() if isinstance(held, DTensor) else held


def parts(held: Mapping[str, Tensor], like: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Whole tensors cut up as those of their names in `like` are, as far as there are such."""
    return {name: _part(tensor, like[name]) if name in like else tensor for name, tensor in held.items()}


def moments(held: dict[str, Any], optimiser: torch.optim.Optimizer) -> dict[str, Any]:
    """The state of an optimiser with whole tensors, cut up as its parameters are."""
    parameters = [parameter for group in optimiser.param_groups for parameter in group["params"]]
    state = {
        number: {name: _part(value, parameters[number]) for name, value in values.items()}
        for number, values in held["state"].items()
    }
    return {**held, "state": state}


def _part(held: Any, like: Tensor) -> Any:
    if not isinstance(like, DTensor) or not isinstance(held, Tensor) or held.shape != like.shape:
        return held
    return distribute_tensor(held.to(like.device), like.device_mesh, like.placements, src_data_rank=None)


def _units(model: nn.Module) -> Iterator[FSDPModule]:
    return (module for module in model.modules() if isinstance(module, FSDPModule))
