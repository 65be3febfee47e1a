"""Which features meet in a batch: each once, from (seed, epoch) alone, in batches of rows or of tokens."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

from bertkit.data.sampler import BUCKET, Indices, Order, Schedule, by_length, share

ORDERS = {
    "random": Order(size=8, seed=1),
    "length": Order(size=8, by_length=True, seed=1),
    "random tokens": Order(size=8, tokens=400, seed=1),
    "length tokens": Order(size=8, tokens=400, by_length=True, seed=1),
    "length padded tokens": Order(size=8, tokens=400, padded=True, by_length=True, seed=1),
}
each_order = pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)


def lengths_of(features: int) -> Indices:
    """Made-up lengths: most short, a few long."""
    return np.random.default_rng(0).geometric(0.03, features).clip(3, 256)


def batches_of(order: Order, lengths: Indices, epoch: int = 0) -> list[list[int]]:
    """One epoch's batches."""
    return [batch.tolist() for batch in order.epoch(len(lengths), lengths.__getitem__, epoch)]


def flat(batches: list[list[int]]) -> list[int]:
    """The features in the order they come."""
    return [feature for batch in batches for feature in batch]


def padded(lengths: Indices, batches: list[list[int]]) -> int:
    """Tokens of all batches, padding counted."""
    return sum(len(batch) * int(lengths[batch].max()) for batch in batches)


@each_order
@pytest.mark.parametrize("features", [1, 7, 8, 9, 8 * BUCKET, 8 * BUCKET + 3, 1_000])
def test_an_epoch_holds_every_feature_once_in_so_many_batches(order: Order, features: int) -> None:
    lengths = lengths_of(features)
    batches = batches_of(order, lengths)
    assert sorted(flat(batches)) == list(range(features))
    assert len(batches) == order.batches(features, lengths.__getitem__, 0)


