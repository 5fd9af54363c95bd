"""Loss, predictions and metrics of a split: every row once, on any number of processes, in the order of the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from transformers import GenerationConfig

from petl import tasks
from petl.config import Config
from petl.training.batches import Batch, target_tokens
from petl.training.loss import forward, summed_loss
from petl.training.ranks import agree, collect
from petl.training.streams import set_stream


@dataclass
class Part:
    """A split, encoded."""

    name: str
    rows: Sequence[tasks.Row]
    encoded: Sequence[tasks.Encoded]


@dataclass
class Judge:
    """Evaluates one model on parts of one task."""

    model: nn.Module
    tokenizer: Any
    collate: Callable[[Sequence[Any]], Batch]
    config: Config
    accelerator: Accelerator
    decoding: GenerationConfig | None  # none: classification

    def measure(self, part: Part) -> dict[str, float]:
        """The loss, and the task's metrics where the best checkpoint is not selected by the loss."""
        metrics = {"loss": self.loss(part)}
        if self.config.task.select != "loss":
            metrics |= self.metrics(part, self.predict(part))
        return metrics

    def metrics(self, part: Part, predictions: list[Any]) -> dict[str, float]:
        """The task's metrics, computed by the first process."""
        scored = {}
        if self.accelerator.is_main_process:
            scored = tasks.score(self.config.task, predictions, part.rows, self.tokenizer)
        return agree(self.accelerator, scored)

    def loss(self, part: Part) -> float:
        """Mean of -log p over all target tokens (classes: rows), without label smoothing: the log of the perplexity."""

        def of(indices: list[int], batch: Batch) -> list[float]:
            return [summed_loss(forward(self.model, batch), batch["labels"]).item()]

        total = sum(loss for _, [loss] in self._over(part, of))
        return total / sum(target_tokens(row) for row in part.encoded)

    def predict(self, part: Part) -> list[Any]:
        """A text or a class for each row."""
        made: list[Any] = [None] * len(part.encoded)
        for indices, answers in self._over(part, self._classify if self.decoding is None else self._generate):
            for index, answer in zip(indices, answers, strict=True):
                made[index] = answer
        return made

    def _classify(self, indices: list[int], batch: Batch) -> list[int]:
        return forward(self.model, batch).argmax(-1).tolist()

    def _generate(self, indices: list[int], batch: Batch) -> list[str]:
        inputs = {name: batch[name] for name in ("input_ids", "attention_mask")}
        tokens: Tensor = self.model.generate(**inputs, generation_config=self.decoding)  # type: ignore[operator]
        return tasks.decode(tokens.tolist(), self.tokenizer)

    def _over(self, part: Part, answer: Callable[[list[int], Batch], list[Any]]) -> list[tuple[list[int], list[Any]]]:
        """`answer` on this process's batches; the answers of all processes, in an order that never changes."""
        self.model.eval()
        set_stream(self.config.seed, "decoding")
        mine: list[tuple[list[int], list[Any]]] = []
        with torch.no_grad(), self.accelerator.autocast():
            for indices in self._batches(part):
                batch = self.collate([part.encoded[index] for index in indices])
                batch = {name: tensor.to(self.accelerator.device) for name, tensor in batch.items()}
                mine.append((indices, answer(indices, batch)))
        return sorted(collect(self.accelerator, mine))

    def _batches(self, part: Part) -> Iterator[list[int]]:
        """Rows of similar length together, longest first: the first batch is the one that needs the most memory."""
        size, n = self.config.recipe.eval_batch, self.accelerator.num_processes
        order = sorted(range(len(part.encoded)), key=lambda row: (-len(part.encoded[row].input_ids), row))
        batches = [order[i : i + size] for i in range(0, len(order), size)]
        return iter(batches[self.accelerator.process_index :: n])


def decoding_for(model: Any, settings: dict[str, Any]) -> GenerationConfig:
    """How `model` decodes: `settings` (of petl.tasks.decoding) and the model's special tokens, nothing else.

    generate() fills what is unset from the model's own settings (bart-large: 4 beams, no repeated 3-gram, ...), so
    these are replaced. Beams stop as in the paper's code, when as many hypotheses as beams are finished.
    """
    tokens = ("bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id")
    own = {name: getattr(model.generation_config, name) for name in tokens}
    model.generation_config = GenerationConfig(**{**own, "early_stopping": settings["num_beams"] > 1, **settings})
    return model.generation_config
