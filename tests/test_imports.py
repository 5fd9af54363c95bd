"""Imports run one way: config <- design <- backbone <- training; records, report and config know no torch."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FORBIDDEN = {  # room -> what its files never import, at any depth of the code
    "design": (
        "transformers",
        "datasets",
        "accelerate",
        "hydra",
        "omegaconf",
        "petl.backbone",
        "petl.tasks",
        "petl.training",
    ),
    "backbone": ("petl.tasks", "petl.training", "petl.records", "petl.report", "hydra", "accelerate", "datasets"),
    "tasks": ("petl.backbone", "petl.training", "petl.design", "petl.records", "hydra", "accelerate"),
    "metrics": ("petl.backbone", "petl.training", "petl.design", "petl.records", "torch", "transformers"),
    "records": ("torch", "transformers", "petl.backbone", "petl.training", "petl.design"),
    "report": ("torch", "transformers", "petl.backbone", "petl.training", "petl.design"),
    "training": ("hydra", "omegaconf", "petl.report", "petl.tuned"),
    "tuned": ("hydra", "omegaconf", "datasets", "peft", "petl.report"),
    "plan": ("torch", "transformers", "petl.backbone", "petl.training", "petl.report"),
}
LIGHT = (
    "petl",
    "petl.tuned",
    "petl.config",
    "petl.checks",
    "petl.grid",
    "petl.refusals",
    "petl.command",
    "petl.launch",
    "petl.cluster",
    "petl.plan.show",
    "petl.sweep",
    "petl.records.claims",
    "petl.records",
    "petl.report.claims_tables",
    "petl.report.tables",
    "petl.metrics",
    "petl.tasks",
    "petl.mini",
    "petl.training.disk",
)


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


@pytest.mark.parametrize("room", FORBIDDEN)
def test_a_room_imports_only_what_it_may(room):
    for path in (ROOT / "petl" / room).glob("*.py"):
        for name in imported(path):
            assert not name.startswith(FORBIDDEN[room]), f"{path.relative_to(ROOT)} imports {name}"


@pytest.mark.parametrize("module", LIGHT)
def test_light_rooms_load_no_torch(module):
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_nothing_is_instantiated_from_a_config_or_unpickled():
    for path in [*(ROOT / "petl").rglob("*.py"), *(ROOT / "scripts").glob("*.py"), ROOT / "train.py"]:
        names = imported(path)
        assert not names & {"pickle", "dill", "cloudpickle", "hydra.utils"}, path
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load":
                assert any(k.arg == "weights_only" and ast.unparse(k.value) == "True" for k in node.keywords), path
            if isinstance(node, ast.keyword):
                assert node.arg != "trust_remote_code" or ast.unparse(node.value) == "False", path
