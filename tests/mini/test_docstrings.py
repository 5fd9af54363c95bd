import pytest

from petl.mini import docstrings

BODY = "The parameters are averaged over all the workers that take part, and every worker gets the same result back."
SOURCE = f'''
"""Module text."""

class LogReader(Base):
    """Reads things."""

    def mean_all(self, my_tensor, out=None):
        """Average a tensor over all workers of the `group`. It blocks.

        {BODY}

        >>> mean_all(x)
        """
        def inner():
            """Inner text."""
'''


@pytest.fixture
def found():
    return {doc.name: doc for doc in docstrings.docstrings("pack/io/reader.py", SOURCE)}


def test_every_definition_is_found_by_its_qualified_name(found):
    assert set(found) == {"", "LogReader", "LogReader.mean_all", "LogReader.mean_all.inner"}
    assert found[""].module == "pack.io.reader"


def test_a_pair_is_body_and_first_sentence(found):
    document, summary = docstrings.pair(found["LogReader.mean_all"])
    assert summary == "Average a tensor over all workers of the group."
    assert document == f"reader log reader mean all takes my tensor, out. It blocks. {BODY}"


def test_short_or_codelike_docstrings_make_no_pair(found):
    assert docstrings.pair(found["LogReader"]) is None
    table = found["LogReader.mean_all"]._replace(text="Average a tensor over workers.\n\n" + "0.1 x_1 == y_2 " * 10)
    assert docstrings.pair(table) is None


def test_a_section_title_is_no_summary(found):
    titled = found["LogReader.mean_all"]._replace(text=f"Args: the names of all things\n\n{BODY}")
    assert docstrings.pair(titled) is None


@pytest.mark.parametrize(
    ("marked", "plain"),
    [
        ("See :func:`~a.b.run` and ``x``.", "See a.b.run and x."),
        (":param x: the value", "x: the value"),
        ("**Bold** and [link](http://a.b) [1]_", "Bold and link"),
        ("Text\n----\n>>> code()\n.. note:: hidden\nmore", "Text more"),
    ],
)
def test_markup_goes(marked, plain):
    assert docstrings.clean(marked) == plain


def test_source_that_does_not_parse_has_no_docstrings():
    assert list(docstrings.docstrings("a.py", "def broken(:")) == []


def test_comment_blocks_are_joined():
    assert list(docstrings.comments("# One line\n# goes on.\nx = 1\n# Another.\n#!/no")) == [
        "One line goes on.",
        "Another.",
    ]
