import pytest

from petl.mini import near, overlaps

SENTENCE = "the quick brown fox jumps over the lazy dog today"


def test_the_same_words_count_whatever_their_case():
    assert overlaps.same([["Save the File!", "Salvati"]], [["save the file", "salvati"], ["save the file", "nu"]]) == 1


@pytest.mark.parametrize(
    ("other", "is_near"), [(SENTENCE, True), (SENTENCE.replace("dog", "cat"), True), ("a lazy brown fox", False)]
)
def test_near_rows_have_four_words_of_five_in_common(other, is_near):
    assert list(near.close([[SENTENCE]], [["something else"], [other]])) == ([(0, 1)] if is_near else [])


def test_near_rows_are_found_whichever_words_are_rare():
    """As by comparing all with all."""
    words = [f"{a}{b}" for a in "abcdefg" for b in "xyz"]
    bags = [{words[i % n] for n in (21, 13, 7, 5, 3, 2)} for i in range(80)]
    named = [[" ".join(sorted(bag))] for bag in bags]
    expected = {(i, j) for i, a in enumerate(bags) for j, b in enumerate(bags) if len(a & b) >= near.NEAR * len(a | b)}
    assert len(expected) > len(bags)
    assert set(near.close(named, named)) == expected


def test_rows_share_half_of_their_eight_words_in_a_row():
    train = [[SENTENCE]]
    assert overlaps.shared(train, [[SENTENCE + " and"], [SENTENCE + " and then it sleeps for a very long time"]]) == 1


def test_rows_are_seen_in_the_pretraining_text():
    assert overlaps.seen([f"They say {SENTENCE}."], [[SENTENCE], ["the quick brown fox"]]) == 1


def test_all_of_it_on_built_rows(monkeypatch):
    rows = {"train": [{"sentence": SENTENCE, "label": 1, "id": "0"}], "dev": [], "test": []}
    rows["test"] = [{"sentence": SENTENCE.upper(), "label": 1, "id": "1"}, {"sentence": "else", "label": 0, "id": "2"}]
    monkeypatch.setattr(overlaps.corpora, "rows", lambda task, cache: rows)
    monkeypatch.setattr(overlaps.corpora, "texts", lambda name, cache: ["something", SENTENCE])
    assert list(overlaps.measured("sst2", ["en"]).values()) == [2, 1, 1, 1, 1]
