"""A model with a training step, and with beam search: what all systems share, and the floor.

Used in two environments, so nothing but torch, transformers and what is light of ours is imported here.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForSeq2SeqLM, AutoModelForSequenceClassification, GenerationConfig

from petl.bench.shapes import Shape
from petl.training.loss import forward, summed_loss

SMOOTHING = 0.1
START = 2  # the decoder's first token
FIRST = 4  # no special token from here on


@dataclass
class System:
    model: Any
    shape: Shape
    device: torch.device
    step: Callable[[], object]  # one training step, its batch made included
    cache: Callable[[Any], Any] | None = None  # what keeps keys and values in beam search; none: as transformers has it

    def decode(self) -> None:
        """Beam search that writes as many tokens for every row, whatever the random weights would have it say."""
        shape, tokens = self.shape, self.shape.written
        settings = GenerationConfig(
            num_beams=shape.beams, min_new_tokens=tokens, max_new_tokens=tokens, do_sample=False, pad_token_id=1,
            bos_token_id=0, eos_token_id=2, decoder_start_token_id=START,
        )  # fmt: skip
        batch = on(self.device, tensors(rows(shape)))
        self.model.eval()
        with torch.no_grad(), autocast(shape, self.device):
            inputs: dict[str, Any] = {name: batch[name] for name in ("input_ids", "attention_mask")}
            if self.cache is not None:
                inputs["past_key_values"] = self.cache(self.model)
            made = self.model.generate(**inputs, generation_config=settings)
        assert made.shape == (shape.rows, tokens + 1)
        self.model.train()


def backbone(shape: Shape, device: torch.device, attention: str = "sdpa") -> Any:
    """The shape's model with random weights, the same for every system."""
    told = shape.architecture
    config = AutoConfig.for_model(**told)
    kind = AutoModelForSeq2SeqLM if shape.target else AutoModelForSequenceClassification
    torch.manual_seed(0)
    return kind.from_config(config, attn_implementation=attention).float().to(device).train()


def rows(shape: Shape, seed: int = 0) -> list[tuple[list[int], list[int] | int]]:
    """(source, target) of each row, all of full length: (source, class) without a target."""
    chance = torch.Generator().manual_seed(seed)
    words = shape.config["vocab_size"]

    def ids(length: int) -> list[int]:
        return torch.randint(FIRST, words, (length,), generator=chance).tolist()

    return [(ids(shape.source), ids(shape.target) if shape.target else i % 3) for i in range(shape.rows)]


def tensors(made: list[tuple[list[int], list[int] | int]]) -> dict[str, Tensor]:
    sources = torch.tensor([source for source, _ in made])
    labels = torch.tensor([label for _, label in made])
    return {"input_ids": sources, "attention_mask": torch.ones_like(sources), "labels": labels}


def on(device: torch.device, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.to(device, non_blocking=True) for name, tensor in batch.items()}


def autocast(shape: Shape, device: torch.device) -> AbstractContextManager:
    return torch.autocast(device.type, torch.bfloat16, enabled=shape.bf16)


def plain_step(model: nn.Module, shape: Shape, device: torch.device) -> Callable[[], object]:
    """A step as a loop of one's own has it: forward, backward, clipping, AdamW on what is trained.

    Where nothing is trained, forward and backward are all."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=1e-4) if trained else None
    made = rows(shape)

    def step() -> None:
        batch = on(device, tensors(made))
        with autocast(shape, device):
            logits = forward(model, batch)
        (summed_loss(logits, batch["labels"], SMOOTHING) / batch["labels"].numel()).backward()
        if optimiser is not None:
            torch.nn.utils.clip_grad_norm_(trained, 1.0)
            optimiser.step()
            optimiser.zero_grad()

    return step


def floor(shape: Shape, device: torch.device) -> System:
    """The frozen backbone with gradients of activations, back to the embeddings: forward, backward, no optimiser."""
    model = backbone(shape, device)
    with_gradients(model)
    return System(model, shape, device, plain_step(model, shape, device))


def with_gradients(model: nn.Module) -> None:
    """Freeze the model, and have the gradient of what its embeddings give."""
    model.requires_grad_(False)
    for module in model.modules():
        if isinstance(module, nn.Embedding):
            module.register_forward_hook(lambda module, args, output: output.requires_grad_())
