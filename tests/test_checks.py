"""Which cells of the grid do not exist, and that nothing is ignored silently."""

import pytest

from petl.checks import cell, screen
from petl.command import read
from petl.config import FORMS, Delta, Dropout, Insertion, Norm, Position, Rule, UserError

HEADS = {"position": Position.heads, "form": "softmax"}

NO_CELLS = {
    "reads the queries": Delta(**HEADS, insertion=Insertion.sequential),
    "f reads the queries": Delta(position=Position.heads, insertion=Insertion.sequential),
    "needs form=softmax": Delta(compose=Rule.gated),
    "is composition=add": Delta(compose=Rule.scaled),
    "that is composition=scaled": Delta(s=2.0),
    "position=ffn insertion=parallel": Delta(position=Position.block),
    "a prompt stands at the input": Delta(position=Position.input),
    "at position=ffn: a prompt": Delta(form="prompt"),
    "no h that an insertion": Delta(form="prompt", position=Position.input, compose=Rule.scaled, s=2.0),
    "no norm, dropout, network": Delta(form="prompt", position=Position.input, norm=Norm.input),
    "before the first layer": Delta(form="prompt", position=Position.input, layers=[0]),
    "only at the heads a prefix": Delta(network=8),
    "f reads a query": Delta(scale_query=False),
    "norm=output": Delta(**HEADS, norm=Norm.output),
    "W_o follows position=attn only": Delta(before_wo=True),
    "reads_stream=true": Delta(insertion=Insertion.sequential, reads_stream=True),
    "one of bottleneck, input": Delta(dropout=Dropout.hidden, dropout_on="prefix"),
    "no effect with dropout=none": Delta(dropout_on="input"),
    "lies between 0 and 1": Delta(dropout=Dropout.own),
    "that is dropout=own": Delta(dropout=Dropout.hidden, dropout_rate=0.1),
    "different layer numbers": Delta(layers=[0, 0]),
    "encoder, decoder, cross": Delta(sites=["encodr"]),
    "at least 1": Delta(size=0),
    "Did you mean gelu": Delta(form="gelo"),
}


@pytest.mark.parametrize("sentence", NO_CELLS)
def test_cell_is_refused_with_the_reason(sentence):
    problems = list(cell(NO_CELLS[sentence]))
    assert len(problems) == 1 and sentence in problems[0]


@pytest.mark.parametrize("position", ["attn", "ffn", "qv", "fc"])
@pytest.mark.parametrize("insertion", ["parallel", "sequential"])
@pytest.mark.parametrize("form", [form for form in FORMS if form != "prompt"])
def test_every_other_cell_exists(form, insertion, position):
    for rule, s in ((Rule.add, 1.0), (Rule.scaled, 2.0), (Rule.learned, 1.0)):
        assert not list(cell(Delta(form, Position(position), Insertion(insertion), rule, s)))


def test_all_problems_are_told_at_once():
    with pytest.raises(UserError) as error:
        read(["recipe.lr=-1", "seed=-1", "recipe.batch=0"])
    assert len(str(error.value).splitlines()) == 3


def test_a_screen_holds_any_message():
    assert screen("a\nb") == "a\nb"
    assert screen("a\x1b[31m\u202eb\ud800") == "a\\x1b[31m\\u202eb\\ud800"
    long = screen("x" * 100_000 + "\n" + "line\n" * 1000)
    assert len(long.split("\n")) == 30 and max(map(len, long.split("\n"))) <= 110
    assert long.endswith("lines more")
