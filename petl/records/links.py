"""What a run writes stays below runtime.output and runtime.records, whatever lies there already."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from petl.config import Config, UserError
from petl.records.naming import record_path, run_dir


def refuse_links(config: Config) -> None:
    """UserError if a symbolic link inside the output would lead elsewhere; the two roots themselves may be links."""
    for link in _links(config):
        raise UserError(f"{link} is a symbolic link, so this run would write to {link.resolve()}. Remove it.")


def _links(config: Config) -> Iterator[Path]:
    run, record = run_dir(config), record_path(config).parent
    for root, folder in ((config.runtime.output, run), (config.runtime.records, record)):
        below = len(folder.relative_to(root).parts)
        yield from (path for path in [folder, *folder.parents][:below] if path.is_symlink())
    for folder, folders, files in os.walk(run):  # of what goes away meanwhile nothing is said
        yield from (Path(folder, name) for name in (*folders, *files) if os.path.islink(os.path.join(folder, name)))
