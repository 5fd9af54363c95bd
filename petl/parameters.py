"""What a configuration trains, counted to the last parameter: no weights, no data, no hub, a fraction of a second.

The backbone stands on the meta device, where tensors have shapes and nothing else.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from transformers import AutoConfig, BartConfig, MBartConfig, RobertaConfig

from petl import tasks
from petl.backbone import attach, counts, resolve
from petl.backbone.load import locate, shapes
from petl.config import Backbone, Config, UserError

# The paper's backbones (config.json on the hub, as far as shapes go)
HUB = {
    "facebook/bart-large": BartConfig(),
    "facebook/mbart-large-cc25": MBartConfig(vocab_size=250_027),
    "FacebookAI/roberta-base": RobertaConfig(vocab_size=50_265, max_position_embeddings=514, type_vocab_size=1),
}


@dataclass(frozen=True)
class Measured:
    """`parameters` as in a run's record; `sizes` of the deltas; `line` says them, with their share and of what."""

    parameters: dict[str, Any]
    sizes: dict[str, int]
    line: str


def measure(config: Config) -> Measured:
    """Trained, stored and paper's counts of the model that `config` trains. UserError as training would give."""
    labels = len(tasks.find(config.task.name).labels) or None
    model = shapes(architecture(config.backbone, config.runtime.offline), config.task.kind, labels)
    method, line = resolve(model, config.method, config.budget)
    with torch.device("meta"):
        attach(model, method, config.seed, config.recipe.train_head)
    found = counts(model)
    sizes = {name: delta.size or 0 for name, delta in method.deltas.items()}
    return Measured({**asdict(found), "percent": found.percent(found.paper)}, sizes, line)


def architecture(backbone: Backbone, offline: bool = False) -> Any:
    """The model's config: known for the paper's backbones, read from a folder, the miniatures or the hub otherwise."""
    if backbone.path in HUB:
        return HUB[backbone.path]
    try:
        return AutoConfig.from_pretrained(
            locate(backbone.path), revision=backbone.revision, local_files_only=offline, trust_remote_code=False
        )
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"backbone.path={backbone.path}: no config.json to count from ({reason}).") from error
