"""The span head beyond the laws: windows, offsets, max context, n-best, no answer.

The reference is a plain loop over the rules of google-research/bert's run_squad.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from oracle import Columns, guessed, made_up, oracle, splits_of, tokenizer_of
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from bertkit.heads import Span, Window
from bertkit.heads.features import Features, Ragged

TASKS = ("squad", "squad_v2")
WINDOWS = (Window(max_length=384, doc_stride=128), Window(max_length=110, doc_stride=40))
NARROW = Window(max_length=92, doc_stride=8, max_answer_length=6)


@pytest.fixture(params=["wordpiece", "bytes", "spaces"])
def tokenizer(request: pytest.FixtureRequest) -> Any:
    return tokenizer_of(request.param)


def rows_of(name: str) -> Columns:
    train = splits_of(name).train
    assert train
    return train.table[:]


def one_row_a_gold(columns: Columns) -> dict[str, list[Any]]:
    """The same questions, each as often as it has golds, and each time with one of them."""
    apart: dict[str, list[Any]] = {"question": [], "context": [], "answers": []}
    for question, context, golds in zip(*(columns[role] for role in apart), strict=True):
        for gold in golds:
            apart["question"].append(question)
            apart["context"].append(context)
            apart["answers"].append([gold])
    return apart


def words_only() -> Any:
    """A tokenizer whose tokens are the words, `[CLS] question [SEP] document [SEP]`."""
    from transformers import PreTrainedTokenizerFast

    names = {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "[PAD]": 3}
    backend = Tokenizer(models.WordLevel(names, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    return PreTrainedTokenizerFast(tokenizer_object=backend, pad_token="[PAD]", unk_token="[UNK]")


def encode_words(context: str, shown: int, shared: int, golds: list[dict[str, Any]] | None = None) -> Features:
    """Windows that show `shown` words of a document each and share `shared`, after a question of one word."""
    columns = {"question": ["why?"], "context": [context], "answers": [golds]}
    return Span(no_answer=True).encode(columns, words_only(), Window(max_length=shown + 4, doc_stride=shared))


def document_tokens(features: Features, i: int) -> np.ndarray:
    """(D,) the places in window i of the tokens that are the document's."""
    return np.flatnonzero(features.places["chars"][i][:, 0] >= 0)


@pytest.mark.parametrize("window", [WINDOWS[1], NARROW], ids=lambda window: f"{window.max_length}")
def test_two_windows_of_a_document_share_doc_stride_tokens(window: Window, tokenizer: Any) -> None:
    features = Span().encode(rows_of("squad"), tokenizer, window)
    pairs = [(i, i + 1) for i in range(len(features) - 1) if features.row[i] == features.row[i + 1]]
    assert len(pairs) > 50
    for i, j in pairs:
        here, there = (features.places["chars"][k][document_tokens(features, k)] for k in (i, j))
        assert here[-window.doc_stride :].tolist() == there[: window.doc_stride].tolist()


def test_every_character_of_a_document_is_shown(tokenizer: Any) -> None:
    columns = rows_of("squad")
    features = Span().encode(columns, tokenizer, NARROW)
    for r, context in enumerate(columns["context"]):
        places = [place for i in np.flatnonzero(features.row == r) for place in features.places["chars"][i].tolist()]
        shown = {at for start, end in places if start >= 0 for at in range(start, end)}
        assert {at for at, character in enumerate(context) if not character.isspace()} <= shown


@pytest.mark.parametrize("window", WINDOWS, ids=lambda window: f"{window.max_length}")
@pytest.mark.parametrize("name", TASKS)
def test_a_gold_that_fits_is_found_at_its_exact_text_and_place(name: str, window: Window, tokenizer: Any) -> None:
    head, columns = Span(no_answer=True), one_row_a_gold(rows_of(name))
    features = head.encode(columns, tokenizer, window)
    answers = head.decode(columns, features, oracle(head, features), window)
    fitting = [
        len(tokenizer(gold[0]["text"], add_special_tokens=False)["input_ids"]) < 20 for gold in columns["answers"]
    ]
    assert sum(fitting) > 50
    for fits, (gold,), answer in zip(fitting, columns["answers"], answers, strict=True):
        found = answer.scores["n_best"][0]
        assert not fits or (answer.value, found["start"]) == (gold["text"], gold["start"])


