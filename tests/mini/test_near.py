import random

from petl.mini import near

ROWS = [f"text number {chr(97 + i % 26)} {chr(97 + i // 26)} of many" for i in range(200)]


def test_words_forget_case_accents_and_punctuation():
    assert near.words("Adăugați, o OPȚIUNE (2)!") == ["adaugati", "o", "optiune"]


def test_a_split_does_not_depend_on_the_order_of_the_rows():
    shuffled = random.Random(0).sample(ROWS, len(ROWS))
    assert near.split(ROWS, str, 20, 30) == near.split(shuffled, str, 20, 30)


def test_a_split_has_the_sizes_asked_for_and_loses_nothing():
    parts = near.split(ROWS, str, 20, 30)
    assert (len(parts["dev"]), len(parts["test"])) == (20, 30)
    assert sorted(sum(parts.values(), [])) == sorted(ROWS)


def test_a_group_stays_in_one_split():
    parts = near.split(ROWS, lambda row: row[:13], 20, 30)
    groups = [{row[:13] for row in part} for part in parts.values()]
    assert not groups[0] & groups[1] and not groups[0] & groups[2] and not groups[1] & groups[2]


def test_of_rows_that_share_a_key_one_stays_whatever_the_order():
    rows = [("a", "1"), ("a", "2"), ("b", "2"), ("c", "3")]
    kept = near.distinct(rows, list)
    assert kept == near.distinct(rows[::-1], list)
    assert len({row[0] for row in kept}) == len(kept) == len({row[1] for row in kept})


def test_a_short_text_is_one_gram():
    assert len(near.grams("three little words")) == 1
    assert len(near.grams(" ".join("abcdefghij"))) == 3
