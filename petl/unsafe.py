"""What no configuration may do, whoever wrote it: name code that is to run, or read what is not in it.

A method or an experiment is a file that people pass on. It is data: nothing in it is built from a `_target_`, and an
interpolation refers to another key, never to a resolver such as `oc.env`, whose value would end up in a record.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from omegaconf import DictConfig, OmegaConf

from petl.config import UserError

_CODE = re.compile(r"_(target|partial|args|recursive|convert)_|\(\)")  # keys of Hydra's and of logging's factories
_OURS = ("sweeper", "overrides", "runtime", "job")  # sections of `hydra` that differ with an experiment anyway


def refuse_word(text: str) -> None:
    """A word of a command line."""
    if "_target_" in text:
        raise UserError(f"{text}: nothing here is built from a `_target_`; methods and tasks are chosen by name.")
    if "${" in text:
        raise UserError(f"{text}: no interpolation or resolver on a command line; write the value itself.")


def refuse_code(composed: DictConfig) -> None:
    """All that conf/ composed but for the `hydra` section, before anything in it is resolved."""
    leaves = (leaf for name, part in _plain(composed).items() if name != "hydra" for leaf in _leaves(part, name))
    for key, value in leaves:
        if _CODE.search(key):
            raise UserError(f"{key}: nothing here is built from a `_target_`; methods and tasks are chosen by name.")
        _refuse_resolver(key, value)


def refuse_hydra(composed: DictConfig, without: DictConfig) -> None:
    """A preset whose file sets more of Hydra than the sweep: launchers, callbacks and logging run what they name.

    composed, without: what conf/ composes to with the preset and without it.
    """
    one, other = (dict(_leaves(_plain(config)["hydra"], "hydra")) for config in (composed, without))
    for key, value in one.items():
        if value == other.get(key):
            continue
        if key.split(".")[1] not in _OURS or "_target_" in key:
            raise UserError(f"{key}: an experiment sets hydra.sweeper.params, and nothing else of Hydra's.")
        _refuse_resolver(key, value)


def _refuse_resolver(key: str, value: object) -> None:
    if isinstance(value, str) and "${" in value and ":" in value:
        raise UserError(f"{key}: {value}: no resolver here, it could read the environment; write the value itself.")


def _plain(config: DictConfig) -> dict[str, Any]:
    return OmegaConf.to_container(config, resolve=False)  # type: ignore[return-value]


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """(dotted key, value) of all that has no parts."""
    parts = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from _leaves(part, f"{path}.{key}")
    if not parts:
        yield path, value
