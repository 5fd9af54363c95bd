import pytest

from petl.config import Budget, Delta, Method, Position, UserError
from petl.design.budget import PAPER, Shape, explain, resolve

BART = PAPER["generation"]
MAM = Method(
    name="mam",
    deltas={"heads": Delta("softmax", Position.heads, paper=30), "main": Delta("relu", Position.ffn, paper=512)},
)
UNITS = {"heads": 73_728, "main": 49_152}  # 2d x 36 attentions, 2d x 24 feed-forwards at bart-large


def sizes(budget: Budget, backbone: Shape = BART, method: Method = MAM) -> dict[str, int]:
    found = resolve(method, budget, UNITS, backbone, "generation")
    return {name: delta.size for name, delta in found.deltas.items()}


def test_the_papers_sizes_on_the_papers_backbone():
    assert sizes(Budget()) == {"heads": 30, "main": 512}


def test_the_same_share_on_another_backbone():
    small = Shape(width=128, layers=2, parameters=1_200_000)
    scale = (1024 * 12 / 406_291_456) / (128 * 2 / 1_200_000)
    assert sizes(Budget(), small) == {"heads": round(30 * scale), "main": round(512 * scale)}


def test_a_prompt_does_not_grow_with_depth():
    prompt = Method(deltas={"main": Delta("prompt", Position.input, paper=300)})
    deep, shallow = Shape(128, 12, 10**6), Shape(128, 2, 10**6)
    assert sizes(Budget(), deep, prompt) == sizes(Budget(), shallow, prompt)


def test_a_size_goes_to_the_delta_that_takes_it():
    assert sizes(Budget(size=77)) == {"heads": 30, "main": 77}


def test_a_share_is_the_largest_size_that_does_not_exceed_it():
    size = sizes(Budget(percent=6.7))["main"]
    total = [30 * UNITS["heads"] + r * UNITS["main"] for r in (size, size + 1)]
    assert total[0] <= 0.067 * BART.parameters < total[1]


def test_a_count_likewise():
    assert sizes(Budget(parameters=30 * 73_728 + 5 * 49_152 + 49_151))["main"] == 5


def test_too_small_a_budget_names_the_smallest():
    with pytest.raises(UserError, match=r"smallest is 2,260,992 \(0.556%"):
        sizes(Budget(percent=0.1))


def test_a_delta_without_any_size_is_refused():
    with pytest.raises(UserError, match="no size"):
        sizes(Budget(), method=Method(deltas={"main": Delta()}))


def test_the_explanation_names_its_denominator():
    found = resolve(MAM, Budget(), UNITS, BART, "generation")
    line = explain(found, UNITS, BART)
    assert "heads 30, main 512" in line and "27,377,664" in line and "6.738% of the backbone's 406,291,456" in line
