"""One delta against its equation, written out."""

import pytest
import torch
from torch.nn import functional as F

from petl.config import Delta as Spec
from petl.config import Init, Norm, Rule
from petl.design.delta import Delta


def made(**options) -> tuple[Delta, torch.Tensor]:
    torch.manual_seed(0)
    delta = Delta(Spec(size=3, init=Init.bert, **options), 5, 7, dropout=0.0).double()
    for parameter in delta.parameters():
        torch.nn.init.normal_(parameter)
    return delta, torch.randn(2, 4, 5, dtype=torch.float64)


def test_adapter():
    delta, x = made(form="relu")
    expected = torch.relu(x @ delta.down.weight.T + delta.down.bias) @ delta.up.weight.T + delta.up.bias
    torch.testing.assert_close(delta(x), expected)


def test_lora():
    delta, x = made(form="linear", bias=False, compose=Rule.scaled, s=4.0)
    torch.testing.assert_close(delta(x), 4.0 * x @ delta.down.weight.T @ delta.up.weight.T)


def test_softmax_bottleneck():
    delta, x = made(form="softmax", bias=False)
    torch.testing.assert_close(delta(x), (x @ delta.down.weight.T).softmax(-1) @ delta.up.weight.T)


def test_norms():
    delta, x = made(norm=Norm.input)
    assert delta.norm_in is not None
    y = F.layer_norm(x, (5,), delta.norm_in.weight, delta.norm_in.bias)
    torch.testing.assert_close(delta(x), delta.up(torch.relu(delta.down(y))))
    delta, x = made(norm=Norm.output, compose=Rule.scaled, s=4.0)
    assert delta.norm_out is not None
    torch.testing.assert_close(delta(x), delta.norm_out(4.0 * delta.up(torch.relu(delta.down(x)))))


def test_learned_scale_starts_at_one():
    delta = Delta(Spec(size=3, compose=Rule.learned), 5, 7, dropout=0.0)
    assert delta.scale.s.item() == 1.0 and delta.scale.s.requires_grad


@pytest.mark.parametrize(("init", "up_std"), [(Init.bert, 0.02), (Init.lora, 0.0)])
def test_starts(init, up_std):
    torch.manual_seed(0)
    delta = Delta(Spec(size=400, init=init), 300, 200, dropout=0.0)
    assert delta.up.weight.std().item() == pytest.approx(up_std, rel=0.02)
    assert delta.down.weight.std().item() == pytest.approx(0.02 if init is Init.bert else 300**-0.5 / 3**0.5, rel=0.02)
    assert delta.down.bias.abs().max() == delta.up.bias.abs().max() == 0


@pytest.mark.parametrize(("where", "kept"), [("bottleneck", "h"), ("input", "x")])
def test_dropout_acts_where_it_is_asked_for(where, kept):
    delta = Delta(Spec(form="linear", size=400, init=Init.bert, bias=False, dropout_on=where), 300, 1, dropout=0.5)
    torch.nn.init.ones_(delta.up.weight)
    x = torch.ones(1, 300)
    torch.manual_seed(0)
    given = delta.train()(x)
    torch.manual_seed(0)
    expected = F.dropout(delta.down(x), 0.5) if kept == "h" else delta.down(F.dropout(x, 0.5))
    torch.testing.assert_close(given, delta.up(expected))
    assert torch.equal(delta.eval()(x), delta.up(delta.down(x)))


def test_rank_of_the_whole_output_is_at_most_r():
    """Sec. 3.2: a bottleneck of size r changes the whole output by rank r at most, whatever the width."""
    delta, _ = made(form="linear", bias=False)
    x = torch.randn(50, 5, dtype=torch.float64)
    assert torch.linalg.matrix_rank(delta(x)) == 3
