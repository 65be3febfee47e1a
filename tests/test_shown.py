"""How heads show rows and answers to people: marks, notes, how wrong an answer is; each case by hand."""

from __future__ import annotations

import pytest

from bertkit.heads import Answer, Classification, MultiLabel, Number, Span, Tagging
from bertkit.heads.shown import NOT_GIVEN, NOT_GOLD, Segment, Shows

LABEL = Classification(labels=("bad", "good"))
NUMBER = Classification(labels=Number(low=0, high=5))
SETS = MultiLabel(labels=("food", "price", "staff"))
TAGS = Tagging(labels=("DET", "NOUN", "VERB"))
CHUNKS = Tagging(labels=("O", "B-PER", "I-PER"), scheme="BIO")
SPAN, MAYBE = Span(), Span(no_answer=True)
CONTEXT = "Marie Curie was born in Warsaw in 1867."
SURE = Answer(value="good", scores={"bad": 0.25, "good": 0.75})


def span(text: str, start: int, share: float = 0.5, no_answer: float = -1.0) -> Answer:
    best = [{"text": text or "Marie", "start": start, "score": share}]
    return Answer(value=text, scores={"n_best": best, "no_answer": no_answer})


@pytest.mark.parametrize(
    ("head", "gold", "answer", "error"),
    [
        (LABEL, "good", SURE, 0.0),
        (LABEL, "bad", SURE, 0.75),
        (NUMBER, 2.0, Answer(value=3.5), 1.5),
        (SETS, ["food"], Answer(value=["food"], scores={"food": 0.9, "price": 0.1, "staff": 0.1}), 0.0),
        # staff is given at 0.8, and food, at 0.3, is 0.7 short
        (SETS, ["food"], Answer(value=["staff"], scores={"food": 0.3, "price": 0.1, "staff": 0.8}), 1.5),
        # one word wrong at 0.6, one without a tag
        (TAGS, ["DET", "NOUN", "VERB"], Answer(value=["DET", "VERB", None], scores={"tags": [0.9, 0.6, 0.0]}), 1.6),
        (TAGS, [None, "NOUN"], Answer(value=["DET", "NOUN"], scores={"tags": [0.9, 0.6]}), 0.0),
        (SPAN, ["Warsaw"], span("Warsaw", 24), 0.0),
        # one of two words: precision 1/2, recall 1, F1 2/3; a third is lacking, at 0.5
        (SPAN, ["Warsaw"], span("in Warsaw", 21), 0.5 / 3),
        # no answer by a margin of 0 logits: at 0.5
        (MAYBE, ["Warsaw"], span("", 0, no_answer=0.0), 0.5),
    ],
)
def test_an_error_is_how_sure_a_wrong_answer_is_or_how_far_off(
    head: Shows, gold: object, answer: Answer, error: float
) -> None:
    assert head.error(gold, answer) == pytest.approx(error)


def test_a_label_is_shown_with_its_texts_and_its_probability() -> None:
    pair = Classification(labels=("bad", "good"), pair=True)
    shown = pair.shown({"text": "Dull.", "text_pair": None, "label": "bad", "row_id": "3"}, "bad", SURE)
    assert [(part.name, part.segments) for part in shown.parts] == [("text", (Segment(text="Dull."),))]
    assert (shown.gold, shown.answer, shown.note) == ("bad", "good", "probability 75.0 %")


def test_a_probability_just_below_one_is_not_shown_as_certain() -> None:
    assert LABEL.shown({}, "bad", Answer(value="good", scores={"good": 0.99999})).note == "probability 99.9 %"


@pytest.mark.parametrize(("value", "note"), [(3.25, "1.25 too high"), (0.5, "1.5 too low"), (2.0, "right")])
def test_a_number_is_shown_with_how_far_off_it_is(value: float, note: str) -> None:
    assert NUMBER.shown({}, 2.0, Answer(value=value)).note == note


def test_a_set_of_labels_is_shown_with_what_is_wrong_and_what_was_missed() -> None:
    answer = Answer(value=["staff"], scores={"food": 0.3, "price": 0.1, "staff": 0.8})
    shown = SETS.shown({"text": "Nice."}, ["food"], answer)
    assert (shown.gold, shown.answer) == ("food", "staff")
    assert shown.note == "staff wrong (probability 80.0 %); food missed (probability 30.0 %)"


def test_no_label_at_all_is_said() -> None:
    shown = SETS.shown({}, [], Answer(value=[], scores={}))
    assert (shown.gold, shown.answer, shown.note) == ("no label", "no label", "right")


