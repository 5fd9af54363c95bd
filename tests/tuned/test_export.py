"""What is exported is what was trained: the same logits after a round trip, to the last bit."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors import safe_open
from transformers import AutoModelForSeq2SeqLM, AutoModelForSequenceClassification

import petl
from petl import command, records
from petl.config import UserError
from petl.tuned.export import export
from tests.tuned.conftest import TASK, TEXTS, logits

LORA = ("lora", "lora_ffn")
MERGES = (*LORA, "bitfit", "full")
CLASSES = {"xsum": AutoModelForSeq2SeqLM, "sst2": AutoModelForSequenceClassification}
QUICK = {
    *(("bart", method) for method in ("mam", "prefix", "prompt", "lora", "full")),
    *(("roberta", method) for method in ("mam", "bitfit", "lora")),
    ("mbart", "mh_parallel"),
}


def rows(methods: Iterable[str]) -> list[Any]:
    """Every architecture with every method; those that are not QUICK are left to make test-all."""
    every = ((architecture, method) for architecture in TASK for method in methods)
    return [pytest.param(*row, marks=() if row in QUICK else pytest.mark.slow) for row in every]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "exported"


@pytest.mark.parametrize(("architecture", "method"), rows(command.options("method")))
def test_loaded_exported_and_loaded_again_it_gives_the_same_logits(trained, out, architecture, method):
    run = trained(architecture, f"method={method}")
    wanted = logits(run.model, architecture)
    tuned = petl.load(run.folder, device="cpu")
    assert torch.equal(logits(tuned.model, architecture), wanted)
    layout = export(tuned, out)
    assert layout == ("peft" if method in LORA else "petl")
    assert torch.equal(logits(petl.load(out).model, architecture), wanted)
    assert torch.equal(logits(tuned.model, architecture), wanted), "the export changed what it exported"


@pytest.mark.parametrize(("architecture", "method"), rows(LORA))
def test_peft_loads_our_lora_with_difference_zero(trained, backbones, out, architecture, method):
    run = trained(architecture, f"method={method}")
    export(petl.load(run.folder), out, "peft")
    plain = CLASSES[run.config.task.name].from_pretrained(backbones / architecture)
    before = logits(plain, architecture)
    loaded = PeftModel.from_pretrained(plain, out).eval()
    assert torch.equal(logits(loaded, architecture), logits(run.model, architecture))
    assert not torch.equal(logits(loaded, architecture), before)


@pytest.mark.parametrize(("architecture", "method"), rows(MERGES))
def test_merged_it_is_a_plain_model_with_our_logits(trained, out, architecture, method):
    run = trained(architecture, f"method={method}")
    tuned = petl.load(run.folder)
    export(tuned, out, "merged")
    plain = CLASSES[run.config.task.name].from_pretrained(out).eval()
    assert not any("petl" in name for name, _ in plain.named_modules())
    wanted = logits(run.model, architecture)
    torch.testing.assert_close(logits(plain, architecture), wanted, rtol=1e-5, atol=1e-5)
    again = petl.load(out)
    assert torch.equal(logits(again.model, architecture), logits(plain, architecture))
    assert again.predict(TEXTS) == tuned.predict(TEXTS)


def test_a_prefix_is_stored_without_its_network(trained, out):
    run = trained("bart", "method=prefix")
    export(petl.load(run.folder), out)
    with safe_open(out / "weights.safetensors", "pt") as file:
        names = {name: file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118
    assert names and all(name.endswith(("petl_heads.key", "petl_heads.value")) for name in names)
    heads, length, width = next(iter(names.values()))
    stored = json.loads(run.record.read_text())["parameters"]["stored"]
    assert sum(heads * length * width for _ in names) == stored


REFUSED = {  # words -> layout -> what the sentence names
    ("method=mam", "peft"): ["method=mam", "heads", "linear"],
    ("method=lora composition=learned", "peft"): ["main", "constant"],
    ("method=lora method.deltas.main.bias=true", "peft"): ["main", "biases"],
    ("method=lora insertion=sequential", "peft"): ["main", "sequential"],
    ("method=lora method.tune=[*bias*]", "peft"): ["bias", "tuned as well"],
    ("method=bitfit", "peft"): ["no delta"],
    ("method=mam", "merged"): ["method=mam", "heads", "main", "LoRA"],
    ("method=prefix_lora", "merged"): ["heads"],
}


@pytest.mark.parametrize(("words", "layout"), REFUSED)
def test_what_a_layout_cannot_express_is_refused_with_a_sentence(trained, out, words, layout):
    tuned = petl.load(trained("bart", *words.split()).folder)
    with pytest.raises(UserError) as caught:
        export(tuned, out, layout)
    assert all(part in str(caught.value) for part in REFUSED[words, layout]), caught.value
    assert not out.exists() and not list(out.parent.glob(".exported*"))


def test_a_folder_that_is_there_is_left_alone(trained, out):
    out.mkdir()
    (out / "mine").write_text("text")
    with pytest.raises(UserError, match="is there already"):
        export(petl.load(trained("bart", "method=lora").folder), out)
    assert [path.name for path in out.iterdir()] == ["mine"]


def test_a_full_disk_leaves_nothing(trained, out, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("petl.tuned.export.save_file", full)
    with pytest.raises(UserError, match="exported cannot be written: .*No space left"):
        export(petl.load(trained("bart", "method=lora").folder), out)
    assert not out.exists() and not list(out.parent.glob(".exported*"))


def test_the_record_goes_along_without_texts_of_the_data(trained, out):
    run = trained("bart", "method=lora")
    export(petl.load(run.folder), out)
    record = records.read(out / "record.json")
    assert record["metrics"] == records.read(run.record)["metrics"] and record["examples"] == []
    assert not any(b"a private source" in path.read_bytes() for path in out.iterdir())


@pytest.mark.parametrize(
    ("words", "layout"), [("method=mam", "petl"), ("method=lora", "peft"), ("method=full", "merged")]
)
def test_the_card_has_the_records_numbers_and_how_to_use_it(trained, out, words, layout):
    run = trained("bart", words)
    export(petl.load(run.folder), out, layout)
    card = (out / "README.md").read_text()
    assert card.startswith("---\nlibrary_name: ")
    record = records.read(run.record)
    for part in ("10.50", "1200", "petl.load", record["identity"], f"{record['parameters']['trained']:,}"):
        assert part in card, part
    assert ("PeftModel" in card) == (layout == "peft") and ("AutoTokenizer" in card) == (layout == "merged")


@pytest.mark.parametrize(("layout", "tolerance"), [("peft", 0), ("merged", 1e-5)])
def test_the_lines_of_the_card_give_our_logits_however_the_backbone_is_stored(
    trained, backbones, tmp_path, out, layout, tolerance
):
    half = shutil.copytree(backbones / "bart", tmp_path / "half")
    AutoModelForSeq2SeqLM.from_pretrained(half, dtype=torch.bfloat16).save_pretrained(half)
    run = trained("bart", "method=lora", f"backbone.path={half}")
    export(petl.load(run.folder), out, layout)
    code = (out / "README.md").read_text().partition("```python")[2].partition("```")[0]
    found: dict[str, Any] = {"text": TEXTS[0]}
    exec(code.replace("FOLDER", str(out)), found)
    wanted = logits(run.model, "bart")
    torch.testing.assert_close(logits(found["model"], "bart"), wanted, rtol=tolerance, atol=tolerance)
    assert torch.equal(logits(found["tuned"].model, "bart"), wanted) or layout == "merged"


def test_lora_at_few_layers_names_its_matrices_in_full(trained, backbones, out):
    run = trained("bart", "method=lora", "method.deltas.main.sites=[encoder]")
    export(petl.load(run.folder), out)
    told = json.loads((out / "adapter_config.json").read_text())
    assert told["target_modules"] == [f"model.encoder.layers.0.self_attn.{name}_proj" for name in "qv"]
    plain = AutoModelForSeq2SeqLM.from_pretrained(backbones / "bart")
    loaded = PeftModel.from_pretrained(plain, out).eval()
    assert torch.equal(logits(loaded, "bart"), logits(run.model, "bart"))
