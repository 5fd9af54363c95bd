from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from petl import backbone, tasks
from petl.config import Delta, Method, Position, Precision, Rule, Runtime
from petl.design.heads import Network
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
    monkeypatch.setattr("petl.training.signals.check", lambda _: None)
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


def test_an_interrupted_decoding_goes_on_to_the_same_predictions(judged, tmp_path, monkeypatch):
    judge, part = judged
    expected, generate, made = judge.predict(part), judge._generate, []

    def stopping(indices, batch):
        if len(made) == 2:
            raise KeyboardInterrupt
        made.append(indices)
        return generate(indices, batch)

    judge.folder = tmp_path
    with monkeypatch.context() as patch:
        patch.setattr(judge, "_generate", stopping)
        with pytest.raises(KeyboardInterrupt):
            judge.predict(part)
    monkeypatch.setattr(judge, "_generate", lambda *given: made.append(given[0]) or generate(*given))
    assert judge.predict(part) == expected
    assert sorted(row for rows in made for row in rows) == list(range(len(part.rows)))
    assert judge.predict(part) == expected and len(made) == 3


@pytest.mark.parametrize("changed", ["weights", "decoding", "rows", "batch", "code"])
def test_what_was_decoded_otherwise_is_not_used(judged, tmp_path, monkeypatch, changed):
    judge, part = judged
    judge.folder, decoded = tmp_path, []
    judge.predict(part)
    if changed == "weights":
        with torch.no_grad():
            next(judge.model.parameters()).add_(1e-3)
    elif changed == "decoding":
        judge.decoding.length_penalty = 2.0
    elif changed == "rows":
        part.rows = [replace(row, target="other") for row in part.rows]
    elif changed == "batch":
        judge.config.recipe.eval_batch = 4
    else:
        judge.origin = {"code": "new"}
    generate = judge._generate
    monkeypatch.setattr(judge, "_generate", lambda *given: decoded.extend(given[0]) or generate(*given))
    judge.predict(part)
    assert sorted(decoded) == list(range(len(part.rows)))


def test_prefixes_are_computed_once_for_each_evaluation(judged, monkeypatch):
    judge, part = judged
    heads = {"size": 3, "network": 8, "form": "softmax", "position": Position.heads, "compose": Rule.gated}
    backbone.attach(judge.model, Method("prefix", deltas={"main": Delta(**heads)}), seed=0)
    runs, run = [], Network._run
    monkeypatch.setattr(Network, "_run", lambda network: runs.append(network) or run(network))
    judge.predict(part)
    assert len(runs) == len(set(runs)) == 3  # encoder, decoder, cross: whatever the batches, beams and steps
