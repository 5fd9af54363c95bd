"""Sweeps handed to Hydra's launchers: real jobs of submitit and Ray where these are installed, and what is refused."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest

from petl import apart, cluster, command, sweep, turn
from petl.config import UserError
from petl.records import claims, find
from petl.words import launcher_of

ROOT = Path(__file__).parents[1]
TINY = (
    "task=sst2", "method=bitfit", "recipe.steps=2", "recipe.eval_every=2", "task.limit_train=96", "task.limit_dev=8",
    "task.limit_test=12", "runtime.device=cpu",
)  # fmt: skip


def installed(package: str) -> bool:
    try:
        return bool(metadata.version(package))
    except metadata.PackageNotFoundError:
        return False


needs_submitit = pytest.mark.skipif(
    not installed("hydra-submitit-launcher"),
    reason="hydra-submitit-launcher is not installed: pip install -e '.[slurm]'",
)
needs_ray = pytest.mark.skipif(
    not installed("hydra-ray-launcher"), reason="hydra-ray-launcher is not installed: pip install -e '.[ray]'"
)


# A run in a process of its own ---------------------------------------------------------------------------------------


@pytest.fixture
def script(tmp_path, monkeypatch):
    """`train.py` is a few lines of the test's."""

    def written(code: str) -> list[str]:
        path = tmp_path / "train.py"
        path.write_text(f"import os, signal, sys, time\n{code}\n")
        monkeypatch.setattr(apart, "TRAIN", path)
        return ["task=sst2", f"runtime.output={tmp_path}/o"]

    return written


def test_a_run_apart_ends_as_its_process_does(script):
    assert apart.apart(script("print(sys.argv[1:])")) == ("done", "")
    state, note = apart.apart(words := script("print('error: no such thing'); sys.exit(2)"))
    log = Path(note.partition("(")[2].rstrip(")"))
    assert state == "failed" and note.startswith("no such thing (") and "['task=sst2'" in log.read_text()
    assert apart.apart(script("raise KeyError('x')"))[1].startswith("KeyError: 'x' (")
    assert "signal SIGKILL" in apart.apart(script("os.kill(os.getpid(), 9)"))[1]
    assert apart.apart(words)[1].count("SIGKILL") == 1  # of this attempt, not of what the log holds from before


def test_several_processes_are_torchruns(script, monkeypatch):
    started = []
    monkeypatch.setattr(subprocess, "Popen", lambda argv, **keywords: started.append((argv, keywords)) or 1 / 0)
    monkeypatch.setenv("WORLD_SIZE", "8")
    with pytest.raises(ZeroDivisionError):
        apart.apart([*script(""), "runtime.processes=4"], 4)
    argv, keywords = started[0]
    assert argv[1:5] == ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node=4"]
    assert "WORLD_SIZE" not in keywords["env"]


def test_a_signal_goes_to_the_run_and_then_to_whom_it_went_before(script, monkeypatch):
    words = script("signal.signal(signal.SIGUSR2, lambda *_: sys.exit(140)); print('up', flush=True); time.sleep(60)")
    log, heard = apart.run_dir(command.read(words)) / "log.txt", []
    before = signal.signal(signal.SIGUSR2, lambda *_: heard.append("requeue"))
    try:

        def interrupt() -> None:
            while not log.exists() or "up" not in log.read_text():
                time.sleep(0.05)
            heard.append("sent")
            os.kill(os.getpid(), signal.SIGUSR2)

        thread = threading.Thread(target=interrupt, daemon=True)
        thread.start()
        assert "exit code 140" in apart.apart(words)[1]
        thread.join()
    finally:
        signal.signal(signal.SIGUSR2, before)
    assert heard == ["sent", "requeue"]


def test_a_sweep_on_one_machine_starts_several_processes_too(monkeypatch):
    monkeypatch.setattr(turn, "apart", lambda words, processes: ("done", f"{processes} processes"))
    monkeypatch.setattr("petl.records.find", lambda config: None)
    words = ["task=sst2", "runtime.processes=2"]
    assert sweep._in_turn([words], [command.read(words)], [""]) == [("done", "2 processes")]


