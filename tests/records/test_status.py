"""States of runs from what lies on the disk."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from petl import records
from petl.records import status
from petl.records.life import STALE, underway


@pytest.fixture
def seeds(config):
    """seeds(n) -> (config, folder) of the run with seed n."""

    def of(seed):
        chosen = replace(config, seed=seed)
        return chosen, records.run_dir(chosen)

    return of


def done(config, make, seconds=None):
    told = {"identity": records.identity(config), "config": records.canonical(config)}
    records.write(make(**told, **({"seconds": seconds} if seconds else {})), records.record_path(config))


def checkpoint(folder: Path, step: int) -> None:
    (folder / "checkpoints" / f"last-{step:08d}").mkdir(parents=True)


def says(config, **changed) -> None:
    """run.json of a run that goes on, or of one that does not."""
    with underway(config, leads=True):
        pass
    path = records.run_dir(config) / "run.json"
    now = {"state": "running", "beat": time.time(), "started": time.time() - 60, "step": 40, "total": 100, "from": 10}
    path.write_text(json.dumps({**json.loads(path.read_text()), **now, **changed}))


@pytest.fixture
def sweep(seeds, make):
    """Six runs: done, running, failed, stopped by a signal, gone without a word, and not begun."""
    done(seeds(0)[0], make, {"train": 90.0, "test": 10.0})
    says(seeds(1)[0])
    checkpoint(seeds(1)[1], 20)
    says(seeds(2)[0], state="failed", error="BadNumbers: step 7")
    says(seeds(3)[0], state="stopped")
    checkpoint(seeds(3)[1], 50)
    says(seeds(4)[0], beat=time.time() - STALE - 1)
    return [("mam xsum", seeds(number)[0]) for number in range(6)]


def test_each_has_its_state(sweep):
    runs = status.survey(sweep)
    assert [run.state for run in runs] == ["done", "running", "failed", "stopped", "stopped", "to do"]
    running, failed, stopped = runs[1:4]
    assert (running.step, running.total, running.checkpoint, running.left) == (
        40,
        100,
        20,
        pytest.approx(120, rel=0.01),
    )
    assert failed.error == "BadNumbers: step 7" and (stopped.step, stopped.total) == (50, 100)


def test_the_table_groups_by_what_differs_but_the_seed(sweep):
    first, *others, last = status.table(status.survey(sweep)).splitlines()
    assert first == ("mam xsum  done 1 of 6   running seed=1   failed seed=2   stopped seed=3 seed=4   to do seed=5")
    assert [other.partition(":")[0] for other in others] == ["running", "failed", "stopped", "stopped"]
    assert "step 40/100, checkpoint 20, " in others[0] and "BadNumbers: step 7" in others[1]
    assert last.startswith("1 done, 1 running, 1 failed, 2 stopped, 1 to do; about 6:5")


def test_the_time_left_follows_from_records_and_from_how_many_go_on(sweep):
    runs = status.survey(sweep)
    each = 100.0
    assert status.remaining(runs) == pytest.approx(each * (0.6 + 1 + 0.5 + 1 + 1))
    assert status.remaining(runs[5:]) is None, "no record to go by"
    assert status.remaining(runs[:1]) == 0 and status.line(runs[:1]) == "1 done"
    twice = [runs[0], runs[1], runs[1], runs[5]]
    assert status.remaining(twice) == pytest.approx(each * (0.6 + 0.6 + 1) / 2)


def test_a_record_that_is_newer_than_the_last_word_is_the_end(seeds, make):
    config, folder = seeds(0)
    says(config)
    done(config, make)
    assert status.survey([("x", config)])[0].state == "done"
    os.utime(folder / "run.json", (time.time() + 5, time.time() + 5))  # it runs once more, forced
    assert status.survey([("x", config)])[0].state == "running"


def test_everything_is_found_by_records_and_folders(sweep, config, make, tmp_path):
    runtime, committed = config.runtime, tmp_path / "committed"
    other = replace(config, seed=9, runtime=replace(runtime, records=str(committed)))
    done(other, make)
    (Path(runtime.output) / "mini" / "xsum" / "mam" / "notes").mkdir()
    runs = status.everything(Path(runtime.output), Path(runtime.records), committed)
    assert sorted(run.state for run in runs) == ["done", "done", "failed", "running", "stopped", "stopped"]
    assert {run.group for run in runs} == {"mini xsum mam"}


def test_an_error_is_a_line_that_no_terminal_obeys(seeds):
    config, _ = seeds(0)
    says(config, state="failed", error="ValueError: \033[2J" + "x " * 500)
    told = status.table(status.survey([("mam", config)])).splitlines()[1]
    assert "\\x1b[2J" in told and len(told) < 250


def test_nothing_is_no_error(tmp_path):
    assert status.everything(tmp_path / "none", tmp_path / "nowhere") == [] and status.table([]) == "no runs"


@pytest.mark.parametrize("text", ["", "[]", "{", '{"identity": 1}'])
def test_a_run_json_that_cannot_be_read_is_passed_over(seeds, text):
    config, folder = seeds(0)
    checkpoint(folder, 30)
    (folder / "run.json").write_text(text)
    (run,) = status.survey([("x", config)])
    assert (run.state, run.step) == ("stopped", 30)


@pytest.mark.parametrize(("seconds", "text"), [(5, "0:05"), (3725, "1:02:05"), (200_000, "2 d 7 h")])
def test_clock(seconds, text):
    assert status.clock(seconds) == text