@pytest.mark.parametrize(("text", "start"), [("😀", 4), ("é", 2), ("果", 6), ("😀 果", 4)])
def test_a_character_of_several_tokens_can_be_the_answer(text: str, start: int, tokenizer: Any) -> None:
    head, window = Span(), Window(doc_stride=8)
    columns = {
        "question": ["which?"],
        "context": ["a é 😀 果 b c d e f g h"],
        "answers": [[{"text": text, "start": start}]],
    }
    assert columns["context"][0][start:].startswith(text)
    features = head.encode(columns, tokenizer, window)
    assert head.decode(columns, features, oracle(head, features), window)[0].value == text


def test_a_window_that_does_not_hold_the_answer_whole_points_at_its_first_token() -> None:
    features = encode_words("one two three four five six", 4, 1, [{"text": "four five", "start": 14}])
    assert features.targets is not None
    # [CLS] why? [SEP] one two three four [SEP], and the same with four five six: token 3 is the first shown
    assert [features.targets[i].tolist() for i in range(2)] == [[0, 0], [3, 4]]


def test_a_question_without_an_answer_points_at_the_first_token() -> None:
    features = encode_words("one two three", 4, 1, [])
    assert features.targets is not None
    assert features.targets[0].tolist() == [0, 0]


def test_the_max_context_of_bert_s_own_example() -> None:
    # run_squad.py: spans of five words, three on; "bought" has least(4 left, 0 right) = 0 in the second,
    # least(1 left, 3 right) = 1 in the third
    text = "the man went to the store and bought a gallon of milk"
    features = encode_words(text, 5, 2)
    flags = [features.places["best"][i][document_tokens(features, i)].tolist() for i in range(3)]
    assert (flags[1][4], flags[2][1]) == (False, True)  # to the store and BOUGHT; and BOUGHT a gallon of


def test_of_two_windows_that_show_as_much_around_a_token_the_first_has_it() -> None:
    # one two THREE(1 after it)  four | two THREE(1 before it) four five: run_squad.py keeps the first of equals
    features = encode_words("one two three four five", 4, 3)
    flags = [features.places["best"][i][document_tokens(features, i)].tolist() for i in range(2)]
    assert flags == [[True, True, True, False], [False, False, True, True]]


def test_a_hundredth_of_a_window_s_length_counts_as_context() -> None:
    # of 302 words the first window shows 0 to 299, the second 290 to 301; around word 296 the first shows
    # least(296, 3) + 3.00 = 6.00, the second least(6, 5) + 0.12 = 5.12
    features = encode_words(" ".join(f"w{i}" for i in range(302)), 300, 10)
    flags = [features.places["best"][i][document_tokens(features, i)].tolist() for i in range(2)]
    assert [len(flag) for flag in flags] == [300, 12]
    assert (flags[0][296], flags[1][6]) == (True, False)


@dataclass(frozen=True, kw_only=True)
class Best:
    """What the reference finds for a row: the best stretch, its score, and that of no answer."""

    text: str
    score: float
    null: float


def reference(context: str, features: Features, windows: list[int], logits: Ragged, window: Window) -> Best:
    """The best sum of a start and an end logit over all windows, by loops; tokens are counted over the document."""
    inside = [document_tokens(features, i) for i in windows]
    begins = [k * (len(inside[0]) - window.doc_stride) for k in range(len(windows))]
    holder: dict[int, tuple[float, int]] = {}
    for k, (begin, tokens) in enumerate(zip(begins, inside, strict=True)):
        for place in range(len(tokens)):
            around = min(place, len(tokens) - 1 - place) + 0.01 * len(tokens)
            if begin + place not in holder or around > holder[begin + place][0]:
                holder[begin + place] = around, k
    best, null = (-np.inf, 0, 0), np.inf
    for k, (i, begin, tokens) in enumerate(zip(windows, begins, inside, strict=True)):
        scores, chars = logits[i].astype(float), features.places["chars"][i]
        null = min(null, scores[0].sum())
        for start in range(len(tokens)):
            if holder[begin + start][1] != k:
                continue
            for end in range(start, min(start + window.max_answer_length, len(tokens))):
                total = scores[tokens[start], 0] + scores[tokens[end], 1]
                best = max(best, (total, int(chars[tokens[start], 0]), int(chars[tokens[end], 1])))
    return Best(text=context[best[1] : best[2]], score=best[0], null=null)


