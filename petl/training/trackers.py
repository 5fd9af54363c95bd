"""A run watched from outside: `runtime.tracker=tensorboard`, trackio, wandb or mlflow, through accelerate's trackers.

It is told the loss and the learning rate of up to a thousand steps, every dev evaluation, and the test metrics. It gets
the run's settings without `runtime`, and nothing of the environment.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from accelerate.tracking import LOGGER_TYPE_TO_CLASS, GeneralTracker

from petl import records
from petl.config import Config, UserError

PROJECT = "petl"
POINTS = 1000  # of the training loss


class Tracker:
    """What watches one run: nothing, or one of accelerate's trackers. One that fails is left; the run goes on."""

    def __init__(self, name: str = "none", told: GeneralTracker | None = None) -> None:
        self._name, self._told = name, told

    def log(self, values: Mapping[str, float], step: int) -> None:
        self._try(lambda told: told.log(dict(values), step=step))

    def close(self) -> None:
        self._try(lambda told: told.finish())

    def _try(self, tell: Callable[[GeneralTracker], None]) -> None:
        if self._told is None:
            return
        try:
            tell(self._told)
        except Exception as error:
            print(f"warning: {self._name} failed ({_reason(error)}); the run goes on without it", file=sys.stderr)
            self._told = None


@contextlib.contextmanager
def watching(config: Config, leads: bool) -> Iterator[Tracker]:
    """The tracker that `config.runtime.tracker` names, on the process that `leads`. UserError if it does not start.

    What it keeps on disk it keeps in the run's folder.
    """
    name = config.runtime.tracker
    tracker = Tracker(name, _started(config) if leads and name != "none" else None)
    try:
        yield tracker
    finally:
        tracker.close()


def summary(record: Mapping[str, Any]) -> dict[str, float]:
    """The figures of a finished run."""
    told = {f"{split}/{name}": value for split, values in record["metrics"].items() for name, value in values.items()}
    told |= {f"parameters/{name}": record["parameters"][name] for name in ("trained", "stored")}
    return told | {f"seconds/{name}": value for name, value in record["seconds"].items()}


def _started(config: Config) -> GeneralTracker:
    name, run, folder = config.runtime.tracker, records.identity(config), records.run_dir(config)
    title = f"{config.task.name}-{config.method.name}-{run}"
    folder.mkdir(parents=True, exist_ok=True)
    arguments: dict[str, dict[str, Any]] = {
        "tensorboard": {"run_name": "tensorboard", "logging_dir": folder},
        "trackio": {"run_name": PROJECT, "name": title, "resume": "allow"},
        "wandb": {"run_name": PROJECT, "name": title, "id": run, "resume": "allow", "dir": str(folder)},
        "mlflow": {"experiment_name": PROJECT, "run_name": title},
    }
    try:
        tracker = LOGGER_TYPE_TO_CLASS[name](**arguments[name])
        tracker.start()
        tracker.store_init_configuration(dict(_flat(records.canonical(config))))
    except Exception as error:  # each of them has errors of its own: no key, no server, no room
        raise UserError(f"runtime.tracker={name} does not start: {_reason(error)}") from error
    return tracker


def _flat(told: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str | int | float | bool]]:
    """Dotted keys and plain values, as trackers take them."""
    for key, value in told.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value if isinstance(value, str | int | float) else str(value)


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".strip().partition("\n")[0]
