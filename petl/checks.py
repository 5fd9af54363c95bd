"""What types cannot say of a run: ranges, cells of the grid, settings without effect, missing files."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path

from petl.config import TRACKERS, Backbone, Config, Recipe, Task, UserError
from petl.grid import problems
from petl.refusals import choice

SELECT = {
    "generation": ("rouge1", "rouge2", "rougeL", "bleu", "loss"),
    "classification": ("accuracy", "loss"),
}
EMBEDDED = ("mini:bart", "mini:mbart", "mini:roberta")
FILES = (".jsonl", ".json", ".csv", ".tsv", ".parquet", ".gz")  # endings of a path that is no hub id

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)
_HUB = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?", re.ASCII)


def validate(config: Config) -> None:
    """Raise one UserError with everything that is wrong with `config`, a line each."""
    wrong = [
        *_names(config),
        *_ranges(config),
        *_task(config.task),
        *_sizes(config),
        *_recipe(config),
        *_backbone(config),
    ]
    for name, delta in config.method.deltas.items():
        wrong += [f"method.deltas.{name}: {problem}" for problem in problems(delta)]
    if wrong:
        raise UserError("\n".join(wrong))


def _names(config: Config) -> Iterator[str]:
    names = {"scale": config.scale, "task.name": config.task.name, "method.name": config.method.name}
    names |= {"backbone.name": config.backbone.name, "experiment": config.experiment or "none"}
    for key, name in names.items():
        if not _NAME.fullmatch(name):
            yield f"{key}={name[:80]!r}: becomes part of a path: 1 to 64 letters, digits or _ . -, no dot first."
    for name in config.method.deltas:
        if not name.isidentifier():
            yield f"method.deltas.{name[:80]!r}: it becomes part of a parameter's name: letters, digits and _."


_Range = tuple[Callable[[float], bool], str]
_COUNT: _Range = (lambda v: 1 <= v < 2**40, "a whole number, at least 1")
_FROM_0: _Range = (lambda v: 0 <= v < 2**40, "a whole number, at least 0")
_SHARE: _Range = (lambda v: 0 <= v < 1, "a number from 0 to below 1")
_POSITIVE: _Range = (lambda v: 0 < v < math.inf, "a number above 0")
_NOT_NEGATIVE: _Range = (lambda v: 0 <= v < math.inf, "a number, at least 0")

RANGES: dict[str, _Range] = {
    "seed": (lambda v: 0 <= v < 2**31, "a whole number from 0 to 2147483647"),
    "budget.size": _COUNT,
    "budget.percent": (lambda v: 0 < v < 100, "a number between 0 and 100, in percent of the backbone"),
    "budget.parameters": _COUNT,
    **{f"backbone.{key}": _SHARE for key in ("dropout", "attention_dropout", "activation_dropout")},
    **{f"task.{key}": _COUNT for key in ("max_source", "max_target", "limit_train", "limit_dev", "limit_test")},
    **{f"task.generation.{key}": _COUNT for key in ("beams", "max_length")},
    **{f"task.generation.{key}": _FROM_0 for key in ("min_length", "no_repeat_ngram")},
    "task.generation.length_penalty": (math.isfinite, "a number"),
    **{f"recipe.{key}": _COUNT for key in ("batch", "batch_tokens", "accumulate", "eval_every", "eval_batch")},
    "recipe.steps": (lambda v: 0 <= v < 2**40, "a whole number; 0 tests the untuned backbone"),
    **{f"recipe.{key}": _POSITIVE for key in ("epochs", "lr", "eps")},
    **{f"recipe.{key}": _SHARE for key in ("warmup", "label_smoothing")},
    **{f"recipe.{key}": _NOT_NEGATIVE for key in ("lr_end", "weight_decay", "max_grad_norm")},
    "runtime.processes": _COUNT,
    "runtime.pack": (lambda v: 1 <= v <= 64, "a whole number from 1 to 64"),
    "runtime.threads": (lambda v: 1 <= v <= 1024, "a whole number from 1 to 1024"),
    "runtime.workers": _FROM_0,
    "runtime.examples": _FROM_0,
}


def _ranges(config: Config) -> Iterator[str]:
    for key, (holds, words) in RANGES.items():
        value: object = config
        for part in key.split("."):
            value = getattr(value, part)
        if isinstance(value, int | float) and not holds(value):
            yield f"{key}={value:g}: {words}."
    device = config.runtime.device
    if device not in ("auto", "cpu", "cuda"):
        yield choice("runtime.device", device, ("auto", "cpu", "cuda"))
    yield from _tracker(config.runtime.tracker)


def _tracker(name: str) -> Iterator[str]:
    if name not in TRACKERS:
        yield choice("runtime.tracker", name, TRACKERS)
    elif name != "none" and not _installed(name):
        yield f"runtime.tracker={name}: it is not installed. To install it: {sys.executable} -m pip install {name}"


def _installed(package: str) -> bool:
    """By its metadata: a folder `wandb` in the working directory would pass for a module."""
    try:
        return bool(metadata.version(package))
    except metadata.PackageNotFoundError:
        return False


def _sizes(config: Config) -> Iterator[str]:
    """Every delta has one size, and a budget has a delta to go to."""
    method, budget = config.method, config.budget
    given = [f"budget.{key}={value}" for key, value in vars(budget).items() if value is not None]
    if len(given) > 1:
        yield f"{' and '.join(given)}: give one of them."
    if not method.deltas:
        if given:
            yield f"{given[0]}: method={method.name} has no size, so a budget has no effect."
        if not method.tune:
            yield f"method={method.name} has no delta and tunes nothing: there is nothing to train."
        return
    if given and method.takes not in method.deltas:
        yield choice("method.takes", method.takes, method.deltas)
    for name, delta in method.deltas.items():
        takes = bool(given) and name == method.takes
        if takes and delta.size is not None:
            yield f"{given[0]} and method.deltas.{name}.size={delta.size}: two sizes for one delta; give one of them."
        if not takes and delta.size is None and delta.paper is None and config.task.kind in SELECT:
            yield f"method.deltas.{name}: the paper has no size for task={config.task.name}; give its size=..."


def _task(task: Task) -> Iterator[str]:
    if task.kind not in SELECT:
        yield choice("task.kind", task.kind, SELECT)
    elif task.select not in SELECT[task.kind]:
        yield choice("task.select", task.select, SELECT[task.kind])
    if task.generation.min_length > task.generation.max_length:
        yield f"task.generation.min_length={task.generation.min_length} is above its max_length."
    if task.revision is not None and (task.data is None or Path(task.data).expanduser().exists()):
        yield f"task.revision={task.revision} has no effect: task.data={task.data or 'null'} is not on the hub."
    for key in ("data", "dev", "test"):
        path = getattr(task, key)
        if path is not None and not Path(path).expanduser().exists() and (key != "data" or not _on_hub(path)):
            yield f"task.{key}={path}: no such file or folder" + (
                ", and no hub id (owner/name)." if key == "data" else "."
            )


def _on_hub(path: str) -> bool:
    return bool(_HUB.fullmatch(path)) and "/" in path and not path.endswith(FILES)


def _recipe(config: Config) -> Iterator[str]:
    recipe: Recipe = config.recipe
    if (recipe.steps is None) == (recipe.epochs is None):
        both = f"recipe.steps={recipe.steps} and recipe.epochs={recipe.epochs}"
        yield f"{both}: give exactly one, the other is null (recipe.steps=null recipe.epochs=3)."
    if recipe.lr_end > recipe.lr > 0:
        yield f"recipe.lr_end={recipe.lr_end:g} is above recipe.lr={recipe.lr:g}: the rate decays."
    if len(recipe.betas) != 2 or not all(0 <= beta < 1 for beta in recipe.betas):
        yield f"recipe.betas={recipe.betas}: two numbers from 0 to below 1."
    if recipe.batch_tokens is None and recipe.accumulate > recipe.batch >= 1:
        yield f"recipe.accumulate={recipe.accumulate}: more micro-batches than the {recipe.batch} rows of recipe.batch."
    if recipe.train_head and config.task.kind == "generation":
        yield f"recipe.train_head=true has no effect: task={config.task.name} has no classification head."


def _backbone(config: Config) -> Iterator[str]:
    backbone: Backbone = config.backbone
    path = backbone.path
    if path.startswith("mini:"):
        if path not in EMBEDDED:
            yield choice("backbone.path", path, EMBEDDED)
        if backbone.revision is not None:
            yield f"backbone.revision={backbone.revision} has no effect: {path} is embedded in the project."
    elif Path(path).expanduser().is_dir():
        if backbone.revision is not None:
            yield f"backbone.revision={backbone.revision} has no effect: {path} is a folder here."
    elif not _HUB.fullmatch(path):
        yield f"backbone.path={path}: no such folder, and no hub id (owner/name)."
