"""Whole runs on the embedded text and the shipped miniatures, two steps each."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from petl import command, mini, records
from petl.training import run

ROOT = Path(__file__).parents[1]
TASKS = ("xsum", "en_ro", "mnli", "sst2")
TINY = (
    "recipe.steps=2", "recipe.eval_every=2", "task.limit_train=96", "task.limit_dev=8", "task.limit_test=12",
)  # fmt: skip
METHODS = [name for name in command.options("method")]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def text():
    mini.build(None, progress=False)


def words(tmp_path, *more):
    return [*TINY, f"runtime.output={tmp_path}/out", f"runtime.records={tmp_path}/records", *more]


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("method", METHODS)
def test_every_method_on_every_task(method, task, tmp_path):
    config = command.read(words(tmp_path, f"method={method}", f"task={task}"))
    record = run(config)
    assert records.find(config) == record
    assert record["metrics"]["test"].keys() >= {"loss", config.task.select}
    assert record["parameters"]["trained"] > 0 and len(record["examples"]) == 5
    assert [point["step"] for point in record["history"]][-1] == 2


def train(*argv):
    return subprocess.run([sys.executable, "train.py", *argv], cwd=ROOT, capture_output=True, text=True, timeout=600)


def test_a_sweep_makes_each_record_once(tmp_path):
    argv = ["-m", "method=adapter,mam", "task=sst2", "seed=0,1", *words(tmp_path)]
    first = train(*argv)
    made = sorted((tmp_path / "records").rglob("*-????????????.json"))
    assert first.returncode == 0 and len(made) == 4, first.stdout + first.stderr
    stamps = [path.stat().st_mtime_ns for path in made]
    second = train(*argv)
    assert second.returncode == 0
    assert [path.stat().st_mtime_ns for path in sorted((tmp_path / "records").rglob("*-????????????.json"))] == stamps
    assert "0 done, 4 skipped, 0 failed" in second.stdout, second.stdout


def test_force_replaces_a_record_only_when_the_new_one_is_complete(tmp_path):
    argv = ["method=bitfit", "task=sst2", *words(tmp_path)]
    assert train(*argv).returncode == 0
    (path,) = (tmp_path / "records").rglob("*-????????????.json")
    old = json.loads(path.read_text())
    again = train(*argv)
    assert "already done" in again.stdout.lower() and json.loads(path.read_text()) == old
    assert train(*argv, "runtime.force=true").returncode == 0
    new = json.loads(path.read_text())
    assert new["finished"] > old["finished"] and new["metrics"] == old["metrics"]


def test_two_processes_give_the_result_of_one(tmp_path):
    argv = ["method=mam", "task=sst2", "recipe.accumulate=2"]
    one = train(*argv, *words(tmp_path / "one"))
    command_line = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "train.py", *argv,
        *words(tmp_path / "two"), "runtime.processes=2", "runtime.device=cpu",
    ]  # fmt: skip
    two = subprocess.run(command_line, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert one.returncode == 0 and two.returncode == 0, one.stderr + two.stderr
    (a,), (b,) = ((list((tmp_path / name / "records").rglob("*-????????????.json"))) for name in ("one", "two"))
    first, second = json.loads(a.read_text()), json.loads(b.read_text())
    assert first["metrics"] == second["metrics"] and second["processes"] == 2


def test_a_packed_sweep_leaves_the_records_of_its_runs_and_does_none_again(tmp_path):
    argv = ["-m", "method=mam", "task=sst2", "recipe.batch=2", "runtime.pack=3", *words(tmp_path)]
    first = train(*argv, "seed=0,1")
    made = {path.name: json.loads(path.read_text()) for path in (tmp_path / "records").rglob("*-????????????.json")}
    assert first.returncode == 0 and "2 done" in first.stdout, first.stdout + first.stderr
    assert {(record["config"]["seed"], record["packed"]) for record in made.values()} == {(0, 2), (1, 2)}
    logs = [path.read_text() for path in (tmp_path / "out").rglob("log.txt")]
    assert len(logs) == 2 and all("seed 0" in log or "seed 1" in log for log in logs)
    assert "seed=0: step 2/2" in first.stdout
    second = train(*argv, "seed=0,1,2")
    assert "1 done, 2 skipped" in second.stdout, second.stdout
