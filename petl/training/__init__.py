"""One run: from a config to its record, in one process or several (torchrun, accelerate launch)."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from petl.config import Config
    from petl.records import Record

os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # torch asks for large pages: on a CPU a step is 5 % faster


class Halted(Exception):
    """What ends a run for a reason that its message says. What it has kept stays; its exit code tells which it was."""

    exit_code = 1


class BadNumbers(Halted):
    """A loss, gradient or metric that is no finite number. No step is made with it, and no checkpoint."""

    exit_code = 3


class NoRoom(Halted):
    """The disk is full, or would be. What was kept before is whole."""

    exit_code = 4


class NoMemory(Halted):
    """Memory is short, and nothing is left to cut. What was kept before is whole."""

    exit_code = 5


class Stopped(SystemExit):
    """A signal told the run to stop; it goes on from its last checkpoint. The exit code is 128 + the signal."""

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)
        self.signal = signal.Signals(number)


def run(config: Config) -> Record:
    """Train, select, test and record `config`. A finished record of the run is returned as it is, unless forced."""
    from petl.training.job import run_job  # torch and transformers are loaded from here on

    return run_job(config)
