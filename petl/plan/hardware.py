"""A stated model of GPUs: how long arithmetic takes on them. docs/plan.md says where its numbers come from.

    seconds of a pass = max(FLOPs / (share x peak), launches)

A large pass runs at a share of what the tensor cores could reach, a small one takes as long as its kernels take to
launch, whatever the GPU. Nothing here was measured with this code on a GPU: the constants are fitted to the times that
the authors and a later run of their code report (petl/plan/reported.py).
"""

from __future__ import annotations

from dataclasses import dataclass

from petl.config import UserError
from petl.refusals import choice

SHARE = 0.13  # of the half precision peak
SINGLE_SHARE = 0.5  # of the float32 peak: assumed, nothing reported
TRAINING_LAUNCH = 0.75e-3  # seconds of a sub-layer, forward and backward
FORWARD_LAUNCH = TRAINING_LAUNCH / 3
DECODING_LAUNCH = 0.46e-3  # seconds of a decoder's sub-layer for one token of all beams


@dataclass(frozen=True)
class Device:
    """One GPU, or one core of a CPU. Dense peaks, in FLOP/s; memory in bytes."""

    name: str
    title: str
    half: float  # 16 bit tensor cores that add up in float32
    single: float
    memory: float
    launches: bool = True  # a CPU waits for no launch

    def pace(self, half: bool) -> float:
        """FLOP/s that a large pass is taken to reach."""
        return self.half * SHARE if half else self.single * SINGLE_SHARE

    def seconds(self, flops: float, launch: float, half: bool) -> float:
        """Of one pass with `launch` seconds of kernel launches."""
        return max(flops / self.pace(half), launch if self.launches else 0.0)


def _gpu(name: str, title: str, half: float, single: float, memory: float) -> Device:
    return Device(name, title, half * 1e12, single * 1e12, memory * 1e9)


DEVICES = {  # peaks and memory of the vendor's data sheets, dense, SXM where there is one
    device.name: device
    for device in (
        _gpu("v100-16", "V100 16GB", 125, 15.7, 16),
        _gpu("v100-32", "V100 32GB", 125, 15.7, 32),
        _gpu("rtx3090", "RTX 3090", 71, 35.6, 24),
        _gpu("rtx4090", "RTX 4090", 165, 82.6, 24),
        _gpu("a6000", "RTX A6000", 155, 38.7, 48),
        _gpu("l40s", "L40S", 362, 91.6, 48),
        _gpu("a100-40", "A100 40GB", 312, 19.5, 40),
        _gpu("a100-80", "A100 80GB", 312, 19.5, 80),
        _gpu("h100", "H100 80GB", 989, 67, 80),
        _gpu("h200", "H200", 989, 67, 141),
        _gpu("b200", "B200", 2250, 75, 180),
        Device("core", "CPU core", 0.0, 64e9, 8e9, launches=False),  # 32 GFLOP/s: the pace of the committed records
    )
}


def device(name: str) -> Device:
    """UserError with the nearest name if there is none of it."""
    if name.lower() not in DEVICES:
        raise UserError(choice("--gpu", name, DEVICES))
    return DEVICES[name.lower()]
