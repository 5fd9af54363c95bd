"""Results do not change by accident: the golden loss curves of tests/training/curves.json."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.training import curves

ROOT = Path(__file__).parents[2]


def compared(*names):
    command = [sys.executable, "scripts/golden.py", *names]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)


@pytest.mark.slow
def test_every_method_has_its_golden_losses():
    done = compared()
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(curves.names())}/{len(curves.names())} " in done.stdout


def test_the_papers_method_has_its_golden_losses():
    done = compared("mam/bart")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_changed_loss_is_seen():
    assert curves.differs([1.0, 2.0], [1.0, 2.0], exactly=True) == ""
    assert curves.differs([1.0, 2.0000002], [1.0, 2.0], exactly=True).startswith("step 2: 2.0000002")
    assert curves.differs([1.0, 2.0000002], [1.0, 2.0], exactly=False) == ""
    assert curves.differs([1.0, 2.1], [1.0, 2.0], exactly=False) != ""


def test_another_machine_is_named():
    here = curves.place()
    assert curves.elsewhere(here) == ""
    assert "torch 1.0 there" in curves.elsewhere({**here, "torch": "1.0"})
