"""What a training step costs on this device, at the batch shapes of a recipe: time, tokens, memory.

Batches are of random tokens in the mean lengths of the data (`petl.plan.workload`); memory is that of the longest
micro-batch. The floor is the frozen backbone with gradients of activations, which no method that reaches its first
layer can undercut: forward, and backward to the embeddings.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import torch
from accelerate import Accelerator
from torch import nn

from petl import backbone, tasks
from petl.backbone.load import CLASSES, configure
from petl.config import Config, UserError
from petl.parameters import architecture
from petl.plan.flops import Batch
from petl.plan.workload import workload
from petl.training import account, ranks
from petl.training.batches import Step
from petl.training.fit import take_step
from petl.training.gradients import compute_gradients
from petl.training.loss import forward, summed_loss
from petl.training.optimiser import make_optimiser

SYSTEMS = {"MAM": "method=mam", "full fine-tuning": "method=full", "frozen floor": "method=mam"}
FLOOR = "frozen floor"
WARM_UP = 5  # steps


@dataclass(frozen=True)
class Measured:
    system: str
    task: str
    backbone: str
    device: str
    precision: str
    batch: str  # micro-batches x rows x source (+ target) tokens
    seconds_per_step: float  # the median
    steps_per_second: float
    tokens_per_second: float  # source and target
    peak_memory_mb: float  # with the longest micro-batch; without a GPU of the whole process so far
    steps: int  # of the recipe
    hours: float  # of training for so many; evaluations come on top


def measure(system: str, config: Config, steps: int) -> dict[str, Any]:
    """A row of the results, `failed` in it where memory does not suffice."""
    try:
        return asdict(_measure(system, config, steps))
    except torch.OutOfMemoryError as error:
        told = {"system": system, "task": config.task.name, "backbone": config.backbone.name}
        return told | {"failed": str(error).partition("\n")[0]}
    finally:
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def _measure(system: str, config: Config, steps: int) -> Measured:
    accelerator, work = ranks.start(config.runtime, config.recipe.precision), workload(config)
    if accelerator.num_processes > 1:
        raise UserError("A measurement is of one process.")
    model = _model(config, floor=system == FLOOR).to(accelerator.device).train()
    step = (_floor if system == FLOOR else _training)(model, config, accelerator)
    mean = _batches(work.mean, work.micro_batches, model, config)
    if accelerator.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    step(_batches(work.longest, 1, model, config))
    peak = account.peak_memory_mb()
    times = [_timed(step, mean, accelerator) for _ in range(WARM_UP + steps)][WARM_UP:]
    seconds = statistics.median(times)
    rows, source = mean[0]["input_ids"].shape
    target = mean[0]["labels"].shape[1] if mean[0]["labels"].dim() == 2 else 0
    return Measured(
        system=system,
        task=config.task.name,
        backbone=config.backbone.name,
        device=account.device_name(accelerator.device),
        precision=ranks.precision_of(accelerator),
        batch=f"{len(mean)} x {rows} x {source}" + f" + {target}" * bool(target),
        seconds_per_step=round(seconds, 4),
        steps_per_second=round(1 / seconds, 3),
        tokens_per_second=round(len(mean) * rows * (source + target) / seconds),
        peak_memory_mb=peak,
        steps=work.steps,
        hours=round(work.steps * seconds / 3600, 2),
    )


def _model(config: Config, floor: bool) -> Any:
    labels = len(tasks.find(config.task.name).labels) or None
    shape = configure(architecture(config.backbone), config.backbone, labels)
    torch.manual_seed(0)
    model = CLASSES[config.task.kind].from_config(shape, attn_implementation="sdpa").float()
    if not floor:
        method, _ = backbone.resolve(model, config.method, config.budget)
        backbone.attach(model, method, config.seed, config.recipe.train_head)
        return model
    model.requires_grad_(False)
    for module in model.modules():
        if isinstance(module, nn.Embedding):
            module.register_forward_hook(lambda module, args, output: output.requires_grad_())
    return model


def _training(model: nn.Module, config: Config, accelerator: Accelerator) -> Callable[[list[Any]], None]:
    optimiser = accelerator.prepare_optimizer(make_optimiser(model, config.recipe))

    def step(batches: list[Any]) -> None:
        made = Step(0, [], 1, list(enumerate(batches)))
        _, norm = compute_gradients(model, made, config, accelerator, optimiser)
        take_step(optimiser, norm, config.recipe.lr, config.recipe.max_grad_norm)

    return step


def _floor(model: nn.Module, config: Config, accelerator: Accelerator) -> Callable[[list[Any]], None]:
    def step(batches: list[Any]) -> None:
        for batch in batches:
            batch = {name: tensor.to(accelerator.device) for name, tensor in batch.items()}
            with accelerator.autocast():
                logits = forward(model, batch)
            accelerator.backward(summed_loss(logits, batch["labels"], config.recipe.label_smoothing))

    return step


def _batches(shape: Batch, count: int, model: Any, config: Config) -> list[dict[str, torch.Tensor]]:
    chance = torch.Generator().manual_seed(0)
    rows, source, target = max(1, round(shape.rows)), round(shape.source), round(shape.target)
    words = model.config.vocab_size

    def ids(length: int) -> torch.Tensor:
        return torch.randint(4, words, (rows, length), generator=chance)

    def batch() -> dict[str, torch.Tensor]:
        labels = ids(target) if target else torch.randint(0, model.config.num_labels, (rows,), generator=chance)
        inputs = ids(source)
        return {"input_ids": inputs, "attention_mask": torch.ones_like(inputs), "labels": labels}

    return [batch() for _ in range(count)]


def _timed(step: Callable[[list[Any]], None], batches: list[Any], accelerator: Accelerator) -> float:
    gpu = accelerator.device.type == "cuda"
    if gpu:
        torch.cuda.synchronize()
    start = time.perf_counter()
    step(batches)
    if gpu:
        torch.cuda.synchronize()
    return time.perf_counter() - start
