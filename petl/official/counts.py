"""What the released code marks trainable beyond what it uses: requires_grad there = ours + `dead`."""

from __future__ import annotations

from transformers import PreTrainedModel

from petl.backbone import describe
from petl.backbone.attach import placed


def dead(options: dict, model: PreTrainedModel) -> int:
    """Trainable parameters of the released code that take no part in its output and get no gradient.

    `model` carries our method of the same `options` (checkpoint.method), which has none of them.
    RoBERTa: two of the three prefix sets, made for a decoder that is not there (modeling_roberta.py reads `wte` and
    `control_trans` only), and a second adapter beside a parallel one at the FFN (:523 and :569).
    mBART: the LayerNorm of multi-head adapters, whose query does not pass it (modeling_mbart.py:279).
    """
    ours = {row.delta: row.parameters for row in describe(model)}
    kind, unused = model.config.model_type, 0
    if kind == "roberta" and options["attn_mode"] in ("prefix", "prefix_nomlp"):
        unused += 2 * ours["attn"]
    if kind == "roberta" and options["ffn_mode"] == "adapter" and options["ffn_option"] == "parallel":
        unused += ours["ffn"]
    if kind == "mbart" and options["attn_option"] == "cross_attn_relu":
        unused += sum(2 * model.config.hidden_size * len(row.places) for row in placed(model) if row.name == "attn")
    return unused
