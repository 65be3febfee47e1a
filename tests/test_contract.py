"""The laws that every head obeys, for every installed task, other packages' included."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
import own_tasks
import pytest
from oracle import Columns, evaluated, golds_of, guessed, made_up, oracle, splits_of, tokenizer_of

from bertkit import registry
from bertkit.evaluation.metrics import METRICS
from bertkit.heads import (
    FROM_TRAIN,
    Answer,
    Classification,
    Head,
    MultiLabel,
    MultipleChoice,
    Number,
    Span,
    Tagging,
    Window,
)
from bertkit.heads.features import Features, Ragged
from bertkit.task import Evaluation, Task

ALL = {task.name: task for task in (*registry.tasks(), *own_tasks.TASKS)}
BY_LANGUAGE = [name for name in ALL if "." in name]
"""The laws are those of heads: a data set's tasks, one a language, have the head of a task that is tested."""
TASKS = {name: task for name, task in ALL.items() if name not in BY_LANGUAGE}
TAGGING = [name for name, task in TASKS.items() if isinstance(task.head, Tagging)]
NAMED = [n for n, task in TASKS.items()
         if not isinstance(task.head, Span | MultipleChoice) and not isinstance(task.head.labels, Number)]  # fmt: skip
EVALUATIONS = [(task, evaluation) for task in ALL.values() for evaluation in task.evaluations]
KINDS = {
    "label": Classification | MultipleChoice,
    "labels": MultiLabel,
    "number": Classification,
    "tags": Tagging,
    "text": Span,
}


def named(part: Any) -> str | None:
    return getattr(part, "name", None)


@pytest.fixture(params=["wordpiece", "words"])
def tokenizer(request: pytest.FixtureRequest) -> Any:
    return tokenizer_of(request.param)


def head_and_window(name: str) -> tuple[Head, Window]:
    return splits_of(name).head, TASKS[name].recipe.window


def short(head: Head) -> Window:
    """The shortest window there is; for a span it leaves some 20 tokens besides the longest question, or choice."""
    if isinstance(head, MultipleChoice):
        return Window(max_length=128, doc_stride=8, long="windows")
    return Window(max_length=92, doc_stride=8) if isinstance(head, Span) else Window(max_length=8)


def scored_columns(name: str) -> list[tuple[Evaluation, Columns]]:
    """Rows with golds that can all be learnt: the train rows, and those of each scored evaluation.

    Where labels are read from the train rows, others may hold more of them, which nothing could answer.
    """
    task, splits = TASKS[name], splits_of(name)
    parts = [(e, columns) for e in task.scored for n, columns in evaluated(name) if n == e.name]
    assert splits.train
    return [(task.scored[0], splits.train.table[:]), *([] if task.head.labels == FROM_TRAIN else parts)]


def same(one: Ragged, other: Ragged) -> bool:
    return np.array_equal(one.values, other.values) and np.array_equal(one.offsets, other.offsets)


def parts_of(features: Features) -> dict[str, Ragged]:
    targets = {"targets": features.targets} if features.targets else {}
    return {**features.inputs, **features.places, **targets}


@pytest.mark.parametrize("name", BY_LANGUAGE)
def test_a_task_of_one_language_has_the_head_of_a_tested_task_but_for_names_of_labels(name: str) -> None:
    head = ALL[name].head
    renamed = [replace(one.head, labels=head.labels) if isinstance(head, Classification) else one.head
               for one in TASKS.values() if type(one.head) is type(head)]  # fmt: skip
    assert head in renamed


@pytest.mark.parametrize("name", TASKS)
def test_each_row_has_one_answer(name: str, tokenizer: Any) -> None:
    head, window = head_and_window(name)
    for _, columns in evaluated(name):
        assert len(guessed(head, columns, tokenizer, window)) == len(columns["row_id"])


@pytest.mark.parametrize("name", TASKS)
def test_answers_come_in_the_rows_order(name: str, tokenizer: Any) -> None:
    head, window = head_and_window(name)
    for _, columns in evaluated(name):
        backwards = {role: list(reversed(column)) for role, column in columns.items()}
        answers = guessed(head, columns, tokenizer, window)
        assert guessed(head, backwards, tokenizer, window) == list(reversed(answers))


@pytest.mark.parametrize("name", TASKS)
def test_logits_made_from_the_targets_get_the_best_of_every_metric(name: str, tokenizer: Any) -> None:
    head, window = head_and_window(name)
    labels = head.labels if isinstance(head.labels, tuple) else ()
    for evaluation, columns in scored_columns(name):
        features = head.encode(columns, tokenizer, window)
        values = [answer.value for answer in head.decode(columns, features, oracle(head, features), window)]
        got = {metric: METRICS[metric].of(golds_of(head, columns), values, labels) for metric in evaluation.metrics}
        assert got == {metric: pytest.approx(METRICS[metric].best) for metric in evaluation.metrics}


@pytest.mark.parametrize("name", TASKS)
def test_no_feature_is_longer_than_max_length(name: str, tokenizer: Any) -> None:
    head, _ = head_and_window(name)
    for _, columns in evaluated(name):
        features = head.encode(columns, tokenizer, short(head))
        assert features.runs["input_ids"].lengths.max() <= short(head).max_length


