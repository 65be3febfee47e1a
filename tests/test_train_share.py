"""Shares of the train rows: which rows are drawn, that a smaller share is within a larger one, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from own_tasks import FEELINGS

from bertkit import registry
from bertkit.data.rows import Rows
from bertkit.data.splits import marks_of, read_splits
from bertkit.data.table import Table
from bertkit.data.train_share import order_of, share_rows
from bertkit.errors import RequestError
from bertkit.heads import Classification, Head, Number, Tagging
from bertkit.spec import SAMPLE, Spec

NAMES = Classification(labels=("a", "b"))


def rows_of(golds: list[Any], role: str = "label") -> Rows:
    columns = {"row_id": [str(k) for k in range(len(golds))], role: golds}
    return Rows(table=Table.from_columns(columns), origin="rows", digest="d", there=len(golds))


def drawn(golds: list[Any], head: Head, share: float, seed: int = 1, role: str = "label") -> list[int]:
    return [int(one) for one in share_rows(rows_of(golds, role), head, share, seed).table["row_id"]]


def test_every_label_has_its_proportion_in_a_share() -> None:
    golds = ["a"] * 90 + ["b"] * 10
    picked = drawn(golds, NAMES, 0.2)
    assert [sum(golds[k] == name for k in picked) for name in "ab"] == [18, 2]


def test_a_smaller_share_is_within_a_larger_one() -> None:
    golds = ["a", "b", "b"] * 40
    shares = [set(drawn(golds, NAMES, share)) for share in (0.05, 0.1, 0.5, 1.0)]
    assert [len(one) for one in shares] == [6, 12, 60, 120]
    assert all(small < large for small, large in pairwise(shares))


def test_another_seed_draws_other_rows_and_the_same_seed_the_same() -> None:
    golds = ["a", "b"] * 50
    assert drawn(golds, NAMES, 0.2, seed=3) == drawn(golds, NAMES, 0.2, seed=3)
    assert drawn(golds, NAMES, 0.2, seed=3) != drawn(golds, NAMES, 0.2, seed=4)


def test_strata_take_turns_by_their_sizes() -> None:
    """Of six and two rows the places are 1/12, 3/12 ... 11/12, and 1/4, 3/4: 3/12 and 1/4 are one place."""
    strata = np.array([0] * 6 + [1] * 2)
    order = [int(strata[k]) for k in order_of(strata, 7)]
    assert order[0] == order[3] == order[4] == order[7] == 0
    assert sorted(order[1:3]) == sorted(order[5:7]) == [0, 1]


def test_a_share_of_rows_with_several_labels_has_the_rarest_ones() -> None:
    golds = [["joy"]] * 50 + [["joy", "fear"]] * 10
    assert sum(k >= 50 for k in drawn(golds, FEELINGS.head, 0.2)) == 2
    tags = [["NOUN", "VERB"]] * 30 + [["NOUN", "SYM"]] * 10
    assert sum(k >= 30 for k in drawn(tags, Tagging(labels=("NOUN", "VERB", "SYM")), 0.2, role="tags")) == 2


def test_numbers_are_stratified_by_their_size() -> None:
    golds = [float(k) for k in range(100)]
    picked = drawn(golds, Classification(labels=Number()), 0.1)
    assert [k // 10 for k in picked] == list(range(10))


@pytest.mark.parametrize(
    ("golds", "share", "words"),
    [
        (["a"] * 190 + ["b"] * 10, 0.05, "5 % of the 200 train rows is below one row with 'b', which 10 rows have: "
         "take at least 10 %"),
        (["a", "a", "b"], 0.5, "which 1 row has: take at least 100 %"),
    ],
)  # fmt: skip
def test_a_share_below_one_row_of_a_label_is_refused(golds: list[str], share: float, words: str) -> None:
    with pytest.raises(RequestError, match="below one row") as error:
        drawn(golds, NAMES, share)
    assert words in str(error.value)


def test_a_spec_with_a_share_trains_on_it_and_says_so() -> None:
    spec = Spec(task=registry.find("sst2"), model=SAMPLE, data=SAMPLE, limit=60, train_share=0.5, seed=5)
    splits = read_splits(spec)
    assert splits.train is not None
    assert len(splits.train) == 30
    assert splits.train.digest != read_splits(replace(spec, seed=6)).rows["train"].digest
    real = replace(spec, data="folder")
    assert any("50 % of" in mark and "drawn by seed 5" in mark for mark in marks_of(real, splits))


@pytest.mark.parametrize("share", [0.0, -0.1, 1.5, float("nan")])
def test_a_share_out_of_range_is_refused(share: float) -> None:
    with pytest.raises(RequestError, match="it is a share of the train rows, 0 < share <= 1"):
        Spec(task=registry.find("sst2"), model=SAMPLE, train_share=share)


def test_a_spec_without_a_share_has_the_digest_that_it_had() -> None:
    spec = Spec(task=registry.find("sst2"), model=SAMPLE, data=SAMPLE)
    assert spec.digest == replace(spec, train_share=None, redraw=None, fast_start=False, token_map=None).digest
    assert spec.digest != replace(spec, train_share=0.5).digest
