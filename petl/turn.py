"""The processes of a sweep: each does a run, or several side by side, and tells what came of it. No torch here."""

from __future__ import annotations

import multiprocessing
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from typing import IO, Any

from petl.apart import Verdict, apart
from petl.config import Config, UserError
from petl.launch import one, several

PRELOAD = ["__main__", "petl.training.job"]  # what a fresh process of a sweep finds loaded
PATIENCE = 60.0  # seconds that an interrupted run has to save its state


@dataclass
class Todo:
    """A run that the sweep has found to do."""

    words: Sequence[str]
    config: Config
    before: int  # its attempts when the sweep began
    name: str
    place: str


class Turn:
    """Does runs if nobody else is at them."""

    def __init__(self, watch: Any) -> None:
        self._context, self._watch = multiprocessing.get_context("forkserver"), watch
        self._context.set_forkserver_preload(PRELOAD)

    def take(self, pack: Sequence[Todo]) -> list[Verdict | None]:
        """What has become of each run; None: another process is at it. Several go on side by side."""
        found = [self._look(run) for run in pack]
        ready = [(run, number) for run, number in zip(pack, found, strict=True) if isinstance(number, int)]
        made = iter(_attempt(ready, self._context) if ready else [])
        verdicts = [next(made) if isinstance(told, int) else told for told in found]
        for run, verdict in zip(pack, verdicts, strict=True):
            if verdict and verdict[0] != "running":
                print(f"{run.name}: " * (len(pack) > 1) + " ".join(verdict).strip(), flush=True)
        return [None if verdict and verdict[0] == "running" else verdict for verdict in verdicts]

    def _look(self, run: Todo) -> Verdict | int | None:
        """The number of the attempt that can be made now; or what has become of the run, as `take` tells it."""
        from petl.records import claims, find, refuse_links

        config, claim = run.config, claims.newest(run.config)
        if not self._watch.is_free(config, claim):
            return None
        print(f"\n{run.place} {run.name}", flush=True)
        if not config.runtime.force and find(config):
            return "skipped", f"done by {claim.who}"
        if claim.number > run.before and claim.said.get("state") == "failed":
            return "failed", f"{claim.said.get('error')} ({_log(config)}), tried by {claim.who}"
        try:
            refuse_links(config)
        except UserError as error:
            return "failed", claims.first_line(error)
        return claim.number + 1


def _attempt(runs: Sequence[tuple[Todo, int]], context: ForkServerContext) -> list[Verdict]:
    first, config = runs[0][0], runs[0][0].config
    if (processes := config.runtime.processes or 1) > 1:  # never of a pack
        return [apart(first.words, processes)]
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_job, args=([(run.config, number, run.name) for run, number in runs], theirs))
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
        ended = f"its process ended with {_ending(process.exitcode)} and said nothing"
        return [("failed", f"{ended} ({_log(run.config)})") for run, _ in runs]


def _job(runs: Sequence[tuple[Config, int, str]], pipe: Connection) -> None:
    """What the fresh process does. The pipe is told what came of each run."""
    with ExitStack() as logs:
        voices = [logs.enter_context(_voice(config, name if len(runs) > 1 else "")) for config, _, name in runs]
        if len(runs) > 1:
            results = several([(config, number) for config, number, _ in runs], voices)
        else:
            with voices[0]():
                results = [_result(*runs[0][:2])]
        pipe.send([_verdict(result, run[0], voice) for result, run, voice in zip(results, runs, voices, strict=True)])


def _result(config: Config, number: int) -> bool | BaseException:
    try:
        return one(config, number)
    except BaseException as error:
        return error


def _verdict(result: bool | BaseException, config: Config, voice: Callable[[], Any]) -> Verdict:
    from petl.records import claims
    from petl.training import Stopped

    if not isinstance(result, BaseException):
        return ("done", "") if result else ("skipped", "another process was quicker")
    if isinstance(result, claims.Held):
        return "running", str(result)
    if isinstance(result, Stopped | KeyboardInterrupt):
        return "stopped", "the same command goes on from its last checkpoint"
    if not isinstance(result, UserError):
        with voice():
            traceback.print_exception(result)
    return "failed", f"{claims.first_line(result)} ({_log(config)})"


@contextmanager
def _voice(config: Config, name: str) -> Iterator[Callable[[], Any]]:
    """A context in which what is printed goes to the run's log as well, and is shown behind its name."""
    _log(config).parent.mkdir(parents=True, exist_ok=True)
    with _log(config).open("a", encoding="utf-8", errors="replace", buffering=1) as log:
        out, err = (Both(Named(stream, name) if name else stream, log) for stream in (sys.stdout, sys.stderr))

        @contextmanager
        def speaking() -> Iterator[None]:
            with redirect_stdout(out), redirect_stderr(err):  # type: ignore[type-var]  # streams enough
                yield

        yield speaking


class Named:
    """A stream each of whose lines says whose it is."""

    def __init__(self, shown: IO[str] | Any, name: str) -> None:
        self._shown, self._name, self._fresh = shown, name, True

    def write(self, text: str) -> int:
        for line in text.splitlines(keepends=True):
            self._shown.write(f"{self._name}: {line}" if self._fresh and line.strip() else line)
            self._fresh = line.endswith("\n")
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._shown, name)


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
