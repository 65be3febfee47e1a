"""The simple models of choices and of candidates, on rows where what they should say can be seen."""

from typing import Any

import pytest

from bertkit.data.table import Table
from bertkit.evaluation.floor_choices import (
    CommonestPlace,
    EveryCandidate,
    OftenestCandidate,
    candidate_overlap,
    choice_overlap,
)


def test_the_commonest_place_is_one_that_the_row_has() -> None:
    model = CommonestPlace(["3", "1", "0"])
    assert model.answers({"choices": [["a", "b", "c", "d"], ["a", "b"], ["a", "b", "c"]]}) == ["3", "1", "1"]


def test_the_simple_model_learns_which_choices_are_right_and_that_they_share_words_with_the_text() -> None:
    names = ["anna", "ben", "carla", "dora"]
    rows = [
        {
            "text": f"{names[k % 4]} wrote it",
            "choices": [names[k % 4], names[(k + 1 + k // 4 % 3) % 4]][:: 1 - 2 * (k % 2)],
        }
        for k in range(48)
    ]
    golds = [str(row["choices"].index(row["text"].split()[0])) for row in rows]
    columns = {name: [row[name] for row in rows] for name in ("text", "choices")}
    model = choice_overlap(Table.from_columns(columns), golds, lambda count: None)
    assert model
    assert model.answers(columns) == golds


def told(rows: int) -> dict[str, list[Any]]:
    """Rows of three candidates; right are those that the text says came."""
    people = ["anna", "ben", "carla", "dora", "emil", "fay"]
    columns: dict[str, list[Any]] = {"text": [], "question": ["who came?"] * rows, "candidates": []}
    for k in range(rows):
        came, also = people[k % 6], people[(k + 1 + k // 6 % 2) % 6]
        absent = next(one for one in people[k % 4 :] if one not in (came, also))
        columns["text"].append(f"{came} came, and so did {also}")
        columns["candidates"].append([came, absent, also][:: 1 - 2 * (k % 2)])
    return columns


def test_of_candidates_it_learns_which_ones_are_right_and_which_is_likeliest() -> None:
    columns = told(60)
    rows = list(zip(columns["text"], columns["candidates"], strict=True))
    places = [[str(k) for k, one in enumerate(given) if one in text] for text, given in rows]
    several = candidate_overlap(Table.from_columns(columns), places, False, lambda count: None)
    assert several
    assert several.answers(columns) == places
    texts = [[one for one in given if one in text] for text, given in rows]
    likeliest = candidate_overlap(Table.from_columns(columns), texts, True, lambda count: None)
    assert likeliest
    assert all(one in right for one, right in zip(likeliest.answers(columns), texts, strict=True))


@pytest.mark.parametrize("right", [True, False])
def test_candidates_that_are_all_right_or_all_wrong_teach_nothing(right: bool) -> None:
    golds = [["0", "1", "2"] if right else []] * 6
    assert candidate_overlap(Table.from_columns(told(6)), golds, False, lambda count: None) is None


def test_the_constant_answers_to_candidates_are_all_of_them_and_the_oftenest() -> None:
    columns = {"text": ["Ann saw Bo. Bo ran."], "candidates": [["Ann", "Bo", "Cy"]]}
    assert EveryCandidate().answers(columns) == [["0", "1", "2"]]
    assert OftenestCandidate().answers(columns) == ["Bo"]
