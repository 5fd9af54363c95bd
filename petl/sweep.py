"""Many runs: here one after the other, each in a fresh process, or handed to a launcher. Never loads torch.

Whatever becomes of a run, the others are done. Several sweeps may share the work, on one machine or on many that share
the folders: a run that another process is at comes last here, and is not done again once that has done it.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from typing import IO, Any

from petl.apart import Verdict, apart
from petl.config import Config, UserError
from petl.launch import one
from petl.leaves import reader

PRELOAD = ["__main__", "petl.training.job"]  # what a fresh process of a sweep finds loaded
PATIENCE = 60.0  # seconds that an interrupted run has to save its state
PAUSE = 1.0  # seconds between two looks at what other processes are at
STATES = ("done", "skipped", "failed", "stopped", "running")  # stopped: by a signal; running: by another process

Elsewhere = Callable[[list[Sequence[str]]], list[Verdict]]  # runs -> what became of each: petl.cluster


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
    found = settled(runs)
    verdicts = _handed_over(runs, found, elsewhere) if elsewhere else _in_turn(runs, found, names)
    print("\n" + table([(state, note, name) for (state, note), name in zip(verdicts, names, strict=True)]))
    return int(any(state not in ("done", "skipped") for state, _ in verdicts))


def settled(runs: Sequence[Sequence[str]]) -> list[Config | Verdict]:
    """The config of each run that is to be done, or what has become of it already."""
    from petl.records import Shared, find

    read, shared, found = reader(), Shared(), []
    for words in runs:
        try:
            config = read(words)
            done = not config.runtime.force and find(config, shared)
            found.append(("skipped", "already done") if done else config)
        except UserError as error:
            found.append(("failed", str(error).partition("\n")[0]))
    return found


def table(rows: Sequence[tuple[str, str, str]]) -> str:
    """(state, what there is to say, words) of every run, and how many of each state."""
    width = max(len(words) for _, _, words in rows)
    lines = [f"{state:<8} {words:<{width}}  {note}".rstrip() for state, note, words in rows]
    counts = {state: sum(row[0] == state for row in rows) for state in STATES}
    told = [f"{count} {state}" for state, count in counts.items() if count or state in STATES[:3]]
    return "\n".join([*lines, ", ".join(told)])


def _handed_over(
    runs: Sequence[Sequence[str]], found: Sequence[Config | Verdict], elsewhere: Elsewhere
) -> list[Verdict]:
    left = [words for words, verdict in zip(runs, found, strict=True) if isinstance(verdict, Config)]
    print(f"{len(left)} of them to the launcher; python scripts/status.py shows how far they are", flush=True)
    made = iter(elsewhere(left) if left else [])
    return [next(made) if isinstance(verdict, Config) else verdict for verdict in found]


def _in_turn(runs: Sequence[Sequence[str]], found: Sequence[Config | Verdict], names: Sequence[str]) -> list[Verdict]:
    from petl.records import claims

    turn = Turn(claims.Watch())
    verdicts = {number: verdict for number, verdict in enumerate(found) if not isinstance(verdict, Config)}
    configs = {number: config for number, config in enumerate(found) if isinstance(config, Config)}
    before = {number: claims.newest(config).number for number, config in configs.items()}
    print(f"{len(verdicts) and len(found) - len(configs)} of them settled already" * bool(verdicts), flush=True)
    told, how_far = False, HowFar(names, configs)
    while left := [number for number in configs if number not in verdicts]:
        for number in left:
            greeting = f"\n[{number + 1}/{len(runs)}] {names[number]}"
            verdict = turn.take(runs[number], configs[number], before[number], greeting)
            if verdict is None:
                continue
            verdicts[number] = verdict
            print(" ".join(verdict).strip(), flush=True)
            if verdict[0] != "skipped" and len(verdicts) < len(runs):
                how_far.tell()
        waiting = [number for number in left if number not in verdicts]
        if waiting == left:
            if not told:
                print(f"\nwaiting for {len(left)} that other processes are at", flush=True)
            told = True
            time.sleep(PAUSE)
    return [verdicts[number] for number in range(len(runs))]


class HowFar:
    """Tells counts and time left of what the sweep found to do, whoever does it; as often as it costs 1% of the time.

    It looks at every run, which takes seconds where there are thousands.
    """

    def __init__(self, names: Sequence[str], configs: dict[int, Config]) -> None:
        groups = (" ".join(word for word in names[number].split() if word[:5] != "seed=") for number in configs)
        self._runs, self._next = list(zip(groups, configs.values(), strict=True)), 0.0

    def tell(self) -> None:
        from petl.records import status

        if (started := time.monotonic()) < self._next:
            return
        print(status.line(status.survey(self._runs)), flush=True)
        self._next = (ended := time.monotonic()) + 100 * (ended - started)


class Turn:
    """Does a run if nobody else is at it."""

    def __init__(self, watch: Any) -> None:
        self._context, self._watch = multiprocessing.get_context("forkserver"), watch
        self._context.set_forkserver_preload(PRELOAD)

    def take(self, words: Sequence[str], config: Config, before: int, greeting: str) -> Verdict | None:
        """What has become of the run; None: another process is at it. `before`: its attempts when the sweep began."""
        from petl.records import claims, find

        claim = claims.newest(config)
        if not self._watch.is_free(config, claim):
            return None
        print(greeting, flush=True)
        if not config.runtime.force and find(config):
            return "skipped", f"done by {claim.who}"
        if claim.number > before and claim.said.get("state") == "failed":
            return "failed", f"{claim.said.get('error')} ({_log(config)}), tried by {claim.who}"
        verdict = _attempt(words, config, claim.number + 1, self._context)
        return None if verdict[0] == "running" else verdict


def _attempt(words: Sequence[str], config: Config, number: int, context: ForkServerContext) -> Verdict:
    if (processes := config.runtime.processes or 1) > 1:
        return apart(words, processes)
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_job, args=(config, number, theirs))
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
    try:
        return ours.recv()
    except EOFError:
        return "failed", f"its process ended with {_ending(process.exitcode)} and said nothing ({_log(config)})"


def _job(config: Config, number: int, pipe: Connection) -> None:
    """What the fresh process does. The pipe is told what came of it."""
    from petl.records import claims, refuse_links
    from petl.training import Stopped

    try:
        refuse_links(config)
        _log(config).parent.mkdir(parents=True, exist_ok=True)
        with _log(config).open("a", encoding="utf-8", errors="replace", buffering=1) as log:
            sys.stdout, sys.stderr = Both(sys.stdout, log), Both(sys.stderr, log)
            try:
                verdict = ("done", "") if one(config, number) else ("skipped", "another process was quicker")
            except claims.Held as error:
                verdict = "running", str(error)
            except (Stopped, KeyboardInterrupt):
                verdict = "stopped", "the same command goes on from its last checkpoint"
            except BaseException as error:
                if not isinstance(error, UserError):
                    traceback.print_exc()
                verdict = "failed", f"{claims.first_line(error)} ({_log(config)})"
            sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
    except UserError as error:
        verdict = "failed", claims.first_line(error)
    pipe.send(verdict)


class Both:
    """A stream whose text goes to a log as well, while that takes it."""

    def __init__(self, shown: IO[str] | Any, log: IO[str]) -> None:
        self._shown, self._log = shown, log

    def write(self, text: str) -> int:
        with suppress(OSError):
            self._log.write(text)
        return self._shown.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._shown, name)


def _log(config: Config) -> Any:
    from petl.records import run_dir

    return run_dir(config) / "log.txt"


def _ending(code: int | None) -> str:
    return f"signal {signal.Signals(-code).name}" if code is not None and code < 0 else f"exit code {code}"
