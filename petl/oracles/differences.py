"""Where the libraries differ from the paper or from the authors' code. The proof prints them.

Those with cases of their own are measured: a case that stops differing is a miss, because this list is then wrong.
"""

MEASURED = {
    "sdpa": "adapters, prefix and MAM under sdpa (its default) on BART and mBART: the causal mask is laid over "
    "[prefix; tokens] from its start, so that decoder position i sees the first i + 1 of them and never itself.",
    "stream": "adapters, parallel attention adapter on mBART: reads the residual stream; the paper's x, the input of "
    "the sub-layer, is its LayerNorm, as in the authors' code.",
}
STATED = (
    "adapters, parallel attention adapter: added after W_o; the authors' PA(attn) is added before it (before_wo).",
    "adapters, attention adapters: no LayerNorm of their own unless ln_before; the authors' always have one.",
    "adapters, Houlsby: swish and no cross-attention adapter by default (houlsby_default); the paper's is ReLU, at all "
    "three attentions.",
    "adapters, free prefixes: start at N(0, 1), the authors' at N(0, 0.02^2).",
    "adapters, dropout: none inside adapters and LoRA by default; the authors' adapters have the backbone's rate.",
    "adapters, (IA)^3: scales the FFN before its activation, gelu(v W_1 x); peft and its paper after it, "
    "v gelu(W_1 x). Not compared.",
    "adapters, UniPELT: its gate is a mean over the sequence, so decoders see later tokens and padding. Not compared.",
    "adapters, prompt tuning: refused on BART; on RoBERTa eager and sdpa differ on padded rows. Not compared.",
    "peft, prefix tuning: decoder self-attention only; half of the slots are never read, and layers share the others; "
    "decoder positions are shifted. Not compared.",
    "peft, prompt tuning on encoder-decoders: holds 2 l vectors and reads the first l. Not compared.",
    "peft, (IA)^3: its values and FFN (ia3_v_ffn) are compared as functions, with v - 1 on the diagonal of a linear "
    "delta. The grid has no multiplicative form, and no position at W_k: its keys are not compared.",
)
