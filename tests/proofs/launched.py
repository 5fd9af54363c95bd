"""Runs under torchrun and submitit that are told to stop: cases of the promise `preemption`."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from petl.config import Config
from petl.training import run
from tests.proofs import Note
from tests.proofs.runs import PAIRS, ROOT, configured, ending, finished, furnished, reference, same, words

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)
LIMIT = 10.0  # seconds from the signal to the end
PATIENCE = 600.0  # seconds for the launchers around it to start and to end, on a machine as busy as may be
LONGER = ("recipe.steps=80", "recipe.eval_every=40")  # for what takes long to start

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}


def under_torchrun(number: int, chance: random.Random, folder: Path, share: float = 0.5) -> Note:
    """torchrun passes SIGTERM and SIGINT on; SIGUSR1 where it is told to. `share` of its time: when, at the latest."""
    method, backbone = PAIRS[number * 7 % len(PAIRS)]
    place, told = furnished(folder.parent), chance.choice(SIGNALS)
    expected = reference(method, backbone, folder.parent, *LONGER)
    config = configured(method, backbone, folder / "run", place, *LONGER)
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    launch += ["--signals-to-handle", "SIGTERM,SIGINT,SIGHUP,SIGQUIT,SIGUSR1", "train.py"]
    log = folder / "log"
    with log.open("w") as file:
        said = words(method, backbone, folder / "run", place, *LONGER)
        agent = subprocess.Popen([*launch, *said], cwd=ROOT, env=ENVIRONMENT, stdout=file, stderr=file)
        wait_for(lambda: "checkpoints and predictions" in log.read_text() or agent.poll() is not None)
        time.sleep(chance.uniform(0, share * expected.seconds))
        agent.send_signal(told)
        step, seconds = stopped(log.read_text, told)
        agent.wait(timeout=PATIENCE)
    if step is None:
        return under_torchrun(number, chance, emptied(folder), share / 2)
    assert agent.returncode != 0, log.read_text()
    again = finished(config)
    assert f"going on from step {step}" in again, again
    same(ending(config), expected.ending, apart=("processes",))
    return {"kind": "under torchrun", "seconds": seconds, "steps": step}


def under_submitit(number: int, chance: random.Random, folder: Path, share: float = 0.5) -> Note:
    """submitit tells its job by SIGUSR2, and puts it into the queue again, where it goes on."""
    import submitit  # type: ignore[import-not-found]

    method, backbone = PAIRS[number * 7 % len(PAIRS)]
    place = furnished(folder.parent)
    expected = reference(method, backbone, folder.parent, *LONGER)
    config = configured(method, backbone, folder / "run", place, *LONGER)
    os.environ.update(ENVIRONMENT)
    job = submitit.LocalExecutor(folder / "submitit").submit(Job(config))
    wait_for(lambda: "checkpoints and predictions" in (job.stdout() or "") or job.done())
    time.sleep(chance.uniform(0, share * expected.seconds))
    controller = job._process.pid  # what is sent to it reaches no task, other than on Slurm
    with suppress(FileNotFoundError, ProcessLookupError):  # it is done already
        for task in Path(f"/proc/{controller}/task/{controller}/children").read_text().split():
            os.kill(int(task), signal.SIGUSR2)
    step, seconds = stopped(lambda: job.stdout() or "", signal.SIGUSR2)
    wait_for(job.done)
    if step is None:
        return under_submitit(number, chance, emptied(folder), share / 2)
    assert job.result() == 0, job.stderr()
    assert f"going on from step {step}" in job.stdout(), job.stdout()
    same(ending(config), expected.ending)
    return {"kind": "under submitit", "seconds": seconds, "steps": step}


class Job:
    """What submitit runs."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def __call__(self) -> int:
        run(self.config)
        return 0

    def checkpoint(self) -> object:
        import submitit  # type: ignore[import-not-found]

        return submitit.helpers.DelayedSubmission(self)


def stopped(log: Callable[[], str], told: signal.Signals) -> tuple[int | None, float]:
    """The step of the checkpoint that the log tells of, and how many seconds it took to be there.

    None: the signal came too late, all steps were made.
    """
    started, said = time.monotonic(), re.compile(f"stopped by {told.name} after step (\\d+)|step (\\d+)/\\2 ")
    wait_for(lambda: said.search(log()) is not None)
    seconds, found = time.monotonic() - started, said.search(log())
    assert found and seconds < LIMIT, f"{seconds:.1f} s: {log()}"
    return int(found[1]) if found[1] else None, seconds


def emptied(folder: Path) -> Path:
    shutil.rmtree(folder)
    folder.mkdir()
    return folder


def wait_for(done: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < until, "it takes too long"
        time.sleep(0.05)
