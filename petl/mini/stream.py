"""Pre-training text as an endless stream of token blocks: a function of seed and position, hence resumable."""

from __future__ import annotations

import numpy as np


class Stream:
    """Texts as tokens, in a new order every epoch, joined and cut into blocks of any length."""

    def __init__(self, texts: list[list[int]], seed: int) -> None:
        self.texts = [np.asarray(text, dtype=np.int32) for text in texts]
        self.length = sum(map(len, self.texts))
        self.seed = seed
        self._epoch, self._tokens = -1, np.empty(0, dtype=np.int32)

    def block(self, position: int, length: int) -> np.ndarray:
        """`length` tokens from `position` of the endless stream on."""
        epoch, at = divmod(position, self.length)
        taken = self._load(epoch)[at : at + length]
        if len(taken) < length:
            return np.concatenate([taken, self.block((epoch + 1) * self.length, length - len(taken))])
        return taken

    def _load(self, epoch: int) -> np.ndarray:
        if epoch != self._epoch:
            order = np.random.default_rng([self.seed, epoch]).permutation(len(self.texts))
            self._epoch, self._tokens = epoch, np.concatenate([self.texts[i] for i in order])
        return self._tokens
