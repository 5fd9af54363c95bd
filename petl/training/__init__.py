"""One run: from a config to its record, in one process or several (torchrun, accelerate launch)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from petl.config import Config
    from petl.records import Record


class BadNumbers(Exception):
    """A loss, gradient or metric that is no finite number. No step is made with it, and no checkpoint."""


def run(config: Config) -> Record:
    """Train, select, test and record `config`. A finished record of the run is returned as it is, unless forced."""
    from petl.training.job import run_job  # torch and transformers are loaded from here on

    return run_job(config)
