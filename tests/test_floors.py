"""Floors against scikit-learn called by hand, and worked out by hand: what simple models learn from rows, and score."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from math import log
from typing import Any

import numpy as np
import pytest
import tiny
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import f1_score
from sklearn.multiclass import OneVsRestClassifier

from bertkit.data.rows import Rows
from bertkit.data.table import Table
from bertkit.evaluation import floors
from bertkit.evaluation.floor_constants import best_set
from bertkit.evaluation.floor_texts import Vectors
from bertkit.evaluation.floor_words import SentenceOverlap, WordTags
from bertkit.evaluation.floors import SimpleModel, drawn_rows, fitted, floors_of
from bertkit.heads import Classification, Head, MultiLabel, Number, Span, Tagging
from bertkit.progress import Progress
from bertkit.task import Evaluation

TRAIN = [
    ("a fine and warm film", "good"),
    ("warm, fine, and short", "good"),
    ("a dull film", "bad"),
    ("dull and long and dull", "bad"),
    ("an odd film of odd people", "odd"),
    ("odd and long", "odd"),
    ("a fine cast", "good"),
]
NEW = ["fine and long", "dull people", "odd", "a film", "warm and dull"]
PAIRS = [
    ("a man plays a guitar", "a man plays music", 4.0),
    ("a dog runs", "a cat sleeps", 0.5),
    ("two birds sing in a tree", "birds sing", 3.5),
    ("the sun is hot", "he buys bread", 0.0),
    ("she reads a book", "she reads a long book", 4.5),
]


def rows(columns: dict[str, Sequence[Any]], digest: str = "d") -> Rows:
    count = len(next(iter(columns.values())))
    table = Table.from_columns({"row_id": [str(i) for i in range(count)], **columns})
    return Rows(table=table, origin="here", digest=digest, there=count)


def models(head: Head, columns: dict[str, Sequence[Any]]) -> list[tuple[str, SimpleModel]]:
    assert head.simple
    return fitted(head, head.simple, rows(columns), Progress())


def labelled(labels: Sequence[str], texts: Sequence[str] | None = None) -> dict[str, Sequence[Any]]:
    return {"text": texts or ["a word"] * len(labels), "label": labels}


def words(texts: Sequence[str]) -> TfidfVectorizer:
    """The features as they are documented, of words of Latin letters."""
    return TfidfVectorizer(token_pattern=r"\w+", ngram_range=(1, 2), sublinear_tf=True).fit(texts)


def test_the_constant_is_the_commonest_label_of_train_not_of_the_scored_rows() -> None:
    head = Classification(labels=("a", "b"))
    train, dev = rows(labelled(["b", "a", "b"], ["x", "y", "z"])), rows(labelled(["a", "a", "b"]), "e")
    found = floors_of(head, train, {"dev": (evaluation("accuracy"), dev)}, Progress())
    assert (found["dev"][0].name, found["dev"][0].metrics) == ("commonest label", {"accuracy": pytest.approx(1 / 3)})


def evaluation(*metrics: str) -> Evaluation:
    return Evaluation(name="dev", split="dev", metrics=metrics)


def test_of_labels_that_are_as_common_the_constant_is_the_first_by_name() -> None:
    (_, always), *_ = models(Classification(labels=("b", "a")), labelled(["b", "a"], ["x", "y"]))
    assert always.answers({"text": ["", ""]}) == ["a", "a"]


def test_no_constant_set_of_labels_has_a_greater_micro_f1_on_train() -> None:
    golds = [["a"], ["a", "b"], ["b", "c"], ["a", "b"], [], ["a", "d"]]
    names = ["a", "b", "c", "d"]
    table = np.array([[name in gold for name in names] for gold in golds])

    def f1(chosen: Sequence[str]) -> float:
        given = np.tile([name in chosen for name in names], (len(golds), 1))
        return float(f1_score(table, given, average="micro", zero_division=0))

    (_, always), *_ = models(MultiLabel(labels=tuple(names)), labelled(golds, ["x"] * 6))
    (chosen,) = always.answers({"text": [""]})
    every = [of for size in range(5) for of in combinations(names, size)]
    assert f1(chosen) == max(map(f1, every))
    assert chosen == ["a", "b"]


def test_where_no_row_has_a_label_the_constant_set_is_empty() -> None:
    assert best_set([], {}, 3) == []


def test_the_constant_number_is_the_mean_of_train() -> None:
    (name, always), _ = models(tiny.NUMBER, labelled([1.0, 2.0, 4.5], ["x", "y", "z"]))
    assert (name, always.answers({"text": ["", ""]})) == ("mean of the train rows", [2.5, 2.5])


def test_labels_of_texts_are_those_of_scikit_learn() -> None:
    texts, golds = zip(*TRAIN, strict=True)
    head = Classification(labels=("bad", "good", "odd"))
    _, (name, model) = models(head, labelled(golds, texts))
    vectors = words(texts)
    wanted = OneVsRestClassifier(LogisticRegression(solver="liblinear")).fit(vectors.transform(texts), golds)
    assert name == "TF-IDF + logistic regression"
    assert model.answers({"text": NEW}) == wanted.predict(vectors.transform(NEW)).tolist()
    assert model.answers({"text": ["a fine film", "dull"]}) == ["good", "bad"]


def test_sets_of_labels_are_one_logistic_regression_a_label() -> None:
    texts = [text for text, _ in TRAIN]
    golds = [["good"], ["good", "short"], ["bad"], ["bad", "long"], [], ["long"], ["good"]]
    _, (_, model) = models(MultiLabel(labels=("bad", "good", "long", "short")), labelled(golds, texts))
    vectors = words(texts)
    found = model.answers({"text": [*texts, *NEW]})
    for name in ("bad", "good", "long", "short"):
        own = LogisticRegression(solver="liblinear").fit(vectors.transform(texts), [name in gold for gold in golds])
        wanted = own.predict(vectors.transform([*texts, *NEW]))
        assert [name in given for given in found] == wanted.tolist()


def test_two_texts_are_their_vectors_their_difference_their_product_and_their_cosine() -> None:
    first, second, _ = (list(column) for column in zip(*PAIRS, strict=True))
    vectors = Vectors(("text", "text_pair"))
    table = rows({"text": first, "text_pair": second}).table
    found = vectors.learnt(table, lambda count: None).toarray()
    made = words([*first, *second])
    u, v = made.transform(first).toarray(), made.transform(second).toarray()
    wanted = np.concatenate([u, v, abs(u - v), u * v, (u * v).sum(axis=1, keepdims=True)], axis=1)
    np.testing.assert_allclose(found, wanted, atol=1e-12)
    np.testing.assert_allclose(
        vectors.of({"text": first[:2], "text_pair": second[:2]}).toarray(), wanted[:2], atol=1e-12
    )


def test_numbers_are_those_of_ridge_regression_within_their_bounds() -> None:
    texts, golds = [text for text, _ in TRAIN], [5.0, 4.0, 0.0, 0.0, 2.0, 1.0, 5.0]
    _, (name, model) = models(Classification(labels=Number(low=1, high=4)), labelled(golds, texts))
    vectors = words(texts)
    wanted = Ridge(alpha=1.0).fit(vectors.transform(texts).toarray(), golds).predict(vectors.transform(NEW).toarray())
    assert name == "TF-IDF + ridge regression"
    assert model.answers({"text": NEW}) == pytest.approx(np.clip(wanted, 1, 4), abs=1e-3)


def test_a_script_without_spaces_is_read_by_its_characters() -> None:
    head = Classification(labels=("坏", "好"))
    _, (_, model) = models(head, labelled(["好", "坏", "好", "坏"], ["很好吃", "不新鲜", "真好看", "太不值"]))
    assert model.answers({"text": ["好听", "不行"]}) == ["好", "坏"]


@pytest.mark.parametrize(
    ("head", "columns"),
    [
        (tiny.SIGNS, labelled(["negative", "positive"], ["!!", "…"])),  # no words
        (tiny.SIGNS, labelled(["positive", "positive"], ["fine", "good"])),  # one label
        (tiny.NUMBER, labelled([1.0, 2.0], ["!!", "…"])),
        (MultiLabel(labels=("a",)), labelled([[], []], ["fine", "good"])),
    ],
)
def test_where_nothing_can_be_learnt_the_constant_is_the_only_floor(
    head: Head, columns: dict[str, Sequence[Any]]
) -> None:
    assert len(models(head, columns)) == 1


def test_a_label_that_every_row_has_is_given_to_every_row() -> None:
    _, (_, model) = models(MultiLabel(labels=("a", "b")), labelled([["a"], ["a", "b"]], ["x", "y"]))
    assert [set(given) >= {"a"} for given in model.answers({"text": ["x", "z"]})] == [True, True]


def test_a_word_gets_its_commonest_tag_and_an_unknown_one_the_commonest_of_all() -> None:
    # run: N twice, V once. set: V and A once each, and V (3 in all) is commoner than A (1). The first word has no tag
    train = [
        (["He", "run", "set"], [None, "N", "V"]),
        (["run", "run", "set", "go"], ["N", "V", "A", "V"]),
    ]
    model = WordTags(train)
    assert model.answers({"words": [["set", "run"], ["He", "Run", "go"]]}) == [["V", "N"], ["V", "V", "V"]]


def test_words_are_scored_as_the_run_is() -> None:
    # commonest tag N: right on 2 of the 3 tagged words; by word all three are right, and so is the only entity's word
    head = Tagging(labels=("B-X", "O"), scheme="BIO")
    train = rows({"words": [["a", "b", "c"], ["c"]], "tags": [["O", "B-X", "O"], ["O"]]})
    dev = rows({"words": [["a", "b"], ["c", "d"]], "tags": [["O", "B-X"], ["O", None]]}, "e")
    found = floors_of(head, train, {"dev": (evaluation("tag_accuracy", "entity_f1"), dev)}, Progress())
    assert [(floor.name, floor.metrics) for floor in found["dev"]] == [
        ("commonest tag", {"tag_accuracy": pytest.approx(2 / 3), "entity_f1": 0.0}),
        ("each word's commonest tag", {"tag_accuracy": 1.0, "entity_f1": 1.0}),
    ]


DOCUMENT = "The river is long. Anna crossed the old bridge. The bridge is old."


def test_the_sentence_with_the_words_that_weigh_most_is_the_answer() -> None:
    # of 3 documents "the" is in all and weighs 1; "anna", in one, ln(4 / 2) + 1; "bridge", in two, ln(4 / 3) + 1
    model = SentenceOverlap([DOCUMENT, DOCUMENT, "The bridge is here.", "The end"])
    assert model._weight({"the"}) == pytest.approx(1)
    assert model._weight({"anna", "bridge"}) == pytest.approx(log(4 / 2) + 1 + log(4 / 3) + 1)
    asked = {"question": ["Who is Anna?", "The bridge is?", "What?"], "context": [DOCUMENT] * 3}
    assert model.answers(asked) == [
        "Anna crossed the old bridge.",  # anna weighs 1.69, "is" of the others 1.29
        "The bridge is old.",
        "The river is long.",  # the first of sentences that share nothing
    ]


@pytest.mark.parametrize(("no_answer", "names"), [(True, ["no answer"]), (False, [])])
def test_no_answer_is_a_floor_where_questions_may_have_none(no_answer: bool, names: list[str]) -> None:
    columns = {"question": ["Who?"], "context": ["Anna came."], "answers": [[{"text": "Anna", "start": 0}]]}
    found = [name for name, _ in models(Span(no_answer=no_answer), columns)]
    assert found == [*names, "sentence with the question's words"]


def test_of_many_rows_some_are_drawn_and_the_name_says_how_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(floors, "MOST_ROWS", 4)
    texts, golds = zip(*TRAIN, strict=True)
    _, (name, _) = models(Classification(labels=("bad", "good", "odd")), labelled(golds, texts))
    assert name == "TF-IDF + logistic regression (4 of 7 train rows)"


@pytest.mark.parametrize(
    ("characters", "told", "count"),
    [
        (10_000, 10_000, 40),  # 40 rows of 10 characters, 2 labels: 400 characters, 800 with labels
        (100, 10_000, 10),
        (10_000, 100, 5),
    ],
)
def test_rows_are_drawn_by_their_characters_and_labels(
    characters: int, told: int, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(floors, "MOST_CHARACTERS", characters)
    monkeypatch.setattr(floors, "MOST_TOLD", told)
    table = rows(labelled(["positive", "negative"] * 20, ["ten letter"] * 40)).table
    assert tiny.SIGNS.simple
    drawn = [drawn_rows(tiny.SIGNS, tiny.SIGNS.simple, table)["row_id"] for _ in range(2)]
    assert drawn[0] == drawn[1]
    assert (len(set(drawn[0])), sorted(map(int, drawn[0]))) == (count, list(map(int, drawn[0])))


def test_a_head_that_does_not_say_how_it_is_answered_has_no_floors() -> None:
    class Other(Classification):
        @property
        def simple(self) -> None:  # type: ignore[override]  # a head of someone else's may have none
            return None

    train = rows(labelled(["a", "b"], ["x", "y"]))
    assert floors_of(Other(labels=("a", "b")), train, {"dev": (evaluation("accuracy"), train)}, Progress()) == {}


def test_sets_of_a_single_label_are_told_from_empty_ones() -> None:
    golds = [["a"], ["a"], [], []] * 3
    _, (_, model) = models(MultiLabel(labels=("a",)), labelled(golds, ["fine", "fine film", "dull", "dull film"] * 3))
    assert model.answers({"text": ["fine", "dull"]}) == [["a"], []]
