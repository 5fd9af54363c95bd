"""Which cells of the grid do not exist, and that nothing is ignored silently."""

import pytest

from petl.config import FORMS, Delta, Dropout, Insertion, Norm, Position, Rule
from petl.grid import problems

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
    (problem,) = problems(NO_CELLS[sentence])
    assert sentence in problem


@pytest.mark.parametrize("position", ["attn", "ffn", "qv", "fc"])
@pytest.mark.parametrize("insertion", ["parallel", "sequential"])
@pytest.mark.parametrize("form", [form for form in FORMS if form != "prompt"])
def test_every_other_cell_exists(form, insertion, position):
    for rule, s in ((Rule.add, 1.0), (Rule.scaled, 2.0), (Rule.learned, 1.0)):
        assert not list(problems(Delta(form, Position(position), Insertion(insertion), rule, s)))
