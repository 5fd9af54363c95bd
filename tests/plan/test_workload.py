"""What a run processes, and what it costs: arithmetic by hand."""

from dataclasses import replace
from pathlib import Path

import pytest

from petl.command import read
from petl.config import UserError
from petl.plan import fit, hardware
from petl.plan.estimate import estimate, is_half, needed
from petl.plan.model import model_of
from petl.plan.reported import REPORTS, measured, modelled, table
from petl.plan.workload import workload
from petl.records import canonical

A100 = hardware.device("a100-80")


def test_steps_tokens_and_batches_of_xsum():
    work = workload(read(["task=xsum", "scale=paper"]))
    assert (work.steps, work.micro_batches, work.evaluations, work.rows) == (100_000, 4, 34, 11_334)
    assert (work.longest.rows, work.longest.source, work.longest.target) == (16, 512, 128)
    assert work.tokens == pytest.approx(100_000 * 64 * 408 * 1.05)
    assert (work.dev_batches, work.decoded) == (100, 56)


def test_batches_by_tokens():
    work = workload(read(["task=en_ro", "scale=paper"]))
    assert work.longest.rows == 28  # 16,384 tokens / 150 / 4 micro-batches, the odd row in one of them
    assert work.mean.rows * work.micro_batches * work.mean.target == pytest.approx(
        16_384, rel=0.01
    )  # 0.95 full, 5% padding


def test_epochs_and_limits():
    work = workload(read(["task=sst2", "scale=paper", "task.limit_train=100", "recipe.eval_every=10"]))
    assert (work.steps, work.evaluations, work.decoded) == (40, 4, 0)


def test_rows_of_a_file_are_counted(tmp_path):
    rows = tmp_path / "rows.jsonl"
    rows.write_text("{}\n" * 64)
    words = ["task=sst2", f"task.data={rows}", "recipe.steps=null", "recipe.epochs=3"]
    assert workload(read(words)).steps == 6
    with pytest.raises(UserError, match="recipe.steps=N"):
        workload(read([*words[:1], f"task.data={tmp_path}", *words[2:]]))


def test_a_small_pass_takes_its_launches_and_a_large_one_its_flops():
    assert A100.seconds(1.0, 0.5, half=True) == 0.5
    assert A100.seconds(hardware.SHARE * 312e12, 0.5, half=True) == pytest.approx(1.0)
    assert hardware.device("core").seconds(32e9, 0.5, half=False) == pytest.approx(1.0)
    with pytest.raises(UserError, match="Did you mean h100?"):
        hardware.device("h10")


def test_precision_auto_is_half_on_gpus_only():
    config = read(["task=xsum", "scale=paper", "recipe.precision=auto"])
    assert is_half(config, A100) and not is_half(config, hardware.device("core"))


def test_hours_follow_the_steps_and_checkpoints_the_trained_weights():
    config = read(["task=xsum", "scale=paper"])
    model = model_of(config)
    whole = estimate(config, model, A100)
    tenth = estimate(replace(config, recipe=replace(config.recipe, steps=10_000)), model, A100)
    assert tenth.training_hours == pytest.approx(whole.training_hours / 10)
    assert whole.checkpoint == 12 * model.trained and whole.memory.optimiser == 8 * model.trained


@pytest.mark.parametrize(
    "words, memory, says",
    [
        ("method=mam task=xsum", 80e9, ""),
        ("method=full task=xsum", 16e9, "recipe.accumulate=8"),
        ("method=full task=xsum recipe.accumulate=64", 9.0e9, "recipe.gradient_checkpointing=true"),
        ("method=full task=en_ro", 8e9, "shards over 4 GPUs"),
        ("method=full task=en_ro", 2e9, "nothing"),
    ],
)
def test_what_makes_a_run_fit(words, memory, says):
    config = read([*words.split(), "scale=paper"])
    model, device = model_of(config), replace(A100, memory=memory)
    told = fit.remedy(config, model, device)
    assert (told == "") == fit.fits(config, model, device) == (needed(config, model, device).need <= device.memory)
    assert says in told


@pytest.mark.parametrize("report", [r for r in REPORTS if len(r.rows) == 1], ids=lambda r: f"{r.what} {r.device}")
def test_the_model_is_within_two_fifths_of_what_is_reported(report):
    assert 0.7 < modelled(report) / report.hours < 1.4


def test_the_document_shows_what_the_model_says():
    text = (Path(__file__).parents[2] / "docs" / "plan.md").read_text(encoding="utf-8")
    assert text.partition("<!-- reported -->\n")[2].partition("\n<!-- /reported -->")[0] == table()
    for name in ("SHARE", "SINGLE_SHARE"):
        assert f"| `{name}` | {getattr(hardware, name)} |" in text
    for name in ("TRAINING_LAUNCH", "DECODING_LAUNCH"):
        assert f"| `{name}` | {1000 * getattr(hardware, name):g} ms |" in text


def test_records_of_a_core_stand_beside_the_model():
    config = read(["task=sst2"])
    run = {"device": "cpu", "threads": 1, "processes": 1, "title": "MAM", "config": canonical(config)}
    run["seconds"] = {"load": 99.0, "train": 60.0, "dev": 30.0, "test": 30.0}
    line = measured([run, {**run, "threads": 2}]).splitlines()[-1]  # type: ignore[list-item]
    assert line.startswith("| sst2 | MAM | 1 | 2.00 | 2.00 | 2.00 | ")
