"""Words as tokens: each masked in its own copy of the sentence, all its tokens at once; and the sentences unmasked.

W words, S sentences, P predicted tokens, L words with all their tokens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertkit.analysis.treebank import UPOS, SampledWords
from bertkit.data.sampler import Indices
from bertkit.heads.features import IGNORED, Features, Ragged


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Features whose targets are the tokens of words, and (P,) the word that each of these is of, in their order."""

    features: Features
    word: Indices


@dataclass(frozen=True, kw_only=True)
class WordTokens:
    """What a model is asked of W words.

    masked  a feature a word: its sentence with a mask token in place of each of its tokens
    whole   a feature a sentence, unmasked
    only    (W,) the token that a word is made of, once or several times; -1 if of several
    lost    words that cannot be right, by the reason
    """

    masked: Asked
    whole: Asked
    only: Indices
    lost: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class TokenisedSentences:
    """Sentences as token ids, and for each its (T,) words: -1 for special tokens; `cut` words have tokens cut off."""

    ids: list[NDArray[np.int32]]
    words: list[Indices]
    cut: list[set[int]]


def tokenise(sentences: Sequence[Sequence[str]], tokenizer: Any, max_length: int) -> TokenisedSentences:
    """The sentences as tokens, at most `max_length` each."""
    encoding = tokenizer(
        [list(words) for words in sentences],
        is_split_into_words=True, truncation=True, max_length=max_length, return_attention_mask=False,
    )  # fmt: skip
    words = [np.array([-1 if word is None else word for word in encoding.word_ids(i)]) for i in range(len(sentences))]
    beyond = [one.overflowing for one in encoding.encodings]
    cut = [{word for part in parts for word in part.word_ids if word is not None} for parts in beyond]
    return TokenisedSentences(ids=[np.array(ids, np.int32) for ids in encoding["input_ids"]], words=words, cut=cut)


def word_tokens(sampled: SampledWords, tokenizer: Any, max_length: int) -> WordTokens:
    """What is asked of a model with this tokenizer. Words without their tokens are in neither: they count as wrong."""
    found = tokenise(sampled.sentences, tokenizer, max_length)
    places, lost = [], {"cut off by the model's length": 0, "without a token": 0, "with an unknown token": 0}
    only = np.full(len(sampled), -1)
    for k, (sentence, place) in enumerate(zip(sampled.sentence, sampled.place, strict=True)):
        where = np.flatnonzero(found.words[sentence] == place)
        tokens = found.ids[sentence][where]
        reason = ""
        if int(place) in found.cut[sentence]:
            reason = "cut off by the model's length"
        elif not len(where):
            reason = "without a token"
        elif tokenizer.unk_token_id in tokens:
            reason = "with an unknown token"
        if reason:
            lost[reason] += 1
            where = where[:0]
        elif (tokens == tokens[0]).all():
            only[k] = tokens[0]
        places.append(where)
    return WordTokens(
        masked=_masked(sampled, found, places, tokenizer.mask_token_id), whole=_whole(sampled, found, places),
        only=only, lost={reason: count for reason, count in lost.items() if count},
    )  # fmt: skip


def _masked(sampled: SampledWords, found: TokenisedSentences, places: list[Indices], mask: int) -> Asked:
    inputs, targets = [], []
    words = np.array([k for k, where in enumerate(places) if len(where)], np.int64)
    for k in words:
        ids = found.ids[sampled.sentence[k]]
        inputs.append(ids.copy())
        inputs[-1][places[k]] = mask
        targets.append(np.full(len(ids), IGNORED, np.int32))
        targets[-1][places[k]] = ids[places[k]]
    word = np.repeat(words, [len(places[k]) for k in words])
    return Asked(features=_features(inputs, targets), word=word)


def _whole(sampled: SampledWords, found: TokenisedSentences, places: list[Indices]) -> Asked:
    targets = [np.full(len(ids), IGNORED, np.int32) for ids in found.ids]
    owner = [np.full(len(ids), -1) for ids in found.ids]
    for k, (sentence, where) in enumerate(zip(sampled.sentence, places, strict=True)):
        targets[sentence][where] = found.ids[sentence][where]
        owner[sentence][where] = k
    flat = np.concatenate(owner)
    return Asked(features=_features(found.ids, targets), word=flat[flat >= 0])


def _features(inputs: Sequence[NDArray[np.int32]], targets: Sequence[NDArray[np.int32]]) -> Features:
    count = len(inputs)
    return Features(
        row=np.arange(count), inputs={"input_ids": Ragged.of(inputs, "int32")}, targets=Ragged.of(targets, "int32"),
        cut=np.zeros(count, np.bool_),
    )  # fmt: skip


def right_words(asked: Asked, predicted: Indices, words: int) -> NDArray[np.bool_]:
    """(W,) which words have all their tokens right, of (P,) predicted tokens; a word that is not asked has not."""
    assert asked.features.targets is not None
    values = asked.features.targets.values
    right = predicted == values[values != IGNORED]
    of = np.bincount(asked.word, minlength=words)
    found: NDArray[np.bool_] = (np.bincount(asked.word, right, words) == of) & (of > 0)
    return found


def constant_right(tokens: WordTokens, token: int) -> NDArray[np.bool_]:
    """(W,) which words a model gets right that gives this token for every masked one."""
    found: NDArray[np.bool_] = (tokens.only == token) & (token >= 0)
    return found


def best_constant(tokens: WordTokens, weights: NDArray[np.float64]) -> int:
    """The token that, always given, gets the most words right, each of its weight; -1 if none gets any."""
    there = tokens.only >= 0
    sums = np.bincount(tokens.only[there], weights[there], 1)
    return int(sums.argmax()) if sums.max() > 0 else -1


def shares_by_tag(right: NDArray[np.bool_], sampled: SampledWords) -> dict[str, float]:
    """The share of right words of each part of speech."""
    counts = np.bincount(sampled.tag, minlength=len(UPOS))
    sums = np.bincount(sampled.tag, right, len(UPOS))
    return {name: float(sums[k] / counts[k]) for k, name in enumerate(UPOS) if counts[k]}
