"""What one run costs on a GPU: time, memory, disk. All of it is estimated, by the stated model of petl.plan."""

from __future__ import annotations

from dataclasses import dataclass, replace

from petl.config import Config, Precision
from petl.plan import flops, memory
from petl.plan.hardware import DECODING_LAUNCH, FORWARD_LAUNCH, TRAINING_LAUNCH, Device
from petl.plan.model import Model
from petl.plan.workload import Workload, workload

PREDICTION = 1_500  # bytes of a stored prediction beside its texts
LETTERS = 5  # bytes of a token of text


@dataclass(frozen=True)
class Effort:
    flops: float
    seconds: float  # of one GPU


@dataclass(frozen=True)
class Estimate:
    """Of one run. Hours are GPU-hours: n processes take an n-th of them at best."""

    steps: int
    tokens: float  # source and target, padding included
    flops: float
    training_hours: float
    evaluation_hours: float
    memory: memory.Memory
    checkpoint: int  # bytes of one to go on from: trained weights and the optimiser's state
    disk: float  # bytes, while the run writes: its best weights, three checkpoints, predictions

    @property
    def hours(self) -> float:
        return self.training_hours + self.evaluation_hours


def estimate(config: Config, model: Model, device: Device) -> Estimate:
    work = workload(config)
    passes, weights = work.steps * work.micro_batches, 4 * model.trained
    micro = training(config, model, device, work.mean)
    dev = evaluation(config, model, device, work, answers=config.task.select != "loss")
    test = evaluation(config, model, device, work)
    judged = (work.evaluations * work.dev_batches, dev), (work.test_batches, test)
    text = work.rows * (PREDICTION + LETTERS * (work.eval.source + 2 * work.eval.target))
    return Estimate(
        steps=work.steps,
        tokens=work.tokens,
        flops=passes * micro.flops + sum(batches * effort.flops for batches, effort in judged),
        training_hours=passes * micro.seconds / 3600,
        evaluation_hours=sum(batches * effort.seconds for batches, effort in judged) / 3600,
        memory=needed(config, model, device),
        checkpoint=3 * weights,
        disk=weights + 3 * 3 * weights + text,
    )


def training(config: Config, model: Model, device: Device, batch: flops.Batch) -> Effort:
    """Of one micro-batch, forward and backward."""
    work = flops.training(model.shape, model.extra, batch, model.tuned, config.recipe.gradient_checkpointing)
    launches = model.shape.sublayers * TRAINING_LAUNCH
    return Effort(work, device.seconds(work, launches, is_half(config, device)))


def evaluation(config: Config, model: Model, device: Device, work: Workload, answers: bool = True) -> Effort:
    """Of one batch: its loss, and with `answers` its classes or texts."""
    half, shape, extra = is_half(config, device), model.shape, model.extra
    reading = flops.forward(shape, extra, work.eval)
    read = device.seconds(reading, shape.sublayers * FORWARD_LAUNCH, half)
    if not answers:
        return Effort(reading, read)
    if not work.decoded:
        return Effort(2 * reading, 2 * read)
    writing = flops.decoding(shape, extra, work.eval, config.task.generation.beams, work.decoded)
    launches = 3 * shape.decoder * DECODING_LAUNCH * work.decoded
    return Effort(reading + writing, read + device.seconds(writing, launches, half))


def needed(config: Config, model: Model, device: Device, shards: int = 1) -> memory.Memory:
    """Of the larger of a training and a decoding step, at the longest rows. `shards`: processes that share weights."""
    work, half, recipe, shape = workload(config), is_half(config, device), config.recipe, model.shape
    counts = model.total, model.matrices, model.trained
    again = recipe.gradient_checkpointing
    step = memory.training(shape, model.extra, work.longest, *counts, half, model.tuned, again, shards)
    if not work.decoded:
        return step
    batch, generation = replace(work.longest, rows=recipe.eval_batch), config.task.generation
    decoding = memory.decoding(shape, batch, model.total, generation.beams, generation.max_length, half)
    return max(step, decoding, key=lambda part: part.need)


def is_half(config: Config, device: Device) -> bool:
    """Whether passes are in 16 bits."""
    precision = config.recipe.precision
    return device.half > 0 if precision is Precision.auto else precision is not Precision.fp32