@pytest.mark.parametrize("kind", ["wordpiece", "bytes"])
def test_the_answer_is_that_of_a_loop_over_all_stretches(kind: str) -> None:
    head, columns = Span(), rows_of("squad_v2")
    features = head.encode(columns, tokenizer_of(kind), NARROW)
    logits = made_up(head, features)
    answers = head.decode(columns, features, logits, NARROW)
    for r, (context, answer) in enumerate(zip(columns["context"], answers, strict=True)):
        found = reference(context, features, np.flatnonzero(features.row == r).tolist(), logits, NARROW)
        assert answer.value == found.text
        assert answer.scores["no_answer"] == pytest.approx(found.null - found.score)


def test_every_stretch_lies_in_the_document_and_is_not_too_long(tokenizer: Any) -> None:
    head, columns = Span(), rows_of("squad")
    features = head.encode(columns, tokenizer, NARROW)
    for r, answer in enumerate(guessed(head, columns, tokenizer, NARROW)):
        for found in answer.scores["n_best"]:
            end = found["start"] + len(found["text"])
            assert found["text"]
            assert columns["context"][r][found["start"] : end] == found["text"]
            starts = {s for i in np.flatnonzero(features.row == r) for s in features.places["chars"][i][:, 0].tolist()}
            assert 1 <= len([s for s in starts if found["start"] <= s < end]) <= NARROW.max_answer_length


def test_stretches_come_best_first_and_share_one_probability(tokenizer: Any) -> None:
    for answer in guessed(Span(), rows_of("squad"), tokenizer, NARROW):
        shares = [found["score"] for found in answer.scores["n_best"]]
        assert len(shares) == 20
        assert sum(shares) == pytest.approx(1)
        assert all(one >= other for one, other in pairwise(shares))
        assert answer.value == answer.scores["n_best"][0]["text"]


def decoded(threshold: float, no_answer: bool = True) -> str:
    """The answer where "three" gets 2 + 1 logits and "no answer" 4.5 in one window, 5 in the other."""
    head, context = Span(no_answer=no_answer), "one two three four five"
    features = encode_words(context, 4, 1)
    runs = [np.full((tokens, 2), -9.0) for tokens in features.lengths]
    runs[0][0], runs[1][0] = (4.0, 0.5), (2.0, 3.0)
    runs[0][5] = (2.0, 1.0)  # [CLS] why? [SEP] one two three
    window = Window(max_length=8, doc_stride=1, null_threshold=threshold)
    logits = Ragged.of(runs, "float32", width=2)
    (answer,) = head.decode({"question": ["why?"], "context": [context]}, features, logits, window)
    assert answer.scores["no_answer"] == pytest.approx(4.5 - 3.0)
    return str(answer.value)


@pytest.mark.parametrize(("threshold", "value"), [(-1.0, ""), (1.4, ""), (1.5, "three"), (2.0, "three")])
def test_no_answer_is_given_where_it_leads_by_more_than_the_threshold(threshold: float, value: str) -> None:
    assert decoded(threshold) == value


def test_a_task_whose_questions_all_have_an_answer_is_never_without_one() -> None:
    assert decoded(-100.0, no_answer=False) == "three"


def test_a_question_is_cut_after_64_tokens() -> None:
    columns = {"question": [" ".join(f"q{i}" for i in range(90))], "context": ["one two three four"], "answers": [None]}
    features = Span().encode(columns, words_only(), Window(max_length=80, doc_stride=8))
    assert features.lengths.tolist() == [64 + 4 + 3]  # and the document whole, and three special tokens
