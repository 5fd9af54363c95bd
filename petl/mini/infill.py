"""The noise that the miniature backbones learn to undo: text infilling (BART, mBART) and token masking (RoBERTa)."""

from __future__ import annotations

import numpy as np

SHARE = 0.25  # of the tokens that infilling masks
SPAN = 3.0  # mean length of a masked span, Poisson; an empty one inserts a mask
MASKED = 0.15  # of the tokens that RoBERTa predicts


def infill(tokens: np.ndarray, mask: int, rng: np.random.Generator) -> np.ndarray:
    """The tokens with spans replaced by one mask each, until SHARE of them are masked (Lewis et al. 2020, Sec. 2.2)."""
    hidden = np.zeros(len(tokens), dtype=bool)
    starts = np.zeros(len(tokens) + 1, dtype=bool)  # where a mask stands in place of a span
    budget = round(SHARE * len(tokens))
    while budget > 0:
        length = min(int(rng.poisson(SPAN)), budget)
        at = int(rng.integers(0, len(tokens) - length + 1))
        if hidden[max(0, at - 1) : at + length + 1].any() or starts[at]:
            budget -= 1  # spans do not touch; each refusal costs, so that this ends
            continue
        hidden[at : at + length] = True
        starts[at] = True
        budget -= max(length, 1)
    at = np.flatnonzero(starts)
    return np.insert(tokens, at, mask)[~np.insert(hidden, at, False)]


def turn(tokens: np.ndarray, stops: set[int], rng: np.random.Generator) -> np.ndarray:
    """The sentences rotated: those from a random full stop on come first (a light sentence permutation)."""
    ends = [i + 1 for i, token in enumerate(tokens[:-1].tolist()) if token in stops]
    if not ends:
        return tokens
    at = ends[int(rng.integers(len(ends)))]
    return np.concatenate([tokens[at:], tokens[:at]])


def mask_tokens(
    tokens: np.ndarray, mask: int, size: int, first: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """(noised tokens, labels): MASKED of the ordinary tokens are predicted: 80 % masked, 10 % random, 10 % kept.

    Tokens below `first` are special and left alone; labels are -100 where nothing is predicted.
    """
    chosen = (rng.random(tokens.shape) < MASKED) & (tokens >= first)
    labels = np.where(chosen, tokens, -100)
    fate = rng.random(tokens.shape)
    noised = np.where(chosen & (fate < 0.8), mask, tokens)
    noised = np.where(chosen & (fate >= 0.9), rng.integers(first, size, tokens.shape), noised)
    return noised, labels
