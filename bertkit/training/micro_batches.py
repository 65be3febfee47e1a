"""Split a micro-batch whose rows are read in several windows, so that it fits into memory."""

from __future__ import annotations

import numpy as np

from bertkit.data.sampler import in_budget
from bertkit.heads.features import Features
from bertkit.task import Recipe


def split(part: Features, recipe: Recipe) -> list[Features]:
    """`part` between rows, so that each piece has at most `batch_size` windows; a row of more is a piece of its own.

    A micro-batch then needs no more memory than one of truncated rows. The update's gradient is the same, since
    losses are summed. `batch_tokens` counts the tokens of all windows, and needs no split.
    """
    if part.windows is None or recipe.batch_tokens is not None:
        return [part]
    cuts = in_budget(np.array(part.windows, np.int64), recipe.batch_size)
    return [part.take(np.arange(start, end)) for start, end in cuts]
