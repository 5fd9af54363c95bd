"""The paper's identity: prefix attention is the gated sum of attention and a two-layer network (Eq. 5-10)."""

import pytest
import torch

from petl.config import Delta, Norm, Position, Rule
from petl.design.heads import Heads, Network, times, widen

B, H, N, M, L, D = 2, 3, 4, 6, 5, 8


def tensors() -> tuple[torch.Tensor, ...]:
    torch.manual_seed(0)
    query, key, value = (torch.randn(B, H, n, D, dtype=torch.float64) for n in (N, M, M))
    hidden = torch.zeros(B, 1, N, M, dtype=torch.float64)
    hidden[1, ..., 4:] = -torch.inf
    return query, key, value, hidden


def attend(q, k, v, mask):
    scores = q @ k.transpose(-1, -2) * D**-0.5
    return ((scores + mask).softmax(-1) @ v).transpose(1, 2)


def heads(**options) -> Heads:
    spec = Delta("softmax", Position.heads, size=L, **options)
    module = Heads(spec, H, D, H * D, dropout=0.0, prefix_dropout=0.0).double().eval()
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter)
    return module


def run(module, query, key, value, mask):
    return module(query, query, key, value, mask, D**-0.5, attend)


def test_prefix_attention_is_a_gated_sum():
    """Eq. 7: h <- (1 - lambda) h + lambda softmax(q P_k^T) P_v, lambda from the two log-sum-exps."""
    query, key, value, mask = tensors()
    module = heads(compose=Rule.gated)
    prefix_scores = query @ module.key.transpose(-1, -2) * D**-0.5
    scores = query @ key.transpose(-1, -2) * D**-0.5 + mask
    gate = torch.sigmoid(prefix_scores.logsumexp(-1) - scores.logsumexp(-1)).transpose(1, 2).unsqueeze(-1)
    dh = (prefix_scores.softmax(-1) @ module.value).transpose(1, 2)
    expected = (1 - gate) * attend(query, key, value, mask) + gate * dh
    torch.testing.assert_close(run(module, query, key, value, mask), expected, rtol=1e-12, atol=1e-12)


def test_a_query_of_its_own_that_equals_attentions_changes_nothing():
    """The route for q' != q, fed with q' = q, agrees with the concatenation."""
    query, key, value, mask = tensors()
    module = heads(compose=Rule.gated)
    expected = run(module, query, key, value, mask)
    module.norm = torch.nn.LayerNorm(H * D)  # chooses the other route; the query given stays q
    torch.testing.assert_close(run(module, query, key, value, mask), expected, rtol=1e-12, atol=1e-12)


def test_gated_relu_takes_the_softmax_mass_as_its_gate():
    query, key, value, mask = tensors()
    module = heads(compose=Rule.gated)
    module.form = "relu"
    prefix_scores = query @ module.key.mT * D**-0.5
    scores = query @ key.mT * D**-0.5 + mask
    gate = (prefix_scores.logsumexp(-1) - torch.cat([prefix_scores, scores], -1).logsumexp(-1)).exp()
    gate = gate.transpose(1, 2).unsqueeze(-1)
    dh = (torch.relu(prefix_scores) @ module.value).transpose(1, 2)
    expected = (1 - gate) * attend(query, key, value, mask) + gate * dh
    torch.testing.assert_close(run(module, query, key, value, mask), expected)


@pytest.mark.parametrize("form", ["softmax", "relu"])
def test_added_forms(form):
    query, key, value, mask = tensors()
    module = heads(compose=Rule.scaled, s=3.0)
    module.form = form
    scores = query @ module.key.transpose(-1, -2) * D**-0.5
    weights = scores.softmax(-1) if form == "softmax" else torch.relu(scores)
    expected = attend(query, key, value, mask) + 3.0 * (weights @ module.value).transpose(1, 2)
    torch.testing.assert_close(run(module, query, key, value, mask), expected)


