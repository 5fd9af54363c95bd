"""From words on a command line to a `Config`, or to the many of a sweep. Imports no torch."""

from __future__ import annotations

import itertools
import math
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import Enum

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from petl import paths, unsafe
from petl.checks import validate
from petl.config import Composed, Config, Row, UserError
from petl.refusals import choice, hint, near
from petl.words import CONF, MOST, described, first_line, groups, key_of, options, parse, type_of, values

__all__ = ["CONF", "checked", "composed", "compose_hydra", "expand", "groups", "left_open", "options", "parse", "read"]

ConfigStore.instance().store(name="schema", node=Composed)


def read(overrides: Sequence[str]) -> Config:
    """The checked config of one run; a UserError says what is wrong with the words."""
    return checked(composed(overrides))


def composed(overrides: Sequence[str]) -> DictConfig:
    """What conf/ makes of the words of one run, its interpolations still to be done."""
    words = parse(overrides)
    for word in words:
        if word.is_sweep_override():
            raise UserError(f"{word.input_line}: several values are a sweep: python train.py -m ...")
        if word.key_or_group.startswith("hydra"):
            raise UserError(f"{word.input_line}: a launcher starts the runs of a sweep: python train.py -m ...")
    _refuse_delta(words)
    made = _compose([str(word.input_line) for word in words])
    _refuse_idle(words, made)
    return made


def checked(composed: DictConfig) -> Config:
    """What conf/ composed, as a valid Config: interpolations done, each delta with its size in the paper."""
    unsafe.refuse_code(composed)
    try:
        full = OmegaConf.to_object(composed)
    except OmegaConfBaseException as error:
        raise UserError(f"{error.full_key or 'config'}: {first_line(error)}") from None
    assert isinstance(full, Composed)
    for name, delta in full.method.deltas.items():
        for row in (full.task.name, full.task.kind):
            if delta.paper is None:
                delta.paper = full.paper.get(row, {}).get(name)
    config = Config(**{f.name: getattr(full, f.name) for f in fields(Config)})
    paths.expand(config)
    validate(config)
    return config


def expand(overrides: Sequence[str]) -> list[list[str]]:
    """The runs of a sweep: every combination of the values on the command line and in the preset, for each of its rows.

    A word that rows of `experiment=` set picks those rows, `task=` picks among its tasks, `seed=paper` takes each row's
    seeds in the paper; every other word holds for all runs. A run that several presets ask for comes once.
    """
    typed, runs = parse(overrides), {}
    for preset in _presets(typed):
        for axes in preset.axes_of_rows(typed):
            if len(runs) + math.prod(map(len, axes)) > MOST:
                raise UserError(f"a sweep of more than {MOST:,} runs: fewer values, please.")
            for run in itertools.product(*axes):
                runs.setdefault(frozenset(word for word in run if not word.startswith("experiment=")), list(run))
    return list(runs.values())


def left_open(overrides: Sequence[str]) -> list[str]:
    """The keys that the sweep of `experiment=` gives several values, and `overrides` none."""
    typed = parse(overrides)
    said = {key_of(word) for word in typed}
    return list(dict.fromkeys(key for preset in _presets(typed) for key in preset.keys() if key not in said))


# Presets --------------------------------------------------------------------------------------------------------------


@dataclass
class Preset:
    """The sweep of one `experiment=`: axes, whose product is taken, for each of the rows, which are no product."""

    name: str = ""
    axes: dict[str, list[str]] = field(default_factory=dict)  # key -> the words it is swept over
    rows: Mapping[str, Row] = field(default_factory=lambda: {"": Row()})

    def words(self, row: Row) -> dict[str, str]:
        return {key_of(word): str(word.input_line) for word in parse(shlex.split(row.words))}

    def keys(self) -> list[str]:
        """What a run of the sweep says: what every row does, and the axes."""
        said = [self.words(row) for row in self.rows.values()]
        return [*(key for key in said[0] if all(key in words for words in said)), *self.axes]

    def axes_of_rows(self, typed: Sequence[Override]) -> Iterator[list[list[str]]]:
        """For each row that the typed words leave: the words to choose from, for every key of its runs."""
        rows = {label: self.words(row) for label, row in self.rows.items()}
        picks = {key_of(word): values(word) for word in typed if any(key_of(word) in said for said in rows.values())}
        others = {key_of(word): values(word) for word in typed if key_of(word) not in picks}
        others = {key: words for key, words in others.items() if key != "experiment" and not key.startswith("hydra")}
        self._refuse_tasks(others.get("task", []))
        left = [label for label, said in rows.items() if all(said.get(key) in picks[key] for key in picks)]
        if not left:
            raise UserError(self._no_row(picks, rows))
        for label in left:
            axes = {**{key: [text] for key, text in rows[label].items()}, **self.axes, **others}
            if axes.get("seed") == ["seed=paper"]:
                axes["seed"] = [f"seed={seed}" for seed in self._paper_seeds(label)]
            yield [*([[f"experiment={self.name}"]] if self.name else []), *axes.values()]

    def _refuse_tasks(self, words: Sequence[str]) -> None:
        has = [word.partition("=")[2] for word in self.axes.get("task", words)]
        for word in words:
            if (task := word.partition("=")[2]) not in has:
                raise UserError(choice(f"task of experiment={self.name}", task, has))

    def _no_row(self, picks: Mapping[str, Sequence[str]], rows: Mapping[str, Mapping[str, str]]) -> str:
        asked = " ".join(",".join(words) for words in picks.values())
        lines = [f"{asked}: no row of experiment={self.name} has it. A word that its rows set picks rows; these are:"]
        return "\n".join([*lines, *(f"  {' '.join(said.values())}" for said in rows.values())])

    def _paper_seeds(self, label: str) -> list[int]:
        if seeds := self.rows[label].paper_seeds:
            return seeds
        raise UserError("seed=paper: the seeds of the paper belong to its rows, as in experiment=table6.")


