import numpy as np
import pytest

from petl.mini import infill
from petl.mini.stream import Stream

MASK = -1


@pytest.mark.parametrize("seed", range(20))
def test_what_is_not_masked_stays_in_order(seed):
    tokens = np.arange(60)
    noised = infill.infill(tokens, MASK, np.random.default_rng(seed))
    left = noised[noised != MASK]
    assert (np.diff(left) > 0).all()
    assert 0.7 * 60 <= len(left) < 60


def test_a_span_becomes_one_mask():
    noised = infill.infill(np.arange(200), MASK, np.random.default_rng(0))
    assert not ((noised[1:] == MASK) & (noised[:-1] == MASK)).any()


def test_about_a_quarter_is_masked():
    rng = np.random.default_rng(0)
    left = [(infill.infill(np.arange(96), MASK, rng) != MASK).sum() for _ in range(200)]
    assert 0.72 < np.mean(left) / 96 < 0.82


def test_turning_rotates_at_a_full_stop():
    tokens = np.array([5, 6, 9, 7, 8, 9])
    assert infill.turn(tokens, {9}, np.random.default_rng(0)).tolist() == [7, 8, 9, 5, 6, 9]
    assert infill.turn(tokens, {99}, np.random.default_rng(0)).tolist() == tokens.tolist()


def test_token_masking_leaves_special_tokens_and_labels_what_it_hides():
    tokens = np.random.default_rng(0).integers(0, 50, (40, 100))
    noised, labels = infill.mask_tokens(tokens, 4, 50, 5, np.random.default_rng(1))
    predicted = labels != -100
    assert (tokens[predicted] >= 5).all() and (labels[predicted] == tokens[predicted]).all()
    assert (noised[~predicted] == tokens[~predicted]).all()
    assert 0.12 < predicted.mean() < 0.15
    assert 0.75 < (noised[predicted] == 4).mean() < 0.85


def test_a_stream_holds_every_text_once_an_epoch():
    stream = Stream([[i] * 3 for i in range(10)], seed=0)
    for epoch in range(2):
        assert sorted(stream.block(epoch * 30, 30).tolist()) == sorted(list(range(10)) * 3)


def test_a_stream_is_a_function_of_its_position():
    texts = [list(range(i, i + 7)) for i in range(20)]
    one, other = Stream(texts, seed=1), Stream(texts, seed=1)
    long = one.block(0, 300)
    pieces = np.concatenate([other.block(at, 50) for at in range(0, 300, 50)])
    assert (long == pieces).all()
