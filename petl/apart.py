"""A run in a process of its own, or in several under torchrun, watched from outside. Imports no torch."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from petl.command import CONF, read
from petl.records import find, refuse_links, run_dir

Verdict = tuple[str, str]  # done, skipped, failed, stopped or running (by another process); what there is to say

TRAIN = CONF.parent / "train.py"
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2)  # that ask for room
_WORLD = {"RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"}  # of another torchrun
_NAMED = re.compile(r"error: |stopped: |held: |[\w.]*(Error|Exception|Interrupt)\b")


def apart(words: Sequence[str], processes: int = 1) -> Verdict:
    """Do one run; what it says goes to the end of log.txt in its folder."""
    config = read([*words])
    refuse_links(config)
    if not config.runtime.force and find(config):  # since the sweep has looked
        return "skipped", "already done"
    log = run_dir(config) / "log.txt"
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [str(TRAIN), *words]
    if processes > 1:
        command = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}", *command]
    environment = {key: value for key, value in os.environ.items() if key not in _WORLD}
    with log.open("ab") as said:
        start = said.tell()
        process = subprocess.Popen([sys.executable, *command], stdout=said, stderr=subprocess.STDOUT, env=environment)
        with _handed_on(process):
            code = process.wait()
    if code == 0:
        return "done", ""
    reason = _reason(log, start, code)
    return ("running", reason[6:]) if reason.startswith("held: ") else ("failed", f"{reason} ({log})")


@contextmanager
def _handed_on(process: subprocess.Popen) -> Iterator[None]:
    """A signal that this process gets goes to the run as well, and when that has ended, to where it went before.

    So a run writes its checkpoint before submitit, whose signal it is, puts the job back into the queue.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    got: list[int] = []

    def hand_on(number: int, frame: Any) -> None:
        got.append(number)
        process.send_signal(number)

    before = {number: signal.signal(number, hand_on) for number in SIGNALS}
    try:
        yield
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
        for number, handler in before.items():
            signal.signal(number, handler)
    if got:
        os.kill(os.getpid(), got[0])


def _reason(log: Path, start: int, code: int) -> str:
    """The last line of what a failed run wrote that names an error."""
    with log.open("rb") as file:
        file.seek(start)
        lines = file.read().decode("utf-8", "replace").splitlines()
    ended = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
    named = [line for line in lines if _NAMED.match(line) and "ChildFailedError" not in line]
    return named[-1].removeprefix("error: ") if named else f"its process ended with {ended}"
