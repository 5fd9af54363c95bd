"""What is wrong with a run, before anything is loaded."""

import pytest

from petl.command import read
from petl.config import UserError


def test_all_problems_are_told_at_once():
    with pytest.raises(UserError) as error:
        read(["recipe.lr=-1", "seed=-1", "recipe.batch=0"])
    assert len(str(error.value).splitlines()) == 3
