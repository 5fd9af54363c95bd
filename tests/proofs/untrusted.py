"""Words and files of others: refused in a sentence or contained; nothing executed, nothing written elsewhere."""

from __future__ import annotations

from pathlib import Path

from tests.proofs import promise
from tests.proofs.tempted import backbones, commands, places, rows
from tests.proofs.tempted.harness import tempt

CASES = [*commands.CASES, *backbones.CASES, *rows.CASES, *places.CASES]


@promise(full=len(CASES), quick=8, slow=True)
def untrusted(number: int, folder: Path) -> None:
    """What means harm is refused or contained: no code of its own, no byte outside the output, no secret told."""
    tempt(CASES[number], folder)
