"""One word in several sentences, layer by layer: the cosines of its vectors, and whether they follow its senses.

After the lecture's figure of ten sentences with 果. Centred cosines are those of vectors less the mean vector of random
tokens, because all vectors of a layer point the same way (Ethayarajh 2019, arXiv 1909.00512, section 4).

N sentences, L layers (0 is the embeddings), H hidden size.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertkit.analysis.bodies import Body
from bertkit.analysis.sense_rows import SenseRows
from bertkit.analysis.sense_tests import (
    NEAR,
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
SURE = 0.05


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """What is drawn: the seed, and so many samples of the sentences (0: none), `each` of every sense in one."""

    seed: int = 42
    draws: int = 0
    each: int = 5


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


@dataclass(frozen=True, kw_only=True)
class Draws:
    """Many small samples of the sentences, each tested as if it were all.

    count        samples; `each` sentences of each sense in one
    least        the least p that a sample can have
    significant  (L+1,) the share of samples with p at most SURE, raw and centred
    surest       (L+1,) the share of samples with the least possible p
    nearest      (L+1,) the mean share of sentences whose nearest other one has their sense, raw and centred
    """

    count: int
    each: int
    least: float
    significant: dict[str, tuple[float, ...]]
    surest: dict[str, tuple[float, ...]]
    nearest: dict[str, tuple[float, ...]]


@dataclass(frozen=True, kw_only=True, eq=False)
class WordStudy:
    """A word's vectors over its sentences.

    raw, centred  for each layer what cosines say, of the vectors as they are and less the mean of random tokens
    anisotropy    for each layer the mean cosine of random tokens of different sentences; None for static vectors
    matrices      (L+1, N, N) raw cosines
    forms         the pieces that the word is made of, and in how many sentences
    tried         distinct splits of the sentences, or how many were drawn (`exact` tells); 0 without senses
    """

    rows: SenseRows
    raw: tuple[LayerSenses, ...]
    centred: tuple[LayerSenses, ...] | None
    anisotropy: tuple[float, ...] | None
    matrices: Table
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
            "cosines": np.round(self.matrices, 6).tolist() if len(self.rows.sentences) <= 100 else None,
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
    """What (N, L+1, H) vectors of a word say of its senses at each layer, raw and less (L+1, H) centres."""
    moved = {"raw": _cosines_by_layer(vectors, None)}
    if centres is not None:
        moved["centred"] = _cosines_by_layer(vectors, centres)
    codes = codes_of(rows)
    labels, exact = np.zeros((0, 0), np.int16), True
    if codes is not None:
        labels, exact = splits(tuple(rows.counts.values()), asked.seed)
    found = {how: _layers(matrices, codes, labels, exact) for how, matrices in moved.items()}
    return WordStudy(
        rows=rows, raw=found["raw"], centred=found.get("centred"), anisotropy=None, matrices=moved["raw"],
        tried=len(labels), exact=exact, unknown=0.0, draws=_draws(moved, rows, asked) if asked.draws else None,
    )  # fmt: skip


def _cosines_by_layer(vectors: NDArray[np.floating], centres: NDArray[np.floating] | None) -> Table:
    layers = range(vectors.shape[1])
    return np.stack([cosines(vectors[:, k], None if centres is None else centres[k]) for k in layers])


def sampled(rows: SenseRows, asked: Sampling) -> list[Codes]:
    """The sentences of each sample, those of a sense together."""
    codes = codes_of(rows)
    assert codes is not None
    generator = np.random.default_rng(asked.seed)
    groups = [np.flatnonzero(codes == code) for code in range(len(rows.counts))]
    return [
        np.concatenate([np.sort(generator.permutation(group)[: asked.each]) for group in groups])
        for _ in range(asked.draws)
    ]


def _draws(moved: dict[str, Table], rows: SenseRows, asked: Sampling) -> Draws:
    samples, kinds = sampled(rows, asked), len(rows.counts)
    codes = np.repeat(np.arange(kinds), asked.each)
    labels, exact = splits((asked.each,) * kinds, asked.seed)
    least = 1 / len(labels) if exact else 1 / (len(labels) + 1)
    significant, surest, nearest = {}, {}, {}
    for how, matrices in moved.items():
        parts = [[one[np.ix_(sample, sample)] for sample in samples] for one in matrices]
        ps = [[split_test(part, codes, labels, exact) for part in layer] for layer in parts]
        significant[how] = tuple(float(np.mean([p <= SURE for p in layer])) for layer in ps)
        surest[how] = tuple(float(np.mean([p <= least * (1 + NEAR) for p in layer])) for layer in ps)
        nearest[how] = tuple(
            float(np.mean([neighbour_credit(part, codes).mean() for part in layer])) for layer in parts
        )
    return Draws(
        count=asked.draws, each=asked.each, least=least, significant=significant, surest=surest, nearest=nearest
    )


def codes_of(rows: SenseRows) -> Codes | None:
    """(N,) the number of each sentence's sense, in the order of `counts`; None without senses."""
    if rows.senses is None:
        return None
    order = {sense: k for k, sense in enumerate(rows.counts)}
    return np.array([order[sense] for sense in rows.senses], np.int64)


def _layers(matrices: Table, codes: Codes | None, labels: NDArray[np.int16], exact: bool) -> tuple[LayerSenses, ...]:
    pairs = np.triu(np.ones(matrices.shape[1:], bool), 1)
    found = [LayerSenses(mean=float(one[pairs].mean())) for one in matrices]
    if codes is None:
        return tuple(found)
    ps = [split_test(one, codes, labels, exact) for one in matrices]
    for k, (p, adjusted) in enumerate(zip(ps, holm(ps), strict=True)):
        within, across = within_and_across(matrices[k], codes)
        credit = neighbour_credit(matrices[k], codes)
        found[k] = replace(
            found[k], within=within, across=across, p=p, adjusted=adjusted, nearest=share_with_interval(credit)
        )
    return tuple(found)


def share_with_interval(right: Table) -> Score:
    """The mean of rows that are right (1) or wrong (0), with Wilson's interval over them."""
    value = float(right.mean())
    found = wilson(np.asarray(right, float)[:, None], lambda table: float(table[:, 0].mean()))
    return Score(value=value, low=found.low, high=found.high, interval=found.name)
