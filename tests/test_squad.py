"""SQuAD's rules: by hand, and against a second implementation written from the published scripts.

The published rules: lower case; drop the characters of `string.punctuation`; drop the words a, an, the;
collapse white space. EM is equality of what is left, F1 that of the two bags of its tokens (where one is
empty, 1 if both are). The best over the golds that do not normalise to nothing counts, over "" if none is left.
"""

from __future__ import annotations

import random
import string
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from bertkit import registry
from bertkit.evaluation.metrics import METRICS
from bertkit.heads import Answer, Span, squad

PIECES = ("a", "an", "the", "The", "cat", "Cat's", "cat", "sat", "theory", "panda", "(", ".", ",", "-", "«", "é", "3")


def oracle_normal(text: str) -> list[str]:
    """Tokens that are left, by going over characters: no regular expression, no translation table."""
    kept = "".join(ch for ch in text.lower() if ch not in string.punctuation)
    edges = [0, *(i for i, (x, y) in enumerate(pairwise(kept), 1) if _in_word(x) != _in_word(y)), len(kept)]
    runs = (kept[start:end] for start, end in pairwise(edges))
    return "".join(" " if run in ("a", "an", "the") else run for run in runs).split()


def _in_word(character: str) -> bool:
    return character.isalnum()


def oracle_f1(gold: str, answer: str) -> float:
    wanted, given = oracle_normal(gold), oracle_normal(answer)
    if not wanted or not given:
        return 1.0 if wanted == given else 0.0
    left, shared = list(wanted), 0
    for token in given:
        if token in left:
            left.remove(token)
            shared += 1
    return 2 * shared / (len(wanted) + len(given))  # 2PR / (P + R), with P = shared / given and R = shared / wanted


def oracle_best(scores: list[float], has: list[bool], margins: list[float]) -> float:
    """The best mean over every threshold there can be: below all margins, and at each of them."""
    return max(mean_at(threshold, scores, has, margins) for threshold in [min(margins) - 1, *margins])


def mean_at(threshold: float, scores: list[float], has: list[bool], margins: list[float]) -> float:
    """The mean score where "no answer" is given if its margin is above the threshold."""
    got = []
    for score, answerable, margin in zip(scores, has, margins, strict=True):
        if margin > threshold:
            got.append(0.0 if answerable else 1.0)
        else:
            got.append(score if answerable else 0.0)
    return sum(got) / len(got)


def drawn_text(draws: random.Random) -> str:
    return "".join(draws.choice(PIECES) + draws.choice(("", " ", " ", "  ")) for _ in range(draws.randrange(6)))


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("The  Eiffel Tower", "eiffel tower"),
        ("an apple a day", "apple day"),
        ("theatre and panda", "theatre and panda"),  # articles inside words stay
        ("U.S.A.", "usa"),
        ("well-known", "wellknown"),
        ("the-cat", "thecat"),  # punctuation goes first, so no article is left
        ("«la» – “quoted” ，", "«la» – “quoted” ，"),  # only ASCII punctuation goes
        ("a–b", "–b"),  # a dash that stays is an edge of a word
        ("\tÉcole\n Normale\u00a0Sup", "école normale sup"),
        ("The A.", ""),
        ("", ""),
    ],
)
def test_a_text_normalises_as_published(text: str, normal: str) -> None:
    assert squad.normalise(text) == normal


@pytest.mark.parametrize("seed", range(20))
def test_random_texts_normalise_as_the_oracle_has_it(seed: int) -> None:
    draws = random.Random(seed)
    texts = [drawn_text(draws) for _ in range(50)]
    assert [squad.normalise(text).split() for text in texts] == [oracle_normal(text) for text in texts]


@pytest.mark.parametrize(
    ("gold", "answer", "score"),
    [
        ("The Nile.", "nile", 1.0),
        ("Nile", "Nil", 0.0),
        ("", "", 1.0),
        ("", "the", 1.0),  # both normalise to nothing
        ("", "nile", 0.0),
        ("nile", "", 0.0),
        ("“Nile”", "Nile", 0.0),
    ],
)
def test_an_exact_match_is_equality_after_normalising(gold: str, answer: str, score: float) -> None:
    assert squad.exact(gold, answer) == score


@pytest.mark.parametrize(
    ("gold", "answer", "score"),
    [
        ("the green boat", "green boat", 1.0),
        ("green boat", "boat on land", 2 * (1 / 3) * (1 / 2) / (1 / 3 + 1 / 2)),
        ("to be or not to be", "to to to be", 2 * (3 / 4) * (3 / 6) / (3 / 4 + 3 / 6)),  # a bag: two of three "to"
        ("boat", "ship", 0.0),
        ("", "", 1.0),
        ("", "boat", 0.0),
        ("boat", "", 0.0),
        ("!", "an", 1.0),  # both normalise to nothing
    ],
)
def test_f1_is_that_of_two_bags_of_tokens(gold: str, answer: str, score: float) -> None:
    assert squad.f1(gold, answer) == pytest.approx(score)


