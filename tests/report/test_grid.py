"""Tables 1 and 9 to 11 from the grid: they print what the paper prints, errata aside, and count what models have."""

import re

import pytest

from petl.command import read
from petl.parameters import measure
from petl.report import grid, published
from petl.report.layout import MISSING


def texts(name, scale="paper"):
    return [[cell.plain for cell in row] for row in grid.TABLES[name](scale).rows]


def test_what_table_1_prints_differently_is_an_erratum():
    rows = {row[0]: row[1:] for row in texts("table1")}
    differ = {name: [re.search(r"\[(.*)\]", cell)[1] for cell in cells if "[" in cell] for name, cells in rows.items()}
    assert {name: found for name, found in differ.items() if found} == {
        "LoRA": ["attn key/val"],  # E6
        "Parallel adapter": ["ReLU(h Wdown) Wup"],  # E6
        "Multi-head parallel adapter": ["ReLU(h Wdown) Wup"],  # E6, N16
        "Scaled parallel adapter": ["ReLU(h Wdown) Wup"],  # E6
    }


def test_every_method_of_the_grid_is_in_table_1():
    titles = {read([f"method={name}", "task=xsum"]).method.title for name in ("mam", "pfeiffer", "bitfit", "prompt")}
    shown = {row[0].partition(":")[0] for row in texts("table1")}
    assert titles <= shown


@pytest.mark.parametrize("name", ["table9", "table10", "table11"])
@pytest.mark.parametrize("scale", ["paper", "mini"])
def test_counts_are_those_that_the_paper_prints(name, scale):
    assert not [cell for row in texts(name, scale) for cell in row if "[" in cell]


def test_a_prefix_at_the_ffn_is_no_cell():
    assert texts("table10")[0] == ["Prefix Tuning", "2*l*d", MISSING]


@pytest.mark.parametrize("scale", ["paper", "mini"])
@pytest.mark.parametrize("line", published.table("table11")["rows"], ids=lambda line: line["row"])
def test_formulas_count_what_a_real_model_has(line, scale):
    words = [f"{key}={value}" for key, value in line["overrides"].items()]
    config = read([*words, "task=xsum", f"scale={scale}"])
    found = measure(config)
    shape = grid.shapes(scale)["generation"]
    counted = sum(grid.unit(delta, **shape) * found.sizes[name] for name, delta in config.method.deltas.items())
    assert counted == found.parameters["paper"]


@pytest.mark.parametrize("method", ["prefix", "adapter", "lora", "mam"])
def test_an_encoder_has_one_sublayer_of_each_kind(method):
    config = read([f"method={method}", "task=mnli", "scale=paper"])
    found = measure(config)
    shape = grid.shapes("paper")["classification"]
    counted = sum(grid.unit(delta, **shape) * found.sizes[name] for name, delta in config.method.deltas.items())
    assert counted == found.parameters["paper"]


def test_equal_sizes_at_the_attention_cost_the_same():
    """C20: prefix l, adapter r and multi-head adapter r."""
    deltas = [
        ["method=prefix"],
        ["method=adapter", "position=attn"],
        ["method=parallel", "position=attn"],
        ["method=mh_parallel"],
    ]
    counts = [grid.unit(read([*words, "task=xsum"]).method.deltas["main"], 1024, 12, 2) for words in deltas]
    assert counts == [73_728] * 4
