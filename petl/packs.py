"""Which runs of a sweep go on side by side in one process: runtime.pack=5. Imports no torch."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from fnmatch import fnmatchcase

from petl.config import Config, UserError

# What members of a pack may differ in: nothing of it changes which tensors there are, or what a batch is
RECIPE = ("lr", "lr_end", "warmup", "weight_decay", "betas", "eps", "max_grad_norm", "s")


def packs(configs: Mapping[int, Config]) -> list[list[int]]:
    """The numbers of the runs, those together that may be, in the order of each pack's first; singles where pack=1."""
    found = [[number] for number, config in configs.items() if config.runtime.pack == 1]
    groups: dict[str, list[int]] = {}
    for number, config in configs.items():
        if config.runtime.pack > 1:
            groups.setdefault(_key(config), []).append(number)
    for numbers in groups.values():
        size = configs[numbers[0]].runtime.pack
        found += [numbers[i : i + size] for i in range(0, len(numbers), size)]
    return sorted(found)


def refuse(config: Config) -> None:
    """UserError if this run can be in no pack, though one is asked for."""
    if config.runtime.pack > 1 and (reasons := list(_reasons(config))):
        raise UserError("\n".join(f"runtime.pack={config.runtime.pack}: {reason}" for reason in reasons))


def _key(config: Config) -> str:
    """The same for runs that may share a pack."""
    told = asdict(config)
    del told["seed"], told["composition"]["s"]
    for name in RECIPE:
        del told["recipe"][name]
    for delta in told["method"]["deltas"].values():
        del delta["s"]
    return json.dumps(told, sort_keys=True)


def _reasons(config: Config) -> Iterator[str]:
    if any(fnmatchcase("embed_tokens.weight", pattern) for pattern in config.method.tune):
        yield f"method={config.method.name} trains the backbone itself, so that its runs share nothing."
    if config.backbone.random:
        yield "backbone.random=true draws the backbone from the seed, so that runs share nothing."
    if config.recipe.gradient_checkpointing:
        yield "recipe.gradient_checkpointing=true is for runs that fill the memory alone."
    if (config.runtime.processes or 1) > 1:
        yield f"runtime.processes={config.runtime.processes}: a pack is one process."
    if config.runtime.tracker not in ("none", "tensorboard"):
        yield f"runtime.tracker={config.runtime.tracker} watches one run of a process; tensorboard watches several."
