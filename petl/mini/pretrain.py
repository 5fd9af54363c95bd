"""Pre-training of a miniature backbone, from the embedded text to a folder that transformers loads.

    python scripts/pretrain.py bart --minutes 35

A run saves its state every few minutes, goes on from it when started again, and ends with an export. With `--minutes`
the learning rate follows the clock, so the weights depend on the machine; with `--tokens` it follows the tokens.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import AutoTokenizer

from petl.config import UserError
from petl.mini import backbone_folder, corpora, warm
from petl.mini.export import export
from petl.mini.objective import KINDS
from petl.mini.run import Progress, Run
from petl.mini.tokenizer import Tokenizer

SAMPLE = 60_000  # texts of each kind that a tokenizer is trained on
LOG, MEASURE, SAVE = 50, 500, 180.0  # steps, steps, seconds


@dataclass(frozen=True)
class Budget:
    """The length of a run: minutes by the clock, or tokens."""

    minutes: float = 35.0
    tokens: int | None = None

    def done(self, p: Progress) -> float:
        return p.tokens / self.tokens if self.tokens else p.seconds / (60 * self.minutes)

    def left(self, p: Progress, speed: float) -> float:
        """Minutes, at `speed` tokens per second."""
        return (self.tokens - p.tokens) / speed / 60 if self.tokens else self.minutes - p.seconds / 60


def pretrain(
    name: str,
    minutes: float | None = None,
    tokens: int | None = None,
    seed: int = 0,
    device: str = "auto",
    cache: Path | None = None,
    out: Path | None = None,
    note: str = "",
) -> Path:
    """Train, or go on from the state at hand, and export; returns the folder of the backbone."""
    device = device if device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
    work = corpora.home(cache) / "pretrain" / f"{name}-s{seed}"
    texts = {text: corpora.texts(text, cache) for text in KINDS[name].texts}
    run = Run(name, texts, _tokenizer(name, texts, work / "tokenizer"), seed, device)
    if (work / "state.pt").exists():
        run.load(work / "state.pt")
        print(f"going on from step {run.progress.step}", flush=True)
    elif origin := KINDS[name].starts_from:
        warm.start(run.model, backbone_folder(origin))
    fit(run, work / "state.pt", Budget(minutes or Budget.minutes, tokens))
    return export(run, name, corpora.manifest(cache), out, note, tokens)


def fit(run: Run, state: Path, budget: Budget) -> None:
    """Train to the end of the budget; a line every LOG steps, the state every SAVE seconds."""
    p, losses = run.progress, []
    start = saved = time.monotonic()
    while budget.done(p) < 1:
        losses.append(run.step(budget.done(p)))
        if not math.isfinite(losses[-1]):
            raise UserError(f"pre-training diverged at step {p.step}: loss {losses[-1]}")
        if p.step % LOG == 0:
            _log(run, losses, time.monotonic() - start, budget)
            start, losses = time.monotonic(), []
        if time.monotonic() - saved > SAVE:
            run.save(state)
            saved = time.monotonic()
    run.save(state)


def _log(run: Run, losses: list[float], seconds: float, budget: Budget) -> None:
    """A point of the curve, and a line for the reader."""
    p = run.progress
    before = p.curve[-1]["tokens"] if p.curve else 0
    p.seconds += seconds
    point = {"step": p.step, "tokens": p.tokens, "seconds": round(p.seconds, 1), "loss": sum(losses) / len(losses)}
    if p.step % MEASURE == 0:
        measured = {"dev": run.dev_loss(), "copied": run.copied()}
        point |= {key: value for key, value in measured.items() if value is not None}
    p.curve.append(point)
    values = " ".join(f"{key} {point[key]:.3f}" for key in ("loss", "dev", "copied") if key in point)
    speed = (p.tokens - before) / seconds
    left = budget.left(p, speed)
    print(f"step {p.step} {p.tokens / 1e6:.2f} M tokens {values} {speed:.0f} tokens/s {left:.1f} min left", flush=True)


def _tokenizer(name: str, texts: dict[str, list[str]], folder: Path) -> Tokenizer:
    """The run's tokenizer: its origin's, or trained on the first texts of each kind and then kept with the state."""
    if origin := KINDS[name].starts_from:
        return AutoTokenizer.from_pretrained(backbone_folder(origin))
    if not (folder / "tokenizer_config.json").exists():
        sample = [text for part in texts.values() for text in part[:SAMPLE]]
        KINDS[name].tokenizer(sample, KINDS[name].vocabulary).save_pretrained(folder)
    return AutoTokenizer.from_pretrained(folder)