# Handing over ---------------------------------------------------------------------------------------------------------


def test_only_what_is_to_be_done_is_handed_over(monkeypatch, capsys):
    monkeypatch.setattr("petl.records.find", lambda config, *_: config.seed == 1 or None)
    given = []

    def elsewhere(runs):
        given.extend(runs)
        return [("done", ""), ("failed", "its job was lost")]

    runs = [["task=sst2", f"seed={seed}"] for seed in (0, 1, -1, 2)]
    assert sweep.many(runs, elsewhere) == 1
    assert [run[1] for run in given] == ["seed=0", "seed=2"]
    ends = capsys.readouterr().out.splitlines()[-5:]
    assert [line.split()[:2] for line in ends] == [
        ["done", "seed=0"], ["skipped", "seed=1"], ["failed", "seed=-1"], ["failed", "seed=2"], ["1", "done,"],
    ]  # fmt: skip


def test_a_run_that_another_process_is_at_is_waited_for_and_looked_at_again(monkeypatch):
    monkeypatch.setattr("petl.records.find", lambda config, *_: None)
    monkeypatch.setattr(sweep, "PAUSE", 0)
    free = iter([False, False, True])
    monkeypatch.setattr(claims.Watch, "is_free", lambda self, config, claim: next(free))
    given = []

    def elsewhere(runs):
        given.append([run[1] for run in runs])
        return [("done", ""), ("running", "held")] if len(runs) == 2 else [("done", "")]

    assert sweep.many([["task=sst2", f"seed={seed}"] for seed in (0, 1)], elsewhere) == 0
    assert given == [["seed=0", "seed=1"], ["seed=1"]] and next(free, None) is None


def test_a_job_whose_run_has_been_done_meanwhile_does_nothing(script, monkeypatch):
    monkeypatch.setattr(apart, "find", lambda config: {"seed": 0})
    assert apart.apart(script("sys.exit(3)")) == ("skipped", "already done")


def test_a_lost_job_is_one_failed_run(monkeypatch):
    class Job:
        def results(self):
            raise OSError("its node is gone\nsince noon")

    monkeypatch.setitem(sys.modules, "submitit", SimpleNamespace(Job=Job))
    starts = type("Starts", (), {"__module__": "hydra_plugins.hydra_submitit_launcher.submitit_launcher"})()
    with cluster._each_for_itself(starts):
        told = Job().results()[0]
    assert cluster._verdict(told) == ("failed", "its job was lost: OSError: its node is gone")
    assert cluster._verdict(SimpleNamespace(return_value=("done", ""))) == ("done", "")
    with pytest.raises(OSError):
        Job().results()


@pytest.mark.parametrize(
    "words, says",
    [
        (["hydra/launcher=slrum"], "Did you mean slurm?"),
        (["hydra/launcher=slurm"], "pip install -e '.[slurm]'"),
        (["hydra/launcher=ray_cluster"], "pip install -e '.[ray]'"),
    ],
)
def test_what_cannot_be_launched_is_refused(words, says, monkeypatch):
    def version(name):
        raise metadata.PackageNotFoundError

    monkeypatch.setattr(cluster.metadata, "version", version)
    with pytest.raises(UserError) as refusal:
        cluster.launcher(str(launcher_of(words)), words)
    assert says in str(refusal.value)


def test_a_launcher_is_for_sweeps():
    with pytest.raises(UserError, match="train.py -m"):
        command.read(["task=sst2", "hydra/launcher=slurm"])


def test_a_run_has_one_node():
    with pytest.raises(UserError, match="nodes=2.*runtime.processes"):
        cluster._refuse_nodes({"nodes": 2})


# Real jobs ------------------------------------------------------------------------------------------------------------


