"""How much a run processes: rows and lengths of its data, micro-batches, evaluations. Arithmetic on the config.

Lengths are means in tokens after cutting; docs/plan.md says where they come from. Data of one's own is taken to be as
long as task.max_source and task.max_target let it be.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from petl.config import Config, UserError
from petl.plan.flops import Batch

PADDING = 1.05  # tokens processed for each token of the rows, whose batches go by length
FILLED = 0.95  # of recipe.batch_tokens, what the longer side of a batch comes to


@dataclass(frozen=True)
class Data:
    train: int
    dev: int
    tests: tuple[int, ...]
    source: float  # mean tokens
    target: float = 0.0


DATA = {  # by task.data and task; None: the embedded text
    ("EdinburghNLP/xsum", "xsum"): Data(204_045, 11_332, (11_334,), 380, 28),
    ("wmt/wmt16", "en_ro"): Data(610_320, 1_999, (1_999,), 36, 41),
    ("nyu-mll/glue", "mnli"): Data(392_702, 9_815, (9_815, 9_832), 43),
    ("nyu-mll/glue", "sst2"): Data(67_349, 872, (872,), 13),
    (None, "xsum"): Data(14_657, 100, (500,), 77, 18),
    (None, "en_ro"): Data(14_082, 100, (600,), 17, 22),
    (None, "mnli"): Data(19_734, 400, (1_002,), 32),
    (None, "sst2"): Data(7_849, 400, (1_600,), 38),
}


@dataclass(frozen=True)
class Workload:
    """Of one run. `mean` and `longest` are a micro-batch of training; the longest decides about memory."""

    steps: int
    micro_batches: int  # of a step
    mean: Batch
    longest: Batch
    evaluations: int
    eval: Batch  # one of an evaluation
    dev_batches: float  # how many dev has
    test_batches: float  # and all tests together
    decoded: float  # tokens that the longest hypothesis of a batch has; 0: nothing is generated
    rows: int  # of all tests

    @property
    def tokens(self) -> float:
        """Source and target tokens of the whole training, padding included."""
        return self.steps * self.micro_batches * self.mean.rows * (self.mean.source + self.mean.target)


def workload(config: Config) -> Workload:
    task, recipe, data = config.task, config.recipe, data_of(config)
    generates = task.kind == "generation"
    source, target = min(data.source, task.max_source), min(data.target, task.max_target)
    rows = recipe.batch_tokens * FILLED / max(source, target) if recipe.batch_tokens else recipe.batch
    longest = task.max_source, task.max_target if generates else 0
    most = recipe.batch_tokens // max(longest) if recipe.batch_tokens else recipe.batch
    micro = math.ceil(most / recipe.accumulate)
    train = _at_most(data.train, task.limit_train)
    steps = recipe.steps if recipe.steps is not None else round((recipe.epochs or 1) * math.ceil(train / rows))
    every = recipe.eval_every or math.ceil(steps / 10)
    dev, tests = _at_most(data.dev, task.limit_dev), [_at_most(rows, task.limit_test) for rows in data.tests]
    return Workload(
        steps=steps,
        micro_batches=recipe.accumulate,
        mean=Batch(rows / recipe.accumulate, source * PADDING, target * PADDING),
        longest=Batch(micro, *longest),
        evaluations=math.ceil(steps / every) if steps else 1,
        eval=Batch(recipe.eval_batch, source * PADDING, target * PADDING),
        dev_batches=dev / recipe.eval_batch,
        test_batches=sum(tests) / recipe.eval_batch,
        decoded=min(task.generation.max_length, 2 * target) if generates else 0.0,
        rows=sum(tests),
    )


def data_of(config: Config) -> Data:
    """Known data, or one's own files counted."""
    task = config.task
    if known := DATA.get((task.data, task.name)):
        return known
    kin = next((data for (_, name), data in DATA.items() if name == task.name), Data(0, 1_000, (1_000,), 0))
    rows = _rows(Path(task.data or "").expanduser())
    if rows is None and config.recipe.steps is None:
        raise UserError(
            f"task.data={task.data}: a plan cannot count its rows; give recipe.steps=N and recipe.epochs=null."
        )
    return Data(rows or 0, kin.dev, kin.tests, task.max_source, task.max_target)


def _at_most(count: int, limit: int | None) -> int:
    return count if limit is None else min(count, limit)


def _rows(path: Path) -> int | None:
    """Of a text file with a row a line; None: something else."""
    if not path.is_file() or path.suffix not in (".jsonl", ".csv", ".tsv"):
        return None
    with path.open("rb") as file:
        return sum(1 for _ in file)
