"""What a run has trained as a folder of its own: small, in peft's format where peft has one, or merged and plain."""

from __future__ import annotations

import copy
import json
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor
from transformers import PreTrainedModel

from petl import backbone, records, tasks
from petl.backbone.attach import heads_of, placed, tune
from petl.backbone.merge import mergeable
from petl.config import UserError
from petl.tuned import card, folder, peft
from petl.tuned.find import RECORD
from petl.tuned.model import Tuned


def export(tuned: Tuned, out: Path, layout: str | None = None) -> str:
    """Write `out`, whole or not at all, and return its layout: peft's where peft can express the method, else ours.

    UserError if a layout is asked for that the method does not have. `tuned` stays as it is.
    """
    model = copy.deepcopy(tuned.model)
    tune(model, [f"{head}.*" for head in heads_of(model)])
    _refuse(tuned, model, layout)
    layout = layout or (folder.OURS if peft.refusal(model) else folder.PEFT)
    record: records.Record = {**tuned.record, "examples": []}  # of the task's data, which is not ours to pass on
    with folder.writing(out, layout, tuned.backbone_sha256) as draft:
        {folder.OURS: _ours, folder.PEFT: _peft, folder.MERGED: _merged}[layout](tuned, model, draft)
        records.write(record, draft / RECORD)
        (draft / folder.CARD).write_text(card.card(record, layout), encoding="utf-8")
    return layout


def _refuse(tuned: Tuned, model: PreTrainedModel, layout: str | None) -> None:
    name = tuned.config.method.name
    if tuned.config.recipe.steps == 0:
        raise UserError("recipe.steps=0: nothing was trained, so there is nothing to export.")
    if not tuned.config.method.deltas and not tuned.config.method.tune:
        raise UserError("This is a merged folder, and whole: copy it.")
    if layout == folder.PEFT and (why := peft.refusal(model)):
        raise UserError(f"method={name} cannot be said in peft's format: {why}.")
    if layout == folder.MERGED and (rest := [row for row in placed(model) if not mergeable(row)]):
        what = ", ".join(f"{row.name} (form={row.spec.form} at position={row.spec.position})" for row in rest)
        raise UserError(
            f"method={name} does not merge: {what} is no change of the backbone's weights.\n"
            "A linear delta at single matrices (LoRA) is, and what trains the backbone's own tensors (BitFit, full)."
        )


def _ours(tuned: Tuned, model: PreTrainedModel, draft: Path) -> None:
    backbone.fold(model)
    _save(backbone.tuned_state(model), draft / folder.WEIGHTS[folder.OURS])


def _peft(tuned: Tuned, model: PreTrainedModel, draft: Path) -> None:
    told = peft.config(model, tuned.config)
    (draft / peft.CONFIG).write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    _save(peft.theirs(model), draft / folder.WEIGHTS[folder.PEFT])


def _merged(tuned: Tuned, model: PreTrainedModel, draft: Path) -> None:
    backbone.merge(model)
    if labels := tasks.find(tuned.config.task.name).labels:
        model.config.id2label = dict(enumerate(labels))
        model.config.label2id = {label: number for number, label in enumerate(labels)}
    model.save_pretrained(draft)
    tuned.tokenizer.save_pretrained(draft)


def _save(state: dict[str, Tensor], path: Path) -> None:
    save_file({name: tensor.cpu().contiguous() for name, tensor in state.items()}, path, {"format": "pt"})
