import pytest

from petl.mini import baselines
from petl.tasks import Row, Splits

WORDS = ("good", "bad")


def splits(train: list[Row], dev: list[Row], test: list[Row]) -> Splits:
    return Splits(train, dev, test, {}, {}, "files")


def reviews(count: int) -> list[Row]:
    return [Row(str(i), f"a {WORDS[i % 2]} film number {i}", None, 1 - i % 2) for i in range(count)]


def pairs(count: int) -> list[Row]:
    """Only the premise tells: the hypothesis is the same for either class."""
    return [Row(str(i), f"it is {WORDS[i % 2]}", f"film {i // 2 % 5}", i % 2) for i in range(count)]


def test_lead_is_the_first_sentence():
    test = [Row("0", "Reads a file. Then closes it.", None, ""), Row("1", "No end here", None, "")]
    assert baselines.lead(splits([], [], test)) == ["Reads a file.", "No end here"]


def test_copy_is_the_source():
    assert baselines.copy(splits([], [], [Row("0", "Save", None, "Salveaza")])) == ["Save"]


def test_majority_is_that_of_train():
    train = [Row("0", "", None, 1), Row("1", "", None, 1), Row("2", "", None, 0)]
    assert baselines.majority(splits(train, [], reviews(3))) == [1, 1, 1]


def test_counted_words_tell_classes_apart():
    test = reviews(6)
    assert baselines.words(splits(reviews(40), reviews(10), test)) == [row.target for row in test]


def test_the_second_text_alone_cannot_tell_what_only_the_first_says():
    rows = pairs(40)
    assert baselines.words(splits(rows, rows[:10], rows[:10])) == [row.target for row in rows[:10]]
    alone = baselines.pair_alone(splits(rows, rows[:10], rows[:10]))
    assert alone[0::2] == alone[1::2]  # the rows of one hypothesis


@pytest.mark.parametrize("task", baselines.BASELINES)
def test_every_embedded_task_has_one(task):
    assert baselines.BASELINES[task]
