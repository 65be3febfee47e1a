"""Which features meet in a batch: each once, from (seed, epoch) alone, with little padding."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from bertkit.batches import BUCKET, by_length, collate, count, order, share
from bertkit.features import Features, Ragged
from bertkit.heads.tagging import UNASKED

PAD = 7


def lengths_of(features: int) -> np.ndarray:
    """Made-up lengths: most short, a few long."""
    return np.random.default_rng(0).geometric(0.03, features).clip(3, 256)


def features_of(*runs: list[int], targets: list[list[int]] | None = None, words: bool = False) -> Features:
    """Features with these token ids."""
    return Features(
        row=np.arange(len(runs)),
        inputs={
            "input_ids": Ragged.of(runs, "int32"),
            "token_type_ids": Ragged.of([[1] * len(run) for run in runs], "int32"),
        },
        targets=None if targets is None else Ragged.of(targets, "int64"),
        cut=np.zeros(len(runs), bool),
        places={"first": Ragged.of([[1]] * len(runs), "int32")} if words else {},
    )


def padded(lengths: np.ndarray, batches: list[np.ndarray]) -> int:
    """Tokens of all batches, padding counted."""
    return sum(len(batch) * int(lengths[batch].max()) for batch in batches)


@pytest.mark.parametrize("features", [1, 7, 8, 9, 8 * BUCKET, 8 * BUCKET + 3, 1_000])
def test_an_epoch_holds_every_feature_once(features: int) -> None:
    batches = order(lengths_of(features), 8, seed=1, epoch=0)
    assert sorted(np.concatenate(batches).tolist()) == list(range(features))


@pytest.mark.parametrize("features", [1, 7, 9, 8 * BUCKET + 3, 1_000])
def test_one_batch_at_most_is_smaller_than_the_others(features: int) -> None:
    sizes = sorted(len(batch) for batch in order(lengths_of(features), 8, seed=1, epoch=0))
    assert sizes[1:] == [8] * (-(-features // 8) - 1)
    assert sizes[0] == (features % 8 or 8)


def test_the_order_depends_on_seed_and_epoch_alone() -> None:
    lengths = lengths_of(100)
    first = order(lengths, 8, seed=1, epoch=2)
    np.random.seed(5)
    torch.manual_seed(5)
    again = order(lengths, 8, seed=1, epoch=2)
    assert [batch.tolist() for batch in first] == [batch.tolist() for batch in again]


@pytest.mark.parametrize(("seed", "epoch"), [(1, 1), (2, 0), (0, 1)])
def test_another_seed_or_epoch_gives_another_order(seed: int, epoch: int) -> None:
    lengths = lengths_of(100)
    first, other = order(lengths, 8, seed=1, epoch=0), order(lengths, 8, seed=seed, epoch=epoch)
    assert np.concatenate(first).tolist() != np.concatenate(other).tolist()


def test_buckets_save_more_than_half_of_the_padding_of_a_plain_shuffle() -> None:
    lengths = lengths_of(2_000)
    shuffled = np.random.default_rng(3).permutation(2_000)
    plain = [shuffled[k : k + 16] for k in range(0, 2_000, 16)]
    real = int(lengths.sum())
    waste = padded(lengths, order(lengths, 16, seed=3, epoch=0)) - real
    assert waste < (padded(lengths, plain) - real) / 2


def test_batches_of_long_and_short_features_come_in_no_order_of_length() -> None:
    lengths = lengths_of(8 * BUCKET)
    longest = [int(lengths[batch].max()) for batch in order(lengths, 8, seed=1, epoch=0)]
    assert longest not in (sorted(longest), sorted(longest, reverse=True))


def test_other_features_meet_in_the_next_epoch() -> None:
    lengths = np.full(1_000, 20)
    first, second = ({frozenset(batch.tolist()) for batch in order(lengths, 8, 1, epoch)} for epoch in (0, 1))
    assert not first & second


@pytest.mark.parametrize("budget", [256, 1_000, 4_096])
def test_no_batch_is_over_the_budget_and_none_could_take_one_more(budget: int) -> None:
    lengths = lengths_of(300)
    batches = list(by_length(lengths, budget))
    assert sorted(np.concatenate(batches).tolist()) == list(range(300))
    for batch, following in pairwise(batches):
        longest = int(lengths[batch].max())
        assert len(batch) * longest <= budget < (len(batch) + 1) * longest
        assert lengths[following].max() <= lengths[batch].min()


def test_a_feature_longer_than_the_budget_goes_alone() -> None:
    assert [batch.tolist() for batch in by_length(np.array([2, 50, 3]), 10)] == [[1], [2, 0]]


@pytest.mark.parametrize(("size", "processes"), [(8, 2), (7, 2), (1, 2), (10, 3), (4, 1)])
def test_shares_are_the_whole_batch_and_differ_by_one_at_most(size: int, processes: int) -> None:
    batch = np.arange(100, 100 + size)
    parts = [share(batch, rank, processes) for rank in range(processes)]
    assert sorted(np.concatenate(parts).tolist()) == batch.tolist()
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_short_features_are_padded_on_the_right_with_the_padding_token() -> None:
    batch = collate(features_of([2, 5, 3], [2, 3], [2, 9, 9, 9, 3]), np.array([1, 0]), PAD)
    assert batch.inputs["input_ids"].tolist() == [[2, 3, PAD], [2, 5, 3]]
    assert batch.mask.tolist() == [[True, True, False], [True, True, True]]
    assert batch.row_of.tolist() == [1, 0]


def test_segments_are_padded_with_zero() -> None:
    batch = collate(features_of([2, 5, 3], [2, 3]), np.array([0, 1]), PAD)
    assert batch.inputs["token_type_ids"].tolist() == [[1, 1, 1], [1, 1, 0]]


def test_a_token_with_the_padding_tokens_own_id_is_not_masked() -> None:
    batch = collate(features_of([2, PAD, 3], [2, 3]), np.array([0, 1]), PAD)
    assert batch.mask.tolist() == [[True, True, True], [True, True, False]]


def test_targets_a_token_are_padded_with_what_is_not_asked() -> None:
    features = features_of([2, 5, 3], [2, 3], targets=[[UNASKED, 4, UNASKED], [UNASKED, 1]], words=True)
    batch = collate(features, np.array([0, 1]), PAD)
    assert batch.targets is not None
    assert batch.targets.tolist() == [[UNASKED, 4, UNASKED], [UNASKED, 1, UNASKED]]


def test_features_without_gold_have_no_targets() -> None:
    assert collate(features_of([2, 3]), np.array([0]), PAD).targets is None


def test_ids_are_what_torch_looks_up_with() -> None:
    batch = collate(features_of([2, 3], targets=[[1]]), np.array([0]), PAD)
    assert {tensor.dtype for tensor in batch.inputs.values()} == {torch.int64}


def test_rows_are_counted_for_a_label_and_asked_words_for_tags() -> None:
    runs: list[list[int]] = [[2, 5, 3], [2, 8, 9, 3]]
    tags = [[UNASKED, 4, UNASKED], [UNASKED, 1, 0, UNASKED]]
    both = np.array([0, 1])
    assert count(features_of(*runs, targets=[[1], [0]]), both) == 2
    assert count(features_of(*runs, targets=tags, words=True), both) == 3
