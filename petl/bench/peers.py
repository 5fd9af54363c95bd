"""Methods of AdapterHub's `adapters` and of `peft`, at the same sizes. Runs in the environment that has them.

Attention is the backbone's sdpa, as ours, but where `adapters` has a prefix: its prefixes give other logits under sdpa
than under eager (docs/oracles.md), so eager is the one way to have the method. Its prefixes and peft's run in training
and decoding as the libraries have it; peft's is in the decoder only.
"""

# pyright: reportMissingImports=false

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from petl.bench.shapes import Shape
from petl.bench.systems import System, backbone, plain_step

NAME = "bench"


def adapters_config(name: str, shape: Shape) -> Any:
    import adapters

    width = shape.config.get("d_model", shape.config.get("hidden_size", 768 if shape.kind == "roberta" else 1024))
    factor = width / shape.bottleneck
    parallel = adapters.ParBnConfig(reduction_factor=factor, scaling=4.0)
    if name == "parallel":
        return parallel
    if name == "pfeiffer":
        return adapters.SeqBnConfig(reduction_factor=factor)
    if name == "houlsby":
        return adapters.DoubleSeqBnConfig(reduction_factor=factor, non_linearity="relu", cross_adapter=True)
    if name == "lora":
        return adapters.LoRAConfig(r=shape.lora, alpha=2 * shape.lora)
    length = shape.prefix if name == "prefix" else shape.short
    prefix = adapters.PrefixTuningConfig(prefix_length=length, bottleneck_size=shape.network)
    return prefix if name == "prefix" else adapters.MAMConfig(prefix, parallel)


def of_adapters(name: str, shape: Shape, device: torch.device) -> System:
    import adapters

    model = backbone(shape, device, "eager" if name in ("prefix", "mam") else "sdpa")
    adapters.init(model)
    model.add_adapter(NAME, config=adapters_config(name, shape))
    model.train_adapter(NAME)
    return _system(model, shape, device)


def of_peft(name: str, shape: Shape, device: torch.device) -> System:
    import peft

    pair, task = shape.target > 0, "SEQ_2_SEQ_LM" if shape.target else "SEQ_CLS"
    qv = ["q_proj", "v_proj"] if pair else ["query", "value"]
    last = ["fc2"] if pair else ["output.dense"]
    config: Any = {
        "lora": lambda: peft.LoraConfig(
            task_type=task, r=shape.lora, lora_alpha=2 * shape.lora, lora_dropout=0.0, target_modules=qv
        ),
        "prefix": lambda: peft.PrefixTuningConfig(
            task_type=task, num_virtual_tokens=shape.prefix, prefix_projection=True, encoder_hidden_size=shape.network
        ),
        "ia3": lambda: peft.IA3Config(task_type=task, target_modules=[qv[1], *last], feedforward_modules=last),
    }[name]()
    return _system(peft.get_peft_model(backbone(shape, device), config), shape, device)


def _system(model: Any, shape: Shape, device: torch.device) -> System:
    model.to(device).train()
    return System(model, shape, device, plain_step(model, shape, device))


LIBRARIES = {"adapters": of_adapters, "peft": of_peft}


def system(name: str) -> Callable[[Shape, torch.device], System]:
    library, _, method = name.partition(" ")
    return partial(LIBRARIES[library], method)
