"""One run in this process, or several side by side; it claims each first: no two processes are at a run at once."""

from __future__ import annotations

import os
from collections.abc import Generator, Sequence
from contextlib import nullcontext
from typing import Any

from petl.config import Config, UserError

LEADER = os.environ.get("RANK", "0") == "0"  # the one process of a torchrun that speaks
WORLD = int(os.environ.get("WORLD_SIZE", "1"))


def one(config: Config, number: int | None = None) -> bool:
    """Find or make the record of this run, and show it; whether it was made.

    `number`: of this attempt, by one who has seen that the attempt before is over. Raises Held (petl.records.claims) if
    another process is at the run.
    """
    from petl.records import claims, find, record_path, summary

    if (asked := config.runtime.processes) not in (None, WORLD):
        raise UserError(
            f"runtime.processes={asked}, not the {WORLD} of now: torchrun --nproc_per_node {asked} train.py ..."
        )
    asks = WORLD == 1 and not config.runtime.force  # of several processes training asks the first, for all of them
    found = record = find(config) if asks else None
    if record is None:
        claim = claims.held(config, number or claims.Watch().wait(config)) if LEADER else nullcontext()
        with claim:
            found = record = find(config) if asks else None  # whoever was at it until now may have finished it
            if record is None:
                from petl.training import run

                record = run(config)
    if found:
        print("Already done; runtime.force=true runs it again.\n")
    if LEADER:
        print(summary(record, record_path(config)))
    return not found


def several(runs: Sequence[tuple[Config, int]], voices: Sequence[Any]) -> list[bool | BaseException]:
    """`one` of each run and the number of its attempt, side by side; of a run that fails, what it raised.

    voices: see `petl.training.together`.
    """
    from petl.training import signals
    from petl.training.together import together

    with signals.listening():
        return together([_member(config, number) for config, number in runs], voices)


def _member(config: Config, number: int) -> Generator[Any, Any, bool]:
    from petl.records import claims, find, record_path, summary
    from petl.training.job import running

    with claims.held(config, number):
        if not config.runtime.force and find(config):
            return False
        record = yield from running(config)
    print(summary(record, record_path(config)))
    return True
