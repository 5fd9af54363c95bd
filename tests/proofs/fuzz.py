"""Anything at all: whatever words and files come in, there is a valid result or an answer of one screen."""

from __future__ import annotations

import contextlib
import io
import math
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from petl import command, records, tasks
from petl.config import Config, Task, UserError
from petl.records.folder import SCORES
from petl.refusals import screen
from tests.proofs import Note, Outcome, promise, tiny
from tests.proofs.fuzzed import files, words

BLOCK = 100  # cases that Hypothesis draws from one seed
ROOT = Path(__file__).resolve().parents[2]
LONG, LATE = 20.0, 600.0  # seconds of computing, and of the clock: what takes longer hangs


def summed(notes: list[Note]) -> str:
    valid = sum(note["valid"] for note in notes)
    assert 4 * valid >= len(notes), f"only {valid} of {len(notes)} were valid: that tries little"
    return f"{valid} valid, the others answered"


@promise(full=10_000, quick=40, sum_up=summed)
def configurations(numbers: Iterable[int], folder: Path) -> Iterator[Outcome]:
    """Any words at all compose to a valid run, or are answered on one screen."""
    yield from tried(words.LINES, numbers, composed)


@promise(full=2_000, quick=40, sum_up=summed)
def rows_files(numbers: Iterable[int], folder: Path) -> Iterator[Outcome]:
    """Any file at all gives usable rows, or is answered on one screen."""
    yield from tried(files.FILES, numbers, lambda file: loaded(file, folder))


@promise(full=24, quick=2, slow=True, sum_up=summed)
def fuzzed_runs(number: int, folder: Path) -> Note:
    """Of any rows and methods, train.py makes one whole record, or none and an answer of one screen."""
    file, chosen, method = runs_drawn()[number]
    rows = folder / f"rows{file.ending}"
    rows.write_bytes(file.content)
    layout = {"xsum": "bart-large", "en_ro": "mbart-large-cc25"}.get(file.task, "roberta-base")
    model = tiny.backbone(folder / "model", layout)
    line = tiny.words(layout, model, rows, folder / "out", f"method={method}", *chosen, task=file.task)
    done = subprocess.run(
        [sys.executable, "train.py", *line], cwd=ROOT, capture_output=True, text=True, errors="replace", timeout=LATE
    )
    left = [path for path in (folder / "out").rglob("*") if path.parent.parent.parent.name == "records"]
    assert "Traceback" not in done.stderr, done.stderr[-3000:]
    assert done.returncode in (0, 2), f"exit code {done.returncode}: {done.stderr[-3000:]}"
    if done.returncode:
        assert not left and len(done.stderr.splitlines()) <= 40, f"{left} {done.stderr}"
    else:
        (path,) = [path for path in left if not path.name.endswith(SCORES)]
        assert all(map(math.isfinite, records.read(path)["metrics"]["test"].values()))
    return {"valid": done.returncode == 0}


@cache
def runs_drawn() -> list[Any]:
    return drawn(
        st.tuples(words.often(files.SOUND, files.SOUND, files.FILES), words.IN_GRID, st.sampled_from(words.METHODS)), 0
    )


