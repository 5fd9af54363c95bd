"""The processes of a run: how they start, what they agree on, what they add up."""

from __future__ import annotations

import os
from typing import Any, TypeVar

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import broadcast, broadcast_object_list, gather_object
from torch import Tensor

from petl.config import Precision, Runtime, UserError

T = TypeVar("T")


def start(runtime: Runtime, precision: Precision) -> Accelerator:
    """The accelerator of this process, on the device and with the world size that were asked for, or a UserError."""
    cuda = torch.cuda.is_available() and runtime.device != "cpu"
    if runtime.device == "cuda" and not cuda:
        raise UserError(
            "runtime.device=cuda, but torch sees no CUDA device here. Leave it at auto, or say runtime.device=cpu."
        )
    if precision is Precision.fp16 and not cuda:
        raise UserError(
            "recipe.precision=fp16 needs a CUDA device: its loss scaling does. On a CPU choose fp32 or bf16."
        )
    set_threads()
    AcceleratorState._reset_state()  # else the precision of an earlier run in this process would stay
    accelerator = Accelerator(
        mixed_precision="no" if precision is Precision.fp32 else precision.value,
        cpu=not cuda,
    )
    if runtime.processes not in (None, accelerator.num_processes):
        raise UserError(
            f"runtime.processes={runtime.processes}, but {accelerator.num_processes} process(es) run. For that many:\n"
            f"  torchrun --standalone --nproc_per_node {runtime.processes} train.py ...\n"
            "(`accelerate launch --cpu` starts one only, whatever --num_processes says)."
        )
    return accelerator


def set_threads() -> None:
    """OMP_NUM_THREADS where it is set; else the cores this process may use, shared among the machine's processes."""
    if not os.environ.get("OMP_NUM_THREADS"):
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        torch.set_num_threads(max(1, cores // int(os.environ.get("LOCAL_WORLD_SIZE", "1"))))


def agree(accelerator: Accelerator, decision: T) -> T:
    """What the first process decided, on every process."""
    if accelerator.num_processes == 1:
        return decision
    return broadcast_object_list([decision])[0]


def collect(accelerator: Accelerator, mine: list[T]) -> list[T]:
    """The lists of all processes, one after the other, on every process."""
    return mine if accelerator.num_processes == 1 else gather_object(mine)


def add_up(accelerator: Accelerator, tensors: list[Tensor]) -> None:
    """Sum each tensor over the processes, in place, in one exchange."""
    if accelerator.num_processes == 1:
        return
    flat: Any = accelerator.reduce(torch.cat([tensor.reshape(-1).float() for tensor in tensors]), reduction="sum")
    for tensor, summed in zip(tensors, flat.split([tensor.numel() for tensor in tensors]), strict=True):
        tensor.copy_(summed.view_as(tensor))


def share_weights(accelerator: Accelerator, model: torch.nn.Module) -> None:
    """The first process's trained weights, on every process."""
    if accelerator.num_processes > 1:
        with torch.no_grad():  # not through .data: a prefix's network sees by the version that its weights changed
            for parameter in model.parameters():
                if parameter.requires_grad:
                    parameter.copy_(broadcast(parameter.detach().clone()))  # type: ignore[arg-type]
