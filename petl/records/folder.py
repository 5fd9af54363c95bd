"""Every record below a folder, and the per-example scores beside it."""

from __future__ import annotations

import sys
from pathlib import Path

from petl.records.record import Record, read

SCORES = ".scores.json"  # NAME.scores.json beside the record NAME.json: a score for each test row


def below(*folders: Path) -> list[Record]:
    """The records below `folders`, in the order of their paths. One that is damaged is named on stderr and left out."""
    found = []
    for path in (path for folder in folders for path in sorted(folder.rglob("*.json"))):
        if path.name.endswith(SCORES) or path.name.startswith("."):
            continue
        try:
            found.append(read(path))
        except (ValueError, OSError) as error:
            print(f"warning: the record {path} is left out: {error}", file=sys.stderr)
    return found


def scores_below(*folders: Path) -> dict[str, Path]:
    """identity -> the file of per-example scores of that run."""
    paths = (path for folder in folders for path in sorted(folder.rglob(f"*{SCORES}")))
    return {path.name.removesuffix(SCORES).rpartition("-")[2]: path for path in paths}
