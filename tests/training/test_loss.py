from __future__ import annotations

import math

import pytest
import torch

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


def test_logits_are_those_of_a_model_given_the_labels():
    model = bart().eval()
    batch = {"input_ids": torch.tensor([[0, 7, 2]]), "labels": torch.tensor([[0, 9, 2, -100]])}
    torch.testing.assert_close(forward(model, batch), model(**batch).logits)


def test_a_class_has_no_decoder_inputs():
    model = roberta().eval()
    batch = {"input_ids": torch.tensor([[0, 7, 2]]), "labels": torch.tensor([1])}
    assert forward(model, batch).shape == (1, 2)
