"""Where the released code crashes or does nothing, ours follows the paper's equations: here they are in plain torch."""

import pytest
import torch
from torch.nn import functional as F

from petl.config import Delta, Norm, Position, Rule
from tests.cells import ALL, backbone, batch, carrying


def norm(x, module):
    return F.layer_norm(x, (x.shape[-1],), module.weight, module.bias, module.eps)


def split(x, heads):
    return x.view(*x.shape[:2], heads, -1).transpose(1, 2)


def apply(linear, x):
    return F.linear(x, linear.weight, linear.bias)  # the weights alone: no hook runs


def attention(query, key, value, hidden, delta, x, linear):
    """Per head: Eq. 7 with its gate from two log-sum-exps, its un-gated form, or ReLU in place of softmax."""
    scale = query.shape[-1] ** -0.5
    scores = (query @ key.mT * scale).masked_fill(hidden, -torch.inf)
    h = scores.softmax(-1) @ value
    if delta is None:
        return h
    p_k, p_v = (delta.key, delta.value) if delta.key is not None else delta.prefix
    own = (
        query
        if delta.norm is None
        else split(F.linear(norm(x, delta.norm), linear.weight, linear.bias), query.shape[1])
    )
    prefix = own @ p_k.mT * (scale if delta.scale_query else 1.0)
    if delta.form == "relu":
        return h + delta.scale.s * (torch.relu(prefix) @ p_v)
    dh = prefix.softmax(-1) @ p_v
    if not delta.gated:
        return h + delta.scale.s * dh
    gate = torch.sigmoid(prefix.logsumexp(-1) - scores.logsumexp(-1)).unsqueeze(-1)
    return (1 - gate) * h + gate * dh


def roberta(model, ids, mask):
    """Logits of RoBERTa with whatever delta its layers carry."""
    base, config = model.roberta, model.config
    e = base.embeddings
    positions = (mask.cumsum(1) * mask) + 1
    x = e.word_embeddings.weight[ids] + e.token_type_embeddings.weight[0] + e.position_embeddings.weight[positions]
    prompt = getattr(base, "petl_main", None)
    if prompt is not None:
        x = torch.cat([prompt.weight.expand(len(ids), -1, -1), x], 1)
        mask = torch.cat([torch.ones(len(ids), prompt.length, dtype=mask.dtype), mask], 1)
    x, hidden = norm(x, e.LayerNorm), (mask == 0)[:, None, None]
    for layer in base.encoder.layer:
        own = layer.attention.self
        q, k, v = (split(apply(m, x), config.num_attention_heads) for m in (own.query, own.key, own.value))
        heads = attention(q, k, v, hidden, getattr(own, "petl_heads", None), x, own.query)
        out = layer.attention.output
        x = norm(x + apply(out.dense, heads.transpose(1, 2).flatten(2)), out.LayerNorm)
        first, last = layer.intermediate.dense, layer.output.dense
        f = apply(last, F.gelu(apply(first, x)))
        x = norm(x + f, layer.output.LayerNorm)
    first = x[:, 0 if prompt is None else prompt.length]
    head = model.classifier
    return F.linear(
        torch.tanh(F.linear(first, head.dense.weight, head.dense.bias)), head.out_proj.weight, head.out_proj.bias
    )


@pytest.mark.parametrize(
    "cell",
    [
        "prefix",
        "prefix-free",
        "prefix-own-query",
        "prefix-nogate",
        "prefix-learned",
        "multi-head",
        "multi-head-norm",
        "prompt",
    ],
)
def test_gating_multi_head_and_prompts_on_roberta(cell):
    model, inputs = carrying("roberta", cell), batch("roberta")
    with torch.no_grad():
        ours = model(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"]).logits
        torch.testing.assert_close(
            ours, roberta(model, inputs["input_ids"], inputs["attention_mask"]), rtol=1e-10, atol=1e-12
        )


def bart_encoder(model, ids, mask):
    """BART's encoder with Pfeiffer adapters: y = LN(u + f(LN(u))) with u = x + FFN(x), the same frozen LN twice."""
    encoder, config = model.model.encoder, model.config
    positions = encoder.embed_positions.weight[2 : ids.shape[1] + 2]
    x = norm(encoder.embed_tokens.weight[ids] + positions, encoder.layernorm_embedding)
    hidden = (mask == 0)[:, None, None]
    for layer in encoder.layers:
        own = layer.self_attn
        q, k, v = (split(m(x), config.encoder_attention_heads) for m in (own.q_proj, own.k_proj, own.v_proj))
        x = norm(
            x + own.out_proj(attention(q, k, v, hidden, None, x, None).transpose(1, 2).flatten(2)),
            layer.self_attn_layer_norm,
        )
        u, last = x + layer.fc2(F.gelu(layer.fc1(x))), layer.final_layer_norm
        f = last.petl_main
        y = norm(u, last)
        x = norm(u + apply(f.up, torch.relu(apply(f.down, y))), last)
    return x


def test_pfeiffer_on_bart():
    model, inputs = carrying("bart", "relu-block-add"), batch("bart")
    ids, mask = inputs["input_ids"], inputs["attention_mask"]
    with torch.no_grad():
        ours = model.model.encoder(ids, mask).last_hidden_state
        torch.testing.assert_close(ours, bart_encoder(model, ids, mask), rtol=1e-10, atol=1e-12)


def test_the_reference_is_the_backbone_where_there_is_no_delta():
    model, inputs = backbone("roberta"), batch("roberta")
    ids, mask = inputs["input_ids"], inputs["attention_mask"]
    with torch.no_grad():
        torch.testing.assert_close(model(input_ids=ids, attention_mask=mask).logits, roberta(model, ids, mask))


def test_the_cells_above_are_what_their_names_say():
    assert ALL["prefix-own-query"]["main"] == Delta(
        "softmax", Position.heads, compose=Rule.gated, norm=Norm.input, size=3
    )
    assert ALL["multi-head"]["main"].form == "relu"


def test_a_prompt_on_roberta_leaves_all_positions_to_the_text():
    """Rows as long as the position table, which the prompt must not push over its end."""
    model = carrying("roberta", "prompt")
    ids = torch.randint(4, 40, (2, 38))  # 40 positions, two of them before the first token
    with torch.no_grad():
        ours = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
        torch.testing.assert_close(ours, roberta(model, ids, torch.ones_like(ids)), rtol=1e-10, atol=1e-12)
