"""One pre-training run: model, optimiser, streams and progress; a step, two measurements, one file of state.

Batch i is a function of (seed, i) and of the stream positions in the state, so a resumed run takes the steps that an
uninterrupted one takes.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np
import torch

from petl.mini.objective import KINDS, Batch, draw, frame, padded
from petl.mini.stream import Stream
from petl.mini.tokenizer import Tokenizer

WARMUP = 0.03  # share of the run that leads up to the peak learning rate; from there it goes down to zero, linearly
DECAY, CLIP = 0.01, 1.0
HELD = 400  # of so many texts, one is held out
COPY = (64, 48)  # sequences of the copying test, and tokens of the longest


@dataclass
class Progress:
    """All of a run's state that is no tensor."""

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    positions: dict[str, int] = field(default_factory=dict)  # in each stream
    curve: list[dict] = field(default_factory=list)  # step, tokens, seconds, loss, and at times dev and copied


class Run:
    def __init__(self, name: str, texts: dict[str, list[str]], tok: Tokenizer, seed: int, device: str) -> None:
        self.kind = KINDS[name]
        self.tok, self.seed, self.device = tok, seed, torch.device(device)
        torch.manual_seed(seed)
        self.model = self.kind.model(len(tok)).to(self.device).train()
        self.optimiser = torch.optim.AdamW(_groups(self.model), lr=self.kind.peak, betas=(0.9, 0.98), fused=True)
        tokens = {text: _tokenise(tok, texts[text]) for text in self.kind.texts}
        self.train = {
            text: Stream([ids for i, ids in enumerate(all_) if i % HELD], seed) for text, all_ in tokens.items()
        }
        self.held = {text: Stream(all_[::HELD], seed) for text, all_ in tokens.items()}
        self.progress = Progress(positions=dict.fromkeys(self.kind.texts, 0))

    def step(self, done: float) -> float:
        """One optimiser step when the share `done` of the run is behind; returns the loss."""
        p = self.progress
        before = sum(p.positions.values())
        batch = draw(self.kind, self.train, p.positions, self.tok, np.random.default_rng([self.seed, p.step]))
        for group in self.optimiser.param_groups:
            group["lr"] = self.kind.peak * max(0.0, min(done / WARMUP, (1 - done) / (1 - WARMUP)))
        loss = self._loss(batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), CLIP)
        self.optimiser.step()
        self.optimiser.zero_grad()
        p.step += 1
        p.tokens += sum(p.positions.values()) - before
        return loss.item()

    @torch.no_grad()
    def dev_loss(self, batches: int = 8) -> float:
        """Loss on held-out text: always the same batches with the same noise."""
        self.model.eval()
        positions, rng = dict.fromkeys(self.kind.texts, 0), np.random.default_rng(0)
        losses = [self._loss(draw(self.kind, self.held, positions, self.tok, rng)).item() for _ in range(batches)]
        self.model.train()
        return sum(losses) / batches

    @torch.no_grad()
    def copied(self) -> float | None:
        """How much of unmasked held-out text greedy decoding gives back, in percent; None without a decoder.

        Twice the tokens in matching blocks over the tokens of both: what is missed, changed or added at the end counts.
        """
        if not self.model.config.is_encoder_decoder:
            return None
        self.model.eval()
        shares = [self._copied(text) for text in self.kind.texts]
        self.model.train()
        return 100 * sum(shares) / len(shares)

    def save(self, path: Path) -> None:
        state = {"model": self.model.state_dict(), "optimiser": self.optimiser.state_dict()}
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        torch.save(state | {"progress": asdict(self.progress)}, partial)
        os.replace(partial, path)

    def load(self, path: Path) -> None:
        state = torch.load(path, map_location=self.device, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.progress = Progress(**state["progress"])

    def _loss(self, batch: Batch) -> torch.Tensor:
        batch = {name: tensor.to(self.device) for name, tensor in batch.items()}
        with torch.autocast(self.device.type, dtype=torch.bfloat16):
            return self.kind.loss(self.model, batch)

    def _copied(self, text: str) -> float:
        rows, longest = COPY
        sizes = np.linspace(longest // 4, longest, rows).astype(int)
        clean = np.split(self.held[text].block(0, int(sizes.sum())), np.cumsum(sizes)[:-1])
        before, after = frame(self.tok, text)
        ids = padded([np.concatenate([before, row, after]) for row in clean], self.tok.pad_token_id).to(self.device)
        out = self.model.generate(
            input_ids=ids,
            attention_mask=ids.ne(self.tok.pad_token_id).long(),
            decoder_start_token_id=after[-1],  # as in pre-training
            max_new_tokens=2 * longest,
            do_sample=False,
            num_beams=1,
        )
        special = set(self.tok.all_special_ids)
        given = [[token for token in row if token not in special] for row in out.tolist()]
        pairs = zip(clean, given, strict=True)
        return sum(SequenceMatcher(None, row.tolist(), got, autojunk=False).ratio() for row, got in pairs) / rows


def _groups(model: torch.nn.Module) -> list[dict]:
    """Weight decay on matrices alone."""
    matrices = [p for p in model.parameters() if p.ndim > 1]
    vectors = [p for p in model.parameters() if p.ndim <= 1]
    return [{"params": matrices, "weight_decay": DECAY}, {"params": vectors, "weight_decay": 0.0}]


def _tokenise(tok: Tokenizer, texts: list[str]) -> list[list[int]]:
    return [ids for ids in tok(texts, add_special_tokens=False, return_attention_mask=False)["input_ids"] if ids]
