"""One run in this process, or many, each in a fresh one. A sweep's parent never loads torch."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from typing import TYPE_CHECKING

from petl.apart import Verdict, apart
from petl.command import reader
from petl.config import Config, UserError

if TYPE_CHECKING:
    from petl.records import Record

LEADER = os.environ.get("RANK", "0") == "0"  # the one process of a torchrun that speaks
WORLD = int(os.environ.get("WORLD_SIZE", "1"))
PRELOAD = ["__main__", "petl.training.job"]  # what a fresh process of a sweep finds loaded
PATIENCE = 60.0  # seconds that an interrupted run has to save its state

Read = Callable[[Sequence[str]], Config]  # petl.command.reader
Elsewhere = Callable[[list[Sequence[str]]], list[Verdict]]  # runs -> what became of each: petl.cluster


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


def many(runs: Sequence[Sequence[str]], elsewhere: Elsewhere | None = None) -> int:
    """Do the runs, whatever becomes of each: here one after the other, or `elsewhere`, all that are not done at once.

    Returns 0 if each has its record, else 1.
    """
    if "RANK" in os.environ:
        raise UserError("-m under torchrun: a sweep starts the processes of each run itself; give torchrun one run.")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that the run under way is told, too
    shared = [word for word in runs[0] if all(word in run for run in runs)] if len(runs) > 1 else []
    names = [" ".join(word for word in words if word not in shared) for words in runs]
    print(f"{len(runs)} run{'s' * (len(runs) > 1)} {' '.join(shared)}".rstrip(), flush=True)
    verdicts = _handed_over(runs, elsewhere) if elsewhere else _in_turn(runs, names)
    print("\n" + table([(state, note, name) for (state, note), name in zip(verdicts, names, strict=True)]))
    return int(any(state == "failed" for state, _ in verdicts))


def table(rows: Sequence[tuple[str, str, str]]) -> str:
    """(state, what there is to say, words) of every run, and how many of each state."""
    width = max(len(words) for _, _, words in rows)
    lines = [f"{state:<8} {words:<{width}}  {note}".rstrip() for state, note, words in rows]
    states = [state for state, _, _ in rows]
    return "\n".join([*lines, ", ".join(f"{states.count(s)} {s}" for s in ("done", "skipped", "failed"))])


def _in_turn(runs: Sequence[Sequence[str]], names: Sequence[str]) -> list[Verdict]:
    context, verdicts = multiprocessing.get_context("forkserver"), []
    context.set_forkserver_preload(PRELOAD)
    read = reader()
    for number, (words, name) in enumerate(zip(runs, names, strict=True), 1):
        print(f"\n[{number}/{len(runs)}] {name}", flush=True)
        found = _settled(words, read)
        state, note = _attempt(words, found, context) if isinstance(found, Config) else found
        print(f"{state} {note}".strip(), flush=True)
        verdicts.append((state, note))
        if state != "skipped" and number < len(runs):
            print(_how_far(runs, names, read), flush=True)
    return verdicts


def _how_far(runs: Sequence[Sequence[str]], names: Sequence[str], read: Read) -> str:
    """Counts and time left of the sweep, whoever is at its runs."""
    from petl.records import status

    known: list[tuple[str, Config]] = []
    for words, name in zip(runs, names, strict=True):
        with suppress(UserError):
            known.append((" ".join(word for word in name.split() if not word.startswith("seed=")), read(words)))
    return status.line(status.survey(known))


def _handed_over(runs: Sequence[Sequence[str]], elsewhere: Elsewhere) -> list[Verdict]:
    read = reader()
    found = [_settled(words, read) for words in runs]
    left = [words for words, verdict in zip(runs, found, strict=True) if isinstance(verdict, Config)]
    print(f"{len(left)} of them to the launcher; python scripts/status.py shows how far they are", flush=True)
    made = iter(elsewhere(left) if left else [])
    return [next(made) if isinstance(verdict, Config) else verdict for verdict in found]


def _settled(words: Sequence[str], read: Read) -> Config | Verdict:
    """The config of a run that is to be done, or what has become of it already."""
    from petl.records import find

    try:
        config = read(words)
    except UserError as error:
        return "failed", _line(error)
    return ("skipped", "already done") if not config.runtime.force and find(config) else config


def _attempt(words: Sequence[str], config: Config, context: ForkServerContext) -> Verdict:
    if (processes := config.runtime.processes or 1) > 1:
        return apart(words, processes)
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
