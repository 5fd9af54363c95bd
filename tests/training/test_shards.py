from __future__ import annotations

import pytest

from petl.config import UserError
from petl.training import shards

GOOD = {"ACCELERATE_USE_FSDP": "true", "FSDP_VERSION": "2", "FSDP_RESHARD_AFTER_FORWARD": "false", "WORLD_SIZE": "2"}


@pytest.fixture
def told(monkeypatch):
    def telling(**given):
        for name, value in given.items():
            monkeypatch.setenv(name, value)

    return telling


def test_nobody_asks_for_shards():
    assert shards.plugin() is None


def test_what_the_launcher_was_told_is_used(told):
    told(**GOOD)
    plugin = shards.plugin()
    assert plugin is not None
    assert (plugin.fsdp_version, plugin.reshard_after_forward) == (2, False)


@pytest.mark.parametrize(
    "other",
    [
        {"FSDP_VERSION": "1"},
        {"FSDP_CPU_RAM_EFFICIENT_LOADING": "true"},
        {"FSDP_ACTIVATION_CHECKPOINTING": "true"},
        {"WORLD_SIZE": "1"},
    ],
)
def test_what_would_be_done_otherwise_is_refused(told, other):
    told(**GOOD | other)
    with pytest.raises(UserError, match="fsdp.yaml"):
        shards.plugin()
