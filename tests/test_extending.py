"""A new task and a new method, by writing only the files the README names, trained in a copy of the project.

(A new backbone: tests/backbone/test_anatomy.py.)
"""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TASK = """
from petl.tasks.spec import TaskSpec

TASK = TaskSpec(name="haiku", kind="generation", source="prompt", target="haiku", metrics=("rouge",))
"""
CONF = """
name: haiku
kind: generation
select: rouge2
"""
RECIPE = """
# @package _global_
defaults:
  - /backbone: mini-bart
  - _self_
recipe: {steps: 2, eval_every: 2, batch: 8, lr: 1e-3}
task: {max_source: 32, max_target: 16, generation: {max_length: 16}}
"""


@pytest.mark.slow
def test_a_new_task_and_a_new_method(tmp_path):
    for name in ("petl", "conf"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "train.py", tmp_path)
    (example,) = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    (tmp_path / "petl" / "tasks" / "haiku.py").write_text(TASK)
    (tmp_path / "conf" / "task" / "haiku.yaml").write_text(CONF)
    (tmp_path / "conf" / "recipe" / "mini" / "haiku.yaml").write_text(RECIPE)
    (tmp_path / "conf" / "method" / "tanh_adapter.yaml").write_text(example)
    rows = [{"prompt": f"the pond number {i} is old", "haiku": f"a frog jumps into pond {i}"} for i in range(300)]
    (tmp_path / "haiku.jsonl").write_text("\n".join(map(json.dumps, rows)))
    argv = ["train.py", "method=tanh_adapter", "task=haiku", "task.data=haiku.jsonl"]
    done = subprocess.run([sys.executable, *argv], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    (record,) = (tmp_path / "outputs" / "records").rglob("*-????????????.json")
    found = json.loads(record.read_text())
    assert found["deltas"][0]["form"] == "tanh" and "rouge2" in found["metrics"]["test"]
