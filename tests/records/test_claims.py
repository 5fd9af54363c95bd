import json
import os
import subprocess
import sys
import time

import pytest

from petl import records
from petl.records import claims
from petl.records.claims import Held, Watch, held, newest


def claim(config, **changed):
    """The newest claim of `config`, with some of what it says changed."""
    path = records.run_dir(config) / claims.FOLDER / f"{newest(config).number:04}.json"
    path.write_text(json.dumps({**newest(config).said, **changed}))


def free(config, watch=None):
    return (watch or Watch()).is_free(config, newest(config))


def test_an_attempt_is_one_processes_until_it_ends(config):
    assert free(config) and newest(config).number == 0
    with held(config, 1):
        assert not free(config) and newest(config).said["pid"] == os.getpid()
        with pytest.raises(Held), held(config, 1):
            pytest.fail("two hold it")
        with pytest.raises(Held, match=f"process {os.getpid()} on "):
            Watch().wait(config)
    assert free(config) and newest(config).said["state"] == "ended" and Watch().wait(config) == 2


def test_one_of_many_gets_it(config):
    code = (
        "import sys; from petl.records import claims, config_of; import json\n"
        "from dataclasses import replace\n"
        "told = json.load(sys.stdin); config = config_of(told['config'])\n"
        "config.runtime.output = told['output']\n"
        "try:\n"
        "    with claims.held(config, 1): print('mine')\n"
        "except claims.Held: print('held')\n"
    )
    told = json.dumps({"config": records.canonical(config), "output": config.runtime.output})
    many = [
        subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    said = [process.communicate(told)[0].strip() for process in many]
    assert sorted(said) == ["held", "held", "mine"]


def test_why_an_attempt_failed_is_told(config):
    with pytest.raises(ValueError), held(config, 1):
        raise ValueError("no\nway")
    assert free(config) and newest(config).said["state"] == "failed"
    assert newest(config).said["error"] == "ValueError: no"


def test_a_process_that_is_gone_holds_nothing(config):
    process = subprocess.Popen([sys.executable, "-c", "pass"])
    process.wait()
    with held(config, 1):
        claim(config, pid=process.pid)
        assert free(config)
        claim(config, pid=os.getpid(), born="before")  # the number has been given to another process since
        assert free(config)


def test_another_machine_is_gone_when_nothing_has_changed_for_long(config, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    with held(config, 1):
        claim(config, machine="another", host="afar")
        watch = Watch()
        assert not free(config, watch)
        now[0] += claims.STALE / 2
        claim(config, beat="000000002")
        assert not free(config, watch)
        now[0] += claims.STALE - 1
        assert not free(config, watch)
        now[0] += 2
        assert free(config, watch) and not free(config)


def test_a_torn_claim_is_watched(config, monkeypatch):
    with held(config, 1):
        path = records.run_dir(config) / claims.FOLDER / "0001.json"
        path.write_text("")
        assert not free(config)


def test_a_beat_shows(config, monkeypatch):
    monkeypatch.setattr(claims, "EVERY", 0.01)
    with held(config, 1):
        while newest(config).said["beat"] < "000000003":
            time.sleep(0.01)


def test_who_was_taken_for_dead_leaves(config):
    code = f"""
import time; from petl.records import claims; from petl.config import *
claims.EVERY = 0.01
config = Config(method=Method("mam"), task=Task(name="xsum"), runtime=Runtime(output={config.runtime.output!r}))
with claims.held(config, 1):
    path = claims._path(config, 2); path.write_text("another")
    time.sleep(20)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == claims.ELSEWHERE and "taken for dead" in done.stderr


def test_without_links_the_file_system_still_decides(config, monkeypatch):
    def link(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(claims.os, "link", link)
    with held(config, 1):
        assert not free(config) and newest(config).said["state"] == "running"
        with pytest.raises(Held), held(config, 1):
            pytest.fail("two hold it")
