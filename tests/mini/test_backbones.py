import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from petl import mini
from petl.config import UserError

LIMIT = 30e6  # bytes of all three


@pytest.mark.parametrize("name", mini.BACKBONES)
def test_a_backbone_loads_with_its_tokenizer(name):
    folder = mini.backbone_folder(name)
    model = AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    tok = AutoTokenizer.from_pretrained(folder)
    batch = tok(["Read the file.", "A fine film, and a long one."], padding=True, return_tensors="pt")
    with torch.no_grad():
        hidden = model(**batch).last_hidden_state
    assert hidden.shape[-1] == 128 and torch.isfinite(hidden).all()
    assert len(tok) == model.config.vocab_size


@pytest.mark.parametrize("name", mini.BACKBONES)
def test_a_backbone_has_a_card_and_half_precision_weights(name):
    folder = mini.backbone_folder(name)
    assert "tokens seen" in (folder / "README.md").read_text("utf-8")
    assert AutoModel.from_pretrained(folder, dtype="auto").dtype == torch.float16


def test_the_backbones_are_small():
    files = [path for name in mini.BACKBONES for path in mini.backbone_folder(name).iterdir()]
    assert sum(path.stat().st_size for path in files) < LIMIT


def test_an_unknown_backbone_is_told():
    with pytest.raises(UserError, match="bart, mbart, roberta"):
        mini.backbone_folder("gpt")


def test_a_backbone_that_is_not_there_says_how_to_make_it(monkeypatch, tmp_path):
    monkeypatch.setattr(mini, "__file__", str(tmp_path / "__init__.py"))
    with pytest.raises(UserError, match="mini:roberta is not in this checkout; `python scripts/pretrain.py roberta`"):
        mini.backbone_folder("roberta")
    assert mini.backbone_folder("roberta", exists=False) == tmp_path / "backbones" / "roberta"
