"""Denoising: what each noise does to a text, its shares and lengths, and that the targets restore the text."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import permutations
from math import comb
from typing import get_args

import numpy as np
import pytest
from scipy.stats import chisquare, poisson
from text_rows import END, MASK, START, MemoryRows, pieces, uniform_rows

from bertkit.errors import RequestError
from bertkit.heads.features import Features, Ragged
from bertkit.objectives import noises
from bertkit.objectives.choose import Spans
from bertkit.objectives.denoise import Denoise, Noise
from bertkit.objectives.rows import Draws, Pieces

NOISES: tuple[Noise, ...] = get_args(Noise)
TEXT = "the old man sat by the sea . he waited for a boat ."
WORDS = pieces(40, sentinels=8)
LARGE = pieces(60_000, sentinels=100)
UNMASKED = replace(pieces(9), mask=None)
ROWS, LENGTH = 800, 126
"""Rows of the statistics: 100,800 tokens."""

MANY = uniform_rows(ROWS, LENGTH, LARGE)
TOKENS = np.array([[token for sentence in row for token in sentence] for row in MANY.rows])


def corrupted(noise: Noise, rows: MemoryRows, vocabulary: Pieces = LARGE, seed: int = 1, **more: float) -> Features:
    """The features of all rows."""
    which = np.arange(len(rows))
    return Denoise(noise=noise, **more).corrupt(rows, which, Draws(seed, 0), vocabulary)


def inner(runs: Ragged) -> list[list[int]]:
    """The runs without their start and end tokens."""
    assert all(run[0] == START and run[-1] == END for run in runs)
    return [run[1:-1].tolist() for run in runs]


def seen(noise: Noise, rows: MemoryRows = MANY, vocabulary: Pieces = LARGE, **more: float) -> list[list[int]]:
    """What the encoder reads of each row, without start and end."""
    return inner(corrupted(noise, rows, vocabulary, **more).inputs["input_ids"])


def ragged(line: str) -> Ragged:
    """Letters as a row of tokens."""
    return Ragged.of([[ord(letter) for letter in line.split()]], "int32")


def letters(runs: Ragged) -> str:
    return " ".join(chr(token) for token in runs[0])


def spans(*edges: tuple[int, int]) -> Spans:
    """Spans of the first row."""
    begin, end = (np.array(one) for one in zip(*edges, strict=True))
    return Spans(row=np.zeros(len(edges), np.int64), begin=begin, end=end)


def said_of(function: object) -> list[str]:
    """What a docstring quotes."""
    return re.findall(r'"([^"]*)"', " ".join(str(function.__doc__).split()))


def test_the_examples_of_what_becomes_of_spans_are_true() -> None:
    row, two, mask = ragged("a b c d e"), spans((1, 3), (4, 5)), ord("M")
    assert said_of(noises.filled) == ["a b c d e", "b c", "e", letters(noises.filled(row, two, mask))]
    assert said_of(noises.dropped) == ["a b c d e", "b c", "e", letters(noises.dropped(row, two))]
    assert said_of(noises.within) == ["a b c d e", "b c", "e", letters(noises.within(row, two))]
    inserted = noises.substituted(row, spans((1, 3), (4, 4)), mask)
    assert said_of(noises.substituted) == ["a b c d e", "b c", "", "e", letters(inserted)]
    left, made = noises.with_sentinels(row, two, [ord(letter) for letter in "XYZ"])
    assert said_of(noises.with_sentinels) == ["a b c d e", "b c", "e", letters(left), letters(made)]
    assert said_of(noises.marked)[-1] == letters(made)


def examples() -> dict[str, tuple[str, str]]:
    """Denoise's own: of each noise what the encoder reads, and what the decoder gives."""
    found = re.findall(r"^    (\w+)  +((?:the|he|sea) .*?)(?:  +and gives  (.*))?$", str(Denoise.__doc__), re.M)
    return {noise: (line, given or TEXT) for noise, line, given in found}


@pytest.mark.parametrize("noise", NOISES)
def test_each_example_of_the_docstring_is_drawn_now_and_then(noise: Noise) -> None:
    assert f'"{TEXT}"' in str(Denoise.__doc__)
    names = dict(enumerate(["M", *dict.fromkeys(TEXT.split())], MASK)) | dict(enumerate("XY", 45))
    ids = {name: token for token, name in names.items()}
    first, second = ([ids[word] for word in f"{part}.".split()] for part in TEXT.split(".")[:2])
    features = corrupted(noise, MemoryRows([[first, second]] * (40_000 if noise == "infill" else 8_000)), WORDS)
    wanted, given = ([ids[word] for word in line.split()] for line in examples()[noise])
    found = [i for i, row in enumerate(inner(features.inputs["input_ids"])) if row == wanted]
    assert found
    assert features.targets is not None
    target = features.targets[found[0]].tolist()
    assert target == (given if noise == "mass" else [START, *given, END])


