from __future__ import annotations

import time

from petl.training.progress import Clock, Progress


def test_an_inner_phase_is_not_counted_to_the_outer_one(monkeypatch):
    clock, now = Clock(), [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    with clock.phase("outer"):
        now[0] += 1
        with clock.phase("inner"):
            now[0] += 5
        now[0] += 2
    assert clock.seconds == {"outer": 3, "inner": 5}


def test_other_processes_say_nothing(capsys):
    progress = Progress(shown=False, bar=True)
    progress.start(10, 0)
    progress.say("hello")
    progress.point(10, "end", {})
    assert capsys.readouterr().out == ""


def test_lines_tell_the_time_left_and_are_few(capsys):
    progress = Progress(shown=True, bar=True)
    progress.start(1000, 0)
    for step in range(1, 1001):
        progress.step(1.0, 0.1)
        progress.point(step, "loss 1.000", {})
    lines = capsys.readouterr().out.splitlines()
    assert 10 <= len(lines) <= 12
    assert lines[-1] == "step 1000/1000  loss 1.000  0:00 left"
