"""What a configuration says is what its model gets: sizes, budgets and counts, from the words of a command line on."""

import pytest
from transformers import BartConfig, RobertaConfig

from petl.command import read
from petl.config import UserError
from petl.parameters import measure

LARGE = 406_291_456


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Folders of two backbones of the miniatures' kind by task, configs only: width 128, 4 layers, 8000 words."""
    folders = {task: str(tmp_path_factory.mktemp(task)) for task in ("xsum", "mnli")}
    width = {"d_model": 128, "encoder_ffn_dim": 512, "decoder_ffn_dim": 512, "encoder_layers": 4, "decoder_layers": 4}
    BartConfig(vocab_size=8000, **width).save_pretrained(folders["xsum"])
    width = {"hidden_size": 128, "intermediate_size": 512, "num_hidden_layers": 4, "num_attention_heads": 4}
    RobertaConfig(vocab_size=8000, **width).save_pretrained(folders["mnli"])
    return folders


def large(*words):
    return measure(read([*words, "scale=paper"]))


@pytest.mark.parametrize(
    ("words", "sizes", "paper"),
    [
        ("method=parallel budget=6.7%", {"main": 553}, 553 * 49_152),
        ("method=parallel budget=r1024", {"main": 1024}, 1024 * 49_152),
        ("method=mam budget=paper", {"heads": 30, "main": 512}, 27_377_664),
        ("method=mam budget=6.7%", {"heads": 30, "main": 508}, 27_181_056),
        ("method=mam budget=r16", {"heads": 30, "main": 16}, 30 * 73_728 + 16 * 49_152),
        ("method=prefix_lora budget.percent=4.2", {"heads": 30, "main": 60}, 30 * 73_728 + 60 * 245_760),
        ("method=houlsby budget.parameters=24600000", {"attn": 200, "main": 200}, 24_576_000),
        ("method=prompt budget.size=77 task=en_ro", {"main": 77}, 77 * 1024),
        ("method=mam task=mnli", {"heads": 16, "main": 16}, 589_824),
    ],
)
def test_sizes_and_counts_at_the_papers_shapes(words, sizes, paper):
    found = large(*words.split())
    assert (found.sizes, found.parameters["paper"]) == (sizes, paper)
    assert f"{paper:,} parameters by the paper's rule" in found.line


def test_the_line_names_the_backbone_as_denominator():
    assert f"6.690% of the backbone's {LARGE:,} parameters" in large("method=mam", "budget=6.7%").line
    assert "610,851,840" in large("method=adapter", "task=en_ro", "budget=0.5%").line


SHARES = [
    ("adapter", 3.6, "xsum"), ("lora", 3.6, "xsum"), ("prompt", 0.5, "xsum"), ("mam", 6.7, "xsum"),
    ("pa_pa", 9.2, "xsum"), ("prefix", 3.6, "mnli"), ("houlsby", 12.3, "mnli"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "percent", "task"), SHARES)
def test_a_share_is_the_largest_size_that_fits_the_model_itself(small, method, percent, task):
    words = [f"method={method}", f"task={task}", f"backbone.path={small[task]}"]
    found = measure(read([*words, f"budget.percent={percent}"]))
    more = measure(read([*words, f"budget.size={found.sizes['main'] + 1}"]))
    limit = percent * found.parameters["backbone"] / 100
    assert found.parameters["paper"] <= limit < more.parameters["paper"]
    assert found.sizes.keys() == more.sizes.keys()
    assert all(found.sizes[name] == more.sizes[name] for name in found.sizes if name != "main")


def test_a_budget_is_a_count_for_any_backbone(small):
    found = measure(read(["method=adapter", "budget.parameters=100000", f"backbone.path={small['xsum']}"]))
    assert found.sizes == {"main": 48} and found.parameters["paper"] == 48 * 2 * 128 * 8


def test_without_a_budget_a_small_backbone_has_the_papers_share(small):
    found = measure(read(["method=mam", f"backbone.path={small['xsum']}"]))
    unit = {"heads": 2 * 128 * 12, "main": 2 * 128 * 8}
    shares = {"heads": 30 * 73_728, "main": 512 * 49_152}
    for name, size in found.sizes.items():
        assert abs(size * unit[name] / found.parameters["backbone"] - shares[name] / LARGE) <= (
            unit[name] / found.parameters["backbone"] / 2
        )


def test_too_small_a_budget_is_refused_with_the_smallest(small):
    with pytest.raises(UserError, match="smallest is"):
        measure(read(["method=mam", "budget.percent=0.1", f"backbone.path={small['xsum']}"]))


def test_trained_counts_the_network_and_stored_does_not():
    found = large("method=mam").parameters
    assert (found["trained"], found["stored"]) == (86_810_976, 27_414_528)
    assert found["percent"] == pytest.approx(100 * 27_377_664 / LARGE)


def test_a_backbone_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UserError, match="no config.json"):
        measure(read(["method=mam", f"backbone.path={tmp_path}"]))
