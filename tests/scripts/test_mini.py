"""mini.py as a user calls it."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from petl import records
from petl.composed import composed
from petl.config import UserError
from scripts import mini
from tests.report.made import made, made_of


@pytest.fixture
def keep(tmp_path):
    def kept(*arguments, dev=1.0, folder=".", **numbers) -> None:
        record = made(*arguments, **numbers)
        record["selected"]["value"] = dev
        records.write(record, tmp_path / folder / f"{record['identity']}.json")

    return kept


def own(task: str) -> float:
    return composed((f"task={task}",)).recipe.lr


def said(capsys) -> dict[str, list[str]]:
    """heading -> lines of the table or figure."""
    found: dict[str, list[str]] = {}
    heading = ""
    for line in capsys.readouterr().out.splitlines():
        if line.startswith("  "):
            found[heading].append(" ".join(line.split()))
        else:
            heading = line
            found[heading] = []
    return found


def test_the_status_counts_the_seeds_of_every_row(tmp_path, keep, capsys):
    for seed in (0, 3):
        keep("table6/BitFit", "xsum", seed, rouge2=1.0)
    assert mini.main(["--status", "--records", str(tmp_path)]) == 1
    told = said(capsys)
    two, none = "2 of 5 tuned: no rate yet", "0 of 5 tuned: no rate yet"
    assert f"BitFit xsum {two}" in told["Table 6"] and f"BitFit en_ro {none}" in told["Table 6"]
    assert f"BitFit xsum {two}" in told["Figure 4"], "the same runs stand in several tables"
    assert f"BitFit mnli {none}" in told["Table 2"]
    assert not any(line.startswith("Full fine-tuning, published") for line in told["Table 6"]), "that is never run"


def test_the_status_tells_of_both_protocols(tmp_path, keep, capsys):
    keep("table6/BitFit", "xsum", 0, dev=1.0)
    keep("table6/BitFit", "xsum", 0, words=(f"recipe.lr={own('xsum') / 2:g}",), dev=0.5)
    keep("table6/BitFit", "xsum", 0, words=(f"recipe.lr={own('xsum') * 2:g}",), dev=2.0)
    keep("table6/BitFit", "xsum", 0, words=(f"recipe.lr={own('xsum') * 4:g}",), dev=1.5)
    assert mini.main(["--status", "--records", str(tmp_path)]) == 1
    assert f"BitFit xsum 1 of 5 tuned: 1 of 5 at {own('xsum') * 2:g}" in said(capsys)["Table 6"]


def test_what_is_missing_is_tried_and_then_run_again(tmp_path, keep, capsys):
    """Of 44 methods on their tasks the recipe's own rate is among the rows; two more at least are tried."""
    assert mini.main(["--status", "--records", str(tmp_path)]) == 1
    told = list(said(capsys))[-1]
    assert told.startswith("370 runs are missing, and about 414 follow"), "trials on both sides of 44, 370 - 44 again"


def test_a_run_of_several_tables_is_missing_once(tmp_path, keep, capsys):
    def missing() -> int:
        assert mini.main(["--status", "--records", str(tmp_path)]) == 1
        return int(list(said(capsys))[-1].split()[0])

    before = missing()
    keep("table6/BitFit", "xsum", 1, rouge2=1.0)  # also of Figures 2 and 4
    assert missing() == before - 1


# The sweeps -----------------------------------------------------------------------------------------------------------


def test_a_word_picks_rows_wherever_they_are(tmp_path):
    runs = mini.picked(["task=sst2", "seed=0"])
    assert len(runs) == 6 and all("task=sst2" in run for run in runs), "Table 2 has it, the others do not"
    with pytest.raises(UserError, match="method=lroa"):
        mini.picked(["method=lroa"])


@pytest.mark.parametrize("word", ["recipe.lr=0.1", "runtime.records=there", "scale=paper"])
def test_what_is_the_sweeps_own_is_refused(word):
    with pytest.raises(UserError, match=word.split("=")[0]):
        mini.picked([word])


def test_trials_follow_the_rows_and_tuned_runs_the_trials(tmp_path, keep):
    sweeps = mini.sweeps(["method=lora_ffn", "task=xsum", "seed=1"], tmp_path / "runs")
    rows, trials = next(sweeps), next(sweeps)
    assert len(rows) == 2, "s=4 and s=1"
    assert [composed(tuple(run)).recipe.lr / own("xsum") for run in trials] == [1]
    assert all("seed=0" in run and not any("composition" in word for word in run) for run in trials)
    for factor, value in ((0.5, 3.0), (1, 2.0), (2, 1.0)):
        rate = f"recipe.lr={own('xsum') * factor:g}"
        keep("table6/LoRA (ffn), r=102", "xsum", 0, words=(rate,), dev=value, folder="runs")
    (further,) = next(sweeps)
    assert composed(tuple(further)).recipe.lr / own("xsum") == 0.25, "the best may lie beyond the lowest"
    rate = f"recipe.lr={own('xsum') / 4:g}"
    keep("table6/LoRA (ffn), r=102", "xsum", 0, words=(rate,), dev=2.5, folder="runs")
    assert next(sweeps) == [[*run, f"recipe.lr={own('xsum') / 2:g}"] for run in rows]
    assert f'"chosen": {own("xsum") / 2}' in (tmp_path / "rates.json").read_text()


