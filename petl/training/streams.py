"""Random streams that do not disturb each other: each is seeded by what it is for, and where it is in the run.

Nothing is carried from step to step, so a run can stop and go on anywhere, and k micro-batches draw the same dropout on
one process as spread over k processes.
"""

from __future__ import annotations

import torch

from petl.backbone.attach import stream


def set_stream(seed: int, *purpose: str | int) -> None:
    """Let torch's generators, on every device, go on from here: `set_stream(0, "dropout", step, micro_batch)`."""
    torch.manual_seed(stream(seed, *purpose))
