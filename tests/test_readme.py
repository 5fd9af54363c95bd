"""Every command of the README, run: on a few rows and steps where it would train."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_runs import TINY

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
COMMANDS = [
    line.partition("  #")[0].strip()
    for block in re.findall(r"```bash\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
    if line.strip()
]
MAKE = [c for c in COMMANDS if c.startswith("make")]
TRAIN = [c for c in COMMANDS if "train.py" in c]


def test_every_command_is_of_a_kind_that_is_run_here():
    assert sorted(MAKE + TRAIN) == sorted(COMMANDS) and len(COMMANDS) >= 8


@pytest.mark.parametrize("command", MAKE)
def test_make_targets_exist_and_say_what_they_run(command):
    """CI runs `make test` itself (.ci/run); what `make run` runs is run below."""
    done = subprocess.run(shlex.split(command) + ["--dry-run"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert ("train.py" if command.startswith("make run") else "pytest") in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    "command", [*TRAIN, "python train.py method=mam task=xsum", "python train.py method=lora task=sst2"]
)
def test_training_commands(command, tmp_path):
    rows = tmp_path / "my_rows.csv"
    rows.write_text(
        "sentence,label\n" + "".join(f"a film that is {w} {i},{i % 2}\n" for i in range(300) for w in ["so"])
    )
    argv = shlex.split(command.replace("my_rows.csv", str(rows)))
    argv = argv[argv.index("train.py") :]
    if "--help" not in argv and "scale=paper" not in argv:
        argv += [*TINY, f"runtime.output={tmp_path}/out", f"runtime.records={tmp_path}/records"]
    if "scale=paper" in argv:  # needs the hub and GPUs: read as far as the config goes
        argv += ["--cfg", "job"]
    done = subprocess.run([sys.executable, *argv], cwd=ROOT, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    if "runtime.output" in " ".join(argv):
        assert list((tmp_path / "records").rglob("*.json"))


def test_the_yaml_example_is_a_method(tmp_path, monkeypatch):
    """A new method by writing only what the README says: its example, put into conf/method of a copy."""
    import shutil

    import torch

    from petl import command, words
    from petl.backbone import attach, resolve
    from tests.cells import backbone, batch

    (example,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    shutil.copytree(ROOT / "conf", tmp_path / "conf")
    (tmp_path / "conf" / "method" / "tanh_adapter.yaml").write_text(example)
    for module in (command, words):
        monkeypatch.setattr(module, "CONF", tmp_path / "conf")
    config = command.read(["method=tanh_adapter", "task=sst2"])
    model = backbone("roberta")
    method, _ = resolve(model, config.method, config.budget)
    attach(model, method, seed=0)
    assert method.deltas["main"].form == "tanh" and method.deltas["main"].s == config.recipe.s
    with torch.no_grad():
        assert torch.equal(model(**batch("roberta")).logits, backbone("roberta")(**batch("roberta")).logits)


def test_the_readme_is_what_the_records_give():
    from petl.report.readme import filled, parts

    assert filled(README, parts(ROOT / "results" / "runs")) == README
