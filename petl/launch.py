"""One run in this process, or many, each in a fresh one. A sweep's parent never loads torch."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from typing import TYPE_CHECKING

from petl.command import read
from petl.config import Config, UserError

if TYPE_CHECKING:
    from petl.records import Record

LEADER = os.environ.get("RANK", "0") == "0"  # the one process of a torchrun that speaks
WORLD = int(os.environ.get("WORLD_SIZE", "1"))
PRELOAD = ["__main__", "petl.training.job"]  # what a fresh process of a sweep finds loaded
PATIENCE = 60.0  # seconds that an interrupted run has to save its state


def one(config: Config) -> Record:
    """Find or make the record of this run, and show it."""
    from petl.records import find, record_path, summary

    if (asked := config.runtime.processes) not in (None, WORLD):
        raise UserError(
            f"runtime.processes={asked}, not the {WORLD} of now: torchrun --nproc_per_node {asked} train.py ..."
        )
    asks = WORLD == 1 and not config.runtime.force  # of several processes training asks the first, for all of them
    if asks and (done := find(config)):
        print("Already done; runtime.force=true runs it again.\n")
        record = done
    else:
        from petl.training import run

        record = run(config)
    if LEADER:
        print(summary(record, record_path(config)))
    return record


def many(runs: Sequence[Sequence[str]]) -> int:
    """Do the runs one after the other, whatever becomes of each. Returns 0 if each has its record, else 1."""
    if "RANK" in os.environ:
        raise UserError("-m under torchrun: a sweep starts one process for each run itself; give torchrun one run.")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that the run under way is told, too
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOAD)
    shared = [word for word in runs[0] if all(word in run for run in runs)] if len(runs) > 1 else []
    print(f"{len(runs)} runs " + " ".join(shared), flush=True)
    rows = []
    for number, words in enumerate(runs, 1):
        name = " ".join(word for word in words if word not in shared)
        print(f"\n[{number}/{len(runs)}] {name}", flush=True)
        state, note = _attempt(words, context)
        print(f"{state} {note}".strip(), flush=True)
        rows.append((state, note, name))
    print("\n" + table(rows))
    return int(any(state == "failed" for state, _, _ in rows))


def table(rows: Sequence[tuple[str, str, str]]) -> str:
    """(state, what there is to say, words) of every run, and how many of each state."""
    width = max(len(words) for _, _, words in rows)
    lines = [f"{state:<8} {words:<{width}}  {note}".rstrip() for state, note, words in rows]
    states = [state for state, _, _ in rows]
    return "\n".join([*lines, ", ".join(f"{states.count(s)} {s}" for s in ("done", "skipped", "failed"))])


def _attempt(words: Sequence[str], context: ForkServerContext) -> tuple[str, str]:
    from petl.records import find

    try:
        config = read(words)
        if not config.runtime.force and find(config):
            return "skipped", "already done"
    except UserError as error:
        return "failed", _line(error)
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_job, args=(config, theirs))
    process.start()
    theirs.close()
    try:
        process.join()
    except KeyboardInterrupt:  # the terminal has interrupted the run as well
        process.join(PATIENCE)
        raise
    finally:
        if process.is_alive():
            process.terminate()
            process.join()
    if process.exitcode == 0:
        return "done", ""
    try:
        return "failed", ours.recv()
    except EOFError:
        return "failed", f"its process ended with {_ending(process.exitcode)} and said nothing"


def _job(config: Config, pipe: Connection) -> None:
    """What the fresh process does. Its exit code says whether there is a record, the pipe why there is none."""
    try:
        one(config)
    except BaseException as error:
        if not isinstance(error, UserError | KeyboardInterrupt):
            traceback.print_exc()
        pipe.send(_line(error))
        sys.exit(1)


def _line(error: BaseException) -> str:
    first = (str(error).strip() or "stopped").partition("\n")[0]
    return first if isinstance(error, UserError) else f"{type(error).__name__}: {first}"


def _ending(code: int | None) -> str:
    return f"signal {signal.Signals(-code).name}" if code is not None and code < 0 else f"exit code {code}"
