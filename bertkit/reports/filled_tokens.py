"""What the language-model head makes of shifted texts, chosen on one half and measured on the other; and sentences.

L layers (0 is the embeddings), S strengths.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from bertkit.analysis.bodies import Body
from bertkit.analysis.filled import AskedWords, FilledCell, asked_words, best_filled, filled_grid
from bertkit.analysis.language_vector import Half
from bertkit.analysis.shifted import Shift, filled_tokens, last_vectors
from bertkit.analysis.token_languages import token_languages
from bertkit.analysis.vectors import encode_spans
from bertkit.encoders import Encoder
from bertkit.errors import DataError, EncoderError
from bertkit.evaluation.retrieval import nearest
from bertkit.models.language import load_language_model
from bertkit.models.load import Loaded
from bertkit.progress import Progress
from bertkit.reports.two_languages import Encoded, Shown, Study
from bertkit.request.language_vector_flags import LanguageVectorFlags

MOST = 100
"""Texts of each half whose tokens are filled in."""


@dataclass(frozen=True, kw_only=True)
class FilledStudy:
    """Filled tokens of the measured half.

    texts    how many texts
    words    how many of their words the dictionary has; None without one
    cells    a cell for each layer and strength
    chosen   that of the layer and strength that were best on the other half
    """

    texts: int
    words: int | None
    cells: tuple[FilledCell, ...]
    chosen: FilledCell

    def plain(self) -> dict[str, Any]:
        """It, for JSON."""
        names = ("target", "source", "neither")
        return {
            "texts": self.texts, "words": self.words,
            "chosen": {"layer": self.chosen.layer, "strength": self.chosen.strength},
            "cells": [
                {"layer": one.layer, "strength": one.strength,
                 **{name: asdict(score) for name, score in zip(names, one.shares, strict=True)},
                 "translated": one.translated and asdict(one.translated)}
                for one in self.cells
            ],
        }  # fmt: skip


def load_head(encoder: Encoder, flags: LanguageVectorFlags, body: Body) -> tuple[Loaded | None, tuple[str, ...]]:
    """The model with its language-model head, or None and a line that says that there is none.

    Raises EncoderError if a dictionary is given, which has no use then.
    """
    try:
        loaded = load_language_model(encoder, ("masked",))
    except EncoderError as error:
        if flags.dictionary is not None:
            raise EncoderError(f"--dictionary: it says which filled tokens are right, but {error}") from error
        return None, ("no masked-language-model head: nearest sentences alone, no filled tokens",)
    loaded.model.to(next(body.model.parameters()).device).eval()
    return loaded, ()


def fill_study(
    head: Loaded, body: Body, read: tuple[Study, Encoded], over: tuple[Sequence[int], Sequence[float]],
    progress: Progress,
) -> FilledStudy:  # fmt: skip
    """Fill in the tokens of both halves' texts."""
    study, encoded = read
    halves = [_first(half) for half in (encoded.choosing, encoded.measured)]
    texts = [[study.pairs.texts[0][k] for k in rows[:MOST]] for rows in study.rows]
    asked: list[AskedWords | None] = [None, None]
    if study.dictionary is not None:
        found = [asked_words(body, one, half, study.dictionary) for one, half in zip(texts, halves, strict=True)]
        asked = list(found)
    own = [row for half in halves for row in half.source.encoded.ids]
    other = [row for half in halves for row in half.target.encoded.ids]
    languages = token_languages(head.tokenizer, study.pairs.texts, (own, other))
    progress.phase("filling in tokens", 2 * len(over[0]) * len(over[1]))
    tried, cells = (
        filled_grid(head, half, encoded.vectors, over, (languages, one, progress))
        for half, one in zip(halves, asked, strict=True)
    )
    best = best_filled(tried)
    chosen = next(one for one in cells if (one.layer, one.strength) == (best.layer, best.strength))
    words = None if asked[1] is None else len(asked[1].text)
    return FilledStudy(texts=len(halves[1]), words=words, cells=tuple(cells), chosen=chosen)


def _first(half: Half) -> Half:
    rows = np.arange(min(MOST, len(half)))
    return Half(source=half.source.only(rows), target=half.target.only(rows))


def show_sentences(
    body: Body, head: Loaded | None, texts: tuple[Sequence[str], tuple[list[str], list[str]]], encoded: Encoded,
    points: Sequence[tuple[tuple[int, int], float]],
) -> tuple[Shown, ...]:  # fmt: skip
    """Each sentence at each of some points: layers to add the vector at for sentences and for tokens, and a strength.

    texts  the sentences, and the measured half's texts of both languages, among which the nearest are
    """
    sentences, (own, other) = texts
    asked = encode_spans(body, sentences)
    if not asked.there.all():
        lost = sentences[int(np.argmin(asked.there))]
        raise DataError(f"--sentence {lost[:40]!r}: the tokenizer makes no token of it")
    half, silent = encoded.measured, Progress()
    every = np.concatenate([half.source.vectors[:, -1], half.target.vectors[:, -1]])
    names = [*own, *other]
    others = [[k for k, name in enumerate(names) if name != sentence] for sentence in sentences]  # never itself
    near: list[list[str]] = []
    filled: list[list[str]] = []
    for (layer, token_layer), strength in points:
        vector = np.float32(strength) * encoded.vectors[layer]
        last = layer == body.layers  # above which no layer is run
        shift = Shift(layer=0 if last else layer, vector=0 * vector if last else vector)
        found = last_vectors(body.loaded, asked, shift, silent) + (vector if last else 0)
        near.append([names[kept[int(nearest(row[None], every[kept])[0])]]
                     for row, kept in zip(found, others, strict=True)])  # fmt: skip
        if head is not None:
            shift = Shift(layer=token_layer, vector=np.float32(strength) * encoded.vectors[token_layer])
            filled.append([head.tokenizer.decode(row.tolist()) for row in filled_tokens(head, asked, shift)])
    return tuple(
        Shown(
            sentence=sentence, strengths=tuple(strength for _, strength in points),
            nearest=tuple(row[k] for row in near), filled=tuple(row[k] for row in filled) if filled else None,
        )
        for k, sentence in enumerate(sentences)
    )  # fmt: skip
