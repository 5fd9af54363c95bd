import json
import os
import socket
import subprocess
import sys
import time

import pytest

from petl import records
from petl.records.life import STALE, is_alive, told, underway


def folder(config):
    return records.run_dir(config)


def test_a_run_says_where_its_record_will_be_and_how_far_it_is(config):
    with underway(config, leads=True) as beat:
        assert is_alive(told(folder(config)))
        beat.follow(lambda: (3, 10))
        beat.write("running")
        said = told(folder(config))
    assert (said["step"], said["total"], said["from"]) == (3, 10, 3)
    assert (folder(config) / said["record"]).resolve() == records.record_path(config).resolve()
    assert records.identity(records.config_of(said["config"])) == said["identity"] == records.identity(config)
    assert told(folder(config))["state"] == "ended" and not is_alive(told(folder(config)))


def test_it_goes_on_saying_so(config, monkeypatch):
    monkeypatch.setattr("petl.records.life.EVERY", 0.01)
    steps = iter(range(10**6))
    with underway(config, leads=True) as beat:
        beat.follow(lambda: (next(steps), 10**6))
        while told(folder(config))["step"] < 5:
            time.sleep(0.01)


@pytest.mark.parametrize(
    ("error", "state", "reason"),
    [(ValueError("no\nway"), "failed", "ValueError: no"), (KeyboardInterrupt(), "stopped", None)],
)
def test_the_end_is_told(config, error, state, reason):
    with pytest.raises(type(error)), underway(config, leads=True):
        raise error
    said = told(folder(config))
    assert (said["state"], said["error"]) == (state, reason) and not is_alive(said)


def test_other_processes_say_nothing(config):
    with underway(config, leads=False) as beat:
        beat.follow(lambda: (1, 2))
    assert told(folder(config)) is None


def test_a_full_disk_does_not_stop_a_run(config, monkeypatch):
    monkeypatch.setattr("petl.records.life.os.replace", lambda *_: (_ for _ in ()).throw(OSError(28, "no space")))
    with underway(config, leads=True):
        pass


def gone() -> int:
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    return done.pid


def test_a_run_whose_process_is_gone_is_not_alive():
    said = {"state": "running", "beat": time.time(), "host": socket.gethostname()}
    assert is_alive({**said, "pid": os.getpid()})
    assert not is_alive({**said, "pid": gone()})
    assert is_alive({**said, "pid": gone(), "host": "another machine"})
    assert not is_alive({**said, "beat": time.time() - STALE - 1, "pid": gone(), "host": "another machine"})


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", json.dumps({"identity": 3}), "[" * 100_000])
def test_what_cannot_be_read_is_nothing(tmp_path, text):
    (tmp_path / "run.json").write_text(text)
    assert told(tmp_path) is None


@pytest.mark.parametrize(
    "name", ["identity", "record", "host", "state", "pid", "step", "total", "from", "beat", "started"]
)
def test_a_value_of_another_kind_makes_it_nothing(config, name):
    with underway(config, leads=True):
        pass
    said = json.loads((folder(config) / "run.json").read_text())
    for wrong in (None, [], "x" if type(said[name]) is not str else 3):
        (folder(config) / "run.json").write_text(json.dumps({**said, name: wrong}))
        assert told(folder(config)) is None
