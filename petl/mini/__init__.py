"""The embedded scale: text out of packages, rule-made inference pairs, miniature backbones pre-trained on the rest."""

from __future__ import annotations

from pathlib import Path

from petl.config import UserError
from petl.mini.corpora import build, manifest, rows, rows_file

__all__ = ["backbone_folder", "build", "manifest", "rows", "rows_file"]

BACKBONES = ("bart", "mbart", "roberta")


def backbone_folder(name: str, exists: bool = True) -> Path:
    """Folder of a miniature backbone: config.json, model.safetensors, tokenizer files, README.md (its card)."""
    if name not in BACKBONES:
        raise UserError(f"no miniature backbone {name!r}; there are {', '.join(BACKBONES)}")
    folder = Path(__file__).parent / "backbones" / name
    if exists and not folder.is_dir():
        raise UserError(f"mini:{name} is not in this checkout; `python scripts/pretrain.py {name}` makes it")
    return folder
