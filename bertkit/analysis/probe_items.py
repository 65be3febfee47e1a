"""What probes tell the label of: words in sentences, or texts, with their vectors at every layer and control labels.

N items of R rows, W words, H hidden size.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bertkit.analysis.bodies import Body
from bertkit.analysis.probes import MOST_BYTES, TaggedWords, Vectors, tagged_words, word_vectors
from bertkit.analysis.treebank import Sentences
from bertkit.analysis.vectors import EncodedSpans, encode_spans, span_vectors
from bertkit.data.sampler import Indices
from bertkit.data.table import Columns
from bertkit.encoders import Encoder
from bertkit.heads import Head
from bertkit.models.load import fetch, load_tokenizer, read_config
from bertkit.progress import Progress


@dataclass(frozen=True, kw_only=True)
class Items:
    """N items that have a label and a vector.

    row      (N,) the row of each; `rows` (R,) how many items of each row have a label, with or without a vector
    label    (N,) codes of labels
    content  what each is: a word as it is written, or a row's texts
    digest   of the tokens that the vectors are of
    """

    row: Indices
    rows: Indices
    label: Indices
    content: list[str]
    digest: str

    def right(self, given: Indices, labels: Indices) -> NDArray[np.float64]:
        """(R, 2) how many items of each row are given their label, and how many there are: without a vector, wrong."""
        hits = np.bincount(self.row, given == labels, len(self.rows))
        return np.stack([hits, self.rows], axis=1).astype(np.float64)


class ItemVectors(Protocol):
    """Items, and a body's vectors of them."""

    @property
    def items(self) -> Items: ...

    def at(self, layer: int) -> Vectors:
        """(N, H) at this layer; of two texts (N, 4 H)."""


class Words:
    """The words of sentences that have a tag: a vector is the mean of a word's tokens."""

    def __init__(self, body: Body, columns: Columns, codes: Mapping[str, int]) -> None:
        """The body's tokenizer must read words that are split already: see `for_words`."""
        self._body, self._kept = body, dict[int, Vectors]()
        words: list[list[str]] = list(columns["words"])
        every = [word for sentence in words for word in sentence]
        labels = np.array([codes.get(str(tag), -1) for tags in columns["tags"] for tag in tags], np.int64)
        lengths = [len(sentence) for sentence in words]
        numbers = np.where(labels >= 0, np.arange(len(every)), -1)  # in the tags' place, so that each word is known
        parts = np.split(numbers, np.cumsum(lengths)[:-1])
        self._tagged: TaggedWords = tagged_words(Sentences(words=words, tags=parts), body.loaded, body.window)
        used = self._tagged.tag
        key = hashlib.sha256()
        for ids, owner in zip(self._tagged.ids, self._tagged.owner, strict=True):
            key.update(len(ids).to_bytes(4, "little") + ids.tobytes() + owner.astype(np.int64).tobytes())
        self.items = Items(
            row=self._tagged.sentence, rows=np.array([int((part >= 0).sum()) for part in parts], np.int64),
            label=labels[used], content=[every[k] for k in used], digest=key.hexdigest(),
        )  # fmt: skip

    def at(self, layer: int) -> Vectors:
        """(N, H) at this layer; those of the next layers are kept for the next calls, as far as memory allows."""
        if layer not in self._kept:
            width = 4 * max(1, len(self.items.label)) * self._body.size
            layers = range(layer, min(layer + max(1, MOST_BYTES // 2 // width), self._body.layers + 1))
            self._kept = dict(zip(layers, word_vectors(self._body.loaded, self._tagged, layers), strict=True))
        return self._kept[layer]


class Texts:
    """Rows of one text or two: a vector is the mean of a text's tokens.

    Of two, u and v, it is (u, v, |u - v|, u * v) (Conneau et al. 2017, "Supervised Learning of Universal Sentence
    Representations", section 3).
    """

    def __init__(self, body: Body, columns: Columns, codes: Mapping[str, int], pair: bool, progress: Progress) -> None:
        self._body, self._progress = body, progress
        texts = [list(columns[role]) for role in ("text", "text_pair")[: 1 + pair]]
        self._encoded: list[EncodedSpans] = [encode_spans(body, one) for one in texts]
        self._there = np.flatnonzero(np.logical_and.reduce([one.there for one in self._encoded]))
        key = hashlib.sha256()
        for encoded in self._encoded:
            for ids in encoded.ids:
                key.update(len(ids).to_bytes(4, "little") + ids.tobytes())
        labels = np.array([codes[label] for label in columns["label"]], np.int64)
        content = ["\n".join(row) for row in zip(*texts, strict=True)]
        self.items = Items(
            row=self._there, rows=np.ones(len(content), np.int64), label=labels[self._there],
            content=[content[row] for row in self._there], digest=key.hexdigest(),
        )  # fmt: skip

    @cached_property
    def _vectors(self) -> list[Vectors]:
        return [span_vectors(self._body, one, self._progress) for one in self._encoded]

    def at(self, layer: int) -> Vectors:
        """(N, H) at this layer, or (N, 4 H)."""
        tables = [np.asarray(one[self._there, layer]) for one in self._vectors]
        if len(tables) == 1:
            return tables[0]
        first, second = tables
        return np.concatenate([first, second, np.abs(first - second), first * second], axis=1)


def items_of(body: Body, columns: Columns, codes: Mapping[str, int], head: Head, progress: Progress) -> ItemVectors:
    """The items of these rows, by their head; `codes` are its labels'."""
    if head.reads_words:
        return Words(body, columns, codes)
    return Texts(body, columns, codes, "text_pair" in head.roles, progress)


def for_words(body: Body, encoder: Encoder, head: Head) -> Body:
    """The body with a tokenizer that reads words which are split already, where the head has such."""
    if not head.reads_words:
        return body
    folder, _ = fetch(encoder, weights=False)
    tokenizer = load_tokenizer(folder, head, read_config(folder))
    return replace(body, loaded=replace(body.loaded, tokenizer=tokenizer))


def control_labels(train: Items, items: Items, seed: int) -> Indices:
    """(N,) labels of a control task (Hewitt and Liang 2019, section 2): each content has one, drawn by the seed.

    They are drawn from how often each label is there in `train`, and say nothing of the content: the same content has
    the same label among whichever others, by its hash.
    """
    labels, counts = np.unique(train.label, return_counts=True)
    ends = np.cumsum(counts)
    drawn = {content: _uniform(content, seed) * int(ends[-1]) for content in dict.fromkeys(items.content)}
    places = np.searchsorted(ends, [drawn[content] for content in items.content], side="right")
    found: Indices = labels[np.minimum(places, len(labels) - 1)]
    return found


def _uniform(content: str, seed: int) -> float:
    """A number from 0 to 1, by the hash of a content."""
    digest = hashlib.blake2b(content.encode(), digest_size=8, key=seed.to_bytes(8, "little")).digest()
    return int.from_bytes(digest, "little") / 2**64


def code_of(labels: Sequence[str], golds: Sequence[str]) -> dict[str, int]:
    """The code of each label, and behind them of golds that are none of them, which no probe is taught."""
    return {name: code for code, name in enumerate(dict.fromkeys([*labels, *golds]))}
