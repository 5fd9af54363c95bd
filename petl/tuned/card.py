"""The model card of an exported folder, README.md: every number in it is the record's. Imports no torch."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from petl.tasks import find

LIBRARY = {"petl": "petl", "peft": "peft", "merged": "transformers"}
CLASSES = {"generation": "AutoModelForSeq2SeqLM", "classification": "AutoModelForSequenceClassification"}
HOLDS = {
    "petl": "The tuned weights alone (`weights.safetensors`), prefixes without the network that made them.",
    "peft": "The tuned weights alone, in the format of Hugging Face's peft.",
    "merged": "The whole model with the tuned weights merged in: a plain transformers folder.",
}


def card(record: Mapping[str, Any], layout: str) -> str:
    """YAML head, what it is, how to use it, what it scored and how that was measured, and where it comes from."""
    config = record["config"]
    title = f"{record['title'] or config['method']['name']} on {config['task']['name']} ({record['backbone']['path']})"
    parts = [
        _head(record, layout),
        f"# {title}",
        f"{HOLDS[layout]} One run of petl, seed {config['seed']}, record `{record['identity']}`.",
        "## Use",
        _use(record, layout),
        "## Results",
        _results(record),
        f"Measured as: `{record['signature']}`. The weights are those of step {record['selected']['step']:,}, "
        f"chosen by dev {record['selected']['metric']}.",
        "## Method",
        _method(record),
        "## Training",
        _training(record),
        "## Limits",
        "One seed of one recipe. The numbers hold for the rows and the decoding above; other data may score otherwise. "
        "The licences of the backbone and of the data apply to this model too.",
    ]
    return "\n\n".join(parts) + "\n"


def _head(record: Mapping[str, Any], layout: str) -> str:
    config, backbone = record["config"], record["backbone"]["path"]
    told: dict[str, Any] = {"library_name": LIBRARY[layout]}
    if "/" in backbone and not backbone.startswith(("/", ".", "~")):
        told["base_model"] = backbone  # a hub id
    told["tags"] = ["parameter-efficient-fine-tuning", config["method"]["name"], config["task"]["name"]]
    return "\n".join(["---", *(f"{key}: {json.dumps(value)}" for key, value in told.items()), "---"])  # JSON is YAML


def _use(record: Mapping[str, Any], layout: str) -> str:
    spec, path = find(record["config"]["task"]["name"]), record["backbone"]["path"]
    cls, labels = CLASSES[spec.kind], f", num_labels={len(spec.labels)}" if spec.labels else ""
    backbone = json.dumps(path.replace("mini:", "petl/mini/backbones/"))
    lines = [
        "import petl",
        "",
        'tuned = petl.load("FOLDER")',
        f"tuned.predict([{'(text, text)' if spec.pair else 'text'}])",
    ]
    if layout == "peft":  # in float32 as it was trained, however the backbone is stored
        lines += ["", "import torch", "from peft import PeftModel", f"from transformers import {cls}", ""]
        lines += [f"backbone = {cls}.from_pretrained({backbone}, dtype=torch.float32{labels})"]
        lines += ['model = PeftModel.from_pretrained(backbone, "FOLDER").eval()']
    if layout == "merged":
        lines += ["", f"from transformers import AutoTokenizer, {cls}", ""]
        lines += [f'model, tokenizer = {cls}.from_pretrained("FOLDER").eval(), AutoTokenizer.from_pretrained("FOLDER")']
    return "\n".join(["```python", *lines, "```"])


def _results(record: Mapping[str, Any]) -> str:
    rows = [
        (split, str(record["protocol"][split]["rows"]), name, f"{value:.3f}" if name == "loss" else f"{value:.2f}")
        for split, metrics in record["metrics"].items()
        for name, value in metrics.items()
    ]
    return _table([("split", "rows", "metric", "value"), *rows])


def _method(record: Mapping[str, Any]) -> str:
    counts, columns = record["parameters"], ("delta", "where", "reads", "form", "composition", "size", "parameters")
    rows = [tuple(str(row.get(name, "")) for name in columns) for row in record["deltas"]]
    told = (
        f"{counts['trained']:,} parameters trained, {counts['stored']:,} stored, {counts['percent']:.2f}% of the "
        f"backbone's {counts['backbone']:,} by the paper's rule."
    )
    return f"{_table([columns, *rows])}\n\n{told}"


def _training(record: Mapping[str, Any]) -> str:
    recipe, data = record["config"]["recipe"], record["data"]
    steps = f"{recipe['epochs']:g} epochs" if recipe["steps"] is None else f"{recipe['steps']:,} steps"
    per_step = f"{recipe['batch_tokens']:,} tokens" if recipe["batch_tokens"] else f"{recipe['batch']} rows"
    told = {
        "steps": f"{steps} of {per_step}, learning rate {recipe['lr']:g}, {recipe['optimiser']}",
        "rows": ", ".join(f"{count:,} {split}" for split, count in data["rows"].items()),
        "data, sha256": ", ".join(f"{name} {sha256[:12]}" for name, sha256 in data["sha256"].items()),
        "backbone": f"{record['backbone']['path']}, weights sha256 {record['backbone']['sha256'][:12]}",
        "time": f"{sum(record['seconds'].values()):,.0f} s on {record['device']}, peak {record['memory_mb']:,.0f} MB",
        "versions": ", ".join(f"{name} {version}" for name, version in record["packages"].items()),
        "finished": record["finished"],
    }
    return _table([("", ""), *told.items()])


def _table(rows: Iterable[Iterable[str]]) -> str:
    head, *body = ([str(cell).replace("|", "\\|") for cell in row] for row in rows)
    lines = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
