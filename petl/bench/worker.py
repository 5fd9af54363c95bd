"""The process that holds the systems of one environment and does what it is told, a JSON line for each.

python -m petl.bench.worker ours|peers DEVICE    {"do": "step", "system": "mam", "shape": "small-bart"} -> {"cost": 0.3}

On a CPU a cost is this process's own CPU time: other processes may take the core away, and then do not count.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from petl.bench.shapes import SHAPES, Shape
from petl.bench.systems import System


class Worker:
    def __init__(self, environment: str, device: str) -> None:
        self.device = torch.device(device)
        self.shapes = {shape.name: shape for shape in SHAPES[device]}
        self.make, self.there = maker(environment), {}

    def answer(self, do: str, system: str, shape: str) -> dict[str, Any]:
        """`ready`: built and warmed up; `step`, `decode`: seconds of one; `memory`: bytes; `drop`: gone."""
        key = (system, shape)
        if do == "drop":
            self.there.pop(key, None)
            return {}
        if do == "memory":
            return {"cost": peak(lambda: self.make(system)(self.shapes[shape], self.device), self.device)}
        if key not in self.there:
            self.there[key] = self.make(system)(self.shapes[shape], self.device)
        run = {"decode": self.there[key].decode}.get(do, self.there[key].step)
        if do == "ready":
            run()
            return {}
        return {"cost": seconds(run, self.device)}


def maker(environment: str) -> Callable[[str], Callable[[Shape, torch.device], System]]:
    """From a system's name to what builds it."""
    if environment == "ours":
        from petl.bench.ours import SYSTEMS

        return SYSTEMS.__getitem__
    from petl.bench.peers import system

    return system


def seconds(run: Callable[[], object], device: torch.device) -> float:
    """Of one run: CPU time of this process, or with a GPU time until that has finished."""
    clock = time.process_time
    if device.type == "cuda":
        torch.cuda.synchronize()
        clock = time.perf_counter
    start = clock()
    run()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return clock() - start


def peak(build: Callable[[], System], device: torch.device) -> int:
    """Bytes of tensors at most, during the second training step of a fresh system: what torch's allocators gave out.

    Weights, gradients, optimiser state and activations; not the libraries, nor what malloc keeps.
    """
    if device.type == "cuda":
        torch.cuda.empty_cache()
        before = torch.cuda.memory_allocated()
        system = build()
        system.step()
        torch.cuda.reset_peak_memory_stats()
        system.step()
        return torch.cuda.max_memory_allocated() - before
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as watched:
        system = build()
        system.step()
        with torch.profiler.record_function("second step"):
            system.step()
    events: Any = watched.profiler.kineto_results.events()  # type: ignore[union-attr]
    begin = next(event.start_ns() for event in events if event.name() == "second step")
    held = most = 0
    for event in sorted((e for e in events if e.name() == "[memory]"), key=lambda e: e.start_ns()):
        held += event.nbytes()
        most = max(most, held) if event.start_ns() >= begin else held
    return most


def main(environment: str, device: str) -> None:
    told = os.fdopen(os.dup(1), "w")  # what libraries print is no answer
    os.dup2(2, 1)
    torch.set_num_threads(1)
    worker = Worker(environment, device)
    for line in sys.stdin:
        try:
            answer = worker.answer(**json.loads(line))
        except Exception as error:  # a library that does not have it, or memory: a row of the results
            answer = {"failed": f"{type(error).__name__}: {str(error).partition(chr(10))[0][:200]}"}
        print(json.dumps(answer), file=told, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
