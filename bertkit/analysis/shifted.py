"""Hidden states of texts, as they are or with a vector added at one layer, and what the rest of the model makes of it.

N texts, B of a batch, T tokens, H hidden size, layers 0 (the embeddings) to L, V tokens of the vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bertkit.data.sampler import by_length
from bertkit.errors import EncoderError
from bertkit.evaluation.retrieval import Vectors
from bertkit.kernels.linear import fast_linear
from bertkit.models.forward import positions
from bertkit.models.layers import layers_of
from bertkit.models.load import Loaded
from bertkit.progress import Progress

BUDGET = 2_048
"""Tokens of a batch at most, padding counted."""
LONGEST = 512
"""Tokens of a text at most, of a model whose positions are relative only."""


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """N texts as token ids.

    ids      for each text its (T,) token ids, special ones among them
    text     for each which of them are of the text
    cut      texts that are longer than the model's window, whose end is left out
    unknown  the share of the texts' tokens that the tokenizer has no other for
    """

    ids: list[NDArray[np.int64]]
    text: list[NDArray[np.bool_]]
    cut: int
    unknown: float

    @property
    def counts(self) -> NDArray[np.int64]:
        """(N,) tokens of each text."""
        return np.array([one.sum() for one in self.text], np.int64)


@dataclass(frozen=True, kw_only=True)
class Shift:
    """A vector, (H,), that is added to every token of a text at a layer, 0 to L; special tokens are left as they are."""

    layer: int
    vector: NDArray[np.float32]


def tokenise(texts: Sequence[str], loaded: Loaded) -> Tokens:
    """The texts as the model reads them, each alone, cut to its window."""
    tokenizer = loaded.tokenizer
    most = positions(loaded.model.config) or LONGEST
    encoding = tokenizer(list(texts), truncation=True, max_length=most, return_special_tokens_mask=True)
    ids = [np.array(one, np.int64) for one in encoding["input_ids"]]
    text = [np.array(one) == 0 for one in encoding["special_tokens_mask"]]
    known = tokenizer.unk_token_id
    text = [inner | (row == known) for inner, row in zip(text, ids, strict=True)] if known is not None else text
    unknown = sum(int((row == known).sum()) for row in ids) if known is not None else 0
    return Tokens(
        ids=ids, text=text, cut=sum(bool(one.overflowing) for one in encoding.encodings),
        unknown=unknown / max(1, sum(int(one.sum()) for one in text)),
    )  # fmt: skip


def text_vectors(
    loaded: Loaded, tokens: Tokens, layers: Sequence[int], shift: Shift | None = None, progress: Progress | None = None
) -> list[Vectors]:
    """For each of `layers` (N, H): the mean of the hidden states of a text's tokens, special tokens left out.

    With a `shift` they are those that the model computes once the vector is added at its layer. A text without tokens
    has zeros. `progress` advances by a text.
    """
    body = loaded.model.base_model
    found = [np.zeros((len(tokens.ids), body.config.hidden_size), np.float32) for _ in layers]
    for indices, ids, mask, inner in _batches(loaded, tokens):
        with adding(loaded.model, shift, inner):
            states = body(input_ids=ids, attention_mask=mask, output_hidden_states=True)
        weights = inner.float() / inner.sum(1, keepdim=True).clamp(min=1)
        for layer, rows in zip(layers, found, strict=True):
            last = layer == len(states.hidden_states) - 1
            hidden = states.last_hidden_state if last else states.hidden_states[layer]
            rows[indices] = torch.einsum("bt,bth->bh", weights, hidden.float()).cpu().numpy()
        if progress:
            progress.advance(len(indices))
    return found


def filled_tokens(loaded: Loaded, tokens: Tokens, shift: Shift | None = None) -> list[NDArray[np.int64]]:
    """For each text the likeliest token of the language-model head at each of its tokens, unmasked; special ones not.

    This is the translation of tokens of Liu et al. 2020 (arXiv 2010.10041): the vector is added at a layer, and the
    remaining layers and the head are run. A special token is never given.
    """
    found: list[NDArray[np.int64]] = [np.zeros(0, np.int64)] * len(tokens.ids)
    special = torch.tensor(sorted(set(loaded.tokenizer.all_special_ids)))
    for indices, ids, mask, inner in _batches(loaded, tokens):
        with adding(loaded.model, shift, inner):
            logits = loaded.model(input_ids=ids, attention_mask=mask).logits
        logits[:, :, special.to(logits.device)] = -torch.inf
        best = logits.argmax(-1)
        for k, row, own in zip(indices.tolist(), best, inner, strict=True):
            found[k] = row[own].cpu().numpy()
    return found


@contextmanager
def adding(model: Any, shift: Shift | None, text: Tensor) -> Iterator[None]:
    """Within the block the model adds the vector at its layer, to the tokens of `text`, (B, T), alone.

    Layer l below L is the input of the stack's next layer, and L what the body returns.
    """
    if shift is None:
        yield
        return
    vector = torch.from_numpy(shift.vector).to(text.device) * text[:, :, None]
    layers = layers_of(model)
    stack = model.base_model.get_submodule(layers.stack)
    calls = 0

    def before(_: Any, inputs: tuple[Any, ...], named: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        nonlocal calls
        calls += 1
        if layers.shared and calls != shift.layer + 1:
            return inputs, named
        if inputs:
            return (inputs[0] + vector.to(inputs[0].dtype), *inputs[1:]), named
        return inputs, {**named, "hidden_states": named["hidden_states"] + vector}

    def after(_: Any, __: Any, output: Any) -> Any:
        output.last_hidden_state = output.last_hidden_state + vector
        return output

    if shift.layer == count_layers(model):
        hook = model.base_model.register_forward_hook(after)
    else:
        module = stack[0] if layers.shared else stack[shift.layer]
        hook = module.register_forward_pre_hook(before, with_kwargs=True)
    try:
        yield
    finally:
        hook.remove()


def count_layers(model: Any) -> int:
    """L. Raises EncoderError if the model's config does not say."""
    count = getattr(model.config, "num_hidden_layers", None)
    if not isinstance(count, int):
        raise EncoderError(f"the layers of a {model.config.model_type} model are not known to bertkit")
    return count


def _batches(loaded: Loaded, tokens: Tokens) -> Iterator[tuple[NDArray[np.int64], Tensor, Tensor, Tensor]]:
    """The texts in batches, the longest first: their places, (B, T) ids, attention mask, and what is text."""
    device = next(loaded.model.parameters()).device
    lengths = np.array([len(ids) for ids in tokens.ids])
    with torch.inference_mode(), fast_linear(loaded.model):
        for indices in by_length(lengths, BUDGET):
            width = int(lengths[indices].max())
            ids = np.full((len(indices), width), loaded.pad, np.int64)
            mask, inner = np.zeros_like(ids), np.zeros(ids.shape, np.bool_)
            for row, k in enumerate(indices):
                ids[row, : lengths[k]] = tokens.ids[k]
                mask[row, : lengths[k]] = 1
                inner[row, : lengths[k]] = tokens.text[k]
            yield indices, *(torch.from_numpy(one).to(device) for one in (ids, mask, inner))
