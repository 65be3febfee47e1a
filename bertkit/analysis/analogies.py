"""Analogies of words, man : king = woman : queen: read from a file, answered by vectors, and scored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertkit.analysis.cbow import WordVectors, normalised
from bertkit.analysis.word_study import share_with_interval
from bertkit.errors import DataError
from bertkit.progress import Progress
from bertkit.result import Score


@dataclass(frozen=True, kw_only=True)
class Analogy:
    """Four words, of which the last is asked for, and the heading they stand below in their file, or ""."""

    words: tuple[str, str, str, str]
    heading: str = ""


@dataclass(frozen=True, kw_only=True)
class Analogies:
    """Analogies: (first, second, third, fourth, answer) each, and how many have a word without a vector.

    headings  what each of these stands below
    """

    answered: tuple[tuple[str, str, str, str, str], ...]
    headings: tuple[str, ...]
    unknown: int

    @property
    def right(self) -> int:
        """How many answers are the fourth word."""
        return int(self._hits().sum())

    @property
    def score(self) -> Score | None:
        """The share that is right, with Wilson's 95 % interval; None where none is answered."""
        return share_with_interval(self._hits()) if self.answered else None

    @property
    def by_heading(self) -> dict[str, Score]:
        """The same of the analogies below each heading, in their order; without headings none."""
        of, hits = np.array(self.headings), self._hits()
        return {name: share_with_interval(hits[of == name]) for name in dict.fromkeys(self.headings) if name}

    def plain(self) -> dict[str, Any]:
        """All of it as JSON."""
        score = None if self.score is None else asdict(self.score)
        by_heading = {name: asdict(one) for name, one in self.by_heading.items()}
        return {**asdict(self), "right": self.right, "score": score, "by_heading": by_heading}

    def _hits(self) -> NDArray[np.float64]:
        return np.array([answer == normalised(fourth) for *_, fourth, answer in self.answered], float)


def read_analogies(path: Path) -> list[Analogy]:
    """The analogies of a file in the layout of questions-words.txt. Raises DataError, naming the line."""
    from bertkit.data.decoding import lines

    if not path.is_file():
        raise DataError(f"--analogies {path}: there is no such file")
    found, heading = list[Analogy](), ""
    for number, line in lines(path):
        words = line.split()
        if not words:
            continue
        if words[0].startswith(":"):
            heading = line.strip().lstrip(":").strip()
            continue
        if len(words) != 4:
            raise DataError(f"{path}, line {number}: {len(words)} words, not four")
        found.append(Analogy(words=(words[0], words[1], words[2], words[3]), heading=heading))
    if not found:
        raise DataError(f"{path}: it has no analogies")
    return found


def answer_analogies(vectors: WordVectors, given: Sequence[Analogy], progress: Progress) -> Analogies:
    """The answers to analogies; one with a word that has no vector is counted and not answered."""
    progress.phase("analogies", len(given))
    answered, headings = [], []
    for one in given:
        if all(vectors.vector(word) is not None for word in one.words):
            answered.append((*one.words, vectors.fourth(*one.words[:3])))
            headings.append(one.heading)
        progress.advance()
    return Analogies(answered=tuple(answered), headings=tuple(headings), unknown=len(given) - len(answered))
