"""Where the weights of a BERT start in pretraining, so that its loss falls at once.

V tokens of the vocabulary, H hidden size, d of an attention head.

With weights drawn as they were published a small model first learns how often each token occurs, and stays there for
millions of tokens: attention is as good as uniform, and a uniform mixture of 128 tokens says next to nothing of any of
them. Here a model starts from word frequencies, and from attention heads that already look at neighbours. With a
warm-up of two fifths of the run it needs no more: output matrices at zero and larger weights help some seeds where the
warm-up is a tenth, and sinusoids without those heads are worth nothing.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

LOOK = 1.5
"""The weights of query and key that look at a neighbour, which gets about nine tenths of the attention of a head of 64
dimensions."""


@torch.no_grad()
def fast_start(model: Any, log_unigram: NDArray[Any]) -> None:
    """Change a fresh model's weights in place: see `start_at_frequencies` and `start_with_neighbours`.

    Other architectures than BERT and RoBERTa only have the first, if their output layer has a bias.
    """
    start_at_frequencies(model, log_unigram)
    if model.config.model_type in ("bert", "roberta"):
        start_with_neighbours(model)


@torch.no_grad()
def start_at_frequencies(model: Any, log_unigram: NDArray[Any]) -> None:
    """Set the output layer's bias, if it has one, to (V,) logarithms of each token's share of what is predicted."""
    bias = getattr(model.get_output_embeddings(), "bias", None)
    if bias is not None:
        bias.copy_(torch.from_numpy(log_unigram))


@torch.no_grad()
def start_with_neighbours(model: Any) -> None:
    """Position embeddings become sines and cosines, of frequencies spread evenly from 0 to pi; and of each layer's
    attention heads the first looks one token back, the second one ahead.
    """
    table = model.base_model.embeddings.position_embeddings.weight
    table.copy_(math.sqrt(2) * model.config.initializer_range * sinusoids(*table.shape))
    for layer in model.base_model.encoder.layer:
        look_at_neighbours(layer.attention.self)


def frequencies(hidden: int) -> Tensor:
    """(H / 2,) angles by which a sinusoid turns from a position to the next, spread evenly over 0 to pi.

    So two positions are about orthogonal however near they are; with the frequencies of Vaswani et al. (2017) most of
    the dimensions hardly tell neighbours apart.
    """
    count = hidden // 2
    return math.pi * (torch.arange(count) + 0.5) / count


def sinusoids(positions: int, hidden: int) -> Tensor:
    """(positions, H): sine and cosine of each frequency, in turn; the last of an odd H is 0."""
    angles = torch.arange(positions)[:, None] * frequencies(hidden)
    found = torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)
    return functional.pad(found, (0, hidden % 2))


def look_at_neighbours(attention: Any) -> None:
    """Set query and key of the first two heads so that they attend to the token before and after."""
    size = attention.attention_head_size
    for head, shift in ((0, -1), (1, 1)) if attention.num_attention_heads > 1 else ((0, -1),):
        rows = slice(head * size, (head + 1) * size)
        query, key = _turned(attention.query.weight.shape[1], size, shift)
        attention.query.weight[rows], attention.key.weight[rows] = LOOK * query, LOOK * key


def _turned(hidden: int, size: int, shift: int) -> tuple[Tensor, Tensor]:
    """(d, H) twice: the key takes d / 2 of the sinusoids, the query the same, turned by `shift` positions."""
    angles = frequencies(hidden)
    picked = torch.linspace(0, len(angles) - 1, size // 2).round().long()
    query, key = torch.zeros(size, hidden), torch.zeros(size, hidden)
    for k, sinusoid in enumerate(picked.tolist()):
        sine, cosine = slice(2 * k, 2 * k + 1), slice(2 * k + 1, 2 * k + 2)
        a, b = 2 * sinusoid, 2 * sinusoid + 1
        turn = float(angles[sinusoid]) * shift
        key[sine, a], key[cosine, b] = 1.0, 1.0
        query[sine, a], query[sine, b] = math.cos(turn), math.sin(turn)
        query[cosine, b], query[cosine, a] = math.cos(turn), -math.sin(turn)
    return query, key
