"""Pre-training of a miniature backbone: one file of state, resumable to the bit, exportable at any time.

    python scripts/pretrain.py bart --minutes 35

Batch i is a function of (seed, i) and of the stream positions in the state, so a resumed run takes the steps that an
uninterrupted one takes. With `--minutes` the learning rate follows the clock, hence the weights depend on the machine;
with `--tokens` it follows the tokens.
"""

from __future__ import annotations

import math
import os
import time
from dataclasses import asdict, dataclass, field
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np
import torch
from transformers import AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from petl.config import UserError
from petl.mini import corpora
from petl.mini.objective import KINDS, Batch, Kind, draw, frame
from petl.mini.stream import Stream

PEAK, WARMUP = 2e-3, 0.03  # learning rate, and the share of the run that leads up to it
DECAY, CLIP = 0.01, 1.0
HELD = 400  # of so many texts, one is dev text
SAMPLE = 60_000  # texts of each language that a tokenizer is trained on
COPY = (64, 32)  # sequences and tokens of the copying test


@dataclass
class Progress:
    """All of a run that is not a tensor."""

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    positions: dict[str, int] = field(default_factory=dict)
    curve: list[dict] = field(default_factory=list)


class Run:
    def __init__(self, name: str, texts: dict[str, list[str]], tok: PreTrainedTokenizerBase, seed: int, device: str):
        self.kind: Kind = KINDS[name]
        self.tok, self.seed, self.device = tok, seed, torch.device(device)
        torch.manual_seed(seed)
        config = self.kind.config(len(tok))
        for rate in self.kind.dropout:
            setattr(config, rate, 0.0)
        config._attn_implementation = "eager"  # on a CPU in bfloat16 a third faster than the fused kernel
        self.model: PreTrainedModel = self.kind.model(config).to(self.device).train()
        self.optimiser = torch.optim.AdamW(_groups(self.model), lr=PEAK, betas=(0.9, 0.98), fused=True)
        tokens = {language: _tokenise(tok, texts[language]) for language in self.kind.texts}
        self.train = {name: Stream([t for i, t in enumerate(all_) if i % HELD], seed) for name, all_ in tokens.items()}
        self.held = {name: Stream(all_[::HELD], seed) for name, all_ in tokens.items()}
        self.progress = Progress(positions=dict.fromkeys(self.kind.texts, 0))

    def step(self, done: float) -> float:
        """One optimiser step at the share `done` of the run; returns the loss."""
        p = self.progress
        before = sum(p.positions.values())
        batch = draw(self.kind, self.train, p.positions, self.tok, np.random.default_rng([self.seed, p.step]))
        for group in self.optimiser.param_groups:
            group["lr"] = PEAK * min(done / WARMUP, (1 - done) / (1 - WARMUP)) if done < 1 else 0.0
        loss = self._loss(batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), CLIP)
        self.optimiser.step()
        self.optimiser.zero_grad()
        p.step += 1
        p.tokens += sum(p.positions.values()) - before
        return loss.item()

    def _loss(self, batch: Batch) -> torch.Tensor:
        batch = {name: tensor.to(self.device) for name, tensor in batch.items()}
        with torch.autocast(self.device.type, dtype=torch.bfloat16):
            return self.kind.loss(self.model, batch)

    @torch.no_grad()
    def dev_loss(self, batches: int = 8) -> float:
        """Loss on text that is not trained on, always the same batches with the same noise."""
        self.model.eval()
        positions = dict.fromkeys(self.kind.texts, 0)
        rng = np.random.default_rng(0)
        losses = [self._loss(draw(self.kind, self.held, positions, self.tok, rng)).item() for _ in range(batches)]
        self.model.train()
        return sum(losses) / batches

    @torch.no_grad()
    def copied(self) -> float | None:
        """Percent of the tokens of unmasked dev text that greedy decoding gives back in order; no decoder: None."""
        if not self.model.config.is_encoder_decoder:
            return None
        self.model.eval()
        shares = [self._copied(language) for language in self.kind.texts]
        self.model.train()
        return 100 * sum(shares) / len(shares)

    def _copied(self, language: str) -> float:
        rows, length = COPY
        clean = self.held[language].block(0, rows * length).reshape(rows, length)
        before, after = frame(self.tok, language)
        ids = [[*before, *row, *after] for row in clean.tolist()]
        start = after[-1]
        out = self.model.generate(
            torch.tensor(ids, device=self.device), decoder_start_token_id=start, max_new_tokens=length + 3,
            do_sample=False, num_beams=1,
        )  # fmt: skip
        matched = [
            sum(block.size for block in SequenceMatcher(None, row, got, autojunk=False).get_matching_blocks())
            for row, got in zip(clean.tolist(), out.tolist(), strict=True)
        ]
        return sum(matched) / clean.size

    def save(self, path: Path) -> None:
        state = {
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "progress": asdict(self.progress),
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        torch.save(state, partial)
        os.replace(partial, path)

    def load(self, path: Path) -> None:
        state = torch.load(path, map_location=self.device, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.progress = Progress(**state["progress"])


def pretrain(
    name: str,
    minutes: float | None = None,
    tokens: int | None = None,
    seed: int = 0,
    device: str = "auto",
    cache: Path | None = None,
    out: Path | None = None,
) -> Path:
    """Train, or go on from the state at hand, and export; returns the folder of the backbone."""
    minutes = minutes or (None if tokens else 35.0)
    device = device if device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
    work = corpora.home(cache) / "pretrain" / f"{name}-s{seed}"
    texts = {language: corpora.texts(language, cache) for language in KINDS[name].texts}
    tok = _tokenizer(name, texts, work / "tokenizer")
    run = Run(name, texts, tok, seed, device)
    state = work / "state.pt"
    if state.exists():
        run.load(state)
        print(f"going on from step {run.progress.step}", flush=True)
    fit(run, state, minutes, tokens)
    from petl.mini import export

    return export.export(run, name, corpora.manifest(cache), out)


def _tokenizer(name: str, texts: dict[str, list[str]], folder: Path) -> PreTrainedTokenizerBase:
    """The run's tokenizer: trained on the first texts of each kind, then kept with the state."""
    if not (folder / "tokenizer_config.json").exists():
        kind = KINDS[name]
        sample = [text for part in texts.values() for text in part[:SAMPLE]]
        kind.tokenizer(sample, kind.vocabulary).save_pretrained(folder)
    return AutoTokenizer.from_pretrained(folder)


def fit(
    run: Run, state: Path, minutes: float | None, tokens: int | None, log_every: int = 50, save_every: float = 180.0
):
    """Train to the end of the budget, logging and saving on the way."""
    p = run.progress
    mark, saved, marked = time.monotonic(), time.monotonic(), p.tokens
    losses: list[float] = []
    while (done := p.tokens / tokens if tokens else p.seconds / (60 * minutes)) < 1:
        losses.append(run.step(done))
        if not math.isfinite(losses[-1]):
            raise UserError(f"pre-training diverged at step {p.step}: loss {losses[-1]}")
        if p.step % log_every == 0:
            now = time.monotonic()
            p.seconds += now - mark
            speed = (p.tokens - marked) / (now - mark)
            left = (tokens - p.tokens) / speed / 60 if tokens else minutes - p.seconds / 60
            dev = run.dev_loss() if p.step % (10 * log_every) == 0 else None
            copied = run.copied() if p.step % (20 * log_every) == 0 else None
            point = {
                "step": p.step,
                "tokens": p.tokens,
                "seconds": round(p.seconds, 1),
                "loss": sum(losses) / len(losses),
            }
            point |= {"dev": dev} if dev else {}
            point |= {"copied": copied} if copied is not None else {}
            p.curve.append(point)
            extra = (f" dev {dev:.3f}" if dev else "") + (f" copied {copied:.1f} %" if copied is not None else "")
            print(
                f"step {p.step} tokens {p.tokens / 1e6:.2f} M loss {point['loss']:.3f}{extra} "
                f"{speed:.0f} tokens/s {left:.1f} min left",
                flush=True,
            )
            mark, marked, losses = time.monotonic(), p.tokens, []
        if time.monotonic() - saved > save_every:
            run.save(state)
            saved = time.monotonic()
    run.save(state)


def _groups(model: torch.nn.Module) -> list[dict]:
    """Weight decay on matrices alone."""
    matrices = [p for p in model.parameters() if p.ndim > 1]
    vectors = [p for p in model.parameters() if p.ndim <= 1]
    return [{"params": matrices, "weight_decay": DECAY}, {"params": vectors, "weight_decay": 0.0}]


def _tokenise(tok: PreTrainedTokenizerBase, texts: list[str]) -> list[list[int]]:
    return [ids for ids in tok(texts, add_special_tokens=False, return_attention_mask=False)["input_ids"] if ids]
