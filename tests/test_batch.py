"""Features in a batch: padded on the right, or unpadded in one row."""

from __future__ import annotations

import numpy as np
import torch

from bertkit.heads import FROM_TRAIN, Classification, Tagging
from bertkit.heads.features import IGNORED, Features, Ragged
from bertkit.models.batch import collate

PAD = 7


def features_of(*runs: list[int], targets: list[list[int]] | None = None, words: bool = False) -> Features:
    """Features with these token ids."""
    return Features(
        row=np.arange(len(runs)),
        inputs={
            "input_ids": Ragged.of(runs, "int32"),
            "token_type_ids": Ragged.of([[1] * len(run) for run in runs], "int32"),
        },
        targets=None if targets is None else Ragged.of(targets, "int64"),
        cut=np.zeros(len(runs), bool),
        places={"first": Ragged.of([[1]] * len(runs), "int32")} if words else {},
    )


def test_short_features_are_padded_on_the_right_with_the_padding_token() -> None:
    batch = collate(features_of([2, 5, 3], [2, 3], [2, 9, 9, 9, 3]).take(np.array([1, 0])), PAD)
    assert batch.inputs["input_ids"].tolist() == [[2, 3, PAD], [2, 5, 3]]
    assert batch.mask.tolist() == [[True, True, False], [True, True, True]]


def test_segments_are_padded_with_zero() -> None:
    batch = collate(features_of([2, 5, 3], [2, 3]), PAD)
    assert batch.inputs["token_type_ids"].tolist() == [[1, 1, 1], [1, 1, 0]]


def test_a_token_with_the_padding_tokens_own_id_is_not_masked() -> None:
    batch = collate(features_of([2, PAD, 3], [2, 3]), PAD)
    assert batch.mask.tolist() == [[True, True, True], [True, True, False]]


def test_targets_a_token_are_padded_with_what_is_not_asked() -> None:
    features = features_of([2, 5, 3], [2, 3], targets=[[IGNORED, 4, IGNORED], [IGNORED, 1]], words=True)
    batch = collate(features, PAD)
    assert batch.targets is not None
    assert batch.targets.tolist() == [[IGNORED, 4, IGNORED], [IGNORED, 1, IGNORED]]


def test_features_without_gold_have_no_targets() -> None:
    assert collate(features_of([2, 3]), PAD).targets is None


def test_ids_are_what_torch_looks_up_with() -> None:
    batch = collate(features_of([2, 3], targets=[[1]]), PAD)
    assert {tensor.dtype for tensor in batch.inputs.values()} == {torch.int64}


def test_rows_are_counted_for_a_label_and_asked_words_for_tags() -> None:
    runs: list[list[int]] = [[2, 5, 3], [2, 8, 9, 3]]
    tags = [[IGNORED, 4, IGNORED], [IGNORED, 1, 0, IGNORED]]
    assert Classification(labels=("no", "yes")).count(features_of(*runs, targets=[[1], [0]])) == 2
    assert Tagging(labels=FROM_TRAIN).count(features_of(*runs, targets=tags, words=True)) == 3