@pytest.mark.parametrize("seed", range(20))
def test_f1_of_random_texts_is_that_of_the_oracle(seed: int) -> None:
    draws = random.Random(seed)
    pairs = [(drawn_text(draws), drawn_text(draws)) for _ in range(50)]
    assert [squad.f1(*pair) for pair in pairs] == pytest.approx([oracle_f1(*pair) for pair in pairs])


def test_the_best_of_several_golds_counts() -> None:
    golds = ["in the old mill", "mill", "the mill by the river"]
    assert squad.best_exact(golds, "Mill") == 1.0
    # "old mill" against "in old mill": 2 * 2 / (2 + 3); "mill": 2 / 3; "mill by river": 2 / 5
    assert squad.best_f1(golds, "old mill") == pytest.approx(4 / 5)


def test_a_gold_that_normalises_to_nothing_does_not_count_among_others() -> None:
    assert squad.best_exact(["The", "mill"], "") == 0.0


def test_where_no_gold_is_left_no_answer_is_right() -> None:
    assert squad.best_exact(["The", "..."], "") == 1.0


@pytest.mark.parametrize(("answer", "score"), [("", 1.0), ("mill", 0.0)])
def test_a_question_without_golds_wants_no_answer(answer: str, score: float) -> None:
    assert squad.best_f1([], answer) == score


def oracle_v1(golds: list[str], answer: str) -> tuple[float, float]:
    """EM and F1 as evaluate-v1.1.py has them: every gold counts, and where no token is shared F1 is 0."""
    exact = [float(oracle_normal(gold) == oracle_normal(answer)) for gold in golds]
    shared = [oracle_f1(gold, answer) if oracle_normal(gold) and oracle_normal(answer) else 0.0 for gold in golds]
    return max(exact), max(shared)


def oracle_v2(golds: list[str], answer: str) -> tuple[float, float]:
    """EM and F1 as evaluate-v2.0.py has them: golds that normalise to nothing do not count."""
    left = [gold for gold in golds if oracle_normal(gold)] or [""]
    exact = [float(oracle_normal(gold) == oracle_normal(answer)) for gold in left]
    return max(exact), max(oracle_f1(gold, answer) for gold in left)


@pytest.mark.parametrize("seed", range(20))
def test_each_version_scores_random_golds_by_its_own_rules(seed: int) -> None:
    draws = random.Random(seed)
    for _ in range(100):
        golds, answer = [drawn_text(draws) for _ in range(draws.randrange(1, 4))], drawn_text(draws)
        first = METRICS["squad_v1_em"].of([golds], [answer]), METRICS["squad_v1_f1"].of([golds], [answer])
        second = METRICS["squad_em"].of([golds], [answer]), METRICS["squad_f1"].of([golds], [answer])
        assert (first, second) == (pytest.approx(oracle_v1(golds, answer)), pytest.approx(oracle_v2(golds, answer)))


@pytest.mark.parametrize(
    ("golds", "answer", "exact", "shared"),
    [
        (["a", "the letter a"], "the", 1.0, 0.0),  # "a" and "the" are both nothing: equal, but no token is shared
        (["a"], "an", 1.0, 0.0),
        (["The", "mill"], "mill", 1.0, 1.0),
        (["!", "mill"], "water", 0.0, 0.0),
        (["mill"], "", 0.0, 0.0),
    ],
)
def test_squad_1_keeps_golds_that_normalise_to_nothing(
    golds: list[str], answer: str, exact: float, shared: float
) -> None:
    assert METRICS["squad_v1_em"].of([golds], [answer]) == exact
    assert METRICS["squad_v1_f1"].of([golds], [answer]) == shared


@pytest.mark.parametrize(
    ("task", "metrics"), [("squad", ("squad_v1_f1", "squad_v1_em")), ("squad_v2", ("squad_f1", "squad_em"))]
)
def test_each_task_of_squad_is_scored_by_its_own_version(task: str, metrics: tuple[str, ...]) -> None:
    assert registry.find(task).evaluations[0].metrics == metrics


def test_squad_metrics_are_the_means_over_questions() -> None:
    golds, values = [["green boat"], [], ["mill"]], ["boat", "", "water"]
    assert METRICS["squad_em"].of(golds, values) == pytest.approx((0 + 1 + 0) / 3)
    assert METRICS["squad_f1"].of(golds, values) == pytest.approx((2 / 3 + 1 + 0) / 3)


