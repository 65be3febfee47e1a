"""Denoising of any text: targets restore it exactly, and a row's features are the same whatever its batch is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from random import Random
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from text_rows import END, MASK, START, UNKNOWN, MemoryRows, pieces

from bertkit.heads.features import Features
from bertkit.objectives.denoise import RATIOS, Denoise, Noise
from bertkit.objectives.rows import Draws, Pieces

NOISES: tuple[Noise, ...] = get_args(Noise)
FIRST, SENTINELS = 5, 12
OFTEN = settings(max_examples=60, deadline=None, derandomize=True)
BORDER, STRANGE = "\x00", "\x01"
"""Characters that stand for the end token between two documents and for the unknown token."""


@dataclass(frozen=True)
class Characters:
    """Texts as rows whose tokens are their characters, and whose sentences end with a full stop or a document."""

    texts: tuple[str, ...]

    @property
    def alphabet(self) -> list[str]:
        return sorted(set("".join(self.texts)) - {BORDER, STRANGE})

    @property
    def vocabulary(self) -> Pieces:
        return pieces(len(self.alphabet), sentinels=SENTINELS)

    @property
    def sentinels(self) -> list[int]:
        return list(self.vocabulary.sentinels)

    @property
    def rows(self) -> MemoryRows:
        ids = {char: i for i, char in enumerate(self.alphabet, FIRST)} | {BORDER: END, STRANGE: UNKNOWN}
        parts = [re.findall(rf"[^.。{BORDER}]*[.。{BORDER}]|[^.。{BORDER}]+", text) for text in self.texts]
        return MemoryRows([[[ids[char] for char in part] for part in row] for row in parts])

    def text(self, tokens: list[int]) -> str:
        """The text of these tokens."""
        names = dict(enumerate(self.alphabet, FIRST)) | {END: BORDER, UNKNOWN: STRANGE}
        return "".join(names[token] for token in tokens)


CHARS = some.one_of(
    some.characters(exclude_categories=["Cs"]), some.sampled_from("ab .。"), some.sampled_from(BORDER + STRANGE)
)
TEXTS = some.lists(some.text(CHARS, min_size=1, max_size=60), min_size=1, max_size=4).map(
    lambda texts: Characters(tuple(texts))
)
RATIOS_ASKED = some.one_of(some.none(), some.floats(0.01, 0.99))
SEEDS = some.integers(0, 2**32 - 1)


def denoise(noise: Noise, ratio: float | None) -> Denoise:
    return Denoise(noise=noise, ratio=ratio if noise in RATIOS else None)


def whole(tokens: list[int]) -> list[int]:
    """The tokens between the start and the end."""
    assert (tokens[0], tokens[-1]) == (START, END)
    return tokens[1:-1]


def is_subsequence(part: list[int], row: list[int]) -> bool:
    """Whether a row holds these tokens in this order."""
    rest = iter(row)
    return all(token in rest for token in part)


def restored(noise: Noise, seen: list[int], target: list[int], sentinels: list[int]) -> list[int]:
    """The tokens of the text, from what the encoder reads and what the decoder gives."""
    if noise == "mass":
        pieces_left = iter(target)
        found = [next(pieces_left) if token == MASK else token for token in whole(seen)]
        assert list(pieces_left) == []
        return found
    if noise != "t5":
        return whole(target)
    parts: dict[int, list[int]] = {}
    for token in whole(target):
        if token in sentinels:
            last = token
            parts[last] = []
        else:
            parts[last].append(token)
    assert list(parts) == sentinels[: len(parts)]
    assert parts.pop(last) == []
    assert [token for token in seen if token in sentinels] == list(parts)
    assert all(parts.values())
    return [one for token in whole(seen) for one in parts.get(token, [token])]


def check_seen(noise: Noise, seen: list[int], text: list[int], sentences: list[list[int]]) -> None:
    """What the encoder reads is the text with this noise, and no other."""
    kept = [token for token in seen if token != MASK]
    special = [token for token in text if token in (UNKNOWN, END)]
    assert len(seen) <= len(text)
    if noise != "mass":
        assert sorted(token for token in kept if token in (UNKNOWN, END)) == sorted(special)
    if noise in ("mask", "mass"):
        assert len(seen) == len(text)
        assert all(a in (MASK, b) for a, b in zip(seen, text, strict=True))
        assert len(special) == len(text) or MASK in seen
    if noise == "mass":
        assert re.fullmatch("k*m+k*", "".join("m" if token == MASK else "k" for token in seen))
    if noise in ("delete", "infill"):
        assert is_subsequence(kept, text)
        assert kept or noise == "infill"
    if noise == "rotate":
        assert seen in [text[i:] + text[:i] for i in range(len(text))]
    if noise == "permute":
        assert [i for i, token in enumerate(seen) if token == END] == [i for i, t in enumerate(text) if t == END]
        assert all(_holds(seen, [token for token in one if token != END]) for one in sentences)
        assert sorted(seen) == sorted(text)
    if noise == "bart":
        assert not set(kept) - set(text)
        assert all(kept.count(token) <= text.count(token) for token in set(kept))


def _holds(row: list[int], part: list[int]) -> bool:
    return any(row[i : i + len(part)] == part for i in range(len(row) + 1))


@pytest.mark.parametrize("noise", NOISES)
@OFTEN
@given(TEXTS, RATIOS_ASKED, SEEDS, some.integers(0, 50))
def test_targets_restore_any_text_exactly(
    noise: Noise, texts: Characters, ratio: float | None, seed: int, epoch: int
) -> None:
    objective = denoise(noise, ratio)
    rows, sentinels = texts.rows, texts.sentinels
    features = objective.corrupt(rows, np.arange(len(rows)), Draws(seed, epoch), texts.vocabulary)
    assert features.targets is not None
    for i, text in enumerate(texts.texts):
        seen, target = features.inputs["input_ids"][i].tolist(), features.targets[i].tolist()
        sentences = rows.rows[i]
        tokens = [token for sentence in sentences for token in sentence]
        assert texts.text(restored(objective.noise, seen, target, sentinels)) == text
        check_seen(objective.noise, whole(seen), tokens, [list(one) for one in sentences])


def plain(features: Features, i: int) -> tuple[list[int], list[int]]:
    assert features.targets is not None
    return features.inputs["input_ids"][i].tolist(), features.targets[i].tolist()


@pytest.mark.parametrize("noise", NOISES)
@settings(OFTEN, max_examples=15)
@given(TEXTS, RATIOS_ASKED, SEEDS, some.randoms())
def test_a_row_has_the_same_features_in_any_batch(
    noise: Noise, texts: Characters, ratio: float | None, seed: int, order: Random
) -> None:
    objective = denoise(noise, ratio)
    long = Characters((*texts.texts, "a long one. " * 40))
    rows, vocabulary, draws = long.rows, long.vocabulary, Draws(seed, 3)
    which = np.arange(len(rows))
    order.shuffle(which)
    together = objective.corrupt(rows, which, draws, vocabulary)
    assert together.row.tolist() == which.tolist()
    for i, row in enumerate(which):
        alone = objective.corrupt(rows, which[i : i + 1], draws, vocabulary)
        assert plain(alone, 0) == plain(together, i), row


@pytest.mark.parametrize("noise", NOISES)
def test_another_epoch_and_another_seed_draw_anew(noise: Noise) -> None:
    rows, vocabulary = MemoryRows([[list(range(k, k + 7)) for k in range(5, 75, 7)]]), pieces(70, sentinels=9)
    objective, which = Denoise(noise=noise), np.zeros(1, np.int64)
    one, other, later = (objective.corrupt(rows, which, draws, vocabulary) for draws in (
        Draws(1, 0), Draws(2, 0), Draws(1, 1)))  # fmt: skip
    assert plain(one, 0) == plain(objective.corrupt(rows, which, Draws(1, 0), vocabulary), 0)
    assert plain(one, 0) != plain(other, 0)
    assert plain(one, 0) != plain(later, 0)


def test_a_batch_of_no_rows_and_a_row_of_special_tokens_alone_are_read() -> None:
    vocabulary = pieces(9, sentinels=3)
    rows = MemoryRows([[[UNKNOWN, END, UNKNOWN]], [[]]])
    for noise in NOISES:
        objective = Denoise(noise=noise)
        assert len(objective.corrupt(rows, np.zeros(0, np.int64), Draws(0, 0), vocabulary)) == 0
        seen, _ = plain(objective.corrupt(rows, np.arange(2), Draws(0, 0), vocabulary), 0)
        assert noise in ("mass", "rotate") or whole(seen) == [UNKNOWN, END, UNKNOWN]
