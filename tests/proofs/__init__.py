"""The promises of docs/reliability.md, each tried many times.

A promise is a function in a module of this folder. It tries one case, whose number says everything about it, and fails
as a test does:

    @promise(full=200, quick=4)
    def resume(number: int, folder: Path) -> Note | None:
        '''A run that was killed ends as one that was not.'''
        chance = random.Random(number)
        ...
        assert weights == expected, "the weights differ"
        return {"while_writing": True}

`folder` is empty and this case's own; what the cases share may be put beside it. It is removed where the promise held
and kept where not. The note is for `sum_up`, which is given those of all cases that held, says something of them on the
promise's line, and may assert. Where cases are cheaper made together, the function is a generator: it is given the
numbers to try and yields an Outcome for each.

`make prove` runs the full counts (scripts/prove.py), the test suite the quick ones (test_proofs.py).
"""

from __future__ import annotations

import inspect
import shutil
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, NamedTuple

Note = Mapping[str, Any]


class Outcome(NamedTuple):
    number: int
    wrong: str  # what broke the promise; empty: it held
    note: Note = {}
    seconds: float = 0.0


@dataclass(frozen=True)
class Promise:
    name: str
    says: str
    full: int
    quick: int
    slow: bool  # the quick count takes more than seconds
    function: Callable[..., Any]
    sum_up: Callable[[list[Note]], str]

    @property
    def file(self) -> Path:
        return Path(inspect.getfile(self.function))

    @property
    def together(self) -> bool:
        return inspect.isgeneratorfunction(self.function)

    def numbers(self, count: int) -> list[int]:
        """`count` cases, spread over all; the first ones where they are made together."""
        count = min(count, self.full)
        return list(range(count)) if self.together else [i * self.full // count for i in range(count)]

    def prove(self, numbers: Iterable[int], folder: Path) -> Iterator[Outcome]:
        """Try these cases, one outcome each, with all they write in `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        started = time.monotonic()
        outcomes: Iterator[Outcome] = (self.function if self.together else self._each)(numbers, folder)
        for outcome in outcomes:
            yield outcome._replace(seconds=round(time.monotonic() - started, 3))
            started = time.monotonic()

    def _each(self, numbers: Iterable[int], folder: Path) -> Iterator[Outcome]:
        for number in numbers:
            own = folder / str(number)
            shutil.rmtree(own, ignore_errors=True)
            own.mkdir()
            try:
                note = self.function(number, own)
            except Exception:
                yield Outcome(number, traceback.format_exc().strip())
            else:
                shutil.rmtree(own, ignore_errors=True)
                yield Outcome(number, "", note or {})


def promise(
    full: int, quick: int, slow: bool = False, sum_up: Callable[[list[Note]], str] = lambda notes: ""
) -> Callable[[Callable[..., Any]], Promise]:
    """Makes a Promise of a function: its name, and the first line of its docstring as what is promised."""

    def made(function: Callable[..., Any]) -> Promise:
        says = (inspect.getdoc(function) or "").partition("\n")[0]
        return Promise(function.__name__, says, full, quick, slow, function, sum_up)

    return made


def promises() -> dict[str, Promise]:
    """All there are: whatever stands in the modules of this folder."""
    names = [module.name for module in iter_modules(__path__) if not module.name.startswith("test_")]
    modules: Sequence[Any] = [import_module(f"{__name__}.{name}") for name in sorted(names)]
    return {it.name: it for module in modules for it in vars(module).values() if isinstance(it, Promise)}
