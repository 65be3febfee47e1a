"""The random numbers of a corpus' rows: which ones they are, and that they look random."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chisquare

from bertkit.objectives.rows import GOLDEN, Draws, Stream, _mixed

BITS = 2**64 - 1
KNOWN = (6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821)
"""The first outputs of SplitMix64 from 1234567, as published with its C program."""


def mixed(number: int) -> int:
    """SplitMix64's output function, on Python's integers."""
    number = (number ^ number >> 30) * 0xBF58476D1CE4E5B9 & BITS
    number = (number ^ number >> 27) * 0x94D049BB133111EB & BITS
    return number ^ number >> 31


def test_the_output_function_is_that_of_splitmix64() -> None:
    states = np.array([1234567 + (i + 1) * GOLDEN & BITS for i in range(5)], np.uint64)
    assert _mixed(states).tolist() == list(KNOWN) == [mixed(state) for state in states.tolist()]


def test_a_number_follows_from_seed_epoch_stream_row_and_its_place_alone() -> None:
    key = 0
    for part in (42, 3, Stream.KINDS, 1_999_999):
        key = mixed(key + part + GOLDEN & BITS)
    by_hand = [(mixed(key + (n + 1) * GOLDEN & BITS) >> 11) / 2**53 for n in (0, 7)]
    drawn = Draws(42, 3).uniform(Stream.KINDS, np.array([[0], [1_999_999]]), np.array([0, 7]))
    assert drawn[1].tolist() == by_hand
    assert Draws(42, 3).uniform(Stream.KINDS, np.array([1_999_999]), 7).tolist() == by_hand[1:]


def numbers(seed: int = 1, epoch: int = 0, stream: Stream = Stream.ORDER, first: int = 0) -> np.ndarray:
    """100,000 numbers: 100 of each of 1,000 rows."""
    return Draws(seed, epoch).uniform(stream, np.arange(first, first + 1000)[:, None], np.arange(100)).ravel()


@pytest.mark.parametrize("by", ["number", "row", "high bits"])
def test_numbers_are_uniform(by: str) -> None:
    drawn = numbers()
    drawn = {"number": drawn, "row": drawn.reshape(1000, 100).T.ravel(), "high bits": drawn * 64 % 1}[by]
    assert 0 <= drawn.min() < drawn.max() < 1
    assert chisquare(np.bincount((drawn * 50).astype(int))).pvalue > 0.001
    pairs = (drawn[::2] * 10).astype(int) * 10 + (drawn[1::2] * 10).astype(int)
    assert chisquare(np.bincount(pairs, minlength=100)).pvalue > 0.001


@pytest.mark.parametrize(
    "other", [{"seed": 2}, {"epoch": 1}, {"stream": Stream.LENGTHS}, {"first": 1}], ids=lambda other: next(iter(other))
)
def test_numbers_of_another_seed_epoch_stream_or_row_have_nothing_to_do_with_these(other: dict[str, int]) -> None:
    assert abs(np.corrcoef(numbers(), numbers(**other))[0, 1]) < 4 / np.sqrt(100_000)  # type: ignore[arg-type]