@pytest.mark.parametrize("name", TASKS)
def test_a_row_that_is_cut_still_has_its_answer(name: str, tokenizer: Any) -> None:
    head, _ = head_and_window(name)
    for _, columns in evaluated(name):
        assert len(guessed(head, columns, tokenizer, short(head))) == len(columns["row_id"])


@pytest.mark.parametrize("name", [n for n, task in TASKS.items() if isinstance(task.head, Classification | MultiLabel)])
def test_a_text_is_called_cut_if_it_has_more_tokens_than_max_length(name: str, tokenizer: Any) -> None:
    head, _ = head_and_window(name)
    assert isinstance(head, Classification | MultiLabel)
    for _, columns in evaluated(name):
        pairs = columns["text_pair"] if head.pair else [None] * len(columns["text"])
        lengths = [len(tokenizer(*texts)["input_ids"]) for texts in zip(columns["text"], pairs, strict=True)]
        features = head.encode(columns, tokenizer, Window(max_length=20))
        assert features.cut.tolist() == [length > 20 for length in lengths]


def words_seen(words: list[str], tokenizer: Any, room: int) -> list[bool]:
    """For each word whether its first token is among the first `room` of the sentence: words are counted out singly."""
    counts = [len(tokenizer([word], is_split_into_words=True, add_special_tokens=False)["input_ids"]) for word in words]
    return [sum(counts[:i]) < room and counts[i] > 0 for i in range(len(words))]


@pytest.mark.parametrize("name", TAGGING)
def test_words_that_max_length_cuts_off_are_wrong_ones(name: str, tokenizer: Any) -> None:
    head, _ = head_and_window(name)
    rows = splits_of(name).train
    assert rows
    columns, window = rows.table[:], Window(max_length=8)
    features = head.encode(columns, tokenizer, window)
    values = [answer.value for answer in head.decode(columns, features, oracle(head, features), window)]
    seen = [flag for words in columns["words"] for flag in words_seen(words, tokenizer, 8 - 2)]
    assert 0 < sum(seen) < len(seen)
    accuracy = METRICS["tag_accuracy"].of(golds_of(head, columns), values)
    assert accuracy == pytest.approx(sum(seen) / len(seen))


@pytest.mark.parametrize("name", TAGGING)
def test_words_that_max_length_cuts_off_have_no_tag(name: str, tokenizer: Any) -> None:
    head, _ = head_and_window(name)
    for _, columns in evaluated(name):
        tagged = [[tag is not None for tag in a.value] for a in guessed(head, columns, tokenizer, Window(max_length=8))]
        assert tagged == [words_seen(words, tokenizer, 8 - 2) for words in columns["words"]]


def names_in(head: Head, answers: list[Answer]) -> list[Any]:
    """What is answered; a set of labels has no order."""
    return [set(answer.value) if isinstance(head, MultiLabel) else answer.value for answer in answers]


@pytest.mark.parametrize("name", NAMED)
def test_answers_go_by_the_labels_names_not_their_order(name: str, tokenizer: Any) -> None:
    head, window = head_and_window(name)
    assert isinstance(head.labels, tuple)
    order = np.random.default_rng(1).permutation(len(head.labels))[::-1]
    moved = replace(head, labels=tuple(head.labels[k] for k in order))
    for _, columns in evaluated(name):
        features = head.encode(columns, tokenizer, window)
        logits = made_up(head, features)
        there = moved.decode(columns, features, Ragged(logits.values[:, order], logits.offsets), window)
        here = head.decode(columns, features, logits, window)
        assert names_in(moved, there) == names_in(head, here)


@pytest.mark.parametrize("name", NAMED)
def test_targets_go_by_the_labels_names_not_their_order(name: str, tokenizer: Any) -> None:
    head, window = head_and_window(name)
    assert isinstance(head.labels, tuple)
    moved = replace(head, labels=head.labels[1:] + head.labels[:1])
    for _, columns in scored_columns(name):
        features = moved.encode(columns, tokenizer, window)
        answers = moved.decode(columns, features, oracle(moved, features), window)
        golds = [Answer(value=gold) for gold in golds_of(head, columns)]
        assert names_in(moved, answers) == names_in(head, golds)


@pytest.mark.parametrize("name", TASKS)
def test_encoding_twice_gives_the_same_and_leaves_the_rows_alone(name: str, tokenizer: Any) -> None:
    head, window = head_and_window(name)
    for _, columns in evaluated(name):
        before = deepcopy(dict(columns))
        one, other = (head.encode(columns, tokenizer, window) for _ in range(2))
        assert columns == before
        assert np.array_equal(one.row, other.row)
        assert all(same(part, parts_of(other)[key]) for key, part in parts_of(one).items())


