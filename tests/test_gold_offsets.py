"""Answers that are not at their offset: scored where another is right, else refused with what the offset counts."""

from __future__ import annotations

from typing import Any

import pytest
from oracle import tokenizer_of

from bertkit.errors import DataError
from bertkit.heads import Span
from bertkit.heads.base import ODD_GOLDS
from bertkit.heads.gold_answers import placed
from bertkit.heads.window import Window

CONTEXT = "Rain 🌧️ fell on Ávila, then on Ávila again."  # R is 0, the cloud 5 and 6, fell 8, the first Ávila 16
CLOUD = len("🌧️".encode("utf-16-le")) // 2  # 3 units for 2 code points


def gold(text: str, start: int) -> dict[str, Any]:
    return {"text": text, "start": start}


def test_an_answer_that_is_not_at_its_offset_loses_it() -> None:
    right = [gold("fell", 8), gold("Ávila", 31)]
    assert CONTEXT[8:12] == "fell" and CONTEXT[31:36] == "Ávila"
    found = placed("q", CONTEXT, [gold("fell", 7), right[0], gold("Oslo", -1), right[1]])
    assert found == [{"text": "fell", "start": None}, right[0], {"text": "Oslo", "start": None}, right[1]]


def test_an_answer_without_offset_is_scored_but_is_no_target() -> None:
    head = Span()
    row = head.check(
        "q", {"question": "Where?", "context": CONTEXT, "answers": [gold("rain!", 9), gold("fell", 8)]}, {}
    )
    row.pop(ODD_GOLDS)
    tokenizer = tokenizer_of("wordpiece")
    features = head.encode({name: [value] for name, value in row.items()}, tokenizer, Window(doc_stride=32))
    assert features.targets is not None
    first, last = features.targets[0].tolist()
    assert features.places["chars"][0][[first, last]].tolist() == [[8, 12], [8, 12]]  # "fell"
    assert head.gold(row) == ["rain!", "fell"]


@pytest.mark.parametrize(
    ("text", "start", "words"),
    [
        ("Ávila", 17, "found at 16; offsets must count code points, these look like UTF-16 units"),
        ("Ávila", 32, "found at 31; offsets must count code points, these look like UTF-16 units"),
        (
            "Ávila",
            len("Rain 🌧️ fell on ".encode()),
            "found at 16; offsets must count code points, these look like UTF-8",
        ),
        ("Ávila", 3, "but found at 16"),
        ("fell", -8, "but found at 8"),
        ("Oslo", 5, "nor anywhere else"),
        ("Oslo", 10**9, "nor anywhere else"),
    ],
)
def test_an_offset_that_is_wrong_says_where_the_text_is(text: str, start: int, words: str) -> None:
    assert CLOUD == 3
    with pytest.raises(DataError) as refused:
        placed("dev.json, question 1", CONTEXT, [gold(text, start)])
    assert f"the answer '{text}' is not at its offset {start} of the document" in str(refused.value)
    assert words in str(refused.value)
    assert ("look like" in str(refused.value)) == ("look like" in words)


@pytest.mark.parametrize("golds", [[gold("", 3)], [gold("fell", 8), {"text": "x", "start": "3"}], [gold("x", True)]])
def test_an_answer_needs_its_text_and_a_whole_number(golds: list[dict[str, Any]]) -> None:
    with pytest.raises(DataError, match="an answer needs its text and its offset"):
        placed("q", CONTEXT, golds)
