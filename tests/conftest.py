import os

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_OFFLINE", "1")


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """hub(repositories) -> the list of addresses asked, of a hub on this machine that everything now asks."""
    from contextlib import ExitStack

    from huggingface_hub import constants

    from tests import fake_hub

    stack = ExitStack()

    def start(repositories: fake_hub.Repositories) -> list[str]:
        address, asked = stack.enter_context(fake_hub.serve(repositories))
        monkeypatch.setattr(constants, "ENDPOINT", address)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/resolve/{revision}/{filename}"
        )
        return asked

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub-cache"))
    with stack:
        yield start
