from petl.config import FORMS as NAMES
from petl.design.forms import FORMS


def test_the_schema_names_exactly_the_forms_there_are():
    assert set(NAMES) == {*FORMS, "prompt"}