@pytest.mark.slow
def test_the_whole_sweep_comes_to_an_end(tmp_path, capsys):
    """Each method has a best rate of its own, up to 32 times the recipe's, of which 16 may be tried."""
    folder, farthest = tmp_path / "runs", 0.0
    for runs in mini.sweeps([], folder):
        for run in runs:
            (seed,) = (int(word.removeprefix("seed=")) for word in run if word.startswith("seed="))
            words = tuple(word for word in run if not word.startswith(("runtime.", "seed=")))
            record = made_of(words, seed, rouge2=1.0, bleu=1.0, accuracy=1.0)
            recipe, method = record["config"]["recipe"], record["config"]["method"]["name"]
            factor = recipe["lr"] / composed(tuple(word for word in words if "recipe.lr" not in word)).recipe.lr
            record["selected"]["value"] = -abs(math.log2(factor) - len(method) % 6)
            records.write(record, folder / f"{record['identity']}.json")
            farthest = max(farthest, factor)
    assert mini.main(["--status", "--records", str(folder)]) == 0
    told = said(capsys)
    assert list(told)[-1] == "all there" and farthest == 16
    assert all("5 of 5 tuned: 5 of 5 at" in line for table in told.values() for line in table)


def test_a_trial_that_leaves_no_record_is_made_once(tmp_path):
    sweeps = mini.sweeps(["method=bitfit", "task=sst2"], tmp_path / "runs")
    assert [len(runs) for runs in sweeps] == [5, 1, 0]


def test_where_the_recipes_rate_is_the_best_nothing_runs_twice(tmp_path, keep):
    sweeps = mini.sweeps(["method=bitfit", "task=sst2"], tmp_path / "runs")
    assert [len(next(sweeps)) for _ in range(2)] == [5, 1]
    for factor, value in ((0.5, 2.0), (1, 2.0), (2, 1.0)):
        keep("table2/BitFit", "sst2", 0, words=(f"recipe.lr={own('sst2') * factor:g}",), dev=value, folder="runs")
    assert next(sweeps) == []


STAND_IN = """import sys
print(*sys.argv[1:])
sys.exit(int("seed=9" in sys.argv))
"""


@pytest.fixture
def root(tmp_path, monkeypatch):
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "mini.py").write_text(STAND_IN)
    monkeypatch.setattr(mini, "ROOT", tmp_path)
    monkeypatch.setattr(mini, "LOGS", tmp_path / "logs")
    return tmp_path


def test_processes_share_the_runs(root, capfd):
    assert mini.main(["task=sst2", "--jobs", "3", "--records", str(root / "records")]) == 0
    told = capfd.readouterr().out.split()
    assert told == (root / "logs" / "2.log").read_text().split() == (root / "logs" / "3.log").read_text().split()
    assert told == ["task=sst2", "--records", str(root / "records"), "--jobs", "1"]


def test_a_failed_run_is_told_by_the_exit_code(root):
    assert mini.main(["seed=9", "--jobs", "2"]) == 1


WAITING = """import os, pathlib, time
pathlib.Path(f"{os.getpid()}.up").touch()
time.sleep(60)
"""
PARENT = """import pathlib, sys
from scripts import mini
mini.ROOT = pathlib.Path(sys.argv[1])
mini.LOGS = mini.ROOT / "logs"
sys.exit(mini.main(["--jobs", "2"]))
"""


def test_a_signal_to_the_first_process_ends_them_all(root):
    (root / "scripts" / "mini.py").write_text(WAITING)
    project = Path(mini.__file__).parents[1]
    with subprocess.Popen([sys.executable, "-c", PARENT, str(root)], cwd=project) as parent:
        while len(up := list(root.glob("*.up"))) < 2:
            assert parent.poll() is None
            time.sleep(0.02)
        parent.terminate()
        assert parent.wait(timeout=30) == 128 + signal.SIGTERM
    for path in up:
        with pytest.raises(ProcessLookupError):
            os.kill(int(path.stem), 0)


@pytest.mark.parametrize("words", [["--status", "task=xsum"], ["--jobs", "0"]])
def test_words_without_effect_are_refused(words):
    with pytest.raises(SystemExit) as refused:
        mini.main(words)
    assert refused.value.code == 2
