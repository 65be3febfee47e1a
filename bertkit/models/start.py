"""Where weights start in pretraining, so that the loss falls at once."""

from __future__ import annotations

from typing import Any

import torch
from numpy.typing import NDArray


def fast_start(model: Any, log_unigram: NDArray[Any]) -> None:
    """Start from the log of each token's share of the text as the output layer's bias, (V,), where it has one."""
    bias = getattr(model.get_output_embeddings(), "bias", None)
    if bias is not None:
        with torch.no_grad():
            bias.copy_(torch.from_numpy(log_unigram))
