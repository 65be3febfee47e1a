"""A model's forward pass: which inputs it reads, how many positions it has, its logits.

B features of a batch, T tokens, C labels."""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import Tensor

from bertkit.errors import RequestError
from bertkit.heads import Head, Window
from bertkit.heads.vectors import ROLE
from bertkit.kernels.dropout import Masks
from bertkit.kernels.unpadded import packed
from bertkit.models.batch import Batch
from bertkit.models.vectors import embedded

SHIFTED = ("roberta", "xlm-roberta", "camembert", "mpnet", "longformer", "data2vec-text")
"""Model types whose positions are counted from behind the padding token's id."""


def fit_window(window: Window, config: Any, typed: bool) -> Window:
    """The window, cut to the model's positions. Raises RequestError if --max-length was given and is more."""
    from dataclasses import replace

    most = positions(config)
    if most is None or window.max_length <= most:
        return window
    if typed:
        raise RequestError(f"--max-length {window.max_length}: this model sees {most} tokens at most")
    return replace(window, max_length=most, doc_stride=min(window.doc_stride, most // 4))


def positions(config: Any) -> int | None:
    """How many positions the model has; None if they are relative only."""
    most = getattr(config, "max_position_embeddings", None)
    if not isinstance(most, int) or most <= 0 or not getattr(config, "position_biased_input", True):
        return None
    return most - (config.pad_token_id or 0) - 1 if config.model_type in SHIFTED else most


def readable_inputs(model: Any) -> set[str]:
    """The names among `input_ids` and `token_type_ids` that the model's forward reads."""
    names = set(inspect.signature(model.forward).parameters)
    if getattr(model.config, "type_vocab_size", 2) < 2:
        names.discard("token_type_ids")
    return names & {"input_ids", "token_type_ids"}


def forward(model: Any, head: Head, batch: Batch, readable: set[str], masks: Masks | None = None) -> Tensor:
    """Logits: classification (B, C), tagging (B, T, C), span (B, T, 2), choices (B, C), whatever the batch's layout.

    In the unpadded layout logits of padding are zero, and attention draws its dropout from `masks`. Those of a row's
    windows are averaged, in fp32. Rows with fewer choices than C end with the least number that fp32 has.
    """
    logits = _logits(model, head, batch, readable, masks)
    if batch.windows is None:
        return logits
    if batch.choices is not None:
        return _of_choices(logits, batch.windows, batch.choices)
    return torch.stack([windows.mean(0) for windows in torch.split(logits.float(), batch.windows)])


def _of_choices(logits: Tensor, windows: list[int], choices: list[int]) -> Tensor:
    """(B, C) the means over the windows of each row's choices, from (S, 1) of all sequences."""
    rows = torch.split(logits.float()[:, 0], windows)
    means = [row.view(count, -1).mean(1) for row, count in zip(rows, choices, strict=True)]
    least = torch.finfo(torch.float32).min
    return torch.nn.utils.rnn.pad_sequence(means, batch_first=True, padding_value=least)


def _logits(model: Any, head: Head, batch: Batch, readable: set[str], masks: Masks | None) -> Tensor:
    inputs, mask = {name: tensor for name, tensor in batch.inputs.items() if name in readable}, batch.mask.long()
    if ROLE in batch.inputs:
        inputs = {"inputs_embeds": embedded(model, batch.inputs)}
    if batch.choices is not None:  # which transformers wants as (B, C, T): here C = 1, rows may differ in theirs
        inputs, mask = {name: tensor[:, None] for name, tensor in inputs.items()}, mask[:, None]
    if batch.packing is None:
        return head.logits_of(model(**inputs, attention_mask=mask))
    with packed(batch.packing, masks):
        logits = head.logits_of(model(**inputs, position_ids=batch.inputs["position_ids"]))
    if not head.per_token:
        return logits
    apart = logits.new_zeros(*batch.mask.shape, logits.shape[-1])
    return apart.masked_scatter(batch.mask[:, :, None], logits[0, : batch.packing.tokens])
