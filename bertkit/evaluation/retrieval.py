"""Retrieval by cosine: at which rank a text's translation stands among the candidates, and what chance gives.

Q queries, N candidates, H numbers of a vector, P pairs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bertkit.evaluation.intervals import TAILS, sampled_sums
from bertkit.result import Score

Vectors = NDArray[np.float32]
Links = NDArray[np.int64]

BLOCK = 1 << 24
"""Cosines that are in memory at once."""
TIED = 1e-6
"""Cosines that differ by less are the same."""


@dataclass(frozen=True, kw_only=True)
class Ranked:
    """Where Q queries find a right candidate among N.

    ranks       (Q,) of the nearest right candidate, from 1 on; of candidates that are tied with it half count as nearer
    hits        (Q,) whether it is the nearest of all; a part of 1 where several are
    candidates  N
    right       (Q,) how many candidates are right
    """

    ranks: NDArray[np.float64]
    hits: NDArray[np.float64]
    candidates: int
    right: NDArray[np.int64]

    @property
    def reciprocal(self) -> NDArray[np.float64]:
        """(Q,) reciprocal ranks; their mean is the MRR (Voorhees 1999)."""
        return 1 / self.ranks

    @property
    def chance(self) -> tuple[float, float]:
        """The MRR and the top-1 of a random order: H(N)/N and 1/N where each query has one right candidate."""
        counts, queries = np.unique(self.right, return_counts=True)
        both = [(chance_of_mrr(self.candidates, k), k / self.candidates) for k in counts.tolist()]
        mrr, top = np.average(np.array(both), axis=0, weights=queries)
        return float(mrr), float(top)


def unit(vectors: Vectors) -> Vectors:
    """(N, H) vectors of length 1; a zero vector stays one."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    found: Vectors = (vectors / np.where(lengths == 0, 1, lengths)).astype(np.float32)
    return found


def centred(vectors: Vectors) -> Vectors:
    """(N, H) vectors without their mean, which is what a language has in common (Libovicky et al. 2020, 2004.05160)."""
    found: Vectors = vectors - vectors.mean(0, dtype=np.float64).astype(np.float32)
    return found


def rank(queries: Vectors, candidates: Vectors, links: Links) -> Ranked:
    """Rank (N, H) candidates for each of (Q, H) queries by cosine; `links`, (P, 2), are which are right for which.

    Every query must have a right candidate.
    """
    near, far = unit(queries), unit(candidates)
    ranks, hits = np.empty(len(near)), np.empty(len(near))
    order = links[np.argsort(links[:, 0], kind="stable")]
    ends = np.searchsorted(order[:, 0], np.arange(len(near) + 1))
    right = np.diff(ends)
    assert (right > 0).all()
    step = max(1, BLOCK // len(far))
    for start in range(0, len(near), step):
        stop = min(start + step, len(near))
        cosines = near[start:stop] @ far.T
        own = order[ends[start] : ends[stop]]
        rows, columns = own[:, 0] - start, own[:, 1]
        best = np.full(stop - start, -np.inf, np.float32)
        np.maximum.at(best, rows, cosines[rows, columns])
        cosines[rows, columns] = -np.inf
        nearer = (cosines > best[:, None] + TIED).sum(1)
        tied = (np.abs(cosines - best[:, None]) <= TIED).sum(1)
        ranks[start:stop] = 1 + nearer + tied / 2
        hits[start:stop] = (nearer == 0) / (1 + tied)
    return Ranked(ranks=ranks, hits=hits, candidates=len(far), right=right)


def nearest(queries: Vectors, candidates: Vectors, itself: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
    """(Q,) which of (N, H) candidates is nearest by cosine to each of (Q, H) queries, but for the query `itself`.

    itself  (Q,) the candidate that each query is, which is left out
    """
    near, far = unit(queries), unit(candidates)
    found = np.empty(len(near), np.int64)
    step = max(1, BLOCK // len(far))
    for start in range(0, len(near), step):
        cosines = near[start : start + step] @ far.T
        if itself is not None:
            cosines[np.arange(len(cosines)), itself[start : start + step]] = -np.inf
        found[start : start + step] = cosines.argmax(1)
    return found


def chance_of_mrr(candidates: int, right: int = 1) -> float:
    """The expected reciprocal rank of the first of `right` candidates in a random order; for one H(N)/N.

    P(the first is at r) = C(N - r, k - 1) / C(N, k), by recurrence from r to r + 1.
    """
    share, expected = right / candidates, 0.0
    for place in range(1, candidates - right + 2):
        expected += share / place
        share *= (candidates - place - right + 1) / (candidates - place) if place < candidates else 0
    return expected


def scores(table: NDArray[np.float64]) -> list[Score]:
    """The mean of each column of (Q, k) numbers, with the bootstrap's 95 % interval over the rows."""
    low, high = np.quantile(sampled_sums(table) / len(table), TAILS, axis=0)
    return [
        Score(value=float(mean), low=float(a), high=float(b))
        for mean, a, b in zip(table.mean(0), low, high, strict=True)
    ]
