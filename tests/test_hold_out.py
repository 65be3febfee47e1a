"""Rows held out of train for scoring: how many, which, and that nothing of a row stands on both sides."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from files import json_lines, write

from bertkit.data.hold_out import hold_out, select_rows
from bertkit.data.rows import Rows, read_files
from bertkit.data.table import Table
from bertkit.errors import DataError, RequestError
from bertkit.heads import Classification, Head, Number, Span, Tagging
from bertkit.sources import HoldOut, Source, locate

ABC = Classification(labels=("a", "b", "c"))
COLUMNS = {"text": ("text",), "label": ("label",), "group": ("patient",)}


def rows_of(columns: dict[str, list[Any]]) -> Rows:
    """Rows in memory; without a group if none is given."""
    count = len(next(iter(columns.values())))
    table = Table.from_columns({"row_id": list(map(str, range(count))), "group": [""] * count, **columns})
    return Rows(table=table, origin="rows.csv", digest="0", there=count)


def labelled(*labels: str) -> Rows:
    """A row of its own text for each label."""
    return rows_of({"text": [f"text {k}" for k in range(len(labels))], "label": list(labels)})


def ids(rows: Rows) -> set[str]:
    return set(rows.table["row_id"])


def test_a_share_is_held_out_and_every_row_is_on_one_side() -> None:
    whole = labelled(*"ab" * 50)
    train, dev = hold_out(whole, ABC, HoldOut(share=0.3))
    assert (len(train), len(dev)) == (70, 30)
    assert ids(train) | ids(dev) == ids(whole)
    assert train.table["row_id"] == sorted(train.table["row_id"], key=int)


def test_labels_keep_their_shares() -> None:
    _, dev = hold_out(labelled(*"a" * 60, *"b" * 30, *"c" * 10), ABC, HoldOut(share=0.2))
    assert Counter(dev.table["label"]) == {"a": 12, "b": 6, "c": 2}


def test_what_is_left_of_the_labels_shares_goes_to_the_largest_remainders() -> None:
    # of 7, 5 and 3 rows 20 % are 1.4, 1.0 and 0.6: one, one, and the one left over
    _, dev = hold_out(labelled(*"a" * 7, *"b" * 5, *"c" * 3), ABC, HoldOut(share=0.2))
    assert Counter(dev.table["label"]) == {"a": 1, "b": 1, "c": 1}


def test_a_labels_only_row_stays_in_train_and_is_named() -> None:
    train, dev = hold_out(labelled(*"a" * 9, "b", *"c" * 9), ABC, HoldOut(share=0.5))
    assert "b" in train.table["label"]
    assert "one row only, which stays in train: label b" in train.notes
    assert Counter(dev.table["label"]) == {"a": 5, "c": 5}  # of 19 rows 9.5, rounded to 10


def test_equal_texts_stay_on_one_side_whatever_their_case_and_spaces() -> None:
    texts = [f"{'Text' if k % 2 else ' text'}  {k // 2}" for k in range(60)]
    train, dev = hold_out(rows_of({"text": texts, "label": ["a", "b"] * 30}), ABC, HoldOut())
    sides = [{" ".join(text.lower().split()) for text in part.table["text"]} for part in (train, dev)]
    assert len(dev) == 12
    assert not sides[0] & sides[1]


def test_the_rows_of_a_group_stay_on_one_side() -> None:
    groups = [f"patient {k % 20}" for k in range(100)]
    columns = {"text": [f"text {k}" for k in range(100)], "label": ["a", "b"] * 50, "group": groups}
    train, dev = hold_out(rows_of(columns), ABC, HoldOut())
    assert not set(train.table["group"]) & set(dev.table["group"])
    assert len(dev) == 20


def test_groups_that_share_a_text_stay_together() -> None:
    # 0 and 1 share a text, 1 and 2 another: the three are one
    groups = [str(k // 4) for k in range(40)]
    texts = [f"text {k}" for k in range(40)]
    texts[4], texts[8] = texts[0], texts[5]
    for share in (0.1, 0.2, 0.3, 0.5):
        columns = {"text": texts, "label": ["a", "b"] * 20, "group": groups}
        sides = [set(part.table["group"]) for part in hold_out(rows_of(columns), ABC, HoldOut(share=share))]
        assert [len({"0", "1", "2"} & side) for side in sides] in ([3, 0], [0, 3])


@pytest.mark.parametrize("k", range(12))
def test_every_label_has_a_row_to_train_on(k: int) -> None:
    # b, the commonest label, has rows of two texts alone, one of stratum a and one of c: either may be held out
    texts = [f"{k} {name}" for name in ("first", "first", "first", "second", "third", "third", "fourth")]
    train, _ = hold_out(rows_of({"text": texts, "label": list("abbacbc")}), ABC, HoldOut(share=0.5))
    assert set(train.table["label"]) == {"a", "b", "c"}


def test_a_group_larger_than_the_share_is_passed_over() -> None:
    groups = ["large"] * 80 + [f"{k}" for k in range(20)]
    columns = {"text": [f"text {k}" for k in range(100)], "label": ["a"] * 100, "group": groups}
    _, dev = hold_out(rows_of(columns), ABC, HoldOut(share=0.1))
    assert (len(dev), "large" in dev.table["group"]) == (10, False)


def test_of_two_groups_the_smaller_is_held_out() -> None:
    columns = {"text": [f"text {k}" for k in range(10)], "label": ["a"] * 10, "group": ["x"] * 6 + ["y"] * 4}
    _, dev = hold_out(rows_of(columns), ABC, HoldOut())
    assert dev.table["group"] == ["y"] * 4


def test_which_rows_are_held_out_depends_neither_on_their_order_nor_on_their_ids() -> None:
    columns = {"text": [f"text {k}" for k in range(50)], "label": ["a", "b"] * 25}
    order = random.Random(1).sample(range(50), 50)
    shuffled = {name: [values[k] for k in order] for name, values in columns.items()}
    drawn = [hold_out(rows_of(one), ABC, HoldOut())[1].table["text"] for one in (columns, shuffled)]
    assert set(drawn[0]) == set(drawn[1])


def test_the_draw_is_this_one_on_every_machine() -> None:
    _, dev = hold_out(labelled(*"ab" * 10), ABC, HoldOut())
    assert dev.table["row_id"] == ["4", "7", "17", "18"]


def test_rows_with_several_labels_are_stratified_iteratively(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Classification, "strata", lambda head, gold: gold)
    draws, shares = random.Random(0), {"a": 0.5, "b": 0.3, "c": 0.1, "d": 0.05}
    golds = [[name for name, share in shares.items() if draws.random() < share] for _ in range(400)]
    whole = rows_of({"text": [f"text {k}" for k in range(400)], "label": golds})
    _, dev = hold_out(whole, ABC, HoldOut(share=0.25))
    there, held = (Counter(name for gold in each for name in gold) for each in (golds, dev.table["label"]))
    assert abs(len(dev) - 100) <= 1
    assert all(abs(held[name] - there[name] / 4) <= 1 for name in shares), (there, held)


def test_numbers_are_stratified_by_quantiles() -> None:
    numbers = [float(k) for k in range(100)]
    whole = rows_of({"text": [f"text {k}" for k in range(100)], "label": numbers})
    _, dev = hold_out(whole, Classification(labels=Number(low=0, high=100)), HoldOut(share=0.2))
    assert Counter(int(number) // 10 for number in dev.table["label"]) == dict.fromkeys(range(10), 2)


def test_a_documents_questions_stay_on_one_side() -> None:
    contexts = [f"document {k // 5}" for k in range(100)]
    answers = [[{"text": "d", "start": 0}]] * 100
    whole = rows_of({"question": [f"why {k}?" for k in range(100)], "context": contexts, "answers": answers})
    train, dev = hold_out(whole, Span(), HoldOut())
    assert not set(train.table["context"]) & set(dev.table["context"])
    assert len(dev) == 20


def test_sentences_with_the_same_words_stay_on_one_side() -> None:
    words = [["Rain", f"fell {k // 2}"] for k in range(40)]
    whole = rows_of({"words": words, "tags": [["X", "Y"]] * 40})
    train, dev = hold_out(whole, Tagging(labels=("X", "Y")), HoldOut())
    assert not {tuple(one) for one in train.table["words"]} & {tuple(one) for one in dev.table["words"]}


def test_a_limit_on_the_held_out_rows_is_kept_and_said() -> None:
    _, dev = hold_out(labelled(*"ab" * 50), ABC, HoldOut(share=0.5, most=7))
    assert len(dev) == 7
    assert "(50%, at most 7)" in dev.notes[0]


@pytest.mark.parametrize(
    ("labels", "share", "said"),
    [
        ("ab", 0.2, "20% of 2 rows leaves none on one side"),
        ("a", 0.9, "90% of 1 row leaves none on one side"),
        ("abab", 0.1, "10% of 4 rows leaves none on one side"),
    ],
)
def test_too_few_rows_are_refused(labels: str, share: float, said: str) -> None:
    with pytest.raises(DataError, match=said):
        hold_out(labelled(*labels), ABC, HoldOut(share=share))


def test_rows_of_one_text_are_refused() -> None:
    with pytest.raises(DataError, match="all 9 rows have one text or one group"):
        hold_out(rows_of({"text": ["one"] * 9, "label": ["a"] * 9}), ABC, HoldOut())


@pytest.mark.parametrize("share", [0, 1, -0.1, 1.5, float("nan")])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(RequestError, match="--dev-share"):
        HoldOut(share=share)


def test_rows_to_select_on_are_a_tenth_and_others_than_the_held_out_ones() -> None:
    train, dev = hold_out(labelled(*"ab" * 100), ABC, HoldOut())
    rest, selection = select_rows(train, ABC)
    assert (len(rest), len(selection), len(dev)) == (144, 16, 40)
    assert ids(rest) | ids(selection) == ids(train)
    assert len({train.digest, dev.digest, rest.digest, selection.digest}) == 4


def test_at_most_2000_rows_are_selected_on() -> None:
    assert len(select_rows(labelled(*"ab" * 12_000), ABC)[1]) == 2_000


def test_a_file_gives_the_same_rows_as_lines_of_another_format(tmp_path: Path) -> None:
    rows = [{"text": f"text {k}", "label": "ab"[k % 2], "patient": f"{k % 10}"} for k in range(40)]
    write(tmp_path / "one" / "train.jsonl", json_lines(*rows))
    lines = "".join(f"{row['patient']},{row['label']},{row['text']}\n" for row in rows)
    write(tmp_path / "two" / "train.csv", "patient,label,text\n" + lines)
    found = []
    for name in ("one", "two"):
        source = Source(columns=COLUMNS)
        located = locate(source, tmp_path / name, "train")
        assert located
        head: Head = Classification(labels=("a", "b"))
        found.append(hold_out(read_files(located, source, head), head, HoldOut())[1])
    assert found[0].table.to_list() == found[1].table.to_list()
    assert len(found[0]) == 8