@pytest.mark.parametrize("by_length", [False, True])
@pytest.mark.parametrize("features", [1, 7, 9, 8 * BUCKET + 3, 1_000])
def test_one_batch_at_most_is_smaller_than_the_others(features: int, by_length: bool) -> None:
    order = Order(size=8, by_length=by_length, seed=1)
    sizes = sorted(len(batch) for batch in batches_of(order, lengths_of(features)))
    assert sizes[1:] == [8] * (-(-features // 8) - 1)
    assert sizes[0] == (features % 8 or 8)


@each_order
def test_the_order_depends_on_seed_and_epoch_alone(order: Order) -> None:
    lengths = lengths_of(100)
    first = batches_of(order, lengths, 2)
    np.random.seed(5)
    torch.manual_seed(5)
    assert batches_of(order, lengths, 2) == first


@each_order
@pytest.mark.parametrize(("seed", "epoch"), [(1, 1), (2, 0), (0, 1)])
def test_another_seed_or_epoch_gives_another_order(order: Order, seed: int, epoch: int) -> None:
    lengths = lengths_of(100)
    other = Order(size=8, tokens=order.tokens, by_length=order.by_length, padded=order.padded, seed=seed)
    assert flat(batches_of(order, lengths)) != flat(batches_of(other, lengths, epoch))


def test_a_random_order_is_a_shuffle_cut_into_batches_and_asks_for_no_lengths() -> None:
    def unknown(features: Indices) -> Indices:
        raise AssertionError

    batches = list(ORDERS["random"].epoch(20, unknown, 3))
    shuffled = np.random.default_rng([1, 3]).permutation(20)
    assert [batch.tolist() for batch in batches] == [shuffled[k : k + 8].tolist() for k in (0, 8, 16)]


def test_buckets_save_more_than_half_of_the_padding_of_a_plain_shuffle() -> None:
    lengths = lengths_of(2_000)
    real = int(lengths.sum())
    wasted, plain = (
        padded(lengths, batches_of(Order(size=16, by_length=sort, seed=3), lengths)) - real for sort in (True, False)
    )
    assert wasted < plain / 2


def test_batches_of_long_and_short_features_come_in_no_order_of_length() -> None:
    lengths = lengths_of(8 * BUCKET)
    longest = [int(lengths[batch].max()) for batch in batches_of(ORDERS["length"], lengths)]
    assert longest not in (sorted(longest), sorted(longest, reverse=True))


@each_order
def test_other_features_meet_in_the_next_epoch(order: Order) -> None:
    lengths = np.full(1_000, 20)
    first, second = ({frozenset(batch) for batch in batches_of(order, lengths, epoch)} for epoch in (0, 1))
    assert not first & second


def test_a_budget_of_real_tokens_is_kept_and_used_up() -> None:
    lengths = lengths_of(500)
    for batch, following in pairwise(batches_of(ORDERS["random tokens"], lengths)):
        held = int(lengths[batch].sum())
        assert held <= 400 < held + int(lengths[following[0]])


def test_a_budget_of_padded_tokens_is_kept_padding_counted() -> None:
    lengths = lengths_of(500)
    batches = batches_of(ORDERS["length padded tokens"], lengths)
    assert max(len(batch) * int(lengths[batch].max()) for batch in batches) <= 400
    assert padded(lengths, batches) / len(batches) > 300


@each_order
def test_a_feature_longer_than_the_budget_goes_alone(order: Order) -> None:
    lengths = np.array([10, 900, 10, 10])
    if order.tokens is not None:
        assert [1] in batches_of(order, lengths)


@pytest.mark.parametrize("budget", [256, 1_000, 4_096])
def test_no_batch_by_length_is_over_the_budget_and_none_could_take_one_more(budget: int) -> None:
    lengths = lengths_of(300)
    batches = list(by_length(lengths, budget))
    assert sorted(np.concatenate(batches).tolist()) == list(range(300))
    for batch, following in pairwise(batches):
        longest = int(lengths[batch].max())
        assert len(batch) * longest <= budget < (len(batch) + 1) * longest
        assert lengths[following].max() <= lengths[batch].min()


def test_a_feature_longer_than_the_budget_is_predicted_alone() -> None:
    assert [batch.tolist() for batch in by_length(np.array([2, 50, 3]), 10)] == [[1], [2, 0]]


@pytest.mark.parametrize(("size", "processes"), [(8, 2), (7, 2), (1, 2), (10, 3), (4, 1)])
def test_shares_are_the_whole_batch_each_feature_once(size: int, processes: int) -> None:
    lengths = lengths_of(size)
    parts = [share(lengths, rank, processes) for rank in range(processes)]
    assert sorted(np.concatenate(parts).tolist()) == list(range(size))


def test_shares_are_even_by_tokens_and_not_by_rows() -> None:
    lengths = np.array([100, 10, 20, 30, 40])  # 100 against 10 + 20 + 30 + 40
    assert [share(lengths, rank, 2).tolist() for rank in (0, 1)] == [[0], [1, 2, 3, 4]]


@pytest.mark.parametrize("processes", [2, 3, 4])
def test_no_share_of_a_real_batch_is_a_tenth_over_the_mean(processes: int) -> None:
    for batch in np.split(lengths_of(32 * 20), 20):
        loads = [int(batch[share(batch, rank, processes)].sum()) for rank in range(processes)]
        assert max(loads) <= 1.1 * sum(loads) / processes


def schedule(**given: Any) -> Schedule:
    """A schedule of features of nine tokens each."""
    settings = {"order": Order(size=4), "features": 10, "lengths": lambda some: np.full(len(some), 9), "epochs": 1.0}
    return Schedule(**{**settings, **given})


@pytest.mark.parametrize("tokens", [None, 9])
@pytest.mark.parametrize(
    ("features", "batch_size", "accumulation", "epochs", "updates"),
    [
        (100, 32, 1, 3, 12),  # 4 batches an epoch
        (100, 32, 1, 0.5, 2),
        (100, 32, 1, 0.3, 2),  # 1.2, and what is begun is finished
        (100, 32, 3, 1, 2),  # 3 batches and 1
        (100, 32, 3, 2.5, 5),
        (1_000, 10, 1, 0.55, 55),  # 0.55 * 100 is 55.00000000000001 to a computer
        (5, 32, 1, 0.1, 1),
    ],
)
def test_fractions_of_epochs_give_so_many_updates(
    tokens: int | None, features: int, batch_size: int, accumulation: int, epochs: float, updates: int
) -> None:
    order = Order(size=batch_size, tokens=tokens and tokens * batch_size)
    one = schedule(order=order, features=features, accumulation=accumulation, epochs=epochs)
    assert one.updates == updates
    assert len(list(one.micro_batches())) == updates


def test_an_update_has_so_many_micro_batches_and_the_last_of_an_epoch_may_have_fewer() -> None:
    one = schedule(order=Order(size=2), accumulation=3, epochs=2)
    assert [len(micros) for _, micros in one.micro_batches()] == [3, 2, 3, 2]
    seen = [int(feature) for _, micros in one.micro_batches() for micro in micros for feature in micro]
    assert sorted(seen[:10]) == sorted(seen[10:]) == list(range(10))


def test_updates_that_are_given_take_the_place_of_epochs() -> None:
    sizes = [len(micro) for _, micros in schedule(given_updates=7).micro_batches() for micro in micros]
    assert sum(sizes[:3]) == sum(sizes[3:6]) == 10 and len(sizes) == 7


def test_updates_in_batches_of_tokens_are_as_many_as_each_epochs_own_shuffle_gives() -> None:
    lengths = lengths_of(300)
    order = Order(size=1, tokens=300)
    counts = [order.batches(300, lengths.__getitem__, epoch) for epoch in range(3)]
    one = schedule(order=order, features=300, lengths=lengths.__getitem__, epochs=3)
    assert one.updates == sum(counts) and len(set(counts)) > 1