def questions(seed: int, margins_to: int) -> tuple[list[float], list[bool], list[float]]:
    draws = random.Random(seed)
    rows = draws.randrange(1, 14)
    has = [draws.random() < 0.6 for _ in range(rows)]
    scores = [draws.choice((0.0, 0.25, 0.5, 1.0)) if h else 0.0 for h in has]
    return scores, has, [float(draws.randrange(-margins_to, margins_to + 1)) for _ in range(rows)]


@pytest.mark.parametrize("margins_to", [2, 50], ids=["many equal margins", "few equal margins"])
@pytest.mark.parametrize("seed", range(40))
def test_the_best_threshold_is_the_best_of_all(seed: int, margins_to: int) -> None:
    scores, has, margins = questions(seed, margins_to)
    best, _ = squad.best_threshold(scores, has, margins)
    assert best == pytest.approx(oracle_best(scores, has, margins))


@pytest.mark.parametrize("margins_to", [2, 50], ids=["many equal margins", "few equal margins"])
@pytest.mark.parametrize("seed", range(40))
def test_the_best_threshold_gives_the_best_score(seed: int, margins_to: int) -> None:
    scores, has, margins = questions(seed, margins_to)
    best, threshold = squad.best_threshold(scores, has, margins)
    assert mean_at(threshold, scores, has, margins) == pytest.approx(best)


def test_the_best_threshold_by_hand() -> None:
    scores, has, margins = [1.0, 0.5, 0.0, 0.0], [True, True, False, False], [-3.0, 1.0, -1.0, 2.0]
    # below -3: 0 0 1 1; at -3: 1 0 1 1; at -1: 1 0 0 1; at 1: 1 .5 0 1; at 2: 1 .5 0 0
    assert squad.best_threshold(scores, has, margins) == (3 / 4, -3.0)


def test_no_question_has_no_best_threshold_to_fail_at() -> None:
    assert squad.best_threshold([], [], []) == (0.0, 0.0)


def spoken(value: str, span: str, margin: float) -> Answer:
    return Answer(value=value, scores={"n_best": [{"text": span, "start": 0, "score": 1.0}], "no_answer": margin})


GOLDS = [["green boat"], ["mill"], [], []]
ANSWERS = [
    spoken("boat", "boat", -2.0),
    spoken("", "mill", 1.0),
    spoken("", "hat", 3.0),
    spoken("oar", "oar", -1.0),
]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HasAns", 2),
        ("NoAns", 2),
        ("HasAns EM", (0 + 0) / 2),
        ("HasAns F1", (2 / 3 + 0) / 2),
        ("NoAns EM", (1 + 0) / 2),
        ("NoAns F1", (1 + 0) / 2),
        # spans up to margin -2: 0 0 1 1; -1: 0 0 1 0; 1: 0 1 1 0; 3: 0 1 0 0; none: 0 0 1 1
        ("best EM", 2 / 4),
        # spans up to margin -2: 2/3 0 1 1; -1: 2/3 0 1 0; 1: 2/3 1 1 0
        ("best F1", (2 / 3 + 1 + 1) / 4),
        ("best F1 threshold", -2.0),
    ],
)
def test_span_details_part_questions_with_and_without_an_answer(name: str, value: float) -> None:
    details = Span(no_answer=True).details(GOLDS, ANSWERS)
    assert details[name] == pytest.approx(value)


def test_the_best_em_threshold_is_below_all_margins_where_silence_is_as_good() -> None:
    assert Span(no_answer=True).details(GOLDS, ANSWERS)["best EM threshold"] < -2.0


def test_the_best_scores_are_never_below_those_that_were_given() -> None:
    details = Span(no_answer=True).details(GOLDS, ANSWERS)
    given = np.mean([squad.best_f1(g, a.value) for g, a in zip(GOLDS, ANSWERS, strict=True)])
    assert details["best F1"] >= given


def test_a_part_without_questions_has_no_score() -> None:
    details = Span(no_answer=True).details([["mill"]], [spoken("mill", "mill", -1.0)])
    assert (details["NoAns"], details["NoAns F1"]) == (0, None)


def test_span_details_are_for_tasks_with_unanswerable_questions_alone() -> None:
    assert Span().details(GOLDS[:2], ANSWERS[:2]) == {}


def test_no_answer_to_questions_that_have_none_is_right_and_no_sign_of_a_model_that_learnt_nothing() -> None:
    silent = [replace(answer, value="") for answer in ANSWERS[2:]]
    details = Span(no_answer=True).details(GOLDS[2:], silent)
    assert (details["constant"], details["only gold"]) == (False, "")
    assert Span(no_answer=True).details(GOLDS[1:3], silent)["constant"]


def test_the_same_answer_to_everything_is_seen() -> None:
    silent = [replace(answer, value="") for answer in ANSWERS]
    assert Span(no_answer=True).details(GOLDS, silent)["constant"]
    assert not Span(no_answer=True).details(GOLDS, ANSWERS)["constant"]
