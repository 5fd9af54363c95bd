"""Another backbone, damaged files and folders made to harm are refused with a sentence that names the file."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

import petl
from petl import records
from petl.config import UserError
from petl.training import account
from petl.tuned.export import export
from tests.tuned.conftest import TEXTS, logits, roberta


@pytest.fixture
def exported(trained, tmp_path) -> Path:
    export(petl.load(trained("bart", "method=adapter").folder), tmp_path / "exported")
    return tmp_path / "exported"


def other(backbones: Path, place: Path, name: str = "bart") -> Path:
    """The same backbone with one weight changed."""
    shutil.copytree(backbones / name, place)
    weights = load_file(place / "model.safetensors")
    next(iter(weights.values())).view(-1)[0] += 1
    save_file(weights, place / "model.safetensors", {"format": "pt"})
    return place


def test_another_backbone_is_refused_naming_the_file(trained, exported, backbones, tmp_path):
    changed = other(backbones, tmp_path / "changed")
    for run in (exported, trained("bart", "method=adapter").folder):
        with pytest.raises(UserError, match=f"model.safetensors of backbone {changed} is another file"):
            petl.load(run, backbone=str(changed))


def test_other_weights_in_a_record_without_files_are_refused(trained, backbones, tmp_path):
    run, changed = trained("bart", "method=adapter"), other(backbones, tmp_path / "changed")
    record = records.read(run.record)
    del record["backbone"]["files"]
    records.write(record, run.record)
    petl.load(run.folder)
    with pytest.raises(UserError, match=f"The weights of backbone {changed} are not"):
        petl.load(run.folder, backbone=str(changed))


def test_the_same_backbone_elsewhere_is_taken(exported, backbones, tmp_path):
    moved = shutil.copytree(backbones / "bart", tmp_path / "moved")
    here, there = petl.load(exported), petl.load(exported, backbone=str(moved))
    assert torch.equal(logits(here.model, "bart"), logits(there.model, "bart"))


def test_a_backbone_of_the_hub_is_taken_at_its_commit_though_main_has_moved_on(trained, backbones, tmp_path, hub):
    revisions = {"main": backbones / "bart"}
    hub({"models/owner/bart": revisions})
    run = trained("bart", "method=lora", "backbone.path=owner/bart")
    record = records.read(run.record)
    record["backbone"]["commit"] = account.commit_of(run.config.backbone)
    records.write(record, run.record)
    revisions |= {"main": other(backbones, tmp_path / "newer"), "old": backbones / "bart"}
    assert torch.equal(logits(petl.load(run.folder).model, "bart"), logits(run.model, "bart"))
    export(petl.load(run.folder), tmp_path / "exported")
    told = json.loads((tmp_path / "exported" / "adapter_config.json").read_text())
    assert (told["base_model_name_or_path"], told["revision"]) == ("owner/bart", record["backbone"]["commit"])


def test_an_export_needs_nothing_of_its_run(trained, exported, tmp_path):
    shutil.rmtree(tmp_path / "out")
    moved = exported.rename(tmp_path / "elsewhere")
    assert len(petl.load(moved).generate(TEXTS)) == len(TEXTS)


def test_a_head_that_was_drawn_is_in_the_export(trained, backbones, tmp_path, monkeypatch):
    headless = shutil.copytree(backbones / "roberta", tmp_path / "headless")
    roberta().base_model.save_pretrained(headless)
    run = trained("roberta", "method=adapter", f"backbone.path={headless}")
    export(petl.load(run.folder), tmp_path / "exported")
    wanted = logits(run.model, "roberta")
    monkeypatch.setattr(sys.modules["petl.backbone.load"], "stream", lambda *_: 99)  # a torch that draws otherwise
    assert torch.equal(logits(petl.load(tmp_path / "exported").model, "roberta"), wanted)
    with pytest.raises(UserError, match="The weights of backbone"):
        petl.load(run.folder)


def test_a_damaged_checkpoint_is_told(trained):
    run = trained("bart", "method=lora")
    (file,) = (run.folder / "checkpoints").glob("best-*/weights.safetensors")
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(UserError, match="no whole best checkpoint"):
        petl.load(run.folder)


def test_a_checkpoint_of_another_step_is_refused(trained):
    run = trained("bart", "method=lora")
    records.write({**records.read(run.record), "selected": {"step": 2, "metric": "x", "value": 1.0}}, run.record)
    with pytest.raises(UserError, match="of another run than the record, which tested step 2"):
        petl.load(run.folder)


def damage(folder: Path, kind: str) -> str:
    """Do it; returns what the refusal names."""
    weights, about = folder / "weights.safetensors", folder / "petl.json"
    told = json.loads(about.read_text())
    if kind == "one byte of the weights":
        data = bytearray(weights.read_bytes())
        data[-1] ^= 1
        weights.write_bytes(data)
    elif kind == "no weights":
        weights.unlink()
        return "weights.safetensors is missing"
    elif kind == "a file more":
        (folder / "model.py").write_text("raise SystemExit('executed')")
        return "model.py was not exported"
    elif kind == "a folder more":
        (folder / "rouge").mkdir()
        return "petl.json"
    elif kind == "a pickle in place of the weights":
        torch.save({"x": torch.zeros(1)}, weights)
        about.write_text(json.dumps({**told, "files": {**told["files"], weights.name: sha256(weights)}}))
        return "no tensors that can be read"
    elif kind == "a header of 2^60 bytes":
        weights.write_bytes((2**60).to_bytes(8, "little") + b"{}")
        about.write_text(json.dumps({**told, "files": {**told["files"], weights.name: sha256(weights)}}))
        return "no tensors that can be read"
    elif kind == "tensors of another method":
        save_file({"x": torch.zeros(10**5)}, weights)
        about.write_text(json.dumps({**told, "files": {**told["files"], weights.name: sha256(weights)}}))
        return "not this method's"
    elif kind == "an unknown layout":
        about.write_text(json.dumps({**told, "layout": "../petl"}))
        return "Did you mean petl?"
    elif kind == "a format of the future":
        about.write_text(json.dumps({**told, "format": 2}))
        return "format 2"
    elif kind == "a path for a name":
        about.write_text(json.dumps({**told, "files": {**told["files"], "../../x": "0"}}))
        return "is missing"
    elif kind == "a setting more":
        about.write_text(json.dumps({**told, "_target_": "os.system"}))
        return "petl.json"
    elif kind == "no JSON":
        about.write_text("{" * 10**6)
        return "petl.json"
    elif kind == "a record of another sum":
        text = (folder / "record.json").read_text().replace('"seed": 0', '"seed": 1')
        (folder / "record.json").write_text(text)
        return "checksum"
    return weights.name


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


KINDS = (
    "one byte of the weights", "no weights", "a file more", "a folder more", "a pickle in place of the weights",
    "a header of 2^60 bytes", "tensors of another method", "an unknown layout", "a format of the future",
    "a path for a name", "a setting more", "no JSON", "a record of another sum",
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_changed_export_is_refused_and_nothing_in_it_is_executed(exported, kind):
    named = damage(exported, kind)
    with pytest.raises(UserError) as caught:
        petl.load(exported)
    assert named in str(caught.value), caught.value


def test_sizes_that_the_weights_do_not_bear_out_take_no_memory(exported):
    record, about = records.read(exported / "record.json"), json.loads((exported / "petl.json").read_text())
    record["config"]["budget"]["size"] = 10**11
    records.write(record, exported / "record.json")
    about["files"]["record.json"] = sha256(exported / "record.json")
    (exported / "petl.json").write_text(json.dumps(about))
    with pytest.raises(UserError, match="speaks of .* tuned parameters, the weights are"):
        petl.load(exported)


NAMES = {
    "method": "../../../x", "task": "/etc/passwd", "scale": "a\0b",
}  # fmt: skip


@pytest.mark.parametrize("section", NAMES)
def test_a_name_in_a_record_is_checked_before_it_becomes_a_path(trained, section):
    run = trained("bart", "method=lora")
    record = records.read(run.record)
    if section == "scale":
        record["config"]["scale"] = NAMES[section]
    else:
        record["config"][section]["name"] = NAMES[section]
    records.write(record, run.record)
    with pytest.raises(UserError, match="becomes part of a path"):
        petl.load(run.record)


def test_a_backbone_with_code_of_its_own_is_not_run(trained, backbones, tmp_path):
    """`auto_map` asks transformers to execute a file of the folder."""
    run = trained("bart", "method=lora")
    place = shutil.copytree(backbones / "bart", tmp_path / "code")
    config = json.loads((place / "config.json").read_text())
    config["auto_map"] = {"AutoConfig": "model.C", "AutoModelForSeq2SeqLM": "model.M"}
    (place / "config.json").write_text(json.dumps(config))
    (place / "model.py").write_text(f"open({str(tmp_path / 'executed')!r}, 'w')")
    with pytest.raises(UserError, match="config.json of backbone"):
        petl.load(run.folder, backbone=str(place))
    assert not (tmp_path / "executed").exists()


def test_an_untuned_run_gives_the_backbone(trained, backbones):
    run = trained("bart", "method=lora", "recipe.steps=0")
    tuned = petl.load(run.folder)
    assert not any("petl" in name for name, _ in tuned.model.named_modules())
    with pytest.raises(UserError, match="nothing was trained"):
        export(tuned, Path("nowhere"))


def test_hashes_are_of_what_was_loaded(trained):
    tuned = petl.load(trained("bart", "method=full").folder)
    assert tuned.backbone_sha256 != account.weights_sha256(tuned.model.base_model.state_dict())
