"""plan_batches: every row once, in budget, the same for the same arguments, shuffled, and with little padding."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from petl.config import UserError
from petl.tasks import padding_share, plan_batches

sizes = st.lists(st.tuples(st.integers(1, 60), st.integers(0, 40)), max_size=120)
quick = settings(max_examples=60, deadline=None)


@quick
@given(sizes, st.integers(1, 20), st.integers(0, 5))
def test_rows_are_dealt_once(lengths, rows, seed):
    batches = plan_batches(lengths, rows, None, seed, 0)
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    short = [len(batch) for batch in batches if len(batch) != rows]
    assert short == ([len(lengths) % rows] if len(lengths) % rows else [])


@quick
@given(sizes, st.integers(60, 400), st.integers(0, 5))
def test_tokens_stay_in_budget(lengths, tokens, seed):
    batches = plan_batches(lengths, 1, tokens, seed, 0)
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    assert all(len(batch) * max(max(lengths[i]) for i in batch) <= tokens for batch in batches)


@quick
@given(sizes, st.integers(1, 20), st.integers(0, 3), st.integers(0, 3))
def test_same_arguments_same_plan(lengths, rows, seed, epoch):
    assert plan_batches(lengths, rows, None, seed, epoch) == plan_batches(lengths, rows, None, seed, epoch)


def summaries(count, random):
    """Lengths as of XSum: articles cut at 512, sentences of about 25 tokens, independent."""
    return np.stack([lognormal(random, 400, 0.5, count, 512), lognormal(random, 25, 0.25, count, 60)], 1).tolist()


def translations(count, random):
    """Lengths as of a parallel corpus: the target about as long as the source."""
    source = lognormal(random, 20, 0.6, count, 150)
    target = np.clip(source * np.exp(random.normal(0.15, 0.15, count)), 1, 150).astype(int)
    return np.stack([source, target], 1).tolist()


def sentences(count, random):
    return [(int(size), 0) for size in lognormal(random, 25, 0.6, count, 128)]


def lognormal(random, median, sigma, count, longest):
    return np.clip(random.lognormal(np.log(median), sigma, count), 1, longest).astype(int)


@pytest.mark.parametrize("make", [summaries, translations, sentences])
@pytest.mark.parametrize("tokens", [None, 1024])
def test_padding_is_small(make, tokens):
    lengths = make(8000, np.random.default_rng(1))
    share = padding_share(plan_batches(lengths, 32, tokens, 0, 0), lengths)
    shuffled = padding_share(np.random.default_rng(0).permutation(8000).reshape(-1, 32).tolist(), lengths)
    assert share <= 0.05
    assert shuffled > 0.2


def test_token_batches_are_full():
    lengths = translations(8000, np.random.default_rng(1))
    batches = plan_batches(lengths, 1, 4096, 0, 0)
    assert sum(max(pair) for pair in lengths) / (4096 * len(batches)) > 0.8


def test_epochs_differ_in_batches_and_order():
    lengths = translations(2000, np.random.default_rng(1))
    first, second = ([frozenset(batch) for batch in plan_batches(lengths, 32, None, 0, epoch)] for epoch in (0, 1))
    assert len(set(first) & set(second)) < 0.5 * len(first)
    assert [min(batch) for batch in first] != sorted(min(batch) for batch in first)


def test_lengths_come_mixed():
    lengths = translations(4000, np.random.default_rng(1))
    means = [np.mean([lengths[i][0] for i in batch]) for batch in plan_batches(lengths, 32, None, 0, 0)]
    neighbours = np.corrcoef(means[:-1], means[1:])[0, 1]
    assert abs(neighbours) < 0.3


def test_slices_of_a_batch_have_no_more_padding():
    lengths = translations(4000, np.random.default_rng(1))
    batches = plan_batches(lengths, 64, None, 0, 0)
    slices = [batch[i : i + 16] for batch in batches for i in range(0, len(batch), 16)]
    assert padding_share(slices, lengths) <= padding_share(batches, lengths)


def test_row_longer_than_the_budget():
    with pytest.raises(UserError, match=r"recipe.batch_tokens=100, but a row has 150 tokens"):
        plan_batches([(150, 10), (5, 5)], 1, 100, 0, 0)


def test_padding_share_by_hand():
    assert padding_share([[0, 1]], [(4, 2), (2, 2)]) == pytest.approx(2 / 12)
