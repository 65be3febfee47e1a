"""What a language-model head makes of texts whose hidden states are shifted: tokens of which language, and which words.

N texts, T tokens of a text, V tokens of the vocabulary, W words of a dictionary that are in the texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertkit.analysis.bodies import Body
from bertkit.analysis.language_vector import Half
from bertkit.analysis.shifted import Shift, filled_tokens
from bertkit.analysis.token_languages import FROM, NEITHER, TO
from bertkit.analysis.vectors import SPACE, Vectors, encode_spans
from bertkit.data.bilingual import Pairs
from bertkit.data.occurrences import occurrences
from bertkit.evaluation.intervals import TAILS, sampled_sums
from bertkit.models.load import Loaded
from bertkit.progress import Progress
from bertkit.result import Score

MARKS = f"{SPACE}#"
"""What tokenizers write before or behind a piece to say where a word begins."""


@dataclass(frozen=True, kw_only=True)
class AskedWords:
    """W words of a dictionary in the texts.

    text    (W,) the text of each
    places  of each its tokens, by their place among its text's tokens
    right   of each the tokens of its translations, as text without the marks of a word's beginning
    """

    text: NDArray[np.int64]
    places: list[NDArray[np.int64]]
    right: list[frozenset[str]]


@dataclass(frozen=True, kw_only=True)
class FilledCell:
    """The filled tokens at one layer and strength.

    shares      of the tokens that are of the target language, of the source language, and of neither
    translated  of the dictionary's words, those all of whose tokens are of one of its translations; None without any
    """

    layer: int
    strength: float
    shares: tuple[Score, Score, Score]
    translated: Score | None


def asked_words(body: Body, texts: Sequence[str], half: Half, dictionary: Pairs) -> AskedWords:
    """The dictionary's words of the first language in the texts of a half."""
    found = occurrences(dictionary.texts[0], texts, len(texts) * body.window)
    every = [(word, one) for word, places in found.items() for one in places]
    encoded = encode_spans(body, [texts[one.text] for _, one in every], [(one.start, one.end) for _, one in every])
    there = np.flatnonzero(encoded.there & ~encoded.partial)
    translations: dict[int, set[str]] = {}
    for own, other in dictionary.links.tolist():
        translations.setdefault(own, set()).update(pieces_of(body.tokenizer, dictionary.texts[1][other]))
    index = {word: k for k, word in enumerate(dictionary.texts[0])}
    inner = half.source.encoded.pieces
    return AskedWords(
        text=np.array([every[k][1].text for k in there], np.int64),
        places=[np.searchsorted(inner[every[k][1].text], encoded.pieces[k]) for k in there],
        right=[frozenset(translations[index[every[k][0]]]) for k in there],
    )


def pieces_of(tokenizer: Any, word: str) -> set[str]:
    """A word's tokens as text, without the marks of a word's beginning."""
    return {piece.strip(MARKS) for piece in tokenizer.tokenize(word)} - {""}


def _filled_cell(
    loaded: Loaded, half: Half, shift: Shift, languages: NDArray[np.int8], asked: AskedWords | None
) -> tuple[tuple[Score, Score, Score], Score | None]:
    """The shares and the translated words once a vector is added."""
    filled = filled_tokens(loaded, half.source.encoded, shift)
    counts = np.array([[np.sum(languages[row] == one) for one in (TO, FROM, NEITHER)] for row in filled], np.float64)
    target, source, neither = (ratio(column, counts.sum(1)) for column in counts.T)
    words = _translated(loaded.tokenizer, filled, asked) if asked is not None and len(asked.text) else None
    return (target, source, neither), words


def _translated(tokenizer: Any, filled: Sequence[NDArray[np.int64]], asked: AskedWords) -> Score:
    names = [piece.strip(MARKS) for piece in tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))]
    hits = [
        all(names[token] in right for token in filled[text][places])
        for text, places, right in zip(asked.text, asked.places, asked.right, strict=True)
    ]
    texts, place = np.unique(asked.text, return_inverse=True)
    return ratio(np.bincount(place, hits, len(texts)), np.bincount(place, minlength=len(texts)).astype(np.float64))


def filled_grid(
    loaded: Loaded, half: Half, vectors: Vectors, over: tuple[Sequence[int], Sequence[float]],
    how: tuple[NDArray[np.int8], AskedWords | None, Progress],
) -> list[FilledCell]:  # fmt: skip
    """A cell for each of `over`'s layers and strengths; `vectors`, (L+1, H), are those that are added.

    how  (V,) which token is of which language, the words that are looked up if any, and what advances by a cell
    """
    languages, asked, progress = how
    cells = []
    for layer in over[0]:
        for strength in over[1]:
            shift = Shift(layer=layer, vector=np.float32(strength) * vectors[layer])
            shares, words = _filled_cell(loaded, half, shift, languages, asked)
            cells.append(FilledCell(layer=layer, strength=strength, shares=shares, translated=words))
            progress.advance()
    return cells


def best_filled(cells: Sequence[FilledCell]) -> FilledCell:
    """The cell with the most words translated or, without a dictionary, the most tokens of the target language.

    The vector is really added; of equal ones it is that of the smaller strength, then of the lower layer.
    """
    added = [cell for cell in cells if cell.strength]

    def worse(one: FilledCell) -> tuple[float, float, int]:
        measure = one.translated or one.shares[0]
        return -measure.value, abs(one.strength), one.layer

    return min(added, key=worse)


def ratio(counts: NDArray[Any], totals: NDArray[np.float64]) -> Score:
    """A ratio of sums over texts, with the bootstrap's 95 % interval over them."""
    sums = sampled_sums(np.stack([counts, totals], axis=1))
    low, high = np.quantile(sums[:, 0] / np.maximum(sums[:, 1], 1), TAILS)
    return Score(value=float(counts.sum() / max(1.0, totals.sum())), low=float(low), high=float(high))
