import random

import numpy as np
import pytest
import torch
from transformers import AutoModelForMaskedLM, AutoModelForSeq2SeqLM, AutoTokenizer

from petl.mini import export, objective, pretrain, tokenizer, warm
from petl.mini import run as running
from petl.mini.objective import KINDS

MANIFEST = {"packages": {"fake": "1.0"}, "licences": {"fake": "MIT"}}


def _texts(seed: int) -> list[str]:
    r = random.Random(seed)
    words = ["".join(r.choice("abcdeilnorstu") for _ in range(r.randint(2, 6))) for _ in range(80)]
    return [" ".join(r.choices(words, k=r.randint(4, 25))) + "." for _ in range(400)]


@pytest.fixture(scope="module")
def texts():
    return {"en": _texts(0), "ro": _texts(1), "opinions": _texts(2), "nli": _texts(3), "wordnet": _texts(4)}


@pytest.fixture
def toy(monkeypatch, texts):
    """A run on toy text with small batches, by name."""
    monkeypatch.setattr(objective, "TOKENS", 400)
    monkeypatch.setattr(running, "COPY", (2, 6))
    monkeypatch.setattr(pretrain, "LOG", 2)

    def make(name: str, tok=None) -> running.Run:
        kind = KINDS[name]
        tok = tok or kind.tokenizer([text for language in kind.texts for text in texts[language]], 300)
        return running.Run(name, texts, tok, seed=0, device="cpu")

    return make


@pytest.mark.parametrize("name", ["bart", "mbart", "roberta"])
def test_a_resumed_run_equals_an_uninterrupted_one(name, toy, tmp_path):
    straight = toy(name)
    broken = toy(name, straight.tok)
    losses = [straight.step(i / 3) for i in range(3)]
    broken.step(0.0)
    broken.save(tmp_path / "state.pt")
    again = toy(name, straight.tok)
    again.load(tmp_path / "state.pt")
    assert [again.step(i / 3) for i in (1, 2)] == losses[1:]
    assert all(torch.equal(a, b) for a, b in zip(straight.model.parameters(), again.model.parameters(), strict=True))


def test_an_exported_backbone_loads_as_it_was(toy, tmp_path):
    run = toy("mbart")
    pretrain.fit(run, tmp_path / "state.pt", pretrain.Budget(tokens=600))
    manifest = MANIFEST | {"words": dict.fromkeys(run.kind.texts, 1), "sha256": dict.fromkeys(run.kind.texts, "0")}
    folder = export.export(run, "mbart", manifest, tmp_path / "out")
    model = AutoModelForSeq2SeqLM.from_pretrained(folder, dtype=torch.float32)
    trained = run.model.model.shared.weight
    assert torch.allclose(model.model.shared.weight, trained, atol=1e-3)
    assert model.config.dropout == 0.1 and AutoTokenizer.from_pretrained(folder).get_vocab() == run.tok.get_vocab()
    assert "tokens seen" in (folder / "README.md").read_text()


def test_a_second_export_takes_the_place_of_the_first(toy, tmp_path):
    run = toy("roberta")
    pretrain.fit(run, tmp_path / "state.pt", pretrain.Budget(tokens=600))
    manifest = MANIFEST | {"words": dict.fromkeys(run.kind.texts, 1), "sha256": dict.fromkeys(run.kind.texts, "0")}
    for _ in range(2):
        folder = export.export(run, "roberta", manifest, tmp_path / "out")
    assert [path.name for path in tmp_path.glob("*") if path.name.startswith(".")] == []
    assert AutoModelForMaskedLM.from_pretrained(folder).config.hidden_dropout_prob == 0.1


def test_decoders_start_with_what_ends_the_target(toy):
    for name, start in (("bart", "</s>"), ("mbart", "ro_RO")):
        run = toy(name)
        batch = run.kind.batch([np.arange(10, 20), np.arange(30, 34)], "ro", run.tok, np.random.default_rng(0))
        targets = [row[row != objective.IGNORED].tolist() for row in batch["labels"]]
        assert run.tok.convert_ids_to_tokens([row[-1] for row in targets]) == [start, start]
        for row, target in zip(batch["decoder_input_ids"].tolist(), targets, strict=True):
            assert row[: len(target)] == [target[-1], *target[:-1]]


def test_half_of_robertas_sequences_are_pairs(toy):
    run = toy("roberta")
    batch = run.kind.batch([np.full(40, 10)] * 200, "en", run.tok, np.random.default_rng(0))
    stops = (batch["input_ids"] == run.tok.eos_token_id).sum(1)
    assert set(stops.tolist()) == {1, 3} and 70 < (stops == 3).sum() < 130


def test_sequences_of_a_batch_are_half_to_wholly_as_long_as_the_longest(toy):
    run = toy("bart")
    for seed in range(5):
        batch = objective.draw(run.kind, run.train, run.progress.positions, run.tok, np.random.default_rng(seed))
        sizes = batch["labels"].ne(objective.IGNORED).sum(1)
        assert sizes.max() <= max(objective.LENGTHS) and sizes.min() >= sizes.max() // 2


def test_mbart_sources_and_targets_end_with_their_language():
    tok = tokenizer.pieces(_texts(0) + _texts(1), 300)
    both = tok("ana", text_target="ana")
    assert tok.convert_ids_to_tokens(both["input_ids"])[-2:] == ["</s>", "en_XX"]
    assert tok.convert_ids_to_tokens(both["labels"])[-2:] == ["</s>", "ro_RO"]


def test_a_warm_roberta_starts_with_barts_encoder(toy, tmp_path):
    bart = toy("bart")
    roberta = toy("roberta", bart.tok)
    bart.model.save_pretrained(tmp_path)
    warm.start(roberta.model, tmp_path)
    ids = torch.tensor([[0, 7, 8, 9, 2]])
    bart.model.eval(), roberta.model.eval()
    hidden = roberta.model.roberta(ids, output_hidden_states=True).hidden_states[2]
    assert torch.allclose(hidden, bart.model.model.encoder(ids).last_hidden_state, atol=1e-5)
