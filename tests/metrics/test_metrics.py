"""The metrics against examples worked by hand, and against the libraries' own calls."""

import os
import random
import subprocess
import sys
import time

import numpy as np
import pytest

from petl import metrics

TEXT = "the cats were running over tables, Table runs quickly. Said nothing else of houses"


def pairs(count, seed=0):
    draw = random.Random(seed)
    texts = [" ".join(draw.choices(TEXT.split(), k=draw.randint(0, 25))) for _ in range(2 * count)]
    return texts[:count], texts[count:]


def test_rouge_by_hand():
    # "the cats sat" / "a cat sat down": stems cat, sat match; precision 2/3, recall 2/4; the bigram "cat sat" 1/2, 1/3
    scores = metrics.load("rouge").compute(predictions=["the cats sat"], references=["a cat sat down"])
    assert scores == pytest.approx({"rouge1": 400 / 7, "rouge2": 40.0, "rougeL": 400 / 7, "rougeLsum": 400 / 7})


def test_rouge_is_the_mean_over_rows():
    scores = metrics.load("rouge").compute(predictions=["red dog", ""], references=["red dog", "red dog"])
    assert scores == pytest.approx({"rouge1": 50, "rouge2": 50, "rougeL": 50, "rougeLsum": 50})


def test_rouge_is_the_library_s():
    from rouge_score.rouge_scorer import RougeScorer

    predictions, references = pairs(60)
    metric, plain = metrics.measure("rouge"), RougeScorer(["rouge1", "rouge2", "rougeL", "rougeLsum"], use_stemmer=True)
    scores = [
        plain.score(target=metric._lines(r), prediction=metric._lines(p))
        for p, r in zip(predictions, references, strict=True)
    ]
    assert {"\n" in metric._lines(text) for text in predictions} == {True, False}
    expected = {kind: 100 * np.mean([score[kind].fmeasure for score in scores]) for kind in scores[0]}
    assert metrics.load("rouge").compute(predictions=predictions, references=references) == pytest.approx(expected)


def test_only_lsum_knows_sentences():
    # each sentence is found whole in the other text; the longest common subsequence is one of the two
    scores = metrics.measure("rouge").scores(["Big cats. A bear."], ["A bear. Big cats."])
    assert scores == pytest.approx({"rouge1": 100, "rouge2": 200 / 3, "rougeL": 50, "rougeLsum": 100})


def test_sentences():
    text = 'Mr. Smith left. "Why?" It was 3.5 km. J. Doe said no. He stayed'
    expected = ["Mr. Smith left.", '"Why?"', "It was 3.5 km.", "J. Doe said no.", "He stayed"]
    assert metrics.measure("rouge")._lines(text).split("\n") == expected


def test_rouge_is_quick():
    predictions, references = pairs(500)
    metric, start = metrics.load("rouge"), time.process_time()
    metric.compute(predictions=predictions, references=references)
    assert time.process_time() - start < 2


def test_bleu_by_hand():
    # precisions 5/6, 4/5, 3/4, 2/3, lengths equal: (1/3)^(1/4)
    scores = metrics.load("bleu").compute(predictions=["a b c d e f"], references=["a b c d e g"])
    assert scores == pytest.approx({"bleu": 100 * (5 / 6 * 4 / 5 * 3 / 4 * 2 / 3) ** 0.25})


def test_bleu_is_the_library_s():
    import sacrebleu

    predictions, references = pairs(60)
    expected = sacrebleu.corpus_bleu(predictions, [references]).score
    assert metrics.load("bleu").compute(predictions=predictions, references=references)["bleu"] == pytest.approx(
        expected
    )


def test_bleu_names_its_protocol():
    assert "tok:13a|smooth:exp" in metrics.load("bleu").signature


def test_bleu_moses_by_hand():
    metric = metrics.load("bleu_moses")
    same = metric.compute(predictions=["Şi ţară, într-o „zi”."], references=['Și țară , într-o "zi" .'])
    assert same == pytest.approx({"bleu_moses": 100})
    scores = metric.compute(predictions=["a b c d e f"], references=["a b c d e g"])
    assert scores == pytest.approx({"bleu_moses": 100 * (5 / 6 * 4 / 5 * 3 / 4 * 2 / 3) ** 0.25})


