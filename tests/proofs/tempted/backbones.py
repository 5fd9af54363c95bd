"""Folders of a backbone that hold code, point elsewhere, or unpack to more than a machine has."""

from __future__ import annotations

import json
import pickle
import struct
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from tests.proofs import tiny
from tests.proofs.tempted.harness import TRAIN, Case, Payload, payload


def run(folder: Path, layout: str = "bart-large", *more: str) -> list[str]:
    """The command of a tiny run on the folder's `model`."""
    model, rows = tiny.backbone(folder / "model", layout), tiny.data(folder / "rows", tiny.TASKS[layout])
    return [TRAIN, *tiny.words(layout, model, rows, folder / "out", "method=lora", *more)]


def with_(change: Callable[[Path], object], layout: str = "bart-large", *more: str) -> Callable[[Path], Sequence[str]]:
    """A run on a good backbone after `change(its folder)`."""

    def make(folder: Path) -> Sequence[str]:
        command = run(folder, layout, *more)
        change(folder / "model")
        return command

    return make


def config(**more: object) -> Callable[[Path], object]:
    return lambda model: told(model / "config.json", **more)


def told(path: Path, **more: object) -> None:
    old = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps({**old, **more}))


def code(*names: str) -> Callable[[Path], None]:
    """Python files that leave a trace when they are imported."""

    def write(model: Path) -> None:
        for name in names:
            (model / name).parent.mkdir(exist_ok=True)
            (model / name).write_text(
                payload(model.parent) + "class Evil:\n    pass\n\ndef generate(*_, **__):\n    pass\n"
            )

    return write


def both(*changes: Callable[[Path], object]) -> Callable[[Path], None]:
    def write(model: Path) -> None:
        for change in changes:
            change(model)

    return write


def pickled(model: Path) -> None:
    """As torch writes it, with more than tensors in it."""
    state = torch.load(model / "pytorch_model.bin", weights_only=True)
    torch.save({**state, "evil": Payload(model.parent)}, model / "pytorch_model.bin")


def pickled_plainly(model: Path) -> None:
    (model / "pytorch_model.bin").write_bytes(pickle.dumps(Payload(model.parent)))


def header(size: int, content: bytes = b"{}") -> Callable[[Path], object]:
    """Weights whose header says that it is `size` long."""

    def write(model: Path) -> None:
        (model / "pytorch_model.bin").unlink()
        (model / "model.safetensors").write_bytes(struct.pack("<Q", size) + content)

    return write


def lies(model: Path) -> None:
    """A header of tensors far beyond the end of the file."""
    tensor = {"dtype": "F32", "shape": [10**6, 10**6], "data_offsets": [0, 4 * 10**12]}
    content = json.dumps({"model.shared.weight": tensor}).encode()
    header(len(content), content)(model)


def bomb(model: Path) -> None:
    """A gigabyte of zeros in a file of a megabyte."""
    path = model / "pytorch_model.bin"
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in parts.items():
            new.writestr(name, content)
        with new.open("archive/data/999", "w", force_zip64=True) as file:
            for _ in range(1024):
                file.write(bytes(2**20))


TRUSTED = {"auto_map": {name: f"evil.{'Evil'}" for name in ("AutoConfig", "AutoModel", "AutoModelForSeq2SeqLM")}}
TOKENIZER = {"auto_map": {"AutoTokenizer": ["evil.Evil", "evil.Evil"]}, "tokenizer_class": "Evil"}

CASES = [
    Case("backbone: a pickle with code", with_(pickled), "could run code"),
    Case("backbone: a bare pickle", with_(pickled_plainly), "no weights from"),
    Case("backbone: a pickle of mbart's age", with_(pickled, "mbart-large-cc25"), "could run code"),
    Case("backbone: auto_map", with_(both(config(**TRUSTED), code("evil.py", "model.py"))), code=0),
    Case("backbone: unknown type", with_(both(config(model_type="evil", **TRUSTED), code("evil.py"))), "No anatomy"),
    Case(
        "backbone: a tokenizer with code",
        with_(both(lambda model: told(model / "tokenizer_config.json", **TOKENIZER), code("evil.py"))),
        "no tokenizer from",
    ),
    Case("backbone: custom_generate", with_(code("custom_generate/generate.py", "generate.py")), code=0),
    Case("backbone: an adapter", with_(lambda model: told(model / "adapter_config.json")), "an adapter of peft"),
    Case("backbone: a giant header", with_(header(2**60)), "no weights from"),
    Case("backbone: a header of 200 MB", with_(header(200_000_000, b"{" * 1000)), "no weights from"),
    Case("backbone: tensors beyond the end", with_(lies), "no weights from"),
    Case("backbone: a gigabyte of zeros", with_(bomb), "is compressed"),
    Case("backbone: a tower of layers", with_(config(encoder_layers=10**9)), "at most 1000"),
    Case("backbone: a vocabulary of petabytes", with_(config(vocab_size=10**14)), "no weights from"),
    Case(
        "backbone: random petabytes",
        with_(config(vocab_size=10**14), "bart-large", "backbone.random=true"),
        "no weights from",
    ),
    Case("backbone: quantised", with_(config(quantization_config={"quant_method": "evil"})), "quantised weights"),
    Case("backbone: attention from a hub", with_(config(attn_implementation="evil/kernel")), code=0),
    Case(
        "backbone: pieces elsewhere",
        with_(lambda model: told(model / "model.safetensors.index.json", weight_map={"x": "../../rows/train.jsonl"})),
        "its pieces stand beside it",
    ),
    Case(
        "backbone: a class that is no tokenizer",
        with_(lambda model: told(model / "tokenizer_config.json", tokenizer_class="AutoModel")),
        "no tokenizer from",
    ),
    Case(
        "backbone: a broken vocabulary",
        with_(lambda model: (model / "sentencepiece.bpe.model").write_bytes(bytes(5000)), "mbart-large-cc25"),
        "no tokenizer from",
    ),
]
