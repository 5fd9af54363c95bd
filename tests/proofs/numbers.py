"""A loss or gradient that is no finite number stops the run before it is used, and the message says where it arose."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from petl import records
from petl.config import Config
from petl.training import checkpoint, gradients, job
from tests.proofs import Note, promise
from tests.proofs.preemption import two
from tests.proofs.runs import PAIRS, Child, configured, ending, finished, forked, furnished, reference, same

STEPS, MICRO_BATCHES = 6, 2
PLACES = re.compile(r"fc1|fc2|out_proj|[qv]_proj|layer_norm|LayerNorm|dense|query|value|petl_")


def summed(notes: list[Note]) -> str:
    kinds = [note["kind"] for note in notes]
    return ", ".join(f"{kinds.count(kind)} in {kind}" for kind in sorted(set(kinds)))


@promise(full=50, quick=5, slow=True, sum_up=summed)
def numbers(number: int, folder: Path) -> Note:
    """NaN or Inf in a loss or gradient: exit code 3, no step, and step, rate, rows and the first bad module are named.

    Put into a random place of the output, the weight or the gradient of a random module, or into the loss, in a random
    micro-batch. Every tenth run has two processes. Started again without it, the run ends as if it had not been.
    """
    chance = random.Random(number)
    method, backbone = PAIRS[number * 7 % len(PAIRS)]
    place, expected = furnished(folder.parent), reference(method, backbone, folder.parent)
    put = KINDS[number % len(KINDS)]
    for trial in range(20):  # not every place matters: below the first delta there is no gradient, a ReLU drops -inf
        config = configured(method, backbone, folder / f"run{trial}", place)
        fault = Fault(chance, put)
        children = two(config, fault.prepare, both=True) if number % 10 == 7 else [forked(config, fault.prepare)]
        if {child.wait() for child in children} != {0}:
            break
    refused(config, children, fault)
    finished(config)
    same(ending(config), expected.ending)
    return {"kind": put.__name__}


def refused(config: Config, children: list[Child], fault: Fault) -> None:
    """The run has stopped as it should."""
    said = "".join(child.said for child in children)
    assert {child.ended for child in children} == {3}, said
    assert f"Step {fault.step + 1} has loss" in said and "learning rate" in said, said
    expected, named = (re.search(f"^ *{words} +(.*)$", said, re.M) for words in ("in rows", "  rows"))
    assert expected and named and expected[1] == named[1], said
    culprit, told = (re.search(f"^ *{words} +(.*)$", said, re.M) for words in ("put into", "first bad"))
    assert culprit and told and (told[1].startswith(culprit[1]) or culprit[1] == "the loss"), said
    last = checkpoint.newest(records.run_dir(config) / "checkpoints", "last")
    kept = checkpoint.load_state(last)["state"]["step"] if last else 0
    assert kept == fault.step // 2 * 2, f"a checkpoint of step {kept}"


class Fault:
    """A number that is none, at one step and micro-batch of a run."""

    def __init__(self, chance: random.Random, put: Callable[[Fault, nn.Module], str]) -> None:
        self.chance, self.put = chance, put
        self.step, self.index = chance.randrange(STEPS), chance.randrange(MICRO_BATCHES)
        self.value, self.now = chance.choice((float("nan"), float("inf"))), False

    def prepare(self) -> None:
        """In the process that is to fail."""
        honest_fit, honest_stream = job.fit, gradients.set_stream

        def fit(model, steps, *others):
            print("put into", self.put(self, model), flush=True)
            names = others[-1]
            print("in rows", ", ".join(names(row) for row in steps[self.step].rows_of(self.index)), flush=True)
            return honest_fit(model, steps, *others)

        def stream(seed, purpose, step, index):
            self.now = (step, index) == (self.step, self.index)
            honest_stream(seed, purpose, step, index)

        job.fit, gradients.set_stream = fit, stream

    def spoiled(self, tensor: Tensor) -> Tensor:
        """A copy with one such number in its first row."""
        if not self.now:
            return tensor
        spoiled = tensor.detach().clone() if not tensor.requires_grad else tensor.clone()
        spoiled.view(-1)[0] = self.value
        return spoiled

    def module(self, model: nn.Module, weighs: bool = False) -> tuple[str, nn.Module]:
        """One of any; `weighs`: that has weights, which attention with a prefix has not."""
        modules = {name: it for name, it in model.named_modules() if PLACES.search(name.rpartition(".")[2])}
        if weighs:
            modules = {name: it for name, it in modules.items() if any(True for _ in it.parameters())}
        name = self.chance.choice(sorted(modules))
        return name, modules[name]


def output(fault: Fault, model: nn.Module) -> str:
    name, module = fault.module(model)
    module.register_forward_hook(lambda _, given, made: fault.spoiled(made) if module.training else made)
    return f"{name}: its output"


def gradient_of_output(fault: Fault, model: nn.Module) -> str:
    name, module = fault.module(model)

    def hook(_: nn.Module, given: tuple, made: Tensor) -> None:
        if made.requires_grad:
            made.register_hook(fault.spoiled)

    module.register_forward_hook(hook)
    return f"{name}: the gradient of its output"


def weight(fault: Fault, model: nn.Module) -> str:
    fault.index = 0  # a weight stays as it is, and who looks for the first bad rows finds those of the step
    name, module = fault.module(model, weighs=True)
    inner, parameter = fault.chance.choice(list(module.named_parameters()))

    @torch.no_grad()
    def hook(_: nn.Module, given: tuple) -> None:
        if fault.now:
            parameter.view(-1)[0] = fault.value

    model.register_forward_pre_hook(hook)
    return f"{name}.{inner}: this weight"


def gradient_of_weight(fault: Fault, model: nn.Module) -> str:
    trained = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
    name, parameter = fault.chance.choice(trained)
    parameter.register_hook(fault.spoiled)
    return f"{name}: its gradient"


def loss(fault: Fault, model: nn.Module) -> str:
    honest = gradients.summed_loss
    gradients.summed_loss = lambda *given: honest(*given) * (fault.value if fault.now else 1.0)
    return "the loss"


KINDS = (output, gradient_of_output, weight, gradient_of_weight, loss)