def test_bleu_moses_is_not_smoothed():
    assert metrics.measure("bleu_moses").scores(["a b c"], ["a b d"]) == {"bleu_moses": 0}


def test_bleu_moses_names_its_protocol():
    signature = metrics.load("bleu_moses").signature
    assert "remove-diacritics,moses-tokenizer" in signature and "tok:none|smooth:none" in signature


def test_accuracy_of_the_first_1600_where_there_are_more():
    accuracy, references = metrics.measure("accuracy").scores, [0] * 1600 + [1] * 400
    assert accuracy([0] * 2000, references) == {"accuracy": 80, "accuracy_first_1600": 100}
    assert accuracy([0] * 1600, references[:1600]) == {"accuracy": 100}


def test_bare_metrics_import_no_torch():
    code = (
        "import sys; from petl import metrics; print([metrics.measure(name).signature[:4] for name in metrics.SCORES], "
        "[heavy for heavy in ('torch', 'evaluate', 'datasets') if heavy in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "['roug', 'bleu', 'bleu', 'accu'] []"


def test_accuracy_by_hand():
    assert metrics.load("accuracy").compute(predictions=[0, 1, 2, 2], references=[0, 1, 2, 1]) == {"accuracy": 75.0}


@pytest.mark.parametrize("name", metrics.SCORES)
def test_evaluate_interface(name):
    import evaluate

    metric = metrics.load(name)
    values = [0, 1] if name == "accuracy" else ["one two three four five", "six"]
    assert issubclass(type(metric), evaluate.Metric) and metric.signature
    scores = metric.compute(predictions=values, references=values)
    assert tuple(scores) == tuple(key for key in metrics.SCORES[name] if key != "accuracy_first_1600")
    assert all(type(score) is float for score in scores.values())


@pytest.mark.parametrize("name", metrics.SCORES)
def test_unequal_counts_are_refused(name):
    one = 0 if name == "accuracy" else "one"
    with pytest.raises(ValueError, match="Mismatch"):
        metrics.load(name).compute(predictions=[one], references=[one, one])


@pytest.mark.parametrize("name", metrics.SCORES)
def test_nothing_of_the_working_directory_runs(name, tmp_path, monkeypatch):
    (tmp_path / name).mkdir()
    (tmp_path / name / f"{name}.py").write_text("raise SystemExit('run')")
    monkeypatch.chdir(tmp_path)
    values = [0] if name == "accuracy" else ["one"]
    metrics.load.cache_clear()
    metrics.load(name).compute(predictions=values, references=values)
    assert os.listdir(tmp_path) == [name]


def test_random_streams_are_left_alone():
    random.seed(1)
    np.random.seed(1)
    before = random.getstate(), str(np.random.get_state())
    metrics.load.cache_clear()
    metrics.load("rouge").compute(predictions=["one"], references=["two"])
    assert (random.getstate(), str(np.random.get_state())) == before


@pytest.mark.parametrize("name", metrics.SCORES)
def test_nothing_to_score(name):
    with pytest.raises(ValueError, match="nothing to score"):
        metrics.load(name).compute(predictions=[], references=[])


def test_unknown_metric():
    with pytest.raises(KeyError, match="there are rouge, bleu, bleu_moses, accuracy"):
        metrics.load("meteor")


@pytest.mark.parametrize("name", metrics.SCORES)
def test_what_rows_add_gives_the_score(name):
    predictions, references = pairs(80) if name != "accuracy" else ([0, 1, 1] * 600, [0, 1, 0] * 600)
    measure = metrics.measure(name)
    rows = measure.rows(predictions, references)
    assert all(len(values) == len(predictions) for values in rows.values())
    assert measure.total(rows) == pytest.approx(measure.scores(predictions, references), rel=1e-12)


def test_bleu_of_a_resample_is_that_of_its_texts():
    predictions, references = pairs(40, seed=1)
    chosen = random.Random(0).choices(range(40), k=40)
    for name in ("bleu", "bleu_moses"):
        measure = metrics.measure(name)
        counts = measure.rows(predictions, references)[name]
        texts = [predictions[i] for i in chosen], [references[i] for i in chosen]
        assert measure.total({name: [counts[i] for i in chosen]}) == measure.scores(*texts)
