"""Linear probes: what a layer knows of a word's part of speech, its weights frozen (Alain and Bengio 2017).

W words with a part of speech and a token, L+1 layers (0 is the embeddings), H hidden size, S sentences, T tokens.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from numpy.typing import NDArray
from torch import Tensor

from bertkit.analysis.treebank import Sentences
from bertkit.analysis.word_tokens import tokenise
from bertkit.data.sampler import Indices, by_length
from bertkit.kernels.linear import fast_linear
from bertkit.models.load import Loaded
from bertkit.progress import Progress

BUDGET = 2_048
"""Tokens of a batch at most, padding counted."""
MOST_BYTES = 400_000_000
"""Of the vectors of words that are in memory at once; more layers are read in several passes."""
ITERATIONS = 200

Vectors = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class ProbeRows:
    """Sentences to train probes on, and to score them on."""

    train: Sentences
    scored: Sentences


@dataclass(frozen=True, kw_only=True)
class TaggedWords:
    """The words of S tokenised sentences that have a part of speech and a token.

    ids       the sentences as token ids
    owner     for each sentence its (T,) tokens' words: their place among the W; -1 for tokens of none
    tag       (W,) parts of speech
    sentence  (W,) the sentence of each
    """

    ids: list[NDArray[np.int32]]
    owner: list[Indices]
    tag: Indices
    sentence: Indices


def measure_probes(
    loaded: Loaded, rows: ProbeRows, max_length: int, accelerator: Accelerator, progress: Progress
) -> dict[str, Any]:
    """For each layer, how many words of each scored sentence its probe tags right."""
    loaded.model.to(accelerator.device).eval()
    train, scored = (tagged_words(part, loaded, max_length) for part in (rows.train, rows.scored))
    layers = int(loaded.model.config.num_hidden_layers) + 1
    width = 4 * (len(train.tag) + len(scored.tag)) * int(loaded.model.config.hidden_size)
    each, right = max(1, MOST_BYTES // max(width, 1)), []
    for start in range(0, layers, each):
        which = range(start, min(start + each, layers))
        for x, y in zip(*(word_vectors(loaded, words, which) for words in (train, scored)), strict=True):
            hits = probe(x, train.tag, y) == scored.tag
            right.append(np.bincount(scored.sentence, hits, len(scored.ids)).astype(int).tolist())
            progress.advance()
    return {"right": right}


def tagged_words(sentences: Sentences, loaded: Loaded, max_length: int) -> TaggedWords:
    """The words of these sentences, at most `max_length` tokens of each."""
    found = tokenise(sentences.words, loaded.tokenizer, max_length)
    owners, tags, of, count = [], [], [], 0
    for k, (codes, words) in enumerate(zip(sentences.tags, found.words, strict=True)):
        there = np.zeros(len(codes), np.bool_)
        there[words[words >= 0]] = True
        used = np.flatnonzero(there & (codes >= 0))
        place = np.full(len(codes) + 1, -1)  # the last is that of special tokens
        place[used] = count + np.arange(len(used))
        owners.append(place[words])
        tags.append(codes[used])
        of.append(np.full(len(used), k))
        count += len(used)
    return TaggedWords(
        ids=found.ids, owner=owners, tag=np.concatenate(tags).astype(np.int64), sentence=np.concatenate(of)
    )


def word_vectors(loaded: Loaded, words: TaggedWords, layers: Sequence[int]) -> list[Vectors]:
    """For each of these layers (W, H): the mean over a word's tokens of their hidden states."""
    body, device = loaded.model.base_model, next(loaded.model.parameters()).device
    lengths = np.array([len(ids) for ids in words.ids])
    size = int(loaded.model.config.hidden_size)
    sums = [torch.zeros(len(words.tag), size) for _ in layers]
    with torch.inference_mode(), fast_linear(loaded.model):
        for indices in by_length(lengths, BUDGET):
            ids, owner = (
                _padded([runs[i] for i in indices], fill) for runs, fill in ((words.ids, loaded.pad), (words.owner, -1))
            )
            mask = torch.arange(ids.shape[1])[None] < torch.from_numpy(lengths[indices])[:, None]
            output = body(input_ids=ids.to(device), attention_mask=mask.long().to(device), output_hidden_states=True)
            used = owner >= 0
            for layer, total in zip(layers, sums, strict=True):
                total.index_add_(0, owner[used], output.hidden_states[layer].float().cpu()[used])
    tokens = np.bincount(np.concatenate([owner[owner >= 0] for owner in words.owner]), minlength=len(words.tag))
    return [(total / torch.from_numpy(tokens)[:, None]).numpy() for total in sums]


def _padded(runs: Sequence[NDArray[Any]], fill: int) -> Tensor:
    table = np.full((len(runs), max(map(len, runs))), fill, np.int64)
    for row, run in zip(table, runs, strict=True):
        row[: len(run)] = run
    return torch.from_numpy(table)


def probe(x: Vectors, tags: Indices, y: Vectors) -> Indices:
    """The tags that a multinomial logistic regression, fitted to (W, H) vectors and their tags, gives to others.

    Each dimension is scaled to the mean 0 and the variance 1 of `x`; the squared weights are penalised by half (C=1).
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if len(np.unique(tags)) < 2:
        return np.full(len(y), tags[0] if len(tags) else -1)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=ITERATIONS))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        found: Indices = model.fit(x, tags).predict(y)
    return found
