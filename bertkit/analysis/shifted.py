"""An encoder with a vector added to its hidden states at one layer, and what its other layers and its head make of it.

N texts, B of a batch, T tokens, H hidden size, L layers (0 is the embeddings), V tokens of the vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bertkit.analysis.vectors import BUDGET, EncodedSpans, Vectors
from bertkit.data.sampler import by_length
from bertkit.kernels.linear import fast_linear
from bertkit.models.layers import layers_of
from bertkit.models.load import Loaded
from bertkit.progress import Progress


@dataclass(frozen=True, kw_only=True)
class Shift:
    """A vector, (H,), that is added to every token of a text at a layer, 0 to L; special tokens stay as they are."""

    layer: int
    vector: NDArray[np.float32]


def last_vectors(loaded: Loaded, texts: EncodedSpans, shift: Shift, progress: Progress) -> Vectors:
    """(N, H) the means over each text's tokens of the last layer's states, once a vector is added at a layer below it.

    The vector is added to those tokens alone. A text without tokens has zeros. `progress` advances by a text.
    """
    body = loaded.model.base_model
    assert shift.layer < body.config.num_hidden_layers
    found = np.zeros((len(texts.ids), len(shift.vector)), np.float32)
    for indices, ids, mask, inner in _batches(loaded, texts):
        with adding(loaded.model, shift, inner):
            states = body(input_ids=ids, attention_mask=mask, output_hidden_states=True).hidden_states[-1]
        weights = inner.float() / inner.sum(1, keepdim=True).clamp(min=1)
        found[indices] = torch.einsum("bt,bth->bh", weights, states.float()).cpu().numpy()
        progress.advance(len(indices))
    return found


def filled_tokens(loaded: Loaded, texts: EncodedSpans, shift: Shift | None = None) -> list[NDArray[np.int64]]:
    """For each text the likeliest token of the language-model head at each of its tokens, none of which is masked.

    So are tokens translated by Liu et al. 2020 (arXiv 2010.10041): the vector is added at a layer, the layers above it
    and the head are run. A special token is never given, nor one that the tokenizer does not have.
    """
    found: list[NDArray[np.int64]] = [np.zeros(0, np.int64)] * len(texts.ids)
    special = torch.tensor(sorted(set(loaded.tokenizer.all_special_ids)))
    for indices, ids, mask, inner in _batches(loaded, texts):
        with adding(loaded.model, shift, inner):
            logits = loaded.model(input_ids=ids, attention_mask=mask).logits
        logits[:, :, special.to(logits.device)] = -torch.inf
        logits[:, :, len(loaded.tokenizer) :] = -torch.inf
        best = logits.argmax(-1)
        for k, row, own in zip(indices.tolist(), best, inner, strict=True):
            found[k] = row[own].cpu().numpy()
    return found


@contextmanager
def adding(model: Any, shift: Shift | None, text: Tensor) -> Iterator[None]:
    """Within the block the model adds the vector at its layer, to the tokens of `text`, (B, T), alone.

    Layer l below L is the input of the stack's next layer, and L what the body gives a head. Raises EncoderError if the
    model's layers cannot be told apart.
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
        if layers.shared and calls != shift.layer + 1:  # ALBERT calls one layer L times
            return inputs, named
        if inputs:
            return (inputs[0] + vector, *inputs[1:]), named
        return inputs, {**named, "hidden_states": named["hidden_states"] + vector}

    def after(_: Any, __: Any, output: Any) -> Any:
        output.last_hidden_state = output.last_hidden_state + vector
        return output

    if shift.layer == model.config.num_hidden_layers:
        hook = model.base_model.register_forward_hook(after)
    else:
        module = stack[0] if layers.shared else stack[shift.layer]
        hook = module.register_forward_pre_hook(before, with_kwargs=True)
    try:
        yield
    finally:
        hook.remove()


def _batches(loaded: Loaded, texts: EncodedSpans) -> Iterator[tuple[NDArray[np.int64], Tensor, Tensor, Tensor]]:
    """The texts in batches, the longest first: their places, (B, T) ids, attention mask, and what is text."""
    device = next(loaded.model.parameters()).device
    lengths = np.array([len(ids) for ids in texts.ids])
    with torch.inference_mode(), fast_linear(loaded.model):
        for indices in by_length(lengths, BUDGET):
            ids = np.full((len(indices), int(lengths[indices].max())), loaded.pad, np.int64)
            mask, inner = np.zeros_like(ids), np.zeros(ids.shape, np.bool_)
            for row, k in enumerate(indices):
                ids[row, : lengths[k]] = texts.ids[k]
                mask[row, : lengths[k]] = 1
                inner[row, texts.pieces[k]] = True
            ready = [torch.from_numpy(one).to(device) for one in (ids, mask, inner)]
            yield indices, ready[0], ready[1], ready[2]
