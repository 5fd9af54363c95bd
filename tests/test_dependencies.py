"""What is imported is declared: nothing rests on what another package happens to bring along."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCES = [*(ROOT / "petl").rglob("*.py"), *(ROOT / "scripts").glob("*.py"), ROOT / "train.py"]
OWN = {"petl", "scripts", "tests", "train"}
OF_THE_ORACLES = {"adapters"}  # run in an environment of their own


def test_every_import_is_declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [word for words in project["optional-dependencies"].values() for word in words]
    declared = {_plain(re.split(r"[><=~\[ ;]", word)[0]) for word in project["dependencies"] + extras}
    homes = packages_distributions()
    for path in SOURCES:
        for module in _imported(path) - set(sys.stdlib_module_names) - OWN - OF_THE_ORACLES:
            names = {_plain(name) for name in homes.get(module, [module])}
            assert names & declared, f"{path.relative_to(ROOT)} imports {module}, of {', '.join(names)}"


def _imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")
