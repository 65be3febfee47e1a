"""Sets of words in sentences: WiC (same sense or not) and CoarseWSD-20 (which sense), scored by cosine at every layer.

N rows, L layers (0 is the embeddings), H hidden size. WiC: Pilehvar and Camacho-Collados 2019 (arXiv 1808.09121).
CoarseWSD-20: Loureiro et al. 2021 (arXiv 2008.11608), whose 1-NN this is: the nearest train sentence of the same word.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertkit.analysis.sense_tests import Codes, Table, best_threshold, neighbour_credit, unit
from bertkit.analysis.word_study import share_with_interval
from bertkit.data.readers import read_located
from bertkit.errors import DataError
from bertkit.evaluation.intervals import TAILS
from bertkit.result import Score

FOLDERS = ("", "wsd", "lm2/wsd")
"""Where below --data the files are."""
FILES = {"wic": ("WiC/train.jsonl", "WiC/val.jsonl"), "coarsewsd": ("coarsewsd-20.train.tsv", "coarsewsd-20.test.tsv")}
TITLES = {"wic": "WiC", "coarsewsd": "CoarseWSD-20"}

Embed = Callable[[Sequence[str], Sequence[tuple[int, int]]], tuple[NDArray[np.floating], NDArray[np.bool_]]]
"""Sentences and spans in characters -> (N, L+1, H) vectors, and (N,) which spans have one."""


@dataclass(frozen=True, kw_only=True)
class SetRows:
    """N occurrences of words: the sentence, the span in characters, and the word (lemma)."""

    sentences: list[str]
    spans: list[tuple[int, int]]
    words: list[str]

    def add(self, sentence: str, span: tuple[int, int], word: str) -> None:
        """One more."""
        self.sentences.append(sentence)
        self.spans.append(span)
        self.words.append(word)

    def taken(self, rows: Sequence[int]) -> SetRows:
        """These occurrences."""
        return SetRows(
            sentences=[self.sentences[k] for k in rows],
            spans=[self.spans[k] for k in rows],
            words=[self.words[k] for k in rows],
        )


@dataclass(frozen=True, kw_only=True)
class SenseSet:
    """A set's train part and the part that is scored.

    For "wic" two occurrences follow each other for each row, and the answer is 1 for the same sense; for "coarsewsd"
    the answer is the sense's number.
    """

    name: str
    train: SetRows
    scored: SetRows
    train_answers: Codes
    answers: Codes
    split: str
    marks: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """SHA-256 of its rows and answers."""
        plain = [asdict(self.train), asdict(self.scored), self.train_answers.tolist(), self.answers.tolist()]
        return hashlib.sha256(json.dumps(plain).encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class SetScores:
    """Accuracy by layer on a set, and what the commonest answer of train scores on the same rows.

    gain        accuracy by layer above the commonest answer of train, on the same rows: see `gain_over`
    of_train    accuracy on train by layer, by which a layer is chosen: of CoarseWSD each row is left out in turn
    thresholds  of WiC, the cosine from which on two are taken for the same sense, chosen on train, by layer
    absent      scored rows whose word has no vector: they are answered with the commonest answer of train
    """

    name: str
    split: str
    rows: int
    accuracy: tuple[Score, ...]
    gain: tuple[Score, ...]
    of_train: tuple[float, ...]
    commonest: Score
    thresholds: tuple[float, ...] | None
    absent: int
    marks: tuple[str, ...] = ()

    @property
    def best(self) -> int:
        """The layer that is best on train."""
        return max(range(len(self.of_train)), key=self.of_train.__getitem__)

    def plain(self) -> dict[str, Any]:
        """All of it as JSON."""
        return {**asdict(self), "best": self.best}


def read_set(name: str, data: Path, limit: int | None = None) -> SenseSet:
    """A set, "wic" or "coarsewsd", in a folder of data; with `limit` the first rows of each part, or so many a word.

    Raises DataError if its files are not there, or are not such ones.
    """
    train, scored = _files(name, data)
    parts = [(_wic if name == "wic" else _coarse)(path, limit) for path in (train, scored)]
    for path, (rows, _) in zip((train, scored), parts, strict=True):
        if not rows.words:
            raise DataError(f"{path} has no rows of {TITLES[name]}")
    kept = "the first {:,} rows of each part" if name == "wic" else "{:,} rows of each word in each part"
    marks = () if limit is None else (f"{kept.format(limit)}: not the whole set",)
    return SenseSet(
        name=name, train=parts[0][0], scored=parts[1][0], train_answers=parts[0][1], answers=parts[1][1],
        split="dev" if name == "wic" else "test", marks=marks,
    )  # fmt: skip


def _files(name: str, data: Path) -> tuple[Path, Path]:
    for folder in FOLDERS:
        train, scored = (data / folder / file for file in FILES[name])
        if train.is_file() and scored.is_file():
            return train, scored
    raise DataError(f"--data {data}: {TITLES[name]} is not there ({' and '.join(FILES[name])})")


def _wic(path: Path, limit: int | None) -> tuple[SetRows, Codes]:
    rows, answers = SetRows(sentences=[], spans=[], words=[]), list[int]()
    for name, row in read_located(path):
        if limit is not None and len(answers) == limit:
            break
        try:
            for k in ("1", "2"):
                span = (int(row[f"start{k}"]), int(row[f"end{k}"]))
                rows.add(str(row[f"sentence{k}"]), span, str(row["word"]))
            answers.append(int({"true": 1, "false": 0}[str(row["label"]).lower()]))
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"{name}: no row of WiC (word, sentence1, start1, end1, …, label): {error}") from error
    return rows, np.array(answers, np.int64)


def _coarse(path: Path, limit: int | None) -> tuple[SetRows, Codes]:
    rows, answers = SetRows(sentences=[], spans=[], words=[]), list[int]()
    for name, row in read_located(path):
        try:
            tokens = str(row["sentence"]).split(" ")
            place = int(row["position"])
            if place < 0:
                raise ValueError(f"position {place} is before the first word")
            start = sum(map(len, tokens[:place])) + place
            rows.add(str(row["sentence"]), (start, start + len(tokens[place])), str(row["word"]))
            answers.append(int(row["sense"]))
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise DataError(f"{name}: no row of CoarseWSD-20 (word, sense, position, sentence): {error}") from error
    kept = _spaced(rows.words, limit)
    return rows.taken(kept), np.array(answers, np.int64)[kept]


def _spaced(words: Sequence[str], limit: int | None) -> list[int]:
    """At most so many rows of each word, evenly spaced, as its senses stand one after the other."""
    of: dict[str, list[int]] = {}
    for k, word in enumerate(words):
        of.setdefault(word, []).append(k)
    most = max(map(len, of.values()), default=0) if limit is None else limit
    return [own[k * len(own) // min(most, len(own))] for own in of.values() for k in range(min(most, len(own)))]


def score_set(given: SenseSet, embed: Embed) -> SetScores:
    """Accuracy at each layer: of WiC by a cosine threshold from train, of CoarseWSD by the nearest train sentence."""
    train, there = embed(given.train.sentences, given.train.spans)
    scored, also = embed(given.scored.sentences, given.scored.spans)
    if given.name == "wic":
        return _score_wic(given, (train, there), (scored, also))
    return _score_coarse(given, (train, there), (scored, also))


Embedded = tuple[NDArray[np.floating], NDArray[np.bool_]]


def _score_wic(given: SenseSet, train: Embedded, scored: Embedded) -> SetScores:
    accuracy, gain, thresholds, of_train = [], [], [], []
    known, there = (_both(part[1]) for part in (train, scored))
    common = given.answers == int(np.bincount(given.train_answers).argmax())
    if not known.any():
        raise DataError(f"{TITLES[given.name]}: no word of the train rows has a vector")
    for layer in range(train[0].shape[1]):
        values = [_pair_cosines(part[0][:, layer]) for part in (train, scored)]
        same = given.train_answers[known] == 1
        threshold = best_threshold(values[0][known], same)
        of_train.append(float(((values[0][known] >= threshold) == same).mean()))
        right = np.where(there, (values[1] >= threshold) == (given.answers == 1), common)
        thresholds.append(threshold)
        accuracy.append(share_with_interval(right.astype(float)))
        gain.append(gain_over(right.astype(float), common.astype(float), given.scored.words[0::2]))
    return SetScores(
        name=given.name, split=given.split, rows=len(given.answers), accuracy=tuple(accuracy), gain=tuple(gain),
        of_train=tuple(of_train), commonest=share_with_interval(common.astype(float)), thresholds=tuple(thresholds),
        absent=int((~there).sum()), marks=given.marks,
    )  # fmt: skip


def gain_over(right: Table, common: Table, words: Sequence[str]) -> Score:
    """The mean of N differences of two answers to a row, each right (1) or wrong (0), with its 95 % interval.

    Rows of one word depend on each other: the variance is that of the words' sums (Liang and Zeger 1986), with
    Student's t of W - 1 degrees of freedom for W words; of a single word, that of its rows.
    """
    from scipy.stats import t

    gains = right - common
    value = float(gains.mean())
    groups = np.unique(words, return_inverse=True)[1] if len(set(words)) > 1 else np.arange(len(gains))
    sums = np.bincount(groups, weights=gains - value)
    count = len(sums)
    error = float(np.sqrt((sums**2).sum() * count / max(count - 1, 1))) / len(gains)
    half = float(t.ppf(TAILS[1], max(count - 1, 1))) * error
    return Score(value=value, low=max(value - half, -1.0), high=min(value + half, 1.0), interval="t")


def _both(there: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return there[0::2] & there[1::2]


def _pair_cosines(vectors: NDArray[np.floating]) -> Table:
    units = unit(vectors)
    found: Table = (units[0::2] * units[1::2]).sum(axis=1)
    return found


def _score_coarse(given: SenseSet, train: Embedded, scored: Embedded) -> SetScores:
    layers, rows = train[0].shape[1], len(given.answers)
    near, common, left_out = np.zeros((layers, rows)), np.zeros(rows), np.zeros(layers)
    of_train, of_scored = np.array(given.train.words), np.array(given.scored.words)
    for word in sorted(set(given.scored.words)):
        ours, mine = np.flatnonzero(of_train == word), np.flatnonzero(of_scored == word)
        counts = Counter(given.train_answers[ours].tolist())
        common[mine] = given.answers[mine] == (counts.most_common(1)[0][0] if counts else -1)
        near[:, mine] = common[mine]
        ours, mine = ours[train[1][ours]], mine[scored[1][mine]]
        for layer in range(layers if len(ours) else 0):
            units = unit(train[0][ours, layer])
            similarities = unit(scored[0][mine, layer]) @ units.T
            near[layer, mine] = neighbour_credit(similarities, given.answers[mine], given.train_answers[ours])
            if len(ours) > 1:
                left_out[layer] += neighbour_credit(units @ units.T, given.train_answers[ours]).sum()
    return SetScores(
        name=given.name, split=given.split, rows=rows, accuracy=tuple(map(share_with_interval, near)),
        gain=tuple(gain_over(right, common, given.scored.words) for right in near),
        of_train=tuple((left_out / max(1, len(of_train))).tolist()),
        commonest=share_with_interval(common), thresholds=None, absent=int((~scored[1]).sum()), marks=given.marks,
    )  # fmt: skip
