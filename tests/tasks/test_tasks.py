"""A task from its rows to its score; that tasks are found by being there; that nothing heavy is imported."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import petl.tasks
from petl.config import Generation, Task, UserError
from petl.tasks import (
    TASKS,
    Collator,
    Row,
    corpus,
    decode,
    decoding,
    encode,
    encoding,
    find,
    load,
    metrics,
    score,
    scores,
    signature,
)

from .conftest import toy, write


@pytest.fixture(params=["xsum", "en_ro", "mnli", "sst2"])
def name(request):
    return request.param


@pytest.fixture
def tokenizer(name, bytes_tokenizer, mbart_tokenizer):
    return mbart_tokenizer if name == "en_ro" else bytes_tokenizer


def test_rows_to_score(name, tokenizer, tmp_path):
    task = Task(name=name, data=str(write(tmp_path / "rows.jsonl", toy(name))), max_source=64, max_target=32)
    rows = load(task).test
    encoded = encode(rows, tokenizer, task)
    batch = Collator(tokenizer.pad_token_id)(encoded)
    assert batch["input_ids"].shape == batch["attention_mask"].shape
    assert batch["attention_mask"].sum() == sum(len(row.input_ids) for row in encoded)
    predictions = batch["labels"].tolist() if TASKS[name].labels else decode(batch["labels"].tolist(), tokenizer)
    scores = score(task, predictions, rows)
    assert set(scores) == {key for metric in TASKS[name].metrics for key in metrics.SCORES[metric]} - {
        "accuracy_first_1600"
    }
    assert all(value == pytest.approx(100) for value in scores.values())
    assert signature(task)


def test_whole_and_truncated_references(bytes_tokenizer):
    row = Row("1", "a document", None, "one two three four five six")
    length = len(bytes_tokenizer("one two three")["input_ids"])  # special tokens count, as in the scripts
    task = Task(name="xsum", generation=Generation(max_length=length))
    assert encoding.truncated(TASKS["xsum"], [row], bytes_tokenizer, task) == ["one two three"]
    scores = score(task, ["one two three"], [row], bytes_tokenizer)
    assert (scores["rouge1_truncated"], scores["rouge1"]) == pytest.approx((100, 200 / 3))
    assert set(scores) == {f"{name}{end}" for name in metrics.SCORES["rouge"] for end in ("", "_truncated")}
    assert f"references cut to {length} tokens" in signature(task)


def test_references_that_fit_are_scored_once(bytes_tokenizer, monkeypatch):
    calls, scores_of = [], petl.tasks._scores
    monkeypatch.setattr(petl.tasks, "_scores", lambda *given: calls.append(1) or scores_of(*given))
    scores = score(Task(name="xsum"), ["the cat"], [Row("1", "a", None, " the cat sat ")], bytes_tokenizer)
    assert scores["rouge1"] == scores["rouge1_truncated"] and len(calls) == 1


def test_truncated_romanian_has_no_language_code(mbart_tokenizer):
    row = Row("1", "the cat", None, "pisica un stat pe acasa")
    task = Task(name="en_ro", generation=Generation(max_length=5))  # three words, </s>, ro_RO
    assert encoding.truncated(TASKS["en_ro"], [row], mbart_tokenizer, task) == ["pisica un stat"]


def test_classes_are_not_truncated(bytes_tokenizer):
    row = Row("1", "good", None, 1)
    assert score(Task(name="sst2"), [1], [row], bytes_tokenizer) == {"accuracy": 100}
    assert "truncated" not in signature(Task(name="sst2"))


def test_file_name_is_task_name():
    for name in TASKS:
        assert __import__(f"petl.tasks.{name}", fromlist=["TASK"]).TASK is find(name)


def test_specs_are_whole():
    for spec in TASKS.values():
        assert bool(spec.labels) == (spec.kind == "classification")
        assert set(spec.metrics) <= set(metrics.SCORES)


def test_unknown_task_suggests():
    with pytest.raises(UserError, match="Did you mean xsum"):
        find("xsun")


def test_mbart_starts_with_the_target_language(mbart_tokenizer):
    task = Task(name="en_ro", generation=Generation(beams=5, max_length=150, min_length=1))
    arguments = decoding(task, mbart_tokenizer)
    assert arguments["decoder_start_token_id"] == mbart_tokenizer.convert_tokens_to_ids("ro_RO")
    assert (arguments["num_beams"], arguments["max_length"], arguments["min_length"]) == (5, 150, 1)


def test_no_start_token_without_languages(bytes_tokenizer, mbart_tokenizer):
    assert "decoder_start_token_id" not in decoding(Task(name="en_ro"), bytes_tokenizer)
    assert "decoder_start_token_id" not in decoding(Task(name="xsum"), mbart_tokenizer)


def test_import_is_light():
    heavy = ("torch", "transformers", "datasets", "evaluate", "pandas", "pyarrow")
    code = f"import petl.tasks, petl.metrics, sys; print([m for m in {heavy} if m in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


def test_a_new_task_is_one_file(tmp_path):
    package = Path(petl.tasks.__file__).parents[1]
    for folder in ("tasks", "metrics"):
        shutil.copytree(package / folder, tmp_path / "petl" / folder)
    for file in ("__init__.py", "config.py", "hub.py", "paths.py"):
        shutil.copy(package / file, tmp_path / "petl" / file)
    (tmp_path / "petl" / "tasks" / "haiku.py").write_text(
        "from petl.tasks.spec import TaskSpec\n"
        "TASK = TaskSpec(name='haiku', kind='generation', source='prompt', target='haiku', metrics=('rouge',))\n"
    )
    code = "import petl.tasks; print(petl.tasks.find('haiku').columns)"
    out = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert out.strip() == "['prompt', 'haiku']"


def test_dtype_of_batches(name, tokenizer, tmp_path):
    task = Task(name=name, data=str(write(tmp_path / "rows.jsonl", toy(name))), max_source=64, max_target=32)
    batch = Collator(tokenizer.pad_token_id)(encode(load(task).dev, tokenizer, task))
    assert {tensor.dtype for tensor in batch.values()} == {torch.int64}


def test_scores_of_each_row_make_up_the_score(name):
    labels = TASKS[name].labels
    rows = [Row(str(i), "a", None, i % 2 if labels else f"the cat sat on mat {i}") for i in range(9)]
    predictions = [0] * 9 if labels else [f"the dog sat on mat {i} there" for i in range(9)]
    task = Task(name=name)
    told = json.loads(json.dumps(scores(task, predictions, rows)))
    assert all(len(values) == 9 for values in told.values())
    assert corpus(task, told) == pytest.approx(score(task, predictions, rows), abs=0.01)
    assert corpus(task, told, [2] * 5) == pytest.approx(score(task, [predictions[2]] * 5, [rows[2]] * 5), abs=0.01)


def test_scores_of_classes_are_short():
    rows = [Row(str(i), "a", None, i) for i in (0, 1, 1)]
    assert scores(Task(name="sst2"), [0, 1, 0], rows) == {"accuracy": "110"}


def test_outputs_end_where_told(bytes_tokenizer):
    forced = decoding(Task(name="xsum", generation=Generation(force_end=True)), bytes_tokenizer)
    assert forced["forced_eos_token_id"] == bytes_tokenizer.eos_token_id
    assert "forced_eos_token_id" not in decoding(Task(name="xsum"), bytes_tokenizer)
