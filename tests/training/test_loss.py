from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from petl.training.loss import forward, summed_loss
from tests.training.conftest import bart, roberta


def test_label_smoothing_by_hand():
    probabilities = torch.tensor([[[0.5, 0.25, 0.25], [0.1, 0.8, 0.1], [0.9, 0.05, 0.05]]])
    labels = torch.tensor([[0, 1, -100]])
    nll = -math.log(0.5) - math.log(0.8)
    mean = -(math.log(0.5) + 2 * math.log(0.25)) / 3 - (math.log(0.8) + 2 * math.log(0.1)) / 3
    assert summed_loss(probabilities.log(), labels, 0.1).item() == pytest.approx(0.9 * nll + 0.1 * mean)


def test_without_smoothing_it_is_the_negative_log_likelihood():
    logits, labels = torch.tensor([[2.0, 0.0]]), torch.tensor([0])
    assert summed_loss(logits, labels).item() == pytest.approx(math.log(1 + math.exp(-2)))


def test_the_sum_is_taken_in_float32():
    assert summed_loss(torch.zeros(1, 2, dtype=torch.bfloat16), torch.tensor([1])).dtype is torch.float32


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_its_gradient_is_that_of_torch(dtype, smoothing):
    logits = torch.randn(3, 5, 11, dtype=dtype, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([[3, 4, 10, 0, 1], [7, 2, -100, -100, -100], [-100] * 5])
    ours, theirs = logits.clone().requires_grad_(), logits.clone().requires_grad_()
    summed = summed_loss(ours * 1, labels, smoothing)
    want = F.cross_entropy(theirs.float().view(-1, 11), labels.view(-1), reduction="sum", label_smoothing=smoothing)
    (summed / 3).backward()
    (want / 3).backward()
    assert summed.item() == pytest.approx(want.item(), rel=1e-6)
    assert ours.grad.dtype is dtype
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=2**-7 if dtype is torch.bfloat16 else 1e-5, atol=1e-7)


def test_its_gradient_lies_where_the_logits_were():
    leaf = torch.randn(4, 7, requires_grad=True)
    logits = leaf * 1
    summed_loss(logits, torch.tensor([1, 2, 3, -100]))
    torch.testing.assert_close(logits.detach().sum(-1), torch.zeros(4))


def test_logits_that_are_needed_for_their_own_gradient_are_an_error():
    logits = torch.randn(4, 7, requires_grad=True).tanh()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        summed_loss(logits, torch.tensor([1, 2, 3, 4])).backward()


def test_large_logits_do_not_overflow():
    logits = torch.tensor([[1e4, 0.0], [-1e4, 0.0]], requires_grad=True)
    loss = summed_loss(logits * 1, torch.tensor([0, 0]))
    loss.backward()
    assert loss.item() == pytest.approx(1e4)
    assert logits.grad.tolist() == [[0.0, 0.0], [-1.0, 1.0]]


def test_logits_are_those_of_a_model_given_the_labels():
    model = bart().eval()
    batch = {"input_ids": torch.tensor([[0, 7, 2]]), "labels": torch.tensor([[0, 9, 2, -100]])}
    torch.testing.assert_close(forward(model, batch), model(**batch).logits)


def test_a_class_has_no_decoder_inputs():
    model = roberta().eval()
    batch = {"input_ids": torch.tensor([[0, 7, 2]]), "labels": torch.tensor([1])}
    assert forward(model, batch).shape == (1, 2)
