import pytest
import torch

from petl.backbone import counts, merge
from petl.backbone.attach import placed
from tests.cells import ALL, ARCHITECTURES, batch, carrying

MERGED = {
    name for name, deltas in ALL.items() for d in deltas.values() if d.form == "linear" and d.position in ("qv", "fc")
}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("cell", ALL)
def test_merged_equals_unmerged(architecture, cell):
    model, inputs = carrying(architecture, cell), batch(architecture)
    with torch.no_grad():
        before = model(**inputs).logits
        gone = merge(model)
        torch.testing.assert_close(model(**inputs).logits, before, rtol=1e-9, atol=1e-11)
    assert bool(gone) == (cell in MERGED)


def test_merged_lora_is_a_plain_backbone():
    model = carrying("bart", "lora-dropout")
    assert merge(model) == ["main"]
    assert placed(model) == [] and not any("petl_" in name for name, _ in model.named_modules())
    assert not any(module._forward_hooks for module in model.modules())


def test_folding_stores_what_counts_called_stored():
    model = carrying("bart", "mam")
    stored = counts(model).stored
    merge(model)
    assert counts(model).trained == counts(model).stored == stored
