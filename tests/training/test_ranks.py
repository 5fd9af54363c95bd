from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from petl.config import Precision, Runtime, UserError
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


def test_torch_has_the_threads_that_were_asked_for():
    try:
        ranks.start(Runtime(device="cpu", threads=2), Precision.fp32)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)


@pytest.mark.parametrize(
    ("cuda", "has_bf16", "precision"), [(True, True, "bf16"), (True, False, "fp16"), (False, True, "no")]
)
def test_auto_is_what_the_device_is_best_at(monkeypatch, cuda, has_bf16, precision):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: has_bf16)
    assert ranks._mixed(Precision.auto, cuda) == precision


def test_a_cpu_has_no_fp16():
    with pytest.raises(UserError, match="choose fp32 or bf16"):
        ranks.start(Runtime(device="cpu"), Precision.fp16)


def test_one_process_where_several_were_asked_for_is_refused(monkeypatch):
    monkeypatch.delenv("RANK", raising=False)
    for name, value in {"ACCELERATE_MIXED_PRECISION": "no", "MASTER_ADDR": "127.0.0.1"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match="started this one alone(?s:.*)torchrun"):
        ranks.start(Runtime(device="cpu"), Precision.fp32)


def test_more_processes_than_gpus_are_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    with pytest.raises(UserError, match=r"4 processes(?s:.*)2 CUDA device(?s:.*)=0,1(?s:.*)nproc_per_node 2 train"):
        ranks.start(Runtime(), Precision.auto)
