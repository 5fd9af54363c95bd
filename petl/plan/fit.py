"""Does a run fit on a GPU, and if not, which settings make it fit. Pure functions."""

from __future__ import annotations

from dataclasses import replace

from petl.config import Config
from petl.plan.estimate import needed
from petl.plan.hardware import Device
from petl.plan.model import Model
from petl.plan.workload import workload

SHARDS = (2, 4, 8)  # GPUs of one machine


def fits(config: Config, model: Model, device: Device, shards: int = 1) -> bool:
    return needed(config, model, device, shards).need <= device.memory


def remedy(config: Config, model: Model, device: Device) -> str:
    """The first that makes it fit: smaller micro-batches, activations computed again, shards. Empty: it fits.

    More micro-batches draw other dropout: another run by name, of the same effective batch.
    """
    if fits(config, model, device):
        return ""
    rows = workload(config).longest.rows * config.recipe.accumulate
    counts = [config.recipe.accumulate * 2**n for n in range(1, 12) if config.recipe.accumulate * 2**n <= rows]
    for again in (False, True):
        for accumulate in ([] if again else counts) or [config.recipe.accumulate]:
            recipe = replace(config.recipe, accumulate=accumulate, gradient_checkpointing=again)
            if fits(replace(config, recipe=recipe), model, device):
                return "recipe.gradient_checkpointing=true" if again else f"recipe.accumulate={accumulate}"
    smallest = replace(config.recipe, accumulate=max(counts, default=config.recipe.accumulate))
    smallest = replace(config, recipe=replace(smallest, gradient_checkpointing=True))
    words = f"recipe.accumulate={smallest.recipe.accumulate} recipe.gradient_checkpointing=true"
    for shards in (1, *SHARDS):
        if fits(smallest, model, device, shards):
            return words if shards == 1 else f"{words}, in shards over {shards} GPUs (conf/accelerate/fsdp.yaml)"
    return "nothing that this project does"
