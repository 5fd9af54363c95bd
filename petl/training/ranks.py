"""The processes of a run: how they start, what they agree on, what they add up."""

from __future__ import annotations

import os
from typing import TypeVar

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import broadcast, broadcast_object_list, gather_object
from torch import Tensor

from petl.config import Precision, Runtime, UserError
from petl.training import shards

T = TypeVar("T")


def start(runtime: Runtime, precision: Precision) -> Accelerator:
    """The accelerator of this process, on the device and with the world size that were asked for, or a UserError."""
    _refuse_lone()
    cuda = torch.cuda.is_available() and runtime.device != "cpu"
    if runtime.device == "cuda" and not cuda:
        raise UserError(
            "runtime.device=cuda, but torch sees no CUDA device here. Leave it at auto, or say runtime.device=cpu."
        )
    if cuda:
        _refuse_crowd(int(os.environ.get("LOCAL_WORLD_SIZE", "1")))
    AcceleratorState._reset_state()  # else the precision of an earlier run in this process would stay
    accelerator = Accelerator(mixed_precision=_mixed(precision, cuda), cpu=not cuda, fsdp_plugin=shards.plugin())
    torch.set_num_threads(runtime.threads)  # last: accelerate has a number of its own
    if runtime.processes not in (None, accelerator.num_processes):
        raise UserError(
            f"runtime.processes={runtime.processes}, but {accelerator.num_processes} process(es) run. For that many:\n"
            f"{_launch(runtime.processes)}"
        )
    return accelerator


def precision_of(accelerator: Accelerator) -> str:
    """What `recipe.precision` came to: fp32, bf16 or fp16."""
    return "fp32" if accelerator.mixed_precision == "no" else str(accelerator.mixed_precision)


def agree(accelerator: Accelerator, decision: T) -> T:
    """What the first process decided, on every process."""
    if accelerator.num_processes == 1:
        return decision
    return broadcast_object_list([decision])[0]


def collect(accelerator: Accelerator, mine: list[T]) -> list[T]:
    """The lists of all processes, one after the other, on every process."""
    return mine if accelerator.num_processes == 1 else gather_object(mine)


def add_up(accelerator: Accelerator, tensor: Tensor) -> None:
    """Sum `tensor` over the processes, in place."""
    if accelerator.num_processes > 1:
        torch.distributed.all_reduce(tensor)


def largest(accelerator: Accelerator, number: int) -> int:
    """The largest of the processes' numbers, on every process."""
    told = torch.tensor(number, device=accelerator.device)
    torch.distributed.all_reduce(told, torch.distributed.ReduceOp.MAX)
    return int(told.item())


def share_weights(accelerator: Accelerator, model: torch.nn.Module) -> None:
    """The first process's trained weights, on every process."""
    if accelerator.num_processes > 1:
        with torch.no_grad():  # not through .data: a prefix's network sees by the version that its weights changed
            for parameter in model.parameters():
                if parameter.requires_grad:
                    parameter.copy_(broadcast(parameter.detach().clone()))  # type: ignore[arg-type]


def _mixed(precision: Precision, cuda: bool) -> str:
    """accelerate's word for a precision; `auto` is resolved here."""
    if precision is Precision.auto:
        half = Precision.bf16 if cuda and torch.cuda.is_bf16_supported(including_emulation=False) else Precision.fp16
        precision = half if cuda else Precision.fp32
    if precision is Precision.fp16 and not cuda:
        raise UserError(
            "recipe.precision=fp16 needs a CUDA device: its loss scaling does. On a CPU choose fp32 or bf16."
        )
    return "no" if precision is Precision.fp32 else precision.value


def _refuse_lone() -> None:
    """`accelerate launch --cpu --num_processes 2` starts one process, tells it an address and no rank."""
    told = os.environ
    if "ACCELERATE_MIXED_PRECISION" in told and "MASTER_ADDR" in told and "RANK" not in told:
        raise UserError(
            "accelerate was asked for several processes and started this one alone, as it does with --cpu.\n"
            f"For N of them:\n{_launch('N')}"
        )


def _refuse_crowd(processes: int) -> None:
    """Each process of a machine has a GPU of its own."""
    if processes > (gpus := torch.cuda.device_count()):
        visible = os.environ.get("CUDA_VISIBLE_DEVICES")
        raise UserError(
            f"{processes} processes on this machine, but torch sees {gpus} CUDA device(s)"
            f"{'' if visible is None else f' (CUDA_VISIBLE_DEVICES={visible})'}: one for each is needed.\n"
            f"The result does not depend on the number of processes, so start as many as there are:\n{_launch(gpus)}"
        )


def _launch(processes: int | str | None) -> str:
    return (
        f"  torchrun --standalone --nproc_per_node {processes} train.py ...\n"
        f"  accelerate launch --multi_gpu --num_processes {processes} train.py ...   (on CPUs, too)"
    )
