"""The keys and values of a text that is written token by token: what does not change is not copied.

transformers' own cache copies the keys of the source for every token, since beams change places. What attention reads
is the same, to the bit. A prefix is in no cache (petl.design.heads).
"""

from __future__ import annotations

from torch import Tensor
from transformers import PreTrainedModel
from transformers.cache_utils import Cache, DynamicCache, DynamicLayer, EncoderDecoderCache


class OfSource(DynamicLayer):
    """Cross attention's: all beams of a row read the same source, so nothing changes places."""

    def reorder_cache(self, beam_idx: Tensor) -> None:
        pass


def cache(model: PreTrainedModel) -> EncoderDecoderCache:
    """A fresh one for one call of generate(), which fills it."""
    own = DynamicCache(config=model.config.get_text_config(decoder=True))
    return EncoderDecoderCache(own, Cache(layer_class_to_replicate=OfSource))
