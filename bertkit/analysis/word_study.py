"""One word in several sentences, layer by layer: the cosines of its vectors, and whether they follow its senses.

After the lecture's figure of ten sentences with 果. Centred cosines are those of vectors less the mean vector of random
tokens, because all vectors of a layer point the same way (Ethayarajh 2019, arXiv 1909.00512, section 4).

N sentences, L layers (0 is the embeddings), H hidden size.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertkit.analysis.bodies import Body
from bertkit.analysis.sense_draws import SURE, Draws, Samples, Sampling, codes_of, shown_rows
from bertkit.analysis.sense_rows import SenseRows
from bertkit.analysis.sense_tests import (
    Codes,
    Table,
    cosines,
    neighbour_credit,
    split_test,
    splits,
    within_and_across,
)
from bertkit.analysis.vectors import EncodedSpans, Vectors, encode_spans, span_vectors
from bertkit.evaluation.intervals import wilson
from bertkit.evaluation.paired_tests import holm
from bertkit.progress import Progress
from bertkit.result import Score

RANDOM_TOKENS = 1_000
"""Random tokens at most, by which a layer is centred; an equal number of each sentence."""
MOST_WRITTEN = 100
"""Sentences up to which all cosines are kept, and written as JSON."""


@dataclass(frozen=True, kw_only=True)
class LayerSenses:
    """What the cosines of one layer say of the senses.

    mean     the mean cosine of two sentences
    within   the same of two with one sense, and `across` of two with different senses; None without senses
    p        of the permutation test that within exceeds across: one-sided; `adjusted` by Holm over the layers
    nearest  how often the nearest other sentence has the same sense
    """

    mean: float
    within: float | None = None
    across: float | None = None
    p: float | None = None
    adjusted: float | None = None
    nearest: Score | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class WordStudy:
    """A word's vectors over its sentences.

    raw, centred  for each layer what cosines say, of the vectors as they are and less the mean of random tokens
    anisotropy    for each layer the mean cosine of random tokens of different sentences; None for static vectors
    matrices      (L+1, S, S) raw cosines of S of the sentences, `kept`: all if they are written, else those `shown`
    shown         the sentences of the heat map
    forms         the pieces that the word is made of, and in how many sentences
    tried         distinct splits of the sentences, or how many were drawn (`exact` tells); 0 without senses
    """

    rows: SenseRows
    raw: tuple[LayerSenses, ...]
    centred: tuple[LayerSenses, ...] | None
    anisotropy: tuple[float, ...] | None
    matrices: Table
    kept: tuple[int, ...]
    shown: tuple[int, ...]
    tried: int
    exact: bool
    unknown: float
    forms: Mapping[str, int] = field(default_factory=dict)
    draws: Draws | None = None

    @property
    def least(self) -> float:
        """The least p that the test can give."""
        return 1 / self.tried if self.exact else 1 / (self.tried + 1)

    def separating(self, adjusted: bool) -> list[int]:
        """The layers whose raw cosines have a p of at most SURE."""
        ps = [one.adjusted if adjusted else one.p for one in self.raw]
        return [layer for layer, p in enumerate(ps) if p is not None and p <= SURE]

    def plain(self) -> dict[str, Any]:
        """All of it as JSON."""
        return {
            "word": self.rows.word, "sentences": list(self.rows.sentences), "senses": self.rows.senses,
            "tried": self.tried, "exact": self.exact, "unknown": self.unknown, "forms": dict(self.forms),
            "anisotropy": self.anisotropy,
            "raw": [asdict(one) for one in self.raw],
            "centred": None if self.centred is None else [asdict(one) for one in self.centred],
            "draws": None if self.draws is None else asdict(self.draws),
            "cosines": np.round(self.matrices, 6).tolist() if len(self.rows.sentences) <= MOST_WRITTEN else None,
        }  # fmt: skip


def study_word(body: Body, rows: SenseRows, asked: Sampling, progress: Progress) -> WordStudy:
    """The cosines of the word's vectors at every layer, and of random tokens of the same sentences.

    Raises DataError for a sentence that is longer than the window, or whose word has no token.
    """
    encoded = encode_spans(body, rows.sentences, rows.spans, rows.names)
    vectors = span_vectors(body, encoded, progress, f"'{rows.word}'")
    drawn, of = random_tokens(encoded, asked.seed)
    others = span_vectors(body, drawn, progress, "random tokens")
    found = senses_by_layer(vectors, rows, asked, others.mean(axis=0, dtype=np.float64))
    return replace(
        found, unknown=encoded.unknown_share, forms=forms_of(body, encoded),
        anisotropy=tuple(_apart(others[:, k], of) for k in range(body.layers + 1)),
    )  # fmt: skip


def forms_of(body: Body, encoded: EncodedSpans) -> Mapping[str, int]:
    """The pieces of the spans, those of one with spaces between, and how many spans have them, the commonest first."""
    pieces = (ids[places] for ids, places in zip(encoded.ids, encoded.pieces, strict=True))
    return dict(Counter(" ".join(body.tokenizer.convert_ids_to_tokens(one.tolist())) for one in pieces).most_common())


def random_tokens(encoded: EncodedSpans, seed: int) -> tuple[EncodedSpans, Codes]:
    """Tokens of these texts at random, an equal number of each and RANDOM_TOKENS at most, and the text of each.

    Special tokens, the first and the last of a text, are none of them.
    """
    generator = np.random.default_rng(seed)
    each = max(1, min(10, RANDOM_TOKENS // len(encoded.ids)))
    chosen: list[tuple[int, int]] = []
    for text in generator.permutation(len(encoded.ids))[:RANDOM_TOKENS].tolist():
        inner = np.arange(1, len(encoded.ids[text]) - 1)
        chosen += [(text, int(place)) for place in generator.permutation(inner)[:each]]
    none = np.zeros(len(chosen), np.bool_)
    found = EncodedSpans(
        ids=[encoded.ids[text] for text, _ in chosen], pieces=[np.array([place]) for _, place in chosen],
        cut=none, partial=none, unknown=none.astype(np.int64),
    )  # fmt: skip
    return found, np.array([text for text, _ in chosen], np.int64)


def _apart(vectors: Vectors, texts: Codes) -> float:
    """The mean cosine of two vectors of different texts."""
    different = texts[:, None] != texts[None]
    return float(cosines(vectors)[different].mean()) if different.any() else 0.0


def senses_by_layer(
    vectors: NDArray[np.floating], rows: SenseRows, asked: Sampling, centres: NDArray[np.floating] | None = None
) -> WordStudy:
    """What (N, L+1, H) vectors of a word say of its senses at each layer, raw and less (L+1, H) centres.

    One layer's (N, N) cosines are in memory at a time.
    """
    shown = shown_rows(rows, asked)
    kept = tuple(range(len(vectors))) if len(vectors) <= MOST_WRITTEN else shown
    codes, labels, exact = codes_of(rows), np.zeros((0, 0), np.int16), True
    if codes is not None:
        labels, exact = splits(tuple(rows.counts.values()), asked.seed)
    samples = Samples(rows, asked) if asked.draws else None
    found: dict[str, tuple[LayerSenses, ...]] = {}
    matrices = np.zeros((vectors.shape[1], len(kept), len(kept)))
    for how, moved in {"raw": None, "centred": centres}.items():
        if how == "centred" and moved is None:
            continue
        layers = []
        for k in range(vectors.shape[1]):
            table = cosines(vectors[:, k], None if moved is None else moved[k])
            layers.append(_layer(table, codes, labels, exact))
            if samples is not None:
                samples.test(table, how)
            if how == "raw":
                matrices[k] = table[np.ix_(kept, kept)]
            del table  # before the next one is made
        found[how] = tuple(layers) if codes is None else _adjusted(layers)
    return WordStudy(
        rows=rows, raw=found["raw"], centred=found.get("centred"), anisotropy=None, matrices=matrices, kept=kept,
        shown=shown, tried=len(labels), exact=exact, unknown=0.0, draws=None if samples is None else samples.found(),
    )  # fmt: skip


def _layer(table: Table, codes: Codes | None, labels: NDArray[np.int16], exact: bool) -> LayerSenses:
    """What a layer's (N, N) cosines say, its p not adjusted."""
    mean = float(table[np.triu(np.ones(table.shape, bool), 1)].mean())
    if codes is None:
        return LayerSenses(mean=mean)
    within, across = within_and_across(table, codes)
    nearest = share_with_interval(neighbour_credit(table, codes))
    p = split_test(table, codes, labels, exact)
    return LayerSenses(mean=mean, within=within, across=across, p=p, nearest=nearest)


def _adjusted(layers: Sequence[LayerSenses]) -> tuple[LayerSenses, ...]:
    ps = [one.p for one in layers if one.p is not None]
    return tuple(replace(one, adjusted=adjusted) for one, adjusted in zip(layers, holm(ps), strict=True))


def share_with_interval(right: Table) -> Score:
    """The mean of rows that are right (1) or wrong (0), with Wilson's interval over them."""
    value = float(right.mean())
    found = wilson(np.asarray(right, float)[:, None], lambda table: float(table[:, 0].mean()))
    return Score(value=value, low=found.low, high=found.high, interval=found.name)
