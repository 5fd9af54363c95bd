"""A trained model, and what it answers: decoded and batched as in its run."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, cast

import torch
from accelerate import Accelerator
from transformers import PreTrainedModel

from petl import records, tasks
from petl.config import Config, Precision, UserError
from petl.training.evaluate import Judge, Part, decoding_for

Text = str | Sequence[str]  # or a pair of texts, where the task has pairs


@dataclass
class Tuned:
    """A model with its trained method, in evaluation mode. `cut` counts the texts of the last call that were too long.

    `backbone_sha256` is of the backbone's tensors without a classification head.
    """

    model: PreTrainedModel
    tokenizer: Any
    config: Config
    record: records.Record
    backbone_sha256: str
    cut: int = 0

    def generate(self, texts: Sequence[str]) -> list[str]:
        """A text for each text, decoded as in the run: beams, lengths, target language."""
        if self.config.task.kind != "generation":
            raise UserError(f"task={self.config.task.name} has classes and generates no text: use predict(texts).")
        return self.predict(texts)

    def predict(self, texts: Sequence[Text]) -> list[str]:
        """The answer to each text or pair of texts, in order: a text, or the name of a class.

        Texts of similar length run together; those longer than `config.task.max_source` tokens are cut, and counted.
        """
        spec = tasks.find(self.config.task.name)
        rows = [_row(spec, number, text) for number, text in enumerate(_listed(texts), 1)]
        if not rows:
            return []
        encoded = tasks.encode(rows, self.tokenizer, self.config.task)
        self.cut = tasks.cuts(encoded)["source"]
        with torch.random.fork_rng():  # the judge seeds torch's generators
            answers = self._judge().predict(Part("given", rows, encoded))
        return [spec.labels[answer] if spec.labels else answer for answer in answers]

    def _judge(self) -> Judge:
        task, decoding = self.config.task, None
        if task.kind == "generation":
            decoding = decoding_for(self.model, tasks.decoding(task, self.tokenizer))
        alone = cast(Accelerator, Alone(self.model.device, self.config.recipe.precision))
        collate = tasks.Collator(self.tokenizer.pad_token_id)
        return Judge(self.model, self.tokenizer, collate, self.config, alone, decoding)


@dataclass(frozen=True)
class Alone:
    """As much of an Accelerator as a judge needs, without its process-wide state: that is the caller's program's."""

    device: torch.device
    precision: Precision
    num_processes: int = 1
    process_index: int = 0
    is_main_process: bool = True

    def autocast(self) -> AbstractContextManager[Any]:
        half = {Precision.bf16: torch.bfloat16, Precision.fp16: torch.float16}.get(self.precision)
        return torch.autocast(self.device.type, dtype=half, enabled=half is not None)


def _listed(texts: Sequence[Text]) -> list[Text]:
    if isinstance(texts, str):
        raise UserError("predict and generate take a list of texts: [text], not text.")
    return list(texts)


def _row(spec: tasks.TaskSpec, number: int, given: Text) -> tasks.Row:
    """As a row without a reference."""
    parts: tuple[Any, ...] = tuple(given) if isinstance(given, list | tuple) else (given,)
    if len(parts) != 1 + (spec.pair is not None) or not all(isinstance(part, str) for part in parts):
        wanted = f"a pair of texts ({spec.source}, {spec.pair})" if spec.pair else f"a text ({spec.source})"
        raise UserError(f"text {number} is {str(given)[:60]!r}; task={spec.name} wants {wanted}.")
    return tasks.Row(str(number), parts[0], parts[-1] if spec.pair else None, 0 if spec.labels else "")
