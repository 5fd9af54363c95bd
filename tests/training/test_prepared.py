"""What one run tokenised, the next run of the same data reads."""

from petl.training import run
from tests.training.conftest import tokenizer


def test_a_second_seed_tokenises_nothing(configure, tmp_path, monkeypatch):
    calls, kind = [], type(tokenizer())
    original = kind.__call__
    monkeypatch.setattr(kind, "__call__", lambda *given, **more: calls.append(1) or original(*given, **more))
    runtime = {"cache": str(tmp_path / "cache")}
    run(configure("sst2", runtime, seed=0))
    assert calls
    calls.clear()
    record = run(configure("sst2", runtime, seed=1))
    assert not calls and record["data"]["source"] == "files"