def tried(strategy: st.SearchStrategy, numbers: Iterable[int], check: Callable[[Any], str]) -> Iterator[Outcome]:
    """Case n is what Hypothesis draws as its (n mod BLOCK)th of seed n / BLOCK: the same on every machine."""
    wanted = set(numbers)
    for block in sorted({number // BLOCK for number in wanted}):
        cases = drawn(strategy, block)
        for number in sorted(wanted & set(range(block * BLOCK, (block + 1) * BLOCK))):
            case = cases[(number - block * BLOCK) % len(cases)]
            wrong, valid = answered(lambda case=case: check(case))
            yield Outcome(number, f"{wrong}\n{case!r}"[:5000] if wrong else "", {"valid": valid})


def drawn(strategy: st.SearchStrategy, block: int) -> list[Any]:
    cases: list[Any] = []
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    once: dict[str, Any] = {"database": None, "deadline": None, "phases": [Phase.generate]}

    @seed(block)
    @settings(max_examples=BLOCK, suppress_health_check=checks, **once)
    @given(strategy)
    def draw(case: Any) -> None:
        cases.append(case)

    draw()
    return cases


def answered(check: Callable[[], str]) -> tuple[str, bool]:
    """What is wrong with the answer, nothing if it came in time, on a screen; and whether it was no refusal."""

    try:
        with deadline(), contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
            return check(), True
    except UserError as error:
        return refused(str(error)), False
    except Exception:
        return traceback.format_exc(), False


@contextlib.contextmanager
def deadline() -> Iterator[None]:
    def late(*_: object) -> None:
        raise TimeoutError("it hangs")

    timers = ((signal.ITIMER_PROF, signal.SIGPROF, LONG), (signal.ITIMER_REAL, signal.SIGALRM, LATE))
    before = [signal.signal(number, late) for _, number, _ in timers]
    for timer, _, seconds in timers:
        signal.setitimer(timer, seconds)
    try:
        yield
    finally:
        for (timer, number, _), old in zip(timers, before, strict=True):
            signal.setitimer(timer, 0)
            signal.signal(number, old)


def refused(message: str) -> str:
    shown = screen(message)
    if not message.strip():
        return "an empty answer"
    if len(shown.split("\n")) > 30 or max(map(len, shown.split("\n"))) > 110:
        return "no screen"
    return "" if all(c.isprintable() or c == "\n" for c in shown) else "an answer that a terminal obeys"


# What is valid --------------------------------------------------------------------------------------------------------


def composed(line: list[str]) -> str:
    runs = command.expand(line[1:]) if line[:1] == ["-m"] else [line]
    for run in runs[:3]:
        if wrong := invalid(command.read(run)):
            return wrong
    return ""


def invalid(config: Config) -> str:
    told = records.canonical(config)
    back = records.config_of(told)
    back.runtime, back.experiment = config.runtime, config.experiment
    if back != config:
        return f"its record would not give it back: {told}"
    if len(records.identity(config)) != 12 or records.identity(back) != records.identity(config):
        return "no identity"
    for path, root in ((records.run_dir(config), "output"), (records.record_path(config), "records")):
        if Path(getattr(config.runtime, root)).absolute() not in path.absolute().parents or ".." in path.parts:
            return f"{path} is not below runtime.{root}"
        str(path).encode()
    str(told).encode()
    return ""


def loaded(file: files.File, folder: Path) -> str:
    path = folder / f"rows{file.ending}"
    path.write_bytes(file.content)
    task = Task(name=file.task, data=str(path), limit_train=file.limit, max_source=16, max_target=8)
    try:
        splits = tasks.load(task)
    finally:
        path.unlink()
    parts = {"train": splits.train, "dev": splits.dev, **splits.tests}
    for name, part in parts.items():
        if not part or (name == "train" and file.limit and len(part) > file.limit):
            return f"{len(part)} rows for {name}"
        if wrong := next((str(row) for row in part if not usable(row, file.task)), ""):
            return f"{name} has {wrong}"
    ids = [row.id for part in parts.values() for row in part]
    if len(set(ids)) < len(ids):
        return "an id twice"
    tasks.encode(splits.test, files.tokenizer(file.task), task)
    tasks.score(task, [row.target for row in splits.test[:5]], splits.test[:5])  # type: ignore[arg-type]
    return ""


def usable(row: tasks.Row, task: str) -> bool:
    texts = [row.id, row.source, *([row.pair] if row.pair is not None else [])]
    labels = tasks.find(task).labels
    if labels:
        return all(map(_text, texts)) and type(row.target) is int and 0 <= row.target < len(labels)
    return all(map(_text, [*texts, row.target]))


def _text(text: object) -> bool:
    return isinstance(text, str) and bool(text.strip()) and bool(text.encode())