@pytest.mark.parametrize(("noise", "share"), [("mask", 0.15), ("delete", 0.15), ("infill", 0.3), ("bart", 0.3),
                                              ("mass", 0.5), ("t5", 0.15)])  # fmt: skip
def test_as_many_tokens_are_hidden_as_the_definition_says(noise: Noise, share: float) -> None:
    rows = seen(noise)
    hidden = sum(LENGTH - sum(token > MASK and token < 60_005 for token in row) for row in rows)
    assert hidden / TOKENS.size == pytest.approx(share, rel=0.01)
    halved = seen(noise, ratio=share / 2)
    hidden = sum(LENGTH - sum(token > MASK and token < 60_005 for token in row) for row in halved)
    assert hidden / TOKENS.size == pytest.approx(round(LENGTH * share / 2) / LENGTH)


def test_each_place_of_a_row_is_masked_alike_often() -> None:
    masked = np.array(seen("mask")) == MASK
    assert chisquare(masked.sum(0)).pvalue > 0.001
    assert (np.where(masked, TOKENS, np.array(seen("mask"))) == TOKENS).all()


def test_deleted_tokens_are_those_that_a_mask_would_hide() -> None:
    """Both draw by the same numbers, so that one is a test of the other."""
    assert seen("delete") == [[token for token in row if token != MASK] for row in seen("mask")]


@pytest.mark.parametrize("noise", ["infill", "bart"])
def test_lengths_of_infilled_spans_are_poisson_of_mean_3(noise: Noise) -> None:
    """Two long rows of tokens that count up, so that beside a mask alone stands how many it hides.

    The budget cuts the last span of a row to what is left: 2 of 10,000 here.
    """
    count = 50_000
    rows = seen(noise, MemoryRows([[list(range(5, 5 + count))]] * 2))
    hidden: list[int] = []
    for row in map(np.array, rows):
        places = np.flatnonzero(row[1:-1] == MASK) + 1
        alone = places[(row[places - 1] != MASK) & (row[places + 1] != MASK)]
        hidden += (row[alone + 1] - row[alone - 1] - 1).tolist()
        assert count - (row != MASK).sum() == 0.3 * count
        assert (row == MASK).sum() == pytest.approx(0.1 * count, rel=0.02)
    lengths = np.bincount(np.minimum(hidden, 9), minlength=10)
    expected = np.append(poisson.pmf(np.arange(9), 3), poisson.sf(8, 3)) * len(hidden)
    assert len(hidden) > 7_000
    assert chisquare(lengths, expected).pvalue > 0.001


def test_the_fragment_of_mass_may_begin_anywhere() -> None:
    masked = np.array(seen("mass")) == MASK
    begins = masked.argmax(1)
    assert (masked.sum(1) == 63).all()
    assert all(row[begin : begin + 63].all() for row, begin in zip(masked, begins, strict=True))
    assert chisquare(np.bincount(begins, minlength=64)).pvalue > 0.001


@pytest.mark.parametrize("length", [2, 3, 5, 10, 20, 33, 50, 64, 126, 254, 510])
def test_t5_hides_as_many_tokens_in_as_many_spans_as_its_own_function(length: int) -> None:
    """random_spans_noise_mask (Raffel et al. 2020): 15 % of the tokens rounded, a third as many spans rounded."""
    tokens = min(max(round(length * 0.15), 1), length - 1)
    count = max(round(tokens / 3), 1)
    for row in seen("t5", uniform_rows(50, length, LARGE)):
        assert [token for token in row if token >= 60_005] == list(range(60_005, 60_005 + count))
        assert len(row) == length - tokens + count


def test_lengths_of_t5s_spans_are_those_of_a_random_segmentation() -> None:
    """Of 19 tokens in 6 spans one has n tokens with probability C(18 - n, 4) / C(18, 5): 5 cuts in 18 places."""
    targets = corrupted("t5", MANY).targets
    assert targets is not None
    lengths = np.concatenate([np.diff(np.flatnonzero(np.array(row) >= 60_005)) - 1 for row in inner(targets)])
    counts = np.bincount(np.minimum(lengths, 9), minlength=10)[1:]
    shares = [comb(18 - n, 4) / comb(18, 5) for n in range(1, 15)]
    assert len(lengths) == 6 * ROWS
    assert chisquare(counts, np.array([*shares[:8], sum(shares[8:])]) * len(lengths)).pvalue > 0.001


