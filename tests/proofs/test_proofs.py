"""Every promise at its quick count; `make prove` is the full one."""

import pytest

from tests.proofs import Promise, promises


@pytest.mark.parametrize(
    "made", [pytest.param(p, id=p.name, marks=pytest.mark.slow if p.slow else ()) for p in promises().values()]
)
def test_promise(made: Promise, tmp_path):
    outcomes = list(made.prove(made.numbers(made.quick), tmp_path))
    assert [f"case {o.number}: {o.wrong}" for o in outcomes if o.wrong] == []
    assert len(outcomes) == made.quick
    made.sum_up([o.note for o in outcomes])
