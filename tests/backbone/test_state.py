import pytest
import torch
from transformers import BartConfig, RobertaConfig

from petl.backbone import attach, counts, describe, load_tuned, resolve, table, tuned_state
from petl.backbone.load import shapes
from petl.config import Budget, Delta, Init, Method, Norm, Position, Rule, UserError
from tests.cells import ALL, backbone, batch, carrying

BART, ROBERTA = BartConfig(), RobertaConfig(vocab_size=50265, max_position_embeddings=514, type_vocab_size=1)


def big(config, kind, method):
    model = shapes(config, kind, labels=3 if kind == "classification" else None)
    with torch.device("meta"):
        attach(model, method, seed=0)
    return counts(model)


def prefix(length, network=800):
    return Delta("softmax", Position.heads, compose=Rule.gated, size=length, network=network)


def adapter(position, r, **options):
    return Delta("relu", position, size=r, init=Init.bert, **options)


# trained: what the authors' code marks trainable; paper: the paper's rule (record of the paper, Sec. 5)
LARGE = {
    "prefix 200": ({"heads": prefix(200)}, 62_130_528, 14_745_600),
    "prefix 30 free": ({"heads": prefix(30, None)}, 2_211_840, 2_211_840),
    "adapter attn 200": ({"main": adapter(Position.attn, 200, norm=Norm.input)}, 14_863_392, 14_745_600),
    "adapter ffn 512": ({"main": adapter(Position.ffn, 512)}, 25_202_688, 25_165_824),
    "lora attn 200": ({"main": Delta("linear", Position.qv, size=200, bias=False)}, 29_491_200, 29_491_200),
    "lora ffn 102": ({"main": Delta("linear", Position.fc, size=102, bias=False)}, 25_067_520, 25_067_520),
    "prompt 300": ({"main": Delta("prompt", Position.input, size=300)}, 307_200, 307_200),
    "mam": ({"heads": prefix(30), "main": adapter(Position.ffn, 512)}, 86_810_976, 27_377_664),
}


@pytest.mark.parametrize("row", LARGE)
def test_counts_at_bart_large(row):
    deltas, trained, paper = LARGE[row]
    found = big(BART, "generation", Method(deltas=deltas))
    assert (found.backbone, found.trained, found.paper) == (406_291_456, trained, paper)


def test_the_network_is_not_stored():
    found = big(BART, "generation", Method(deltas=LARGE["mam"][0]))
    assert found.stored == 2_211_840 + 25_202_688


@pytest.mark.parametrize(("tune", "trained"), [(["*bias*"], 333_824), (["*"], 406_291_456)])
def test_the_backbones_own_tensors(tune, trained):
    assert big(BART, "generation", Method(tune=tune)).trained == trained


def test_a_classification_head_is_no_part_of_the_backbone():
    found = big(ROBERTA, "classification", Method(deltas={"main": adapter(Position.ffn, 16)}))
    assert found.backbone == 124_055_040
    assert found.trained == 12 * (2 * 768 * 16 + 768 + 16)


def test_a_head_trains_only_when_asked():
    model = backbone("roberta")
    attach(model, Method(deltas=ALL["mam"]), seed=0, train_head=True)
    own = [n for n, p in model.named_parameters() if p.requires_grad and "petl_" not in n]
    assert own and all(n.startswith("classifier.") for n in own)


def test_tuned_state_round_trip():
    model, inputs = carrying("bart", "mam"), batch("bart")
    fresh = backbone("bart")
    attach(fresh, Method(deltas=ALL["mam"]), seed=5)
    load_tuned(fresh, tuned_state(model))
    with torch.no_grad():
        assert torch.equal(fresh(**inputs).logits, model(**inputs).logits)


def test_weights_of_another_method_are_refused():
    with pytest.raises(UserError, match="not this method's"):
        load_tuned(carrying("bart", "mam"), tuned_state(carrying("bart", "prompt")))


def test_describe_and_print_show_every_delta():
    model = carrying("bart", "mam")
    rows = {row.delta: row for row in describe(model)}
    assert rows["heads"].composition == "(1-g) h + g dh" and rows["main"].composition == "h + 2 dh"
    assert sum(row.parameters for row in rows.values()) == counts(model).trained
    assert "heads: 6 places (cross, decoder, encoder)" in table(describe(model))
    assert "petl_main): Delta(" in str(model) and "petl_heads): Heads(" in str(model)


def test_resolving_leaves_the_model_alone_and_names_the_choice():
    model = backbone("bart")
    method, line = resolve(model, Method(name="mam", deltas={"main": Delta(size=None, paper=512)}), Budget(size=4))
    assert method.deltas["main"].size == 4 and "main 4" in line
    assert not any("petl" in name for name, _ in model.named_modules())
