"""How well an encoder aligns two languages: the rank of a translation among candidates by cosine, at every layer.

After Liu et al. 2020 (arXiv 2004.09205), for words of a dictionary by their mean contextual vectors, or sentences; and
Libovicky et al. 2020 (arXiv 2004.05160), who take away each language's mean.

U, V texts of two languages, N of either, P pairs, L layers (0 is the embeddings), H hidden size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bertkit.analysis.bodies import Body
from bertkit.analysis.vectors import EncodedSpans, Vectors, encode_spans, span_vectors
from bertkit.data.occurrences import occurrences
from bertkit.errors import DataError
from bertkit.evaluation import retrieval
from bertkit.evaluation.retrieval import rank, scores
from bertkit.progress import Progress
from bertkit.result import Score

UNKNOWN_SAID = 0.01
"""From this share of unknown tokens on it is said."""
MOST_UNKNOWN = 0.5
"""From this share of unknown tokens on a language is refused."""


@dataclass(frozen=True, kw_only=True)
class Side:
    """The texts of one language as vectors.

    vectors  (N, L+1, H)
    there    (N,) which texts have one
    cut      texts that are longer than the window, and so are read in part
    unknown  the share of tokens that the tokenizer does not know
    """

    vectors: Vectors
    there: NDArray[np.bool_]
    cut: int
    unknown: float


@dataclass(frozen=True, kw_only=True)
class LayerScores:
    """MRR and top-1 at one layer: of the vectors as they are, and without each language's mean."""

    mrr: Score
    top: Score
    centred_mrr: Score
    centred_top: Score


@dataclass(frozen=True, kw_only=True)
class Direction:
    """From the texts of one language to those of the other.

    layers      of L+1 layers
    chance      the MRR and the top-1 of a random order
    """

    queries: int
    candidates: int
    layers: tuple[LayerScores, ...]
    chance: tuple[float, float]

    @property
    def best(self) -> int:
        """The layer of the highest centred MRR."""
        return int(np.argmax([one.centred_mrr.value for one in self.layers]))


def align(sides: tuple[Side, Side], links: NDArray[np.int64], progress: Progress) -> tuple[Direction, Direction]:
    """Both directions; `links`, (P, 2), are which texts translate each other. Texts without a vector are left out.

    Raises DataError if fewer than two pairs are left.
    """
    places = [np.cumsum(side.there) - 1 for side in sides]
    kept = links[sides[0].there[links[:, 0]] & sides[1].there[links[:, 1]]]
    if len(np.unique(kept[:, 0])) < 2 or len(np.unique(kept[:, 1])) < 2:
        raise DataError("fewer than two pairs have vectors on both sides: there is nothing to choose from")
    kept = np.stack([place[column] for place, column in zip(places, kept.T, strict=True)], axis=1)
    # a text whose translations all lack a vector is a candidate no longer: every query has a right candidate
    used = [np.unique(column) for column in kept.T]
    kept = np.stack([np.searchsorted(one, column) for one, column in zip(used, kept.T, strict=True)], axis=1)
    rows = [np.flatnonzero(side.there)[one] for side, one in zip(sides, used, strict=True)]
    count = sides[0].vectors.shape[1]
    progress.phase("ranking translations", count)
    found: tuple[list[LayerScores], list[LayerScores]] = ([], [])
    chances: list[tuple[float, float]] = []
    for layer in range(count):
        raw = [np.asarray(side.vectors[one, layer]) for side, one in zip(sides, rows, strict=True)]
        mean_free = [retrieval.centred(one) for one in raw]
        for k, pairs in enumerate((kept, kept[:, ::-1])):
            ranked = [rank(one[k], one[1 - k], pairs) for one in (raw, mean_free)]
            table = np.stack([column for one in ranked for column in (one.reciprocal, one.hits)], axis=1)
            mrr, top, centred_mrr, centred_top = scores(table)
            found[k].append(LayerScores(mrr=mrr, top=top, centred_mrr=centred_mrr, centred_top=centred_top))
            if layer == 0:
                chances.append(ranked[0].chance)
        progress.advance()
    one, other = (
        Direction(
            queries=len(used[k]), candidates=len(used[1 - k]), layers=tuple(found[k]), chance=chances[k]
        )
        for k in (0, 1)
    )  # fmt: skip
    return one, other


def sentence_side(body: Body, texts: Sequence[str], language: str, progress: Progress) -> Side:
    """Sentences as the means of their tokens' hidden states. Raises DataError for a language of unknown tokens."""
    encoded = encode_spans(body, texts)
    check_known(encoded, language, body)
    vectors = span_vectors(body, encoded, progress, f"{language} sentences")
    return Side(vectors=vectors, there=encoded.there, cut=int(encoded.cut.sum()), unknown=encoded.unknown_share)


def word_side(body: Body, words: Sequence[str], texts: Sequence[str], most: int, named: tuple[str, Progress]) -> Side:
    """Words as the means of their vectors over at most `most` occurrences each.

    A word's vector in a sentence is the mean over its tokens. `named` is the language, and what shows the progress.
    Raises DataError for a language of unknown tokens.
    """
    language, progress = named
    found = occurrences(words, texts, most)
    owner = np.array([k for k, word in enumerate(words) for _ in found.get(word, ())], np.int64)
    places = [one for word in words for one in found.get(word, ())]
    encoded = encode_spans(body, [texts[one.text] for one in places], [(one.start, one.end) for one in places])
    check_known(encoded, language, body)
    vectors = span_vectors(body, encoded, progress, f"{language} words")
    there = encoded.there
    counts = np.bincount(owner[there], minlength=len(words))
    sums = np.zeros((len(words), body.layers + 1, body.size), np.float32)
    for row in np.flatnonzero(there):
        sums[owner[row]] += vectors[row]
    means: Vectors = (sums / np.maximum(counts, 1)[:, None, None]).astype(np.float32)
    return Side(vectors=means, there=counts > 0, cut=int(encoded.partial.sum()), unknown=encoded.unknown_share)


def check_known(encoded: EncodedSpans, language: str, body: Body) -> None:
    """Raise DataError if the tokenizer reads most of a language as unknown."""
    share = encoded.unknown_share
    if share >= MOST_UNKNOWN:
        raise DataError(
            f"{language}: {100 * share:.0f} % of its tokens are unknown to the tokenizer of {body.name}: "
            "name an encoder that was trained on this language"
        )
