"""The models and batches that are measured. No torch: the process that drives the others reads them, too."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

NO_DROPOUT = {
    "bart": {"dropout": 0.0, "attention_dropout": 0.0, "activation_dropout": 0.0},
    "roberta": {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0},
}
NO_DROPOUT["mbart"] = NO_DROPOUT["bart"]  # no dropout: the attention kernels of all systems are the same


@dataclass(frozen=True)
class Shape:
    """A backbone with random weights, a micro-batch of random tokens, and the sizes of the methods."""

    name: str
    kind: str  # bart, mbart or roberta
    rows: int
    source: int  # tokens
    target: int = 0  # tokens; 0: a class for each row
    config: dict[str, Any] = field(default_factory=dict)  # of the backbone, where it is not transformers' own
    words: tuple[str, ...] = ()  # of our command line: whose recipe
    bottleneck: int = 128  # r
    prefix: int = 200  # l of prefix tuning,
    short: int = 30  # and of the prefix in MAM and other pairs
    lora: int = 16
    network: int = 800  # width of what makes the prefixes
    bf16: bool = False
    beams: int = 4
    written: int = 48  # tokens by beam search; only where there is a target

    @property
    def architecture(self) -> dict[str, Any]:
        """What config.json would say."""
        return {"model_type": self.kind, **NO_DROPOUT[self.kind], **self.config}


SMALL = {
    "vocab_size": 8000, "d_model": 256, "encoder_layers": 4, "decoder_layers": 4, "encoder_attention_heads": 4,
    "decoder_attention_heads": 4, "encoder_ffn_dim": 1024, "decoder_ffn_dim": 1024, "max_position_embeddings": 512,
}  # fmt: skip

SHAPES = {
    "cpu": [Shape("small-bart", "bart", 8, 256, 64, SMALL, ("task=xsum", "scale=mini"))],
    # The paper's micro-batches (conf/recipe/paper) at the sizes of Table 6 and Table 2; widths of transformers' configs
    "cuda": [
        Shape(
            "bart-large", "bart", 16, 512, 64, {"vocab_size": 50_265}, ("task=xsum", "scale=paper"), 512, 200, 30, 200,
            bf16=True, beams=6, written=60,
        ),
        Shape(
            "mbart-large", "mbart", 64, 64, 64, {"vocab_size": 250_027}, ("task=en_ro", "scale=paper"), 512, 200, 30,
            200, bf16=True, beams=5, written=60,
        ),
        Shape(
            "roberta-base", "roberta", 32, 128,
            config={"vocab_size": 50_265, "max_position_embeddings": 514, "type_vocab_size": 1, "num_labels": 3},
            words=("task=mnli", "scale=paper"), bottleneck=32, prefix=32, short=16, bf16=True,
        ),
    ],
}  # fmt: skip
