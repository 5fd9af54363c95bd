"""What needs no backbone: how far a rule, or counting words, gets on the embedded tasks.

lead-1 gives the document's first sentence back, copy the source as it is, majority the most frequent class of train.
The classifiers count words: p(class) = softmax(sum of the weights of the words), trained on train, best epoch by dev.
`pair alone` sees the second text only: on mnli the hypothesis, which must say nothing of the label.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import torch
from torch import nn

from petl.config import Task
from petl.mini import near
from petl.tasks import Row, Splits, load, score

Answers = Sequence[str] | Sequence[int]
Fields = Callable[[Row], Iterable[str]]

EPOCHS, BATCH, RATE = 20, 64, 3e-3  # Adam's
LEAST = 2  # rows of train that a word must be in


def lead(splits: Splits) -> Answers:
    return [re.split(r"(?<=[.!?:])\s+(?=[A-Z])", row.source, maxsplit=1)[0] for row in splits.test]


def copy(splits: Splits) -> Answers:
    return [row.source for row in splits.test]


def majority(splits: Splits) -> Answers:
    ((label, _),) = Counter(int(row.target) for row in splits.train).most_common(1)
    return [label] * len(splits.test)


def words(splits: Splits) -> Answers:
    """The words of either text, told apart by the text they are in."""
    return counting(
        splits, lambda row: [f"{word} {n}" for n, text in enumerate(_texts(row)) for word in near.words(text)]
    )


def pair_alone(splits: Splits) -> Answers:
    return counting(splits, lambda row: near.words(row.pair or ""))


BASELINES: dict[str, dict[str, Callable[[Splits], Answers]]] = {
    "xsum": {"lead-1": lead},
    "en_ro": {"copy": copy},
    "mnli": {"majority": majority, "hypothesis only": pair_alone, "bag of words": words},
    "sst2": {"majority": majority, "bag of words": words},
}


def measured(name: str, cache: str | None = None) -> dict[str, dict[str, float]]:
    """baseline -> metrics of the whole test set, in percent."""
    task = Task(name=name)
    splits = load(task, cache)
    return {told: score(task, answers(splits), splits.test) for told, answers in BASELINES[name].items()}


def counting(splits: Splits, fields: Fields, seed: int = 0) -> list[int]:
    """The classes a linear classifier of word counts gives the test rows."""
    seen = Counter(word for row in splits.train for word in set(fields(row)))
    known = {word: number for number, word in enumerate(sorted(w for w, n in seen.items() if n >= LEAST), start=1)}
    bags = {name: _bags(part, fields, known) for name, part in vars(splits).items() if name in ("train", "dev", "test")}
    targets = {name: torch.tensor([int(row.target) for row in getattr(splits, name)]) for name in bags}
    random = torch.Generator().manual_seed(seed)
    model = nn.EmbeddingBag(len(known) + 1, int(targets["train"].max()) + 1, mode="sum", padding_idx=0)
    nn.init.zeros_(model.weight)
    optimiser, best, chosen = torch.optim.Adam(model.parameters(), lr=RATE), -1, torch.empty(0)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(bags["train"]), generator=random).split(BATCH):
            optimiser.zero_grad()
            nn.functional.cross_entropy(model(bags["train"][rows]), targets["train"][rows]).backward()
            optimiser.step()
        with torch.no_grad():
            right = int((model(bags["dev"]).argmax(1) == targets["dev"]).sum())
            if right > best:
                best, chosen = right, model(bags["test"]).argmax(1)
    return chosen.tolist()


def _bags(rows: Sequence[Row], fields: Fields, known: dict[str, int]) -> torch.Tensor:
    """Numbers of the known words of each row, [rows, most words of one]; 0 fills up."""
    numbers = [torch.tensor([known[word] for word in fields(row) if word in known], dtype=torch.long) for row in rows]
    return nn.utils.rnn.pad_sequence(numbers, batch_first=True)


def _texts(row: Row) -> list[str]:
    return [row.source] if row.pair is None else [row.source, row.pair]