def test_each_order_of_three_sentences_comes_alike_often() -> None:
    one, two, three = [5, 6], [7], [8, 9, 10]
    rows = seen("permute", MemoryRows([[one, two, three]] * 6_000))
    orders = [[token for part in order for token in part] for order in permutations((one, two, three))]
    counts = [rows.count(order) for order in orders]
    assert sum(counts) == 6_000
    assert chisquare(counts).pvalue > 0.001


def test_a_row_is_rotated_to_begin_with_any_of_its_tokens() -> None:
    rows = seen("rotate", MemoryRows([[[5, 6, 7, 8, 9]]] * 5_000))
    rotations = [[*range(first, 10), *range(5, first)] for first in range(5, 10)]
    counts = [rows.count(one) for one in rotations]
    assert sum(counts) == 5_000
    assert chisquare(counts).pvalue > 0.001


@pytest.mark.parametrize(
    ("noise", "one", "two"),
    [
        ("mask", {(MASK,)}, {(MASK, 6), (5, MASK)}),
        ("delete", {(5,)}, {(5,), (6,)}),
        ("infill", {(MASK,)}, {(MASK, 6), (5, MASK)}),
        ("permute", {(5,)}, {(5, 6)}),
        ("rotate", {(5,)}, {(5, 6), (6, 5)}),
        ("mass", {(MASK,)}, {(MASK, 6), (5, MASK)}),
        ("t5", {(45,)}, {(45, 6), (5, 45)}),
        ("bart", {(MASK,)}, {(MASK, 6), (5, MASK)}),
    ],
)
def test_rows_of_one_and_of_two_tokens_become_what_can_be(
    noise: Noise, one: set[tuple[int, ...]], two: set[tuple[int, ...]]
) -> None:
    rows = seen(noise, MemoryRows([[[5]]] * 20 + [[[5, 6]]] * 20), WORDS)
    assert ({tuple(row) for row in rows[:20]}, {tuple(row) for row in rows[20:]}) == (one, two)


def test_an_end_token_between_documents_stays_and_no_sentence_passes_it() -> None:
    row = [[5], [6], [7, END], [8], [9]]
    found = {tuple(one) for one in seen("permute", MemoryRows([row] * 200), WORDS)}
    first, second = permutations((5, 6, 7)), list(permutations((8, 9)))
    assert found == {(*one, END, *two) for one in first for two in second}


def test_a_row_of_more_spans_than_sentinels_has_longer_spans() -> None:
    few = pieces(40, sentinels=4)
    rows = seen("t5", uniform_rows(20, 126, few), few)
    for row in rows:
        assert [token for token in row if token >= 45] == [45, 46, 47]  # the fourth ends the target
        assert len(row) == 126 - 19 + 3


@pytest.mark.parametrize(
    ("noise", "vocabulary", "why"),
    [
        ("mask", UNMASKED, "--noise mask needs a mask token"),
        ("mass", UNMASKED, "--noise mass needs a mask token"),
        ("bart", UNMASKED, "--noise bart needs a mask token"),
        ("t5", pieces(9), "--noise t5 needs sentinels"),
        ("t5", pieces(9, sentinels=1), "--noise t5 needs sentinels"),
    ],
)
def test_a_vocabulary_without_the_tokens_of_a_noise_is_refused(noise: Noise, vocabulary: Pieces, why: str) -> None:
    with pytest.raises(RequestError, match=why):
        corrupted(noise, MemoryRows([[[5, 6]]]), vocabulary)


@pytest.mark.parametrize("noise", NOISES)
def test_a_noise_that_masks_says_so(noise: Noise) -> None:
    assert Denoise(noise=noise).needs_mask == any(MASK in row for row in seen(noise))


@pytest.mark.parametrize(("noise", "ratio"), [("mask", 0.0), ("bart", 1.0), ("t5", -1.0), ("mass", float("nan"))])
def test_a_ratio_that_is_no_share_is_refused(noise: Noise, ratio: float) -> None:
    with pytest.raises(RequestError, match=r"--noise-ratio \S+: it must be above 0 and below 1"):
        Denoise(noise=noise, ratio=ratio)


@pytest.mark.parametrize("noise", ["permute", "rotate"])
def test_a_ratio_is_refused_where_there_is_none(noise: Noise) -> None:
    with pytest.raises(RequestError, match=f"--noise {noise} has none"):
        Denoise(noise=noise, ratio=0.5)


def test_features_of_t5_have_an_end_token_and_no_start() -> None:
    vocabulary = replace(pieces(40, sentinels=8), start=None)
    features = corrupted("t5", MemoryRows([[[5, 6]]]), vocabulary)
    assert features.targets is not None
    assert Denoise(noise="t5").room(128, vocabulary) == 127
    assert (features.inputs["input_ids"][0].tolist(), features.targets[0].tolist()) in [
        ([45, 6, END], [45, 5, 46, END]),
        ([5, 45, END], [45, 6, 46, END]),
    ]
