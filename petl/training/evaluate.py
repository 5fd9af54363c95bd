"""Loss, predictions and metrics of a split: every row once, on any number of processes, in the order of the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from transformers import GenerationConfig

from petl import backbone, tasks
from petl.config import Config
from petl.tasks.splits import rows_digest
from petl.training import account, decoded, memory, shards, signals
from petl.training.batches import Batch, target_tokens
from petl.training.decoded import Answers
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
    folder: Path | None = None  # where an interrupted decoding is kept; none: nowhere
    origin: dict[str, Any] = field(default_factory=dict)  # what the answers follow from, besides the tuned weights

    def measure(self, part: Part) -> dict[str, float]:
        """The loss, and the task's metrics where the best checkpoint is not selected by the loss."""
        metrics = {"loss": self.loss(part)}
        if self.config.task.select != "loss":
            metrics |= self.metrics(part, self.predict(part))
        return metrics

    def metrics(self, part: Part, predictions: list[Any]) -> dict[str, float]:
        """The task's metrics, computed by the first process."""
        task, scored = self.config.task, None
        if self.accelerator.is_main_process:
            scored = signals.at_once(lambda: tasks.score(task, predictions, part.rows, self.tokenizer))
        scored = agree(self.accelerator, scored)
        signals.check(self.accelerator)
        assert scored is not None
        return scored

    def loss(self, part: Part) -> float:
        """Mean of -log p over all target tokens (classes: rows), without label smoothing: the log of the perplexity."""

        def of(indices: list[int], batch: Batch) -> list[float]:
            return [summed_loss(forward(self.model, batch), batch["labels"]).item()]

        with self._ready():
            losses = self._over(part, self._batches(part), of)
        return sum(sum(parts) for _, parts in losses) / sum(target_tokens(row) for row in part.encoded)

    def predict(self, part: Part) -> list[Any]:
        """A text or a class for each row. Texts of an evaluation that was interrupted are not decoded again."""
        with self._ready():
            if self.decoding is None:
                answered = self._over(part, self._batches(part), self._classify)
            else:
                answered = self._decode(part)
        made: list[Any] = [None] * len(part.encoded)
        for indices, answers in answered:
            for index, answer in zip(indices, answers, strict=True):
                made[index] = answer
        return made

    def _decode(self, part: Part) -> list[tuple[tuple[int, ...], list[Any]]]:
        if self.folder is None:
            return self._over(part, self._batches(part), self._generate)
        leads, key = self.accelerator.is_main_process, self._key(part)
        known: Answers = agree(self.accelerator, decoded.read(self.folder, part.name, key) if leads else {})
        batches = self._batches(part)
        with decoded.writing(self.folder, part.name, key, self.accelerator.process_index) as kept:

            def answer(indices: list[int], batch: Batch) -> list[str]:
                texts = self._generate(indices, batch)
                kept.add(indices, texts)
                return texts

            fresh = self._over(part, [rows for rows in batches if tuple(rows) not in known], answer)
        return [*fresh, *((rows, known[rows]) for rows in map(tuple, batches) if rows in known)]

    def _key(self, part: Part) -> str:
        assert self.decoding is not None
        return decoded.key(
            origin=self.origin,
            tuned=account.weights_sha256(shards.whole(backbone.tuned_state(self.model))),
            decoding=self.decoding.to_diff_dict(),
            rows=rows_digest(part.rows),
            batch=self.config.recipe.eval_batch,
            where=[account.device_name(self.accelerator.device), torch.get_num_threads()],
        )

    def _classify(self, indices: list[int], batch: Batch) -> list[int]:
        return forward(self.model, batch).argmax(-1).tolist()

    def _generate(self, indices: list[int], batch: Batch) -> list[str]:
        inputs = {name: batch[name] for name in ("input_ids", "attention_mask")}
        together = shards.is_sharded(self.model)  # then all processes go on until the last has finished
        tokens: Tensor = self.model.generate(  # type: ignore[operator]
            **inputs,
            past_key_values=backbone.cache(self.model),  # type: ignore[arg-type]
            generation_config=self.decoding,
            synced_gpus=together,
        )
        return tasks.decode(tokens.tolist(), self.tokenizer)

    @contextmanager
    def _ready(self) -> Iterator[None]:
        """The model as it is evaluated: no dropout, no gradients, the precision of training, a stream of its own."""
        self.model.eval()
        set_stream(self.config.seed, "decoding")
        with torch.no_grad(), self.accelerator.autocast(), shards.evaluating(self.model):
            yield

    def _over(
        self, part: Part, batches: list[list[int]], answer: Callable[[list[int], Batch], list[Any]]
    ) -> list[tuple[tuple[int, ...], list[Any]]]:
        """`answer` on every batch, shared among the processes; all answers, in an order that never changes."""
        rank, world = self.accelerator.process_index, self.accelerator.num_processes
        rounds = -(-len(batches) // world)
        level = [batches[i % len(batches)] for i in range(rounds * world)]  # shards want all to run equally often
        mine: list[tuple[tuple[int, ...], list[Any]]] = []
        fitted = answer if shards.is_sharded(self.model) else partial(memory.in_halves, answer)
        for indices in level[rank::world]:
            batch = self.collate([part.encoded[index] for index in indices])
            batch = {name: tensor.to(self.accelerator.device) for name, tensor in batch.items()}
            mine.append((tuple(indices), fitted(indices, batch)))
            signals.check(self.accelerator)
        return sorted(dict(collect(self.accelerator, mine)).items())

    def _batches(self, part: Part) -> list[list[int]]:
        """Rows of similar length together, longest first: the first batch is the one that needs the most memory."""
        size = self.config.recipe.eval_batch
        order = sorted(range(len(part.encoded)), key=lambda row: (-len(part.encoded[row].input_ids), row))
        return [order[i : i + size] for i in range(0, len(order), size)]


def decoding_for(model: Any, settings: dict[str, Any]) -> GenerationConfig:
    """How `model` decodes: `settings` (of petl.tasks.decoding) and the model's special tokens, nothing else.

    generate() fills what is unset from the model's own settings (bart-large: 4 beams, no repeated 3-gram, ...), so
    these are replaced. Beams stop as in the paper's code, when as many hypotheses as beams are finished.
    """
    tokens = ("bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id")
    own = {name: getattr(model.generation_config, name) for name in tokens}
    model.generation_config = GenerationConfig(**{**own, "early_stopping": settings["num_beams"] > 1, **settings})
    return model.generation_config
