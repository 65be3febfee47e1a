"""What texts become once a language's vector is added: by hand, on toy languages that are a constant, and controls."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tiny

from bertkit.analysis.bodies import Body, load_body
from bertkit.analysis.language_vector import (
    Cell,
    Half,
    Texts,
    Turned,
    at_layer,
    behind,
    best_cell,
    random_like,
    turned,
)
from bertkit.analysis.vectors import EncodedSpans, encode_spans, span_vectors
from bertkit.progress import Progress


def texts(vectors: np.ndarray, tokens: list[int] | None = None) -> Texts:
    """Texts of one layer with these (N, H) vectors, of so many tokens each."""
    counts = tokens or [1] * len(vectors)
    nothing = np.zeros(len(vectors), np.int64)
    encoded = EncodedSpans(
        ids=[np.zeros(n, np.int32) for n in counts], pieces=[np.arange(n) for n in counts],
        cut=nothing > 0, partial=nothing > 0, unknown=nothing,
    )  # fmt: skip
    return Texts(encoded=encoded, vectors=vectors[:, None].astype(np.float32))


def two_languages(pairs: int = 60) -> Half:
    """Translations that differ by a constant, which is larger than what texts differ by."""
    own = np.random.default_rng(1).normal(size=(pairs, 16))
    own[:, 0] += 10
    other = own.copy()
    other[:, 0] -= 10
    other[:, 1] += 10
    return Half(source=texts(own), target=texts(other))


def shares(found: Turned) -> tuple[float, float, float]:
    target, translation, retrieved = found.scores
    return target.value, translation.value, retrieved.value


def test_the_mean_of_a_language_counts_every_token_alike() -> None:
    assert texts(np.array([[0.0, 0], [4, 8]]), [1, 3]).mean().tolist() == [[3, 6]]


def test_the_difference_of_means_turns_each_text_of_a_toy_into_its_translation() -> None:
    half = two_languages()
    vector = (half.target.mean() - half.source.mean())[0]
    assert np.allclose(vector[:3], [-10, 10, 0], atol=1e-5)
    assert shares(at_layer(half, vector, 0)) == (1, 1, 1)
    plain = at_layer(half, 0 * vector, 0)
    assert shares(plain)[:2] == (0, 0)
    assert shares(plain)[2] > 0.1
    drawn = random_like(np.stack([vector]), 0)
    assert np.linalg.norm(drawn[0]) == pytest.approx(np.linalg.norm(vector), rel=1e-5)
    assert at_layer(half, drawn[0], 0).target.mean() < 0.5


def test_a_text_is_never_nearest_to_itself() -> None:
    half = Half(source=texts(np.array([[1.0, 0], [0, 1]])), target=texts(np.array([[1, 0.1], [0.1, 1]])))
    found = turned(half, half.source.vectors[:, 0], 0)
    assert found.translation.tolist() == [True, True]


def cell(layer: int, strength: float, right: int) -> Cell:
    flags = np.arange(10) < right
    found = Turned(target=flags, translation=flags, retrieved=flags)
    return Cell(layer=layer, strength=strength, here=found, behind=found)


def test_what_is_chosen_has_the_most_translations_the_smaller_strength_and_a_layer_above_it() -> None:
    cells = [cell(0, 0, 10), cell(1, 2, 8), cell(3, 1, 8), cell(2, 1, 8), cell(2, 3, 7), cell(4, 1, 9)]
    chosen = best_cell(cells, last=4)
    assert (chosen.layer, chosen.strength) == (2, 1)
    assert best_cell([cell(4, 0, 9), cell(4, 1, 3)], last=4).strength == 1


def encoded_texts(body: Body, which: list[str]) -> Texts:
    encoded = encode_spans(body, which)
    return Texts(encoded=encoded, vectors=span_vectors(body, encoded, Progress()))


def test_behind_the_layers_is_what_the_model_computes_and_is_not_computed_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = load_body(tiny.encoder(tiny.make("bert", tmp_path)), "cpu")
    said = list(tiny.texts()[:12])
    half = Half(source=encoded_texts(body, said[:6]), target=encoded_texts(body, said[6:]))
    vectors = half.target.mean() - half.source.mean()
    assert vectors.shape == (3, 32)
    nothing = behind(body, half, 0 * vectors[1], 1, Progress())
    plain = turned(half, half.source.vectors[:, 2], 2)
    assert (nothing.target == plain.target).all()
    first = behind(body, half, 2 * vectors[1], 1, Progress())
    monkeypatch.setattr("bertkit.analysis.language_vector.last_vectors", None)
    assert (behind(body, half, 2 * vectors[1], 1, Progress()).target == first.target).all()
    last = behind(body, half, vectors[2], 2, Progress())
    assert (last.translation == at_layer(half, vectors[2], 2).translation).all()
