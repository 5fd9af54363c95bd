"""Runs that go on side by side in one process, each a generator that yields what gradient it waits for.

A run alone is the case of one. The gradients of several are computed in one pass of the backbone where that pays
(petl.training.packed), else one after the other, and then to the bit as in a run alone. Everything else, steps,
evaluations, checkpoints and records, each run does by itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple, TypeVar

from petl.backbone.pack import share
from petl.training import memory
from petl.training.gradients import Wanted, compute_gradients
from petl.training.packed import Packed, pays, work_of

T = TypeVar("T")


class Answer(NamedTuple):
    """To `Wanted`: the gradient is in `.grad`."""

    loss: float
    norm: float
    seconds: float  # the run's share of the time it took
    runs: int  # whose gradients were computed in one pass


Run = Generator[Wanted, Answer, T]
Voice = Callable[[], AbstractContextManager]  # within, what is printed is what that run says


def alone(run: Run[T]) -> T:
    """The result of one run."""
    (result,) = together([run])
    if isinstance(result, BaseException):
        raise result
    return result


def together(runs: Sequence[Run[T]], voices: Sequence[Voice] | None = None) -> list[T | BaseException]:
    """The results of the runs; of one that fails, what it raised: the others go on.

    A signal ends them all, each at its last whole step.
    """
    members = [Member(run, voice) for run, voice in zip(runs, voices or [nullcontext] * len(runs), strict=True)]
    try:
        for member in members:
            member.go()
        passes = Passes()
        while live := [member for member in members if member.wanted is not None]:
            passes.serve(live)
    except BaseException as error:
        for member in members:
            member.leave(error)
    return [member.result for member in members]


class Member:
    """One run, and where it is."""

    def __init__(self, run: Run, voice: Voice) -> None:
        self.run, self.voice = run, voice
        self.wanted: Wanted | None = None  # what it waits for
        self.over = False
        self.result: Any = None

    def go(self, answer: Answer | None = None, error: BaseException | None = None) -> None:
        """On to the next gradient, or to the end. Raises what is more than this run's failure."""
        self.wanted = None
        try:
            with self.voice():
                self.wanted = self.run.send(answer) if error is None else self.run.throw(error)  # type: ignore[arg-type]
        except StopIteration as end:
            self.over, self.result = True, end.value
        except BaseException as raised:
            self.over, self.result = True, raised
            if not isinstance(raised, Exception):
                raise

    def leave(self, error: BaseException) -> None:
        if not self.over:
            try:
                self.go(error=error)
            except BaseException as raised:
                self.result = raised


class Passes:
    """Answers what runs wait for: all of them in one pass, or each alone."""

    def __init__(self) -> None:
        self.packed: Packed | None = None
        self.work: int | None = None  # of a token
        self.short = False  # a pass of all has found no memory

    def serve(self, live: Sequence[Member]) -> None:
        wanted = [member.wanted for member in live if member.wanted is not None]
        if len(live) == 1 or self.short or not self._pays(wanted):
            for member, one in zip(live, wanted, strict=True):
                _answer([member], lambda one=one: [compute_gradients(*one)])
            return
        try:
            _answer(live, lambda: self._pack(wanted).compute(wanted))
        except Exception as error:
            if not memory.is_shortage(error):
                raise
            self.short = True
        if self.short:
            memory.free()

    def _pays(self, wanted: Sequence[Wanted]) -> bool:
        if self.work is None:
            share([one.model for one in wanted])
            self.work = work_of(wanted[0].model)
        return pays(wanted, self.work)

    def _pack(self, wanted: Sequence[Wanted]) -> Packed:
        models = [one.model for one in wanted]
        if self.packed is None or self.packed.pack.models != models:
            self.packed = Packed(models)
        return self.packed


def _answer(members: Sequence[Member], compute: Callable[[], list[tuple[float, float]]]) -> None:
    """Let the members go on with what `compute` returns or raises; a shortage of memory of several is raised here."""
    start = time.perf_counter()
    try:
        made: Any = compute()
    except BaseException as error:
        if len(members) > 1 and memory.is_shortage(error):
            raise
        for member in members:
            member.go(error=error)
        return
    seconds = (time.perf_counter() - start) / len(members)
    for member, (loss, norm) in zip(members, made, strict=True):
        member.go(Answer(loss, norm, seconds, len(members)))
