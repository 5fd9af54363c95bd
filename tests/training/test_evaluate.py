from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from petl import tasks
from petl.config import Precision, Runtime
from petl.training import ranks
from petl.training.evaluate import Judge, Part, decoding_for
from tests.training.conftest import bart, roberta, tokenizer


@pytest.fixture
def judged(configure):
    """A judge and the test split of xsum."""
    config, model = configure(), bart()
    decoding = decoding_for(model, tasks.decoding(config.task, tokenizer()))
    accelerator = ranks.start(Runtime(device="cpu"), Precision.fp32)
    rows = tasks.load(config.task).test
    part = Part("test", rows, tasks.encode(rows, tokenizer(), config.task))
    return Judge(model, tokenizer(), tasks.Collator(1), config, accelerator, decoding), part


def test_predictions_come_in_the_order_of_the_rows(judged):
    judge, part = judged
    together = judge.predict(part)
    alone = [judge.predict(Part("one", [row], [code])) for row, code in zip(part.rows, part.encoded, strict=True)]
    assert together == [texts[0] for texts in alone]


def test_the_loss_does_not_depend_on_the_batches(judged):
    judge, part = judged
    loss = judge.loss(part)
    judge.config.recipe.eval_batch = 100
    assert judge.loss(part) == pytest.approx(loss, rel=1e-5)


@pytest.mark.parametrize("world", [2, 3])
def test_processes_judge_every_row_and_as_many_batches_each(judged, monkeypatch, world):
    judge, part = judged
    monkeypatch.setattr("petl.training.evaluate.collect", lambda _, mine: mine)
    shares = []
    for rank in range(world):
        judge.accelerator = SimpleNamespace(num_processes=world, process_index=rank, device="cpu")
        shares.append([list(rows) for rows, _ in judge._over(part, judge._batches(part), lambda rows, _: rows)])
    assert {row for share in shares for rows in share for row in rows} == set(range(len(part.rows)))
    assert len({len(share) for share in shares}) == 1


def test_only_what_the_task_says_reaches_generate(judged):
    model = bart()
    model.generation_config.no_repeat_ngram_size, model.generation_config.num_beams = 3, 4
    decoding = decoding_for(model, {"num_beams": 1, "max_length": 6})
    assert (decoding.num_beams, decoding.no_repeat_ngram_size) == (1, None)
    made, _ = model._prepare_generation_config(decoding)
    assert (made.num_beams, made.no_repeat_ngram_size) == (
        1,
        bart()._prepare_generation_config(None)[0].no_repeat_ngram_size,
    )


def test_classes_are_the_most_probable_ones(configure):
    config, model = configure("sst2"), roberta().eval()
    rows = tasks.load(config.task).test
    part = Part("test", rows, tasks.encode(rows, tokenizer(), config.task))
    accelerator = ranks.start(Runtime(device="cpu"), Precision.fp32)
    judge = Judge(model, tokenizer(), tasks.Collator(1), config, accelerator, None)
    with torch.no_grad():
        logits = [model(torch.tensor([list(code.input_ids)])).logits[0] for code in part.encoded]
    assert judge.predict(part) == [int(row.argmax()) for row in logits]
