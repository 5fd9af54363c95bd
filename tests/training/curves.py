"""The losses of fifty steps of a method on a tiny random backbone: whatever changes a result changes them."""

from __future__ import annotations

import math
import platform
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from petl import backbone, command, tasks
from petl.config import Config
from petl.tasks import Encoded
from petl.training import ranks
from petl.training.batches import Steps
from petl.training.fit import fit
from petl.training.keeper import Keeper
from petl.training.progress import Clock, Progress
from petl.training.together import alone
from tests import cells

METHODS = sorted(command.options("method"))
TASKS = {"bart": "xsum", "mbart": "en_ro", "roberta": "sst2"}
STEPS = 50
WORDS = (
    f"recipe=mini/sst2 recipe.steps={STEPS} recipe.eval_every={STEPS} recipe.batch=6 recipe.accumulate=2 "
    "recipe.lr=1e-2 recipe.warmup=0.1 recipe.train_head=false recipe.label_smoothing=0.1 task.select=loss "
    "runtime.device=cpu"
).split()
FILE = Path(__file__).with_name("curves.json")
KERNELS = {  # of every x86-64 with AVX2; else the CPU chooses its instructions, which shows in the last bits
    "ATEN_CPU_CAPABILITY": "avx2",
    "MKL_CBWR": "COMPATIBLE",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "OMP_NUM_THREADS": "1",
}
NEAR = 1e-4  # relative, under other kernels; 2e-6 was seen between those of AVX-512, AVX2 and neither


def names() -> list[str]:
    """Every method on every architecture: METHOD/ARCHITECTURE."""
    return [f"{method}/{architecture}" for method in METHODS for architecture in TASKS]


def curve(name: str) -> list[float]:
    """The training loss of each step."""
    method, _, architecture = name.partition("/")
    config = command.read([f"method={method}", f"task={TASKS[architecture]}", *WORDS])
    accelerator = ranks.start(config.runtime, config.recipe.precision)
    model = cells.backbone(architecture, dropout=0.1).float()
    resolved, _ = backbone.resolve(model, config.method, config.budget)
    backbone.attach(model, resolved, config.seed, config.recipe.train_head)
    steps, losses = Steps(rows(config), tasks.Collator(1), config.recipe, config.seed), Losses()
    with tempfile.TemporaryDirectory() as folder:
        keeper = Keeper(Path(folder), model, accelerator, {}, losses, Clock())
        alone(fit(model, steps, config, accelerator, lambda: {"loss": 1.0}, keeper, losses))
    return losses.told


class Losses(Progress):
    """Keeps what others show."""

    def __init__(self) -> None:
        super().__init__(shown=False, bar=False)
        self.told: list[float] = []

    def step(self, loss: float, lr: float) -> None:
        self.told.append(loss)


def rows(config: Config) -> list[Encoded]:
    """By arithmetic, so that they are the same everywhere."""
    made = []
    for row in range(40):
        source = [0, *(4 + (row * 7 + i * (3 + row % 5)) % 36 for i in range(4 + row % 6)), 2]
        target = [4 + (row * 5 + i * 3) % 36 for i in range(2 + row % 4)] + [2]
        made.append(Encoded(row, source, row % 3 if config.task.kind == "classification" else target))
    return made


def place() -> dict[str, str]:
    """What the bits of a loss depend on beside the code."""
    kernels = {"torch": torch.__version__.partition("+")[0], "machine": platform.machine()}
    return kernels | {"kernels": torch.backends.cpu.get_cpu_capability()}


def elsewhere(golden: Mapping[str, str]) -> str:
    """What is another one here than where the golden curves were written; empty if nothing is."""
    here = place()
    apart = [f"{name} {golden[name]} there, {here[name]} here" for name in here if here[name] != golden[name]]
    return "golden curves of another machine: " * bool(apart) + "; ".join(apart)


def differs(found: Sequence[float], golden: Sequence[float], exactly: bool) -> str:
    """The first step whose loss is another one; empty if none is."""
    near = 0.0 if exactly else NEAR
    for step, (one, other) in enumerate(zip(found, golden, strict=True), start=1):
        if not math.isclose(one, other, rel_tol=near):
            return f"step {step}: {one!r}, golden {other!r}"
    return ""
