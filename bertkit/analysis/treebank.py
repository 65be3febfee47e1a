"""Words of a treebank with their parts of speech (UPOS), sampled alike for every model.

W sampled words, S sentences that they are of.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertkit.data.locate import TRAIN, locate_splits
from bertkit.data.rows import Rows
from bertkit.data.sampler import Indices
from bertkit.data.splits import read_located_splits
from bertkit.errors import DataError
from bertkit.spec import Spec

FUNCTION = ("ADP", "AUX", "CCONJ", "DET", "PART", "PRON", "SCONJ", "PUNCT")
CONTENT = ("NOUN", "VERB", "ADJ", "ADV", "PROPN")
UPOS = (*FUNCTION, *CONTENT, "INTJ", "NUM", "SYM", "X")
"""The parts of speech of Universal Dependencies, function words first."""

SEED = 2_010
BLOCK = 1_000


@dataclass(frozen=True, kw_only=True)
class Treebank:
    """A treebank's sentences to measure on, and those to train probes on; `train` is None if there are none."""

    name: str
    scored: Rows
    train: Rows | None


@dataclass(frozen=True, kw_only=True)
class Sentences:
    """Sentences as words, and the part of speech of each word: its place in UPOS, -1 where it has none."""

    words: list[list[str]]
    tags: list[NDArray[Any]]


@dataclass(frozen=True, kw_only=True)
class SampledWords:
    """Words of a treebank.

    sentences  the S sentences, as words
    sentence   (W,) the sentence of each word, ascending
    place      (W,) which word of it
    tag        (W,) its part of speech: its place in UPOS
    there      how many words of each part of speech the treebank has
    """

    sentences: list[list[str]]
    sentence: Indices
    place: Indices
    tag: Indices
    there: Mapping[str, int]

    def __len__(self) -> int:
        return len(self.tag)

    @property
    def weights(self) -> NDArray[np.float64]:
        """(W,) how many words of the treebank each stands for."""
        sampled = np.bincount(self.tag, minlength=len(UPOS))
        there = np.array([self.there.get(name, 0) for name in UPOS], np.float64)
        found: NDArray[np.float64] = there[self.tag] / sampled[self.tag]
        return found


def read_treebank(spec: Spec, training: bool) -> Treebank:
    """The treebank of a spec, with its train rows if they are there and wanted. Raises DataError without UPOS."""
    files = locate_splits(spec.task, spec.data, training=False)
    has_train = files is None or files[TRAIN] is not None
    splits = read_located_splits(spec, files, training=training and has_train)
    scored = next(rows for e in spec.task.scored if isinstance(rows := splits.evaluations[e.name], Rows))
    train = splits.train if training else None
    _check_tags(spec.task.name, scored)
    if train is not None:
        _check_tags(spec.task.name, train)
    return Treebank(name=spec.task.name, scored=scored, train=train)


def _check_tags(name: str, rows: Rows) -> None:
    """Raise DataError unless the tags of the rows are UPOS."""
    found = {tag for tags in rows.table.column("tags") for tag in tags if tag is not None}
    if others := sorted(found - set(UPOS)):
        raise DataError(
            f"{name}: {rows.origin} has tags that are no UPOS, such as {others[0]}: give a treebank of UPOS"
        )


def sample_words(rows: Rows, most: int) -> SampledWords:
    """About `most` words, as many of each part of speech as far as there are, drawn alike at every call."""
    codes, lengths = [], []
    for part in _blocks(rows):
        codes += part.tags
        lengths += [len(tags) for tags in part.tags]
    flat, ends = np.concatenate(codes), np.cumsum(lengths)
    counts = np.bincount(flat[flat >= 0], minlength=len(UPOS))
    draws = np.random.default_rng(SEED)
    picked = [draws.permutation(np.flatnonzero(flat == tag))[:share] for tag, share in enumerate(shares(counts, most))]
    words = np.sort(np.concatenate(picked))
    owner = np.searchsorted(ends, words, side="right")
    used, sentence = np.unique(owner, return_inverse=True)
    starts = ends - np.array(lengths)
    return SampledWords(
        sentences=rows.table[used]["words"],
        sentence=sentence,
        place=words - starts[owner],
        tag=flat[words].astype(np.int64),
        there={name: int(count) for name, count in zip(UPOS, counts, strict=True) if count},
    )


def shares(counts: Indices, most: int) -> Indices:
    """How many of each class are taken so that they are at most `most`: all of the rare ones, alike of the others."""
    taken = np.zeros_like(counts)
    open_, left = np.argsort(counts, kind="stable"), most
    for k, one in enumerate(open_):
        taken[one] = min(counts[one], left // (len(open_) - k))
        left -= int(taken[one])
    return taken


def sample_sentences(rows: Rows, most: int) -> Sentences:
    """At most `most` sentences, drawn alike at every call, in the rows' order."""
    draws = np.random.default_rng(SEED)
    picked = np.sort(draws.permutation(len(rows))[:most])
    return _sentences(rows.table[picked])


def _blocks(rows: Rows) -> Iterator[Sentences]:
    table = rows.table.select_columns(["tags"])
    for start in range(0, len(table), BLOCK):
        yield _sentences(table[start : start + BLOCK])


def _sentences(columns: Mapping[str, Any]) -> Sentences:
    order = {name: code for code, name in enumerate(UPOS)}
    tags = [np.array([order.get(tag, -1) for tag in tags], np.int8) for tags in columns["tags"]]
    return Sentences(words=list(columns.get("words", ())), tags=tags)
