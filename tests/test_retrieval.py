"""Ranks of translations by cosine, and chance: by hand, on identical spaces, on random ones, and against scipy's."""

from __future__ import annotations

import numpy as np
import pytest

from bertkit.evaluation.retrieval import centred, chance_of_mrr, nearest, rank, scores, unit

EACH = np.stack([np.arange(3), np.arange(3)], axis=1)


def drawn(rows: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(rows, 16)).astype(np.float32)


def own(rows: int) -> np.ndarray:
    return np.stack([np.arange(rows)] * 2, axis=1)


def test_the_translation_of_each_text_is_first_in_identical_spaces() -> None:
    x = drawn(200, 1)
    found = rank(x, 3 * x, own(200))
    assert (found.reciprocal == 1).all()
    assert (found.hits == 1).all()


def test_random_spaces_give_what_chance_gives() -> None:
    found = rank(drawn(2000, 1), drawn(2000, 2), own(2000))
    harmonic = sum(1 / k for k in range(1, 2001))
    assert found.chance == pytest.approx((harmonic / 2000, 1 / 2000))
    assert found.reciprocal.mean() == pytest.approx(harmonic / 2000, abs=0.002)


def test_ranks_by_hand() -> None:
    # angles: queries at 0, 90, 10 degrees; candidates at 0, 80, 90
    angles = np.radians([[0, 90, 10], [0, 80, 90]])
    queries, candidates = (np.stack([np.cos(one), np.sin(one)], axis=1).astype(np.float32) for one in angles)
    found = rank(queries, candidates, EACH)
    assert found.ranks.tolist() == [1, 2, 3]
    assert found.hits.tolist() == [1, 0, 0]


def test_any_of_several_translations_counts_as_right_and_the_others_stand_in_no_way() -> None:
    queries = np.array([[1, 0]], np.float32)
    candidates = np.array([[1, 0.2], [1, 0.3], [1, 0.1]], np.float32)
    assert rank(queries, candidates, np.array([[0, 0], [0, 1]])).ranks.tolist() == [2]
    assert rank(queries, candidates, np.array([[0, 1], [0, 2]])).ranks.tolist() == [1]


def test_a_model_that_gives_every_text_one_vector_finds_no_better_than_chance() -> None:
    found = rank(np.ones((5, 4), np.float32), np.ones((5, 4), np.float32), own(5))
    assert found.ranks.tolist() == [3] * 5
    assert found.hits.tolist() == pytest.approx([0.2] * 5)


def test_blocks_of_cosines_give_the_same_ranks(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = drawn(50, 1), drawn(40, 2)
    links = np.stack([np.arange(50), np.arange(50) % 40], axis=1)
    whole, first = rank(x, y, links), nearest(x, y)
    monkeypatch.setattr("bertkit.evaluation.retrieval.BLOCK", 100)
    assert (rank(x, y, links).ranks == whole.ranks).all()
    assert (nearest(x, y) == first).all()


def test_chance_with_several_right_candidates_is_that_of_drawn_orders() -> None:
    generator = np.random.default_rng(0)
    drawn_ranks = [generator.permutation(12)[:3].min() + 1 for _ in range(20_000)]
    assert chance_of_mrr(12, 3) == pytest.approx(np.mean(1 / np.array(drawn_ranks)), abs=0.01)
    assert chance_of_mrr(4) == pytest.approx((1 + 1 / 2 + 1 / 3 + 1 / 4) / 4)
    assert chance_of_mrr(3, 3) == 1


def test_a_language_that_is_a_constant_is_gone_once_centred() -> None:
    x = drawn(100, 1)
    shifted = x + 20 * drawn(1, 9)
    raw, found = (rank(one(x), one(shifted), own(100)) for one in (unit, centred))
    assert raw.hits.mean() < 1
    assert found.hits.mean() == 1


def test_the_nearest_is_another_than_the_query_itself() -> None:
    x = np.array([[1, 0], [1, 0.1], [0, 1]], np.float32)
    assert nearest(x, x).tolist() == [0, 1, 2]
    assert nearest(x, x, np.arange(3)).tolist() == [1, 0, 1]


def test_a_mean_has_the_interval_of_the_bootstrap_over_rows() -> None:
    table = np.random.default_rng(3).random((400, 2))
    for score, column in zip(scores(table), table.T, strict=True):
        half = 1.96 * column.std() / 20
        assert score.value == pytest.approx(column.mean())
        assert score.low == pytest.approx(column.mean() - half, abs=0.004)
        assert score.high == pytest.approx(column.mean() + half, abs=0.004)
