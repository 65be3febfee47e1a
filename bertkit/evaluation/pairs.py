"""Tell pairs of segments apart with a model's own head: reading them masked, as in pretraining, or whole.

R rows, B rows of a batch.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from bertkit.data.corpus_features import CorpusFeatures
from bertkit.data.sampler import Indices
from bertkit.heads.features import IGNORED, Features, Ragged
from bertkit.models.language_model import LanguageModel
from bertkit.objectives.base import PAIR
from bertkit.progress import Progress

Reading = Literal["masked", "whole"]
READINGS: tuple[Reading, ...] = ("masked", "whole")
"""How a model reads a pair: as in pretraining, or with every token in its place."""


def classes_of(part: Features) -> NDArray[np.int64]:
    """(B,) the class of each pair."""
    return part.places[PAIR].values.astype(np.int64)


def whole(part: Features) -> Features:
    """The same pairs with the predicted tokens in their places."""
    assert part.targets is not None
    seen, targets = part.inputs["input_ids"], part.targets.values
    tokens = np.where(targets == IGNORED, seen.values, targets).astype(seen.values.dtype)
    return replace(part, inputs={**part.inputs, "input_ids": Ragged(tokens, seen.offsets)})


def told(
    model: LanguageModel, source: CorpusFeatures, rows: Indices, reading: Reading, progress: Progress
) -> NDArray[np.int64]:
    """(R,) the class of each of these pairs by the model's head, in fp32 and without dropout.

    The pairs may be of another kind than those that the head was trained on.
    """
    found: list[NDArray[np.int64]] = []
    model.network.eval()
    with model.in_training(), torch.inference_mode():
        for part in source.batches(rows):
            pairs = model.outputs(model.given(whole(part) if reading == "whole" else part)).pairs
            assert pairs is not None, "a model without a head for pairs"
            found.append(pairs.argmax(-1).cpu().numpy())
            progress.advance(len(part))
    return np.concatenate(found)