def swept(tmp_path: Path, *words: str, **env: str) -> tuple[subprocess.CompletedProcess, list[dict]]:
    """`train.py -m` on TINY with outputs below tmp_path; the records it leaves."""
    argv = [sys.executable, "train.py", "-m", *TINY, *words]
    argv += [f"runtime.output={tmp_path}/o", f"runtime.records={tmp_path}/records"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=900, env=os.environ | env)
    paths = (path for path in (tmp_path / "records").rglob("*.json") if not path.name.endswith(".scores.json"))
    return done, [json.loads(path.read_text()) for path in paths]


@needs_submitit
def test_slurm_is_asked_for_where_there_is_slurm(tmp_path):
    done, _ = swept(tmp_path, "hydra/launcher=slurm", PATH="/nowhere")
    assert done.returncode == 2 and "there is no sbatch here" in done.stderr


STAND_INS = {  # for Slurm's commands: sbatch starts every task of the array at once
    "sbatch": """
file=${!#}; cp "$file" "$SLURM_STAND_IN/asked.sh"
last=$(sed -n 's/^#SBATCH --array=0-\\([0-9]*\\).*/\\1/p' "$file")
for i in $(seq 0 ${last:-0}); do
  SLURM_JOB_ID=7_$i SLURM_ARRAY_JOB_ID=7 SLURM_ARRAY_TASK_ID=$i SLURM_JOB_NUM_NODES=1 SLURM_NTASKS=1 SLURM_NODEID=0 \\
  SLURM_PROCID=0 SLURM_LOCALID=0 SLURM_JOB_NODELIST=here setsid bash "$file" > /dev/null 2>&1 &
done
echo Submitted batch job 7""",
    "srun": 'while [[ $1 == --* ]]; do [[ $1 == *=* || $1 == --unbuffered ]] && shift || shift 2; done; exec "$@"',
    "sacct": "echo 'JobID|State|NodeList'",
    "scontrol": "echo here",
}


@needs_submitit
@pytest.mark.slow
def test_the_slurm_preset_runs_a_sweep(tmp_path):
    """Slurm's commands are stand-ins; all else is as on a cluster."""
    for name, code in STAND_INS.items():
        (path := tmp_path / name).write_text(f"#!/bin/bash\n{code}\n")
        path.chmod(0o755)
    words = ("seed=0", "recipe.lr=1e-3,1e30", "hydra/launcher=slurm", "hydra.launcher.partition=gpus")
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "SLURM_STAND_IN": str(tmp_path)}
    done, records = swept(tmp_path, *words, **env)
    assert "1 done, 0 skipped, 1 failed" in done.stdout, done.stdout + done.stderr
    assert [record["config"]["recipe"]["lr"] for record in records] == [0.001]
    asked = (tmp_path / "asked.sh").read_text()
    for line in ("--array=0-1%2", "--gpus-per-node=1", "--partition=gpus", "--time=1440", "--signal=USR2@300"):
        assert f"#SBATCH {line}" in asked


@needs_submitit
@pytest.mark.slow
def test_submitits_local_executor_runs_a_sweep(tmp_path):
    words = ("seed=0", "recipe.lr=1e-3,1e30", "hydra/launcher=submitit_local")
    done, records = swept(tmp_path, *words, f"hydra.launcher.submitit_folder={tmp_path}/jobs")
    assert done.returncode == 1 and "1 done, 0 skipped, 1 failed" in done.stdout, done.stdout + done.stderr
    assert "stopped: After step 2 the dev loss is" in done.stdout and "log.txt" in done.stdout
    assert [record["config"]["recipe"]["lr"] for record in records] == [0.001]


