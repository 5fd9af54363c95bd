"""conf/experiment: tables and figures as sweeps, and what words on the command line do to them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from petl import command, leaves
from petl.command import expand, left_open, read
from petl.config import UserError
from petl.records import identity
from petl.report import experiments, published

ROOT = Path(__file__).parents[1]
RUNS = {  # of the paper's rows x tasks, ours and theirs
    "table2": (60, 60), "table3": (50, 10), "table4": (40, 8), "table5": (25, 5), "table6": (100, 44),
    "table12": (140, 28), "figure2": (30, 6), "figure4": (140, 28), "figure5": (90, 18),
}  # fmt: skip


def said(runs: list[list[str]], key: str) -> set[str]:
    return {word for run in runs for word in run if word.startswith(f"{key}=")}


def test_every_trained_table_has_one():
    assert set(command.options("experiment")) >= set(experiments.NAMES) == set(RUNS)


@pytest.mark.parametrize("name", RUNS)
def test_rows_are_the_papers(name):
    rows = [row for row in published.table(name)["rows"] if row.get("ours", True)]
    for task in rows[0]["metrics"]:
        runs = expand([f"experiment={name}", f"task={task}", "seed=0", "scale=paper"])
        assert [set(run[1:]) for run in runs] == [{*published.words(row, task), "seed=0"} for row in rows]


@pytest.mark.parametrize("name", RUNS)
def test_how_many_runs(name):
    ours, theirs = expand([f"experiment={name}"]), expand([f"experiment={name}", "seed=paper"])
    assert (len(ours), len(theirs)) == RUNS[name]
    assert said(ours, "seed") == {f"seed={seed}" for seed in range(5)}


def test_seeds_of_the_paper():
    assert said(expand(["experiment=table2", "seed=paper"]), "seed") == {f"seed={s}" for s in (42, 2, 4, 6, 8)}
    last = expand(["experiment=table6", "seed=paper", "method=mam", "task=xsum"])
    assert said(last, "seed") == {"seed=42", "seed=15217", "seed=65537"}
    assert said(expand(["experiment=table6", "seed=paper", "method=bitfit"]), "seed") == {"seed=42"}


def test_a_word_of_rows_picks_rows():
    assert len(expand(["experiment=table4", "method=prefix", "seed=0"])) == 2
    assert len(expand(["experiment=table6", "method=mam,lora_ffn", "task=xsum", "seed=0,7"])) == 4
    (run,) = expand(["experiment=table4", "method=prefix", "method.deltas.main.paper=30", "seed=0"])
    assert "method.deltas.main.paper=30" in run
    with pytest.raises(UserError, match="method=houlsby: no row of experiment=table6 has it"):
        expand(["experiment=table6", "method=houlsby"])


def test_other_words_hold_for_every_run():
    runs = expand(["experiment=table5", "seed=0", "recipe.steps=3,4", "scale=paper"])
    assert len(runs) == 10 and all("scale=paper" in run for run in runs)
    assert read(runs[0]).recipe.steps == 3


def test_tasks_are_picked_among_the_presets():
    assert said(expand(["experiment=table6", "task=xsum"]), "task") == {"task=xsum"}
    with pytest.raises(UserError, match="mnli: no such value; one of xsum, en_ro"):
        expand(["experiment=table6", "task=mnli"])


def test_a_run_of_two_presets_comes_once_and_has_one_identity():
    both = expand(["experiment=table5,table12", "task=xsum", "seed=0"])
    assert len(both) == 5 + 14 - 2  # LoRA (ffn) s=4 and PA (ffn) r=512 are in both
    alone = read(["method=mam", "task=xsum", "seed=3"])
    assert identity(read(["experiment=table6", "method=mam", "task=xsum", "seed=3"])) == identity(alone)


def test_the_papers_seeds_are_known_for_presets_with_rows_only():
    for words in (["method=mam", "seed=paper"], ["experiment=null", "method=mam", "seed=paper"]):
        with pytest.raises(UserError, match="seed=paper"):
            expand(words)
    with pytest.raises(UserError, match="a whole number"):
        read(["seed=paper"])


def test_what_a_sweep_leaves_open():
    assert left_open(["experiment=table6"]) == ["method", "task", "seed"]
    assert left_open(expand(["experiment=table6"])[0]) == []
    assert left_open(["method=lora"]) == []


def test_reading_a_sweep_is_reading_each_run():
    runs, remembered = expand(["experiment=table5", "method=parallel", "seed=0,1"]), leaves.reader()
    assert [remembered(run) for run in runs] == [read(run) for run in runs]
    with pytest.raises(UserError):
        remembered([*runs[0][:-1], "seed=-1"])


def test_a_header_says_commands_costs_and_numbers():
    costs = experiments.Costs(lambda words, task: 10.0, lambda words, task: 0.1, "a GPU", "a core")
    text = experiments.preset("table5", costs)
    assert re.search(r"experiment=table5 scale=paper +# 25 runs, 250 hours of a GPU", text)
    assert "mini: 25 runs, 2.5 hours of a core" in text and "44.59/21.31/36.25" in text
    assert max(map(len, text.splitlines())) <= 120


@pytest.mark.slow
def test_the_files_are_what_the_script_writes():
    done = subprocess.run(
        [sys.executable, "scripts/experiments.py", "--check"], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "")
