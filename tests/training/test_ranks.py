from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch

from petl.design.heads import Network
from petl.training import ranks


def test_a_prefix_follows_the_weights_it_is_sent(monkeypatch):
    network, sender = (Network(length=3, d=4, width=5, layers=2, heads=2, d_head=2) for _ in range(2))
    sent = iter(parameter.detach() for parameter in sender.parameters())
    monkeypatch.setattr(ranks, "broadcast", lambda _: next(sent))
    two: Any = SimpleNamespace(num_processes=2)
    with torch.no_grad():
        network()
        ranks.share_weights(two, network)
        assert torch.equal(network(), sender())
