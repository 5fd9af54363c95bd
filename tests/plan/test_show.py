"""A plan as people, programs and Slurm read it."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from petl import records
from petl.command import expand, read
from petl.plan import hardware, runs, show

ROOT = Path(__file__).parents[2]
H100 = hardware.device("h100")


@pytest.fixture
def groups(tmp_path, monkeypatch):
    """MAM and LoRA on XSum, two seeds: one run done, one with a checkpoint, two untouched."""
    words = ["method=mam,lora", "task=xsum", "scale=paper", "seed=0,1", f"runtime.output={tmp_path}"]
    done = read(["method=mam", *words[1:3], "seed=1"])
    record = {"device": "NVIDIA H100", "seconds": {"train": 7200.0, "test": 1800.0}, "processes": 2}
    monkeypatch.setattr(records, "find", lambda config: record if config == at(done, tmp_path) else None)
    begun = records.run_dir(read(["method=lora", *words[1:3], "seed=0", words[-1]])) / "checkpoints"
    for step in (30_000, 60_000):
        (begun / f"last-{step:08d}").mkdir(parents=True)
    return runs.groups(expand(words))


def at(config, output):
    config.runtime.output = str(output)
    return config


def test_states_and_what_is_left(groups):
    mam, lora = groups
    assert [(run.state, run.kept) for run in mam.runs] == [("to do", 0), ("done", 0)]
    assert [(run.state, run.kept) for run in lora.runs] == [("partial", 60_000), ("to do", 0)]
    assert mam.on(H100).hours_left == pytest.approx(mam.on(H100).each.hours)
    assert lora.on(H100).hours_left == pytest.approx(1.4 * lora.on(H100).each.hours)


def test_the_text_says_what_is_measured_and_what_is_not(groups):
    text = show.text(groups, H100)
    assert (
        text.startswith("4 runs task=xsum scale=paper")
        and "1 done, 0 running, 1 partial, 2 to do. On H100 80GB:" in text
    )
    assert "Measured: 1 done on NVIDIA H100 took 5 h" in text and "Estimated, not measured" in text
    assert "Every run fits on H100 80GB." in text


def test_the_json_holds_every_run(groups):
    told = json.loads(json.dumps(show.as_json(groups, H100)))
    assert told["estimated"] and told["runs"] == {"done": 1, "running": 0, "partial": 1, "to do": 2}
    assert [run["state"] for row in told["rows"] for run in row["runs"]] == ["to do", "done", "partial", "to do"]
    assert told["rows"][0]["memory"]["optimiser"] == 8 * told["rows"][0]["trained"]
    assert set(told["hours_left"]) == set(hardware.DEVICES)


def test_the_array_runs_what_is_left(groups, tmp_path):
    script = show.sbatch(groups, H100, gpus=1)
    assert "--array=0-2" in script
    (tmp_path / "bin").mkdir()
    python = tmp_path / "bin" / "python"
    python.write_text('#!/bin/bash\nprintf "%s\\n" "$@"\n')
    python.chmod(0o755)
    env = {"PATH": f"{tmp_path}/bin:/usr/bin:/bin", "SLURM_ARRAY_TASK_ID": "1"}
    said = subprocess.run(["bash"], input=script, env=env, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    assert said[0] == "train.py" and "method=lora" in said and "seed=0" in said


def test_slurm_commands_ask_for_the_gpus(groups):
    assert "torchrun --standalone --nproc_per_node 4 train.py" in show.sbatch(groups, H100, gpus=4)
    words = shlex.split(show.launcher(["task=xsum"], groups, H100, gpus=4))
    assert {"-m", "runtime.processes=4", "hydra/launcher=slurm"} <= set(words)
    assert int(words[-1].partition("hydra.launcher.timeout_min=")[2]) >= 2 * 60 * groups[0].on(H100).each.hours / 4


def script(*argv: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "scripts/plan.py", *argv], cwd=ROOT, capture_output=True, text=True, timeout=300
    )


def test_the_script_loads_no_torch():
    code = "import sys; sys.argv[1:] = ['experiment=table5', 'scale=paper', '--json']; import runpy\n"
    code += "try: runpy.run_path('scripts/plan.py', run_name='__main__')\n"
    code += "except SystemExit: sys.exit(bool({'torch', 'transformers'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0 and len(json.loads(done.stdout)["rows"]) == 5, done.stderr


@pytest.mark.parametrize(
    "words, says",
    [("--gpu h10 task=xsum", "Did you mean h100?"), ("method=mum", "Did you mean mam?"), ("--lr 3", "usage")],
)
def test_wrong_words_get_one_screen(words, says):
    done = script(*words.split())
    assert done.returncode == 2 and says in done.stderr and "Traceback" not in done.stderr
