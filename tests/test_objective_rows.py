"""What objectives promise of every row: its features follow from (seed, epoch, row), and restore its text."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from text_rows import END, START, MemoryRows, pieces, pieces_of, small_tokenizer, uniform_rows

from bertkit.heads.features import IGNORED, Features
from bertkit.objectives import Objective
from bertkit.objectives.base import PAIR
from bertkit.objectives.causal import Causal
from bertkit.objectives.masked import Masked
from bertkit.objectives.pairs import MaskedNextSentence, MaskedSentenceOrder
from bertkit.objectives.rows import Draws, Pieces

UNITS = ("subword", "whole-word", "span", "ngram")
MASKED = [Masked(unit=unit) for unit in UNITS]
PAIRS = [kind(unit=unit) for kind in (MaskedNextSentence, MaskedSentenceOrder) for unit in UNITS]
PARTS = pieces(30, 20)


def called(objective: Objective) -> str:
    return "-".join([objective.kind, *([objective.unit] if isinstance(objective, Masked) else [])])


def uneven_rows(count: int = 40, seed: int = 3) -> MemoryRows:
    """Rows of two to eight sentences, of six documents."""
    generator = np.random.default_rng(seed)
    sentences = [
        [generator.choice(PARTS.plain, length).tolist() for length in generator.integers(1, 40, number)]
        for number in generator.integers(2, 9, count)
    ]
    return MemoryRows(sentences, of=np.sort(generator.integers(0, 6, count)).tolist())


def same(one: Features, two: Features) -> bool:
    """Whether they are equal in all that a model and its loss read."""
    assert one.targets is not None
    assert two.targets is not None
    runs = [(one.inputs[name], two.inputs[name]) for name in one.inputs]
    runs += [(one.places[name], two.places[name]) for name in one.places]
    runs += [(one.targets, two.targets)]
    return all(np.array_equal(a.values, b.values) and np.array_equal(a.offsets, b.offsets) for a, b in runs)


@pytest.mark.parametrize("objective", [*MASKED, *PAIRS], ids=called)
def test_the_features_of_a_row_are_the_same_in_any_batch_and_order(objective: Masked) -> None:
    rows, draws = uneven_rows(), Draws(1, 2)
    together = objective.corrupt(rows, np.arange(40), draws, PARTS)
    order = np.random.default_rng(4).permutation(40)
    shuffled = objective.corrupt(rows, order, draws, PARTS)
    assert shuffled.row.tolist() == order.tolist()
    assert same(shuffled, together.take(order))
    for row in range(40):
        assert same(objective.corrupt(rows, np.array([row]), draws, PARTS), together.take(np.array([row])))


@pytest.mark.parametrize("objective", [Causal(), *MASKED, *PAIRS], ids=called)
def test_no_rows_have_no_features(objective: Objective) -> None:
    features = objective.corrupt(uneven_rows(), np.arange(0), Draws(1, 0), PARTS)
    assert (len(features), len(features.inputs["input_ids"])) == (0, 0)


@pytest.mark.parametrize("kind", [Masked, MaskedNextSentence, MaskedSentenceOrder])
@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("static", [True, False])
def test_a_row_is_corrupted_alike_in_every_epoch_only_if_static(kind: type[Masked], unit: Any, static: bool) -> None:
    objective = kind(unit=unit, static=static)
    first, second, other = (
        objective.corrupt(uneven_rows(), np.arange(40), draws, PARTS)
        for draws in (Draws(1, 0), Draws(1, 1), Draws(2, 0))
    )
    assert same(first, second) is static
    assert not same(first, other)


def restored(features: Features) -> NDArray[Any]:
    """The tokens of all features, with the targets put back."""
    assert features.targets is not None
    targets = features.targets.values
    return np.where(targets == IGNORED, features.inputs["input_ids"].values, targets)


@st.composite
def texts(draw: st.DrawFn) -> tuple[list[list[str]], int]:
    """A few rows of two sentences and more of any characters, and a seed."""
    sentence = st.text(min_size=1, max_size=30)
    return draw(st.lists(st.lists(sentence, min_size=2, max_size=5), min_size=1, max_size=4)), draw(st.integers(0, 99))


def options() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "unit": st.sampled_from(UNITS),
            "probability": st.floats(0.01, 0.99),
            "replacement": st.sampled_from(["80-10-10", "mask", "random"]),
        }
    )


@settings(deadline=None)
@given(texts(), options())
def test_targets_restore_any_text_exactly(drawn: tuple[list[list[str]], int], options: dict[str, Any]) -> None:
    sentences, seed = drawn
    tokenizer = small_tokenizer(" ".join(one for row in sentences for one in row))
    rows = MemoryRows([[tokenizer.encode(one).ids for one in row] for row in sentences])
    features = Masked(**options).corrupt(rows, np.arange(len(rows)), Draws(seed, 0), pieces_of(tokenizer))
    whole, offsets = restored(features), features.inputs["input_ids"].offsets
    for row, begin, end in zip(sentences, offsets, offsets[1:], strict=False):
        assert (whole[begin], whole[end - 1]) == (START, END)
        assert tokenizer.decode(whole[begin + 1 : end - 1].tolist(), skip_special_tokens=False) == "".join(row)


@settings(deadline=None)
@given(texts(), options())
def test_targets_and_class_restore_a_swapped_text_exactly(
    drawn: tuple[list[list[str]], int], options: dict[str, Any]
) -> None:
    sentences, seed = drawn
    tokenizer = small_tokenizer(" ".join(one for row in sentences for one in row))
    rows = MemoryRows([[tokenizer.encode(one).ids for one in row] for row in sentences])
    objective = MaskedSentenceOrder(**options)
    features = objective.corrupt(rows, np.arange(len(rows)), Draws(seed, 0), pieces_of(tokenizer))
    whole, offsets = restored(features), features.inputs["input_ids"].offsets
    for i, row in enumerate(sentences):
        tokens, segment = whole[offsets[i] : offsets[i + 1]], features.inputs["token_type_ids"][i]
        first, second = tokens[segment == 0][1:-1], tokens[segment == 1][:-1]
        swapped = int(features.places[PAIR].values[i])
        order = [second, first] if swapped else [first, second]
        assert tokenizer.decode(np.concatenate(order).tolist(), skip_special_tokens=False) == "".join(row)


@st.composite
def vocabularies(draw: st.DrawFn) -> Pieces:
    """Any vocabulary with some plain tokens, some of which continue words."""
    return pieces(draw(st.integers(1, 20)), draw(st.integers(0, 20)), draw(st.integers(0, 3)), ends=draw(st.booleans()))


@settings(deadline=None)
@given(vocabularies(), options(), st.integers(1, 40), st.integers(0, 99))
def test_targets_restore_rows_of_any_vocabulary(
    vocabulary: Pieces, options: dict[str, Any], length: int, seed: int
) -> None:
    rows = uniform_rows(4, length, vocabulary, seed)
    features = Masked(**options).corrupt(rows, np.arange(4), Draws(seed, 0), vocabulary)
    text = rows.texts(np.arange(4)).tokens.values.reshape(4, length)
    ends = 0 if vocabulary.start is None else 1
    assert (restored(features).reshape(4, -1)[:, ends : ends + length] == text).all()
