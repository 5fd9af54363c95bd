import pytest

from petl.mini import reviews


def test_a_line_is_rating_and_sentence(package):
    lines = "1\t2.25\tA ''great''  film &amp; more\r\n2\t-0.5\tDull\tand long.\r\n"
    found = list(reviews.rated(package({f"x/{reviews.MOVIES}": lines}), reviews.MOVIES))
    assert found == [(2.25, 'A "great" film & more'), (-0.5, "Dull and long.")]


@pytest.mark.parametrize(("rating", "label"), [(1.5, 1), (-0.31, 0), (0.1, None), (-0.2, None)])
def test_the_label_is_the_sign_of_a_clear_rating(rating, label):
    found = reviews.labelled(rating, "It is a film")
    assert (found and found[1]) == label


def test_a_film_review_reads_as_it_would_be_written(package):
    row = '\ufeff"1","a "" comic "" film , they say . \nit\'s fine ( and long ) !"\n"-1","dull ."\n'
    found = list(reviews.films(package({f"x/{reviews.FILMS}": row})))
    assert found == ['A "comic" film, they say. It\'s fine (and long)!', "Dull."]