def test_a_word_with_a_wrong_tag_is_marked_with_both_tags() -> None:
    answer = Answer(value=["DET", "VERB"], scores={"tags": [0.9, 0.6]})
    (part,) = TAGS.shown({"words": ["The", "run"]}, ["DET", "NOUN"], answer).parts
    assert part.segments == (
        Segment(text="The", gold="DET"),
        Segment(text=" "),
        Segment(text="run", mark="answer", answer="VERB", gold="NOUN"),
    )


def test_of_chunk_tags_the_right_entities_are_marked_too() -> None:
    answer = Answer(value=["B-PER", "O", "O"], scores={"tags": [0.9, 0.9, 0.9]})
    (part,) = CHUNKS.shown({"words": ["Ada", "met", "Max"]}, ["B-PER", "O", "B-PER"], answer).parts
    assert [segment.mark for segment in part.segments if segment.text != " "] == ["both", "", "answer"]


def test_without_its_row_a_sentence_is_shown_by_its_tags() -> None:
    shown = TAGS.shown({}, ["DET", "NOUN"], Answer(value=["DET", None], scores={"tags": [0.9, 0.0]}))
    assert (shown.parts, shown.gold, shown.answer) == ((), "DET NOUN", "DET _")
    assert shown.note == "1 of 2 words wrong"


def test_a_span_and_its_gold_are_marked_in_the_document() -> None:
    row = {"question": "Where?", "context": CONTEXT, "answers": [{"text": "Warsaw", "start": 24}]}
    question, document = SPAN.shown(row, ["Warsaw"], span("in Warsaw", 21)).parts
    assert question.segments == (Segment(text="Where?"),)
    assert [(segment.text, segment.mark) for segment in document.segments] == [
        ("Marie Curie was born ", ""),
        ("in ", "answer"),
        ("Warsaw", "both"),
        (" in 1867.", ""),
    ]


def test_the_pieces_of_a_document_are_the_document() -> None:
    golds = [{"text": "Marie Curie", "start": 0}, {"text": "Curie", "start": 6}, {"text": "1867", "start": 34}]
    row = {"question": "Who?", "context": CONTEXT, "answers": golds}
    parts = SPAN.shown(row, ["Marie Curie", "Curie", "1867"], span("born", 16)).parts
    assert "".join(segment.text for segment in parts[1].segments) == CONTEXT


def test_a_question_without_an_answer_says_so() -> None:
    shown = MAYBE.shown({}, [], span("Warsaw", 24))
    assert (shown.gold, shown.answer) == ("no answer", "Warsaw")


@pytest.mark.parametrize(
    ("head", "gold", "value", "pairs"),
    [
        (LABEL, "bad", "good", [("bad", "good")]),
        (NUMBER, 2.0, 3.0, []),
        (SETS, ["food", "price"], ["price", "staff"], [("food", NOT_GIVEN), ("price", "price"), (NOT_GOLD, "staff")]),
        (TAGS, ["DET", None, "VERB"], ["DET", "DET", None], [("DET", "DET"), ("VERB", NOT_GIVEN)]),
        (SPAN, ["Warsaw"], "", []),
        (MAYBE, ["Warsaw"], "", [("an answer", "no answer")]),
        (MAYBE, [], "", [("no answer", "no answer")]),
    ],
)
def test_pairs_are_of_each_label_that_was_asked_for(
    head: Shows, gold: object, value: object, pairs: list[tuple[str, str]]
) -> None:
    assert head.confusion_pairs(gold, Answer(value=value)) == pairs


def test_numbers_are_paired_and_labels_are_not() -> None:
    assert NUMBER.number_pair(2, Answer(value=3.5)) == (2.0, 3.5)
    assert LABEL.number_pair("bad", SURE) is None


def test_a_head_that_says_nothing_shows_its_texts_and_its_answers_as_they_are() -> None:
    class Plain(Shows):
        roles = ("text", "numbers", "gold")

    shown = Plain().shown({"text": "Fine.", "numbers": [1, 2]}, {"a": 1}, Answer(value=None))
    assert [(part.name, part.segments[0].text) for part in shown.parts] == [("text", "Fine."), ("numbers", "[1, 2]")]
    assert (shown.gold, shown.answer) == ('{"a": 1}', "none")
    assert (Plain().error(1, Answer(value=1)), Plain().error(1, Answer(value=2))) == (0.0, 1.0)
