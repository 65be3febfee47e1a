"""The texts of two languages that a language vector is measured on: read, halved, encoded; and what is shown.

n pairs of a half, L layers (0 is the embeddings), H hidden size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertkit.analysis.alignment import UNKNOWN_SAID, check_known
from bertkit.analysis.bodies import Body
from bertkit.analysis.language_vector import Half, Texts
from bertkit.analysis.vectors import Vectors, encode_spans, span_vectors
from bertkit.data.bilingual import Pairs, check_different, read_dictionary, read_parallel, read_texts
from bertkit.data.occurrences import occurrences
from bertkit.errors import DataError
from bertkit.progress import Progress
from bertkit.request.language_vector_flags import LEAST, LanguageVectorFlags


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A sentence at each strength: what is nearest to it, and what is filled in where the model has a head."""

    sentence: str
    strengths: tuple[float, ...]
    nearest: tuple[str, ...]
    filled: tuple[str, ...] | None


@dataclass(frozen=True, kw_only=True)
class Encoded:
    """Both halves, and the vector of each layer, (L+1, H)."""

    choosing: Half
    measured: Half
    vectors: Vectors
    paired: bool
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Study:
    """What was read.

    pairs     one text of each language a row; translations of each other if `paired`
    rows      the places of the pairs on which layer and strength are chosen, and of those that are measured
    own       texts of each language alone, of which the means are; of None they are those of the choosing half
    """

    languages: tuple[str, str]
    pairs: Pairs
    paired: bool
    rows: tuple[NDArray[np.int64], NDArray[np.int64]]
    own: tuple[tuple[str, ...], tuple[str, ...]] | None
    dictionary: Pairs | None
    notes: tuple[str, ...]

    @property
    def key(self) -> list[Any]:
        """All that was read, for a digest."""
        dictionary = None if self.dictionary is None else [self.dictionary.texts, self.dictionary.links.tolist()]
        return [self.pairs.texts, self.paired, self.own, dictionary]

    @property
    def measured_texts(self) -> tuple[list[str], list[str]]:
        """The texts of the measured half, of each language."""
        one, other = self.pairs.texts
        return [one[k] for k in self.rows[1]], [other[k] for k in self.rows[1]]

    def encoded(self, body: Body, progress: Progress) -> Encoded:
        """Both halves as vectors. Raises DataError for a language of unknown tokens, or texts without any."""
        notes: list[str] = []
        sides = [self._texts(body, texts, k, (progress, notes)) for k, texts in enumerate(self.pairs.texts)]
        choosing, measured = (Half(source=sides[0].only(rows), target=sides[1].only(rows)) for rows in self.rows)
        means = [choosing.source.mean(), choosing.target.mean()]
        if self.own is not None:
            means = [self._texts(body, texts, k, (progress, notes)).mean() for k, texts in enumerate(self.own)]
        vectors: Vectors = means[1] - means[0]
        return Encoded(
            choosing=choosing, measured=measured, vectors=vectors, paired=self.paired, notes=tuple(dict.fromkeys(notes))
        )

    def _texts(self, body: Body, texts: tuple[str, ...], side: int, told: tuple[Progress, list[str]]) -> Texts:
        progress, notes = told
        name = self.languages[side]
        encoded = encode_spans(body, texts)
        check_known(encoded, name, body)
        if not encoded.there.all():
            lost = texts[int(np.argmin(encoded.there))]
            raise DataError(f"{name}: the tokenizer makes no token of a text: {lost[:40]!r}: leave it out")
        if encoded.cut.any():
            notes.append(f"{name}: {int(encoded.cut.sum()):,} texts are longer than the window: their end is not read")
        if encoded.unknown_share >= UNKNOWN_SAID:
            notes.append(f"{name}: {100 * encoded.unknown_share:.0f} % of the tokens are unknown to the tokenizer")
        return Texts(encoded=encoded, vectors=span_vectors(body, encoded, progress, f"{name} sentences"))