@needs_ray
@pytest.mark.slow
def test_ray_runs_a_sweep_on_two_workers(tmp_path):
    words = ["seed=0", "recipe.lr=1e-3,2e-3,1e30", "hydra/launcher=ray_cluster", "hydra.launcher.ray.remote.num_gpus=0"]
    words.append("hydra.launcher.ray.init.num_cpus=2")
    done, records = swept(tmp_path, *words)
    assert done.returncode == 1 and "2 done, 0 skipped, 1 failed" in done.stdout, done.stdout + done.stderr
    assert sorted(record["config"]["recipe"]["lr"] for record in records) == [0.001, 0.002]
    again, _ = swept(tmp_path, *words[:1], "recipe.lr=1e-3,2e-3", *words[2:])
    assert again.returncode == 0 and "0 done, 2 skipped, 0 failed" in again.stdout


LAUNCHED = {
    "submitit": ("hydra/launcher=submitit_local", "hydra.launcher.submitit_folder={}/jobs"),
    "ray": (
        "hydra/launcher=ray_cluster", "hydra.launcher.ray.remote.num_gpus=0", "hydra.launcher.ray.init.num_cpus=2",
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    "launcher", [pytest.param("submitit", marks=needs_submitit), pytest.param("ray", marks=needs_ray)]
)
def test_a_launched_sweep_and_one_on_the_spot_share_their_runs(launcher, tmp_path):
    """Started together, each run has one attempt, and both sweeps end with all of them."""
    cells = ["seed=0,1", "recipe.lr=1e-3,2e-3"]
    launched, here = [word.format(tmp_path) for word in LAUNCHED[launcher]], tmp_path / "here.log"
    folders = [f"runtime.output={tmp_path}/o", f"runtime.records={tmp_path}/records"]
    with here.open("w") as log:
        argv = [sys.executable, "train.py", "-m", *TINY, *cells, *folders]
        beside = subprocess.Popen(argv, cwd=ROOT, stdout=log, stderr=log)
        done, records = swept(tmp_path, *cells, *launched)
        assert beside.wait(900) == 0, here.read_text()
    assert done.returncode == 0, done.stdout + done.stderr
    ends = [re.findall(r"^(\d+) done, (\d+) skipped, 0 failed", text, re.M) for text in (done.stdout, here.read_text())]
    ((one, left), (other, found)) = (map(int, end[-1]) for end in ends)
    assert (one + left, other + found, one + other) == (4, 4, 4)
    runs = [command.read([*TINY, f"seed={n}", f"recipe.lr={lr}", *folders]) for n in (0, 1) for lr in (1e-3, 2e-3)]
    assert [claims.newest(run).number for run in runs] == [1] * 4 == [1] * len(records)


@needs_ray
@pytest.mark.slow
def test_ray_without_the_gpus_a_run_asks_for_is_refused(tmp_path):
    done, _ = swept(tmp_path, "hydra/launcher=ray_cluster", "runtime.processes=64", CUDA_VISIBLE_DEVICES="")
    assert done.returncode == 2 and "asks for 64 GPUs, and the Ray cluster has 0" in " ".join(done.stderr.split())


@pytest.mark.slow
def test_the_processes_of_torchrun_hold_one_claim_and_a_sweep_leaves_them_their_run(tmp_path):
    words = [*TINY, "seed=0", "recipe.accumulate=2", f"runtime.output={tmp_path}/o", f"runtime.records={tmp_path}/r"]
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", "train.py"]
    config = command.read(words)
    with (tmp_path / "log").open("w") as log:
        world = subprocess.Popen([*launch, *words], cwd=ROOT, stdout=log, stderr=log)
        while not (claim := claims.newest(config)).number and world.poll() is None:
            time.sleep(0.05)
        swept = [sys.executable, "train.py", "-m", *words]
        beside = subprocess.run(swept, cwd=ROOT, capture_output=True, text=True, timeout=900)
        assert world.wait(900) == 0, (tmp_path / "log").read_text()
    assert "0 done, 1 skipped, 0 failed" in beside.stdout, beside.stdout + beside.stderr
    assert claim.number == claims.newest(config).number == 1
    record = find(config)
    assert record and record["processes"] == 2
