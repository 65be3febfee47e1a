"""What training makes small. B features, T tokens (padded), C labels; everything in fp32.

A loss is a sum and the count it is to be divided by, so that the mean over a global batch is the same
however the batch is cut up into micro-batches and processes.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from bertkit.heads import Head, Number, Span, Tagging
from bertkit.heads.tagging import UNASKED


def loss(head: Head, logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    """The sum of the losses of a batch; see `count` for what to divide it by.

    logits   classification (B, C); tagging (B, T, C); span (B, T, 2)
    targets  (B, 1) class ids or numbers; (B, T) class ids, -100 where none is asked; (B, 2) tokens
    mask     (B, T) True for real tokens: padding is no candidate for a span's start or end
    """
    logits = logits.float()
    if isinstance(head, Tagging):
        return functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=UNASKED, reduction="sum")
    if isinstance(head, Span):
        inside = logits.masked_fill(~mask[:, :, None], torch.finfo(torch.float32).min)
        start = functional.cross_entropy(inside[:, :, 0], targets[:, 0], reduction="sum")
        end = functional.cross_entropy(inside[:, :, 1], targets[:, 1], reduction="sum")
        return (start + end) / 2
    if isinstance(head.labels, Number):
        return functional.mse_loss(logits[:, 0], targets[:, 0].float(), reduction="sum")
    return functional.cross_entropy(logits, targets[:, 0], reduction="sum")
