"""Which methods are measured, and at which sizes: words of our command line, and the peers' names. No torch."""

from __future__ import annotations

from petl.bench.shapes import Shape

PLAIN = "method.deltas.main.dropout=none method.deltas.main.dropout_rate=0 method.deltas.main.dropout_on=bottleneck"
OURS = {  # system -> the words that make it; {r}, {l}, {short}, {lora} are the shape's sizes
    "full": "method=full",
    "bitfit": "method=bitfit",
    "mam": "method=mam budget.size={r} method.deltas.heads.size={short} method.deltas.heads.network={network}",
    "prefix": "method=prefix budget.size={l} method.deltas.main.network={network}",
    "prefix short": "method=prefix budget.size={short} method.deltas.main.network={network}",
    "prefix, no gate": "method=prefix_nogate budget.size={short} method.deltas.main.network={network}",
    "mh parallel": "method=mh_parallel budget.size={l} method.deltas.main.network={network}",
    "parallel": "method=parallel budget.size={r}",
    "parallel, scaled": "method=scaled_parallel budget.size={r}",
    "parallel, learned s": "method=scaled_parallel_learned budget.size={r}",
    "parallel at attn": "method=parallel position=attn budget.size={r}",
    "adapter": "method=adapter budget.size={r}",
    "adapter at attn": "method=adapter position=attn budget.size={r}",
    "pfeiffer": "method=pfeiffer budget.size={r}",
    "houlsby": "method=houlsby budget.size={r} method.deltas.attn.size={r}",
    "pa + pa": "method=pa_pa budget.size={r} method.deltas.attn.size={short}",
    "lora": f"method=lora budget.size={{lora}} {PLAIN}",
    "lora at ffn": f"method=lora_ffn budget.size={{lora}} {PLAIN}",
    "prefix + lora": f"method=prefix_lora budget.size={{lora}} {PLAIN}"
    " method.deltas.heads.size={short} method.deltas.heads.network={network}",
    "prompt": "method=prompt budget.size={short}",
}
PEERS = {  # system of another library -> ours that is the same method; none: we have none
    "adapters mam": "mam",
    "adapters prefix": "prefix",
    "adapters parallel": "parallel, scaled",
    "adapters pfeiffer": "pfeiffer",
    "adapters houlsby": "houlsby",
    "adapters lora": "lora",
    "peft lora": "lora",
    "peft prefix": "prefix",
    "peft ia3": None,
}


def words(name: str, shape: Shape, device: str) -> list[str]:
    """Of our command line, for the system at this shape."""
    sizes = {"r": shape.bottleneck, "l": shape.prefix}
    sizes |= {name: getattr(shape, name) for name in ("short", "lora", "network")}
    return [
        *shape.words, *OURS[name].format(**sizes).split(), f"recipe.batch={shape.rows}", "recipe.batch_tokens=null",
        "recipe.accumulate=1", "recipe.epochs=null", "recipe.steps=1000", "recipe.label_smoothing=0.1",
        "recipe.max_grad_norm=1", f"recipe.precision={'bf16' if shape.bf16 else 'fp32'}", f"runtime.device={device}",
    ]  # fmt: skip