def read_study(flags: LanguageVectorFlags) -> Study:
    """Read the texts. Raises DataError for files that do not fit each other, too few texts, or the same in both."""
    own = None if flags.text is None else (read_texts(flags.text_files[0]), read_texts(flags.text_files[1]))
    notes: list[str] = []
    if flags.parallel is not None:
        every = read_parallel(flags.parallel_files, flags.column_names)
        pairs = every.one_to_one()
        notes += [f"{count:,} pairs {why} are left out" for why, count in every.skipped.items()]
        if len(pairs) < len(every):
            notes.append(f"{len(every) - len(pairs):,} further translations of the same text are left out")
    else:
        assert own is not None
        pairs = _side_by_side(own, flags)
    check_different(pairs.texts, flags.languages)
    if own is not None:
        check_different(own, flags.languages)
    if len(pairs) > flags.pairs:
        notes.append(f"{flags.pairs:,} of {len(pairs):,} pairs, drawn at random (--pairs)")
    pairs = pairs.sampled(flags.pairs, flags.seed)
    if len(pairs) < LEAST:
        raise DataError(
            f"{len(pairs)} pair{'s' * (len(pairs) != 1)} of texts: {LEAST} are needed, half of them to choose layer "
            "and strength on"
        )
    if own is not None and flags.parallel is not None:
        own = _texts_of_means(own, pairs, flags, notes)
    order = np.random.default_rng(flags.seed).permutation(len(pairs))
    middle = len(pairs) // 2
    return Study(
        languages=flags.languages, pairs=pairs, paired=flags.parallel is not None,
        rows=(np.sort(order[:middle]), np.sort(order[middle:])), notes=tuple(notes),
        own=own if flags.parallel is not None else None,
        dictionary=_dictionary(flags, pairs.texts[0]),
    )  # fmt: skip


def _texts_of_means(
    own: tuple[tuple[str, ...], tuple[str, ...]], pairs: Pairs, flags: LanguageVectorFlags, notes: list[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Each language's texts for its mean vector, without those in the pairs. Raises DataError if none is left."""
    kept = []
    for texts, name, known in zip(own, flags.languages, map(set, pairs.texts), strict=True):
        others = tuple(text for text in texts if text not in known)
        if not others:
            raise DataError(f"--text: each text of {name} is one of the pairs: give others, or leave --text out")
        if len(others) < len(texts):
            notes.append(f"{len(texts) - len(others):,} texts of {name} are in the pairs, and left out of its mean")
        kept.append(_drawn(others, flags))
    return kept[0], kept[1]


def _side_by_side(own: tuple[tuple[str, ...], tuple[str, ...]], flags: LanguageVectorFlags) -> Pairs:
    """As many distinct texts of each language, which are no translations."""
    distinct = [tuple(dict.fromkeys(texts)) for texts in own]
    count = min(map(len, distinct))
    one, other = (_drawn(texts, flags, count) for texts in distinct)
    return Pairs(texts=(one, other), links=np.stack([np.arange(count)] * 2, axis=1), skipped={})


def _drawn(texts: tuple[str, ...], flags: LanguageVectorFlags, most: int | None = None) -> tuple[str, ...]:
    count = min(most or len(texts), flags.pairs)
    rows = np.sort(np.random.default_rng(flags.seed).choice(len(texts), count, replace=False))
    return tuple(texts[k] for k in rows) if count < len(texts) else texts


def _dictionary(flags: LanguageVectorFlags, texts: Sequence[str]) -> Pairs | None:
    """The dictionary, if there is one. Raises DataError if none of its words is in the texts."""
    if flags.dictionary is None:
        return None
    found = read_dictionary(flags.dictionary_files[0])
    if not occurrences(found.texts[0], texts, 1):
        raise DataError(
            f"{flags.dictionary}: none of its {len(found.texts[0]):,} words of {flags.source} occurs in the texts; "
            f"a line is a word of {flags.source} and its translation"
        )
    return found
