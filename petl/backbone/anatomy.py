"""Where the points of the grid live in a real model: one table entry per architecture, names only.

Every path is relative to the transformer layer it belongs to; `Stack.layers` and `Stack.owner` to the base model.
A new architecture is a new entry of `ANATOMIES`; no other file knows a backbone's names.
"""

from __future__ import annotations

from dataclasses import dataclass

from petl.config import UserError


@dataclass(frozen=True)
class Attention:
    """One attention sub-layer: x is what `query` reads, h is what `output` (W_o) gives."""

    site: str  # encoder | decoder | cross
    module: str  # the module that calls the attention function
    query: str  # the Linears
    value: str
    output: str


@dataclass(frozen=True)
class FeedForward:
    """One feed-forward sub-layer: x is what the first matrix reads, h is what the dropout after the last one gives."""

    matrices: tuple[str, ...]
    dropout: (
        str | None
    )  # an nn.Dropout, or the layer's float attribute that a functional dropout reads; none: no dropout
    norm: str  # the LayerNorm before it (pre-LN) or after its residual (post-LN)
    outputs: tuple[str, ...] = ()  # where that same float acts after the other sub-layers


@dataclass(frozen=True)
class Stack:
    site: str  # encoder | decoder
    owner: str  # the module whose forward runs the layers once
    layers: str
    attentions: tuple[Attention, ...]
    feed_forward: FeedForward


@dataclass(frozen=True)
class Input:
    """The embedded input sequence, for prompts: they join it before a module (`join`), or as `inputs_embeds`."""

    owner: str  # module that embeds; takes input_ids, inputs_embeds, attention_mask
    join: str | None = None  # module whose input is the embedded sequence, where the masks are made after it
    words: str | None = None  # else: the word embedding,
    added: tuple[str, ...] = ()  # and the modules whose output is added to the words, [.., n, d]
    cut: str | None = None  # module from whose output the prompt's positions are cut again
    listeners: tuple[tuple[str, str], ...] = ()  # other modules that take the same mask: (path, keyword)


@dataclass(frozen=True)
class Anatomy:
    stacks: tuple[Stack, ...]
    pre_norm: bool
    rates: tuple[str, str]  # the config's names of `dropout` and `attention_dropout`
    input: Input | None = None
    activation_rate: str | None = None


def _bart(pre_norm: bool) -> Anatomy:
    def attention(site: str, module: str) -> Attention:
        return Attention(site, module, f"{module}.q_proj", f"{module}.v_proj", f"{module}.out_proj")

    own, cross = attention("decoder", "self_attn"), attention("cross", "encoder_attn")

    def feed_forward(*outputs: str) -> FeedForward:
        return FeedForward(("fc1", "fc2"), "dropout", "final_layer_norm", outputs)

    return Anatomy(
        stacks=(
            Stack(
                "encoder",
                "encoder",
                "encoder.layers",
                (attention("encoder", "self_attn"),),
                feed_forward("self_attn.out_proj"),
            ),
            Stack(
                "decoder",
                "decoder",
                "decoder.layers",
                (own, cross),
                feed_forward("self_attn.out_proj", "encoder_attn.out_proj"),
            ),
        ),
        pre_norm=pre_norm,
        rates=("dropout", "attention_dropout"),
        activation_rate="activation_dropout",
        input=Input(
            "encoder",
            words="embed_tokens",
            added=("embed_positions",),
            listeners=(("decoder", "encoder_attention_mask"),),
        ),
    )


ROBERTA_LINEARS = ("attention.self.query", "attention.self.value", "attention.output.dense")
ROBERTA = Anatomy(
    stacks=(
        Stack(
            "encoder",
            "encoder",
            "encoder.layer",
            (Attention("encoder", "attention.self", *ROBERTA_LINEARS),),
            FeedForward(("intermediate.dense", "output.dense"), "output.dropout", "output.LayerNorm"),
        ),
    ),
    pre_norm=False,
    rates=("hidden_dropout_prob", "attention_probs_dropout_prob"),
    input=Input("", join="embeddings.LayerNorm", cut="encoder"),
)

ANATOMIES: dict[str, Anatomy] = {
    "bart": _bart(pre_norm=False),
    "mbart": _bart(pre_norm=True),
    "roberta": ROBERTA,
}


def anatomy(model_type: str) -> Anatomy:
    """The entry of `config.model_type`; UserError where there is none."""
    if model_type not in ANATOMIES:
        raise UserError(
            f"No anatomy for backbones of type '{model_type}'; known: {', '.join(ANATOMIES)}.\n"
            "A new one is one entry of ANATOMIES in petl/backbone/anatomy.py."
        )
    return ANATOMIES[model_type]