def test_unscaled_query():
    query, key, value, mask = tensors()
    module = heads(compose=Rule.add, scale_query=False)
    expected = attend(query, key, value, mask) + ((query @ module.key.mT).softmax(-1) @ module.value).transpose(1, 2)
    torch.testing.assert_close(run(module, query, key, value, mask), expected)


def test_one_token_meets_the_prefix_as_many_do():
    """The route of a token that is being written agrees with the concatenation, position by position."""
    query, key, value, mask = tensors()
    module = heads(compose=Rule.gated)
    expected = run(module, query, key, value, mask)
    for i in range(N):
        one = run(module, query[:, :, i : i + 1], key, value, mask[:, :, i : i + 1])
        torch.testing.assert_close(one, expected[:, i : i + 1], rtol=1e-12, atol=1e-12)


def test_a_bias_of_attentions_own_is_left_to_it():
    query, key, value, mask = tensors()
    module, asked = heads(compose=Rule.gated), []

    def biased(q, k, v, mask):
        asked.append(k.shape[2])
        return attend(q, k, v, mask)

    module(query[:, :, :1], query, key, value, mask[:, :, :1], D**-0.5, biased, True)
    assert asked == [L + M]


@pytest.mark.parametrize("heads_of_keys", [2, 4])
def test_what_all_rows_share_is_multiplied_head_by_head(heads_of_keys):
    x, shared = torch.randn(B, 4, N, D, dtype=torch.float64), torch.randn(heads_of_keys, D, L, dtype=torch.float64)
    expected = x @ shared.repeat_interleave(4 // heads_of_keys, 0)
    torch.testing.assert_close(times(x, shared), expected, rtol=1e-12, atol=1e-12)


def test_boolean_and_additive_masks_agree():
    query, key, value, mask = tensors()
    module = heads(compose=Rule.gated, norm=Norm.input)
    one = run(module, query, key, value, mask)
    torch.testing.assert_close(run(module, query, key, value, mask == 0), one)


def test_key_heads_are_shared_by_query_heads():
    """Grouped-query attention: a prefix for each key head serves all its query heads."""
    query = torch.randn(B, 2 * H, N, D, dtype=torch.float64)
    module = heads(compose=Rule.add)
    scores = module.scores(query, module.pair(B, torch.float64)[0], 1.0)
    torch.testing.assert_close(scores[:, 1], query[:, 1] @ module.key[0].T)
    torch.testing.assert_close(scores[:, 2], query[:, 2] @ module.key[1].T)


def test_per_head_update_has_rank_at_most_l():
    """Sec. 3.2: per head the change has rank min(l, d_head), so that l >= d / N_h is a full update."""
    torch.manual_seed(0)
    for length in (3, D, 2 * D):
        weights, value = torch.rand(50, length, dtype=torch.float64), torch.randn(length, D, dtype=torch.float64)
        assert torch.linalg.matrix_rank(weights @ value) == min(length, D)


def test_network_layout_and_cache():
    torch.manual_seed(0)
    network = Network(L, 7, 11, layers=2, heads=H, d_head=D).double()
    z = network.outer(torch.tanh(network.inner(network.embedding)))
    out = network()
    assert out.shape == (2, 2, H, L, D)
    layer, kv, head, row, j = 1, 0, 2, 3, 4
    assert out[layer, kv, head, row, j] == z[row, ((2 * layer + kv) * H + head) * D + j]
    with torch.no_grad():
        folded = network()
        assert network() is folded  # once for each change of the weights
        network.embedding.add_(1.0)
        assert not torch.equal(network(), folded)


def test_widening_a_mask_shows_the_prefix_to_all():
    assert widen(None, 2) is None
    assert widen(torch.zeros(1, 1, 2, 3, dtype=torch.bool), 2).tolist() == [[[[True, True, False, False, False]] * 2]]
    assert widen(torch.full((1, 1, 1, 2), -9.0), 1).tolist() == [[[[0.0, -9.0, -9.0]]]]
