"""What types cannot say: ranges, cells of the grid that do not exist, settings without effect, missing files."""

from __future__ import annotations

import difflib
import math
import re
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator
from importlib import metadata
from pathlib import Path

from petl.config import (
    FORMS,
    TRACKERS,
    Backbone,
    Config,
    Delta,
    Dropout,
    Insertion,
    Norm,
    Position,
    Recipe,
    Rule,
    Task,
    UserError,
)

SELECT = {
    "generation": ("rouge1", "rouge2", "rougeL", "bleu", "loss"),
    "classification": ("accuracy", "loss"),
}
SITES = ("encoder", "decoder", "cross")
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
        wrong += [f"method.deltas.{name}: {problem}" for problem in cell(delta)]
    if wrong:
        raise UserError("\n".join(wrong))


def near(word: str, words: Iterable[str], cutoff: float = 0.5) -> str | None:
    """The word that was probably meant."""
    known = {w.lower(): w for w in words}
    found = difflib.get_close_matches(word.lower(), known, n=1, cutoff=cutoff)
    return known[found[0]] if found else None


def hint(meant: str | None) -> str:
    return f" Did you mean {meant}?" if meant else ""


def choice(key: str, value: object, words: Iterable[str]) -> str:
    """The sentence for a value that is none of `words`."""
    words = list(words)
    return f"{key}={value}: no such value; one of {', '.join(words)}." + hint(near(str(value), words))


def screen(text: str, lines: int = 30, width: int = 110) -> str:
    """A message as a terminal shows it: at most a screen of it, and nothing in it that a terminal would obey."""
    shown: list[str] = []
    for line in text.split("\n"):
        line = "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)
        line = line if len(line) <= 6 * width else f"{line[: 3 * width]} ... {line[-2 * width :]}"
        shown += textwrap.wrap(line, width, subsequent_indent="  ", break_on_hyphens=False)
    more = len(shown) - lines
    return "\n".join(shown if more <= 0 else [*shown[: lines - 1], f"... and {more + 1:,} lines more"])


# One cell of the grid ------------------------------------------------------------------------------------------------


def cell(d: Delta) -> Iterator[str]:
    """Why this point of the grid does not exist, or which of its settings would do nothing."""
    if d.form not in FORMS:
        yield choice("form", d.form, FORMS)
    elif (d.form == "prompt") != (d.position is Position.input):
        yield f"form={d.form} at position={d.position}: a prompt stands at the input, and nothing else does."
    elif d.form == "prompt":
        yield from _prompt(d)
    else:
        yield from _axes(d)
        yield from _details(d)
    yield from _dropout(d)
    yield from _where(d)


def _prompt(d: Delta) -> Iterator[str]:
    if d.insertion is not Insertion.parallel or d.compose is not Rule.add or d.s != 1:
        yield "a prompt is put before the input: there is no h that an insertion, a composition or an s could speak of."
    if (
        d.norm is not Norm.none
        or d.dropout is not Dropout.none
        or d.network is not None
        or d.before_wo
        or d.reads_stream
    ):
        yield "a prompt has no norm, dropout, network, before_wo or reads_stream."
    if d.layers is not None or d.sites is not None:
        yield "a prompt stands before the first layer: layers and sites have no effect."


def _axes(d: Delta) -> Iterator[str]:
    if d.position is Position.heads and d.insertion is Insertion.sequential:
        what = "a softmax prefix" if d.form == "softmax" else "f"
        yield f"insertion=sequential at position=heads: {what} reads the queries; the heads' output has none."
    if d.position is Position.block and d.insertion is Insertion.parallel:
        yield "insertion=parallel at position=block: its x is the FFN's, so that is position=ffn insertion=parallel."
    if d.compose is Rule.gated and not (d.position is Position.heads and d.form == "softmax"):
        yield (
            f"composition=gated with form={d.form} at position={d.position}: lambda is the attention that a softmax "
            "prefix takes (Eq. 7), so it needs form=softmax at position=heads."
        )
    if d.compose is Rule.scaled and d.s == 1:
        yield "composition=scaled with s=1 is composition=add; give composition.s=..., the paper has 4 and 2."
    if d.compose is not Rule.scaled and d.s != 1:
        yield f"s={d.s:g} has no effect with composition={d.compose}; that is composition=scaled."
    if not 0 < abs(d.s) < 1e4:
        yield f"s={d.s:g}: a number between 0 and 10000 (or its negative)."


def _details(d: Delta) -> Iterator[str]:
    at_heads = d.position is Position.heads
    if d.network is not None and not at_heads:
        yield f"network={d.network} has no effect at position={d.position}: only at the heads a prefix comes out of it."
    if not d.scale_query and not at_heads:
        yield f"scale_query=false has no effect at position={d.position}: only at the heads f reads a query."
    if at_heads and d.norm is Norm.output:
        yield "norm=output at position=heads: dh is a head's output there, which has no LayerNorm."
    if d.norm is Norm.output and d.compose in (Rule.scaled, Rule.learned):
        yield f"norm=output with composition={d.compose}: LayerNorm(s dh) cancels s; that is composition=add."
    if d.before_wo and d.position is not Position.attn:
        yield f"before_wo=true has no effect at position={d.position}: W_o follows position=attn only."
    if d.reads_stream and (d.position is not Position.ffn or d.insertion is not Insertion.parallel):
        yield "reads_stream=true has an effect at position=ffn insertion=parallel only."


def _dropout(d: Delta) -> Iterator[str]:
    places = ("bottleneck", "prefix") if d.position is Position.heads else ("bottleneck", "input")
    if d.dropout_on not in places:
        yield f"dropout_on={d.dropout_on}: at position={d.position} it is one of {', '.join(places)}."
    if d.dropout is Dropout.none and d.dropout_on != "bottleneck":
        yield f"dropout_on={d.dropout_on} has no effect with dropout=none."
    if d.dropout is Dropout.own and not 0 < d.dropout_rate < 1:
        yield f"dropout=own with dropout_rate={d.dropout_rate:g}: the rate lies between 0 and 1."
    if d.dropout is not Dropout.own and d.dropout_rate != 0:
        yield f"dropout_rate={d.dropout_rate:g} has no effect with dropout={d.dropout}: that is dropout=own."


def _where(d: Delta) -> Iterator[str]:
    if d.layers is not None and (not d.layers or min(d.layers) < 0 or len(set(d.layers)) < len(d.layers)):
        yield f"layers={d.layers}: a list of different layer numbers, from 0."
    if d.sites is not None and not (d.sites and set(d.sites) <= set(SITES)):
        yield f"sites={d.sites}: a list of {', '.join(SITES)}."
    for key in ("size", "paper", "network"):
        value = getattr(d, key)
        if value is not None and value < 1:
            yield f"{key}={value}: at least 1."


# The rest of a run ---------------------------------------------------------------------------------------------------


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