@pytest.mark.parametrize("name", TASKS)
def test_decoding_twice_gives_the_same_and_leaves_its_inputs_alone(name: str, tokenizer: Any) -> None:
    head, window = head_and_window(name)
    for _, columns in evaluated(name):
        features = head.encode(columns, tokenizer, window)
        logits = made_up(head, features)
        before = deepcopy((dict(columns), parts_of(features), logits))
        answers = [head.decode(columns, features, logits, window) for _ in range(2)]
        assert answers[0] == answers[1]
        assert columns == before[0]
        assert all(same(part, before[1][key]) for key, part in parts_of(features).items())
        assert same(logits, before[2])


@pytest.mark.parametrize("name", NAMED)
def test_a_share_of_probability_is_given_for_each_answer(name: str, tokenizer: Any) -> None:
    head, window = head_and_window(name)
    for _, columns in evaluated(name):
        for answer in guessed(head, columns, tokenizer, window):
            if isinstance(head, Classification):
                assert sum(answer.scores.values()) == pytest.approx(1)
                assert answer.value == max(answer.scores, key=answer.scores.__getitem__)
            elif isinstance(head, MultiLabel):
                assert answer.value == [name for name, share in answer.scores.items() if share >= 0.5]
                assert list(answer.scores) == list(head.label_names)
            else:
                assert all(1 / len(head.labels) <= share <= 1 for share in answer.scores["tags"])


def test_a_word_that_leaves_no_token_has_no_tag_and_moves_no_other() -> None:
    head = Tagging(labels=("A", "B", "C"))
    columns = {"words": [["one", "\u200b", "three"]], "tags": [["A", "B", "C"]]}  # BERT drops a zero-width space
    features = head.encode(columns, tokenizer_of("wordpiece"), Window())
    assert head.decode(columns, features, oracle(head, features), Window())[0].value == ["A", None, "C"]


def test_the_first_sub_word_alone_speaks_for_its_word() -> None:
    columns = {"words": [["a", "zyzzyva", "b"]], "tags": [["A", "B", "A"]]}
    tokenizer = tokenizer_of("wordpiece")
    pieces = len(tokenizer.tokenize("zyzzyva"))
    assert pieces > 2
    features = Tagging(labels=("A", "B")).encode(columns, tokenizer, Window())
    assert features.targets is not None
    # [CLS] a zy ## ## b [SEP]
    assert features.targets[0].tolist() == [-100, 0, 1, *[-100] * (pieces - 1), 0, -100]
    assert features.places["first"][0].tolist() == [1, 2, 2 + pieces]


def test_a_tag_that_is_no_label_is_not_trained_on() -> None:
    columns = {"words": [["a", "b"]], "tags": [["A", "Z"]]}
    features = Tagging(labels=("A", "B")).encode(columns, tokenizer_of("wordpiece"), Window())
    assert features.targets is not None
    assert features.targets[0].tolist() == [-100, 0, -100, -100]


def test_a_tag_that_training_never_saw_counts_as_wrong(tokenizer: Any) -> None:
    head = Tagging(labels=("A", "B"))
    columns = {"words": [["one", "two", "three", "four"]], "tags": [["A", "Z", "B", "Z"]]}
    features = head.encode(columns, tokenizer, Window())
    values = [answer.value for answer in head.decode(columns, features, oracle(head, features), Window())]
    assert METRICS["tag_accuracy"].of(columns["tags"], values) == 2 / 4


@pytest.mark.parametrize(("logit", "number"), [(-0.5, 0.0), (2.5, 2.5), (7.0, 5.0)])
def test_a_number_is_kept_within_its_bounds(logit: float, number: float) -> None:
    head = Classification(labels=Number(low=0, high=5))
    features = head.encode({"text": ["a text"]}, tokenizer_of("words"), Window())
    logits = Ragged.of([[[logit]]], "float32", width=1)
    assert head.decode({"text": ["a text"]}, features, logits, Window())[0].value == number


@pytest.mark.parametrize(("task", "evaluation"), EVALUATIONS, ids=named)
def test_an_evaluation_s_metrics_fit_what_its_head_answers(task: Task, evaluation: Evaluation) -> None:
    kinds = {METRICS[name].kind for name in evaluation.metrics}
    assert all(isinstance(task.head, KINDS[kind]) for kind in kinds)
    assert ("number" in kinds) == (isinstance(task.head.labels, Number) and evaluation.scored)


@pytest.mark.parametrize(("task", "evaluation"), EVALUATIONS, ids=named)
def test_f1_is_asked_of_tasks_with_two_labels(task: Task, evaluation: Evaluation) -> None:
    assert "f1" not in evaluation.metrics or len(task.head.labels) == 2


@pytest.mark.parametrize(("task", "evaluation"), EVALUATIONS, ids=named)
def test_human_scores_are_fractions_of_metrics_that_are_there(task: Task, evaluation: Evaluation) -> None:
    assert set(evaluation.human) <= set(evaluation.metrics)
    assert all(0 < score <= 1 for score in evaluation.human.values())


@pytest.mark.parametrize("suite", registry.suites(), ids=named)
def test_a_suite_s_members_are_tasks(suite: Any) -> None:
    assert set(suite.members) <= set(ALL)
    assert 0 < suite.human < 1