def _presets(typed: Sequence[Override]) -> list[Preset]:
    chosen = [text for word in typed if key_of(word) == "experiment" for text in values(word)]
    return [_preset(text) for text in chosen if text != "experiment=null"] or [Preset()]


def _preset(chosen: str) -> Preset:
    composed = _compose([chosen], hydra=True)
    unsafe.refuse_hydra(composed, _compose([], hydra=True))
    swept = composed.hydra.sweeper.get("params") or {}
    axes = {key_of(word): values(word) for word in parse([f"{key}={value}" for key, value in swept.items()])}
    rows = {str(label): Row(**row) for label, row in OmegaConf.to_container(composed.rows).items()}  # type: ignore
    return Preset(chosen.partition("=")[2], axes, rows or {"": Row()})


# Hydra ----------------------------------------------------------------------------------------------------------------


def compose_hydra(overrides: Sequence[str]) -> DictConfig:
    """All that conf/ composes, Hydra's own section included: what its launchers are made from."""
    return _compose(overrides, hydra=True)


def _compose(overrides: Sequence[str], hydra: bool = False) -> DictConfig:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        try:
            composed = hydra_compose("config", list(overrides), return_hydra_config=hydra)
        except (HydraException, OmegaConfBaseException) as error:
            raise _explained(error, overrides) from None
        except YAMLError as error:
            raise UserError(f"a file of conf/ is no YAML of plain values: {error}") from None
    unsafe.refuse_code(composed)
    return composed


def _explained(error: Exception, overrides: Sequence[str]) -> UserError:
    """Hydra's refusal of a value, in terms of the schema."""
    cause = error.__cause__ if isinstance(error.__cause__, OmegaConfBaseException) else error
    key = getattr(cause, "full_key", None)
    texts = [text for text in overrides if key and text.startswith(f"{key}=")]
    if not texts or type_of(str(key)) is None:
        return UserError(first_line(error) + (f" {first_line(cause)}" if cause is not error else ""))
    tp = type_of(str(key))
    values = [member.value for member in tp] if isinstance(tp, type) and issubclass(tp, Enum) else []
    return UserError(f"{texts[0]}: {key} takes {described(tp)}.{hint(near(texts[0].partition('=')[2], values))}")


def _refuse_delta(words: Sequence[Override]) -> None:
    """A delta that the method does not have."""
    named = [word for word in words if word.key_or_group.startswith("method.deltas.")]
    if not named:
        return
    names = list(_compose([str(word.input_line) for word in words if word.key_or_group in groups()]).method.deltas)
    for word in named:
        if (name := word.key_or_group.split(".")[2]) not in names:
            has = f"its deltas are {', '.join(names)}" if names else "it has no delta"
            raise UserError(f"{word.input_line}: the method has no delta {name}; {has}.{hint(near(name, names))}")


def _refuse_idle(words: Sequence[Override], composed: DictConfig) -> None:
    """No silent no-op: an axis that this method does not leave open, a setting that this task does not read."""
    raw = OmegaConf.to_yaml(OmegaConf.masked_copy(composed, ["method", "composition"]))
    method, task, recipe = composed.method.name, composed.task, composed.recipe
    readers = {"position": "position", "insertion": "insertion", "composition": "composition.rule"}
    readers |= {"composition.rule": "composition.rule", "composition.s": "composition.s", "recipe.s": "recipe.s"}
    for word in words:
        key, text = word.key_or_group, word.input_line
        if key in readers and f"${{{readers[key]}}}" not in raw:
            raise UserError(
                f"{text} has no effect: nothing in method={method} composition={composed.composition.rule} reads it."
            )
        if task.kind == "classification" and key.startswith(("task.generation.", "task.max_target")):
            raise UserError(f"{text} has no effect: task={task.name} generates no text.")
        if key == "recipe.batch" and recipe.batch_tokens is not None:
            raise UserError(f"{text} has no effect with recipe.batch_tokens={recipe.batch_tokens}; set it to null.")
