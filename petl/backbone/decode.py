"""The keys and values of a text that is written token by token: what does not change is not copied.

transformers' own cache copies the keys of the source for every token, since beams change places; and a prefix would be
joined to them as often. What attention reads is the same, to the bit.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor
from transformers import PreTrainedModel
from transformers.cache_utils import Cache, DynamicCache, DynamicLayer, EncoderDecoderCache

from petl.design.heads import Kept


class OfSource(DynamicLayer):
    """Cross attention's: all beams of a row read the same source, so nothing changes places."""

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        keys, values = super().update(key_states, value_states, *args, **kwargs)
        keys.petl_kept = Kept()  # type: ignore[attr-defined]  # it lives as long as the keys
        return keys, values

    def reorder_cache(self, beam_idx: Tensor) -> None:
        pass


def cache(model: PreTrainedModel) -> EncoderDecoderCache:
    """A fresh one for one call of generate(), which fills it."""
    own = DynamicCache(config=model.config.get_text_config(decoder=True))
    return EncoderDecoderCache(own, Cache(layer_class_to_replicate=OfSource))
