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


class Stream:
    """One of several that take turns: within `with`, torch draws on from where the stream was left."""

    def __init__(self, device: torch.device, seed: int, *purpose: str | int) -> None:
        set_stream(seed, *purpose)
        index = torch.cuda.current_device() if device.type == "cuda" else 0
        self._generator = torch.cuda.default_generators[index] if device.type == "cuda" else torch.default_generator
        self._state = self._generator.get_state()

    def __enter__(self) -> None:
        self._generator.set_state(self._state)

    def __exit__(self, *error: object) -> None:
        self._state = self._generator.get_state()
