"""The multiple-choice head: windows that every choice is read beside, its loss, and rows that it refuses."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
import torch
from oracle import tokenizer_of
from tokenizers import normalizers

from bertkit.errors import DataError
from bertkit.heads import MultipleChoice, Window
from bertkit.heads.choice_windows import separator_of
from bertkit.heads.features import CHOICES, WINDOWS, Features
from bertkit.kernels.unpadded import unpadded
from bertkit.models.load import Loaded, load
from bertkit.task import Recipe
from bertkit.training.micro_batches import split

HEAD = MultipleChoice(question=True)
TEXT = " ".join(f"The boat number {k} left in the morning." for k in range(12))
ROWS = {
    "text": [TEXT, "A short text.", ""],
    "question": ["When did the boats leave?", "How long is it?", "Who came?"],
    "choices": [
        ["in the morning", "at night, when all were asleep in the house"],
        ["short", "long", "red"],
        ["a", "b"],
    ],
    "label": ["0", "0", "1"],
    "row_id": ["x", "y", "z"],
}
NARROW = Window(max_length=48, long="windows", doc_stride=10)


@pytest.fixture(params=["wordpiece", "words"])
def tokenizer(request: pytest.FixtureRequest) -> Any:
    return tokenizer_of(request.param)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    body = tiny.make("bert", tmp_path_factory.mktemp("choice") / "bert")
    return load(tiny.encoder(body), tiny.CHOICE, scratch=False, seed=1)


def sequences(features: Features, row: int) -> list[list[int]]:
    """The token ids of each sequence of a row."""
    ids = features.take(np.array([row])).runs["input_ids"]
    return [ids[k].tolist() for k in range(len(ids))]


def inside(part: list[int], whole: list[int]) -> bool:
    return any(whole[k : k + len(part)] == part for k in range(len(whole) - len(part) + 1))


def test_a_row_has_a_sequence_for_each_choice_and_window_and_none_is_longer_than_the_window(tokenizer: Any) -> None:
    features = HEAD.encode(ROWS, tokenizer, NARROW)
    counts = features.places[WINDOWS].lengths.tolist()
    assert features.places[CHOICES].values.tolist() == [2, 3, 2] == features.choices
    assert counts[0] % 2 == 0 and counts[0] > 2 and counts[1:] == [3, 2]
    assert max(len(one) for row in range(3) for one in sequences(features, row)) <= 48


def test_every_choice_is_whole_in_all_windows_and_read_beside_the_same_text(tokenizer: Any) -> None:
    features = HEAD.encode(ROWS, tokenizer, NARROW)
    found = sequences(features, 0)
    windows = len(found) // 2
    for k, choice in enumerate(ROWS["choices"][0]):
        last = tokenizer(choice, add_special_tokens=False)["input_ids"][1:]  # its first may stand after a space or not
        assert all(inside(last, one) for one in found[k * windows : (k + 1) * windows])
    start = tokenizer(TEXT)["input_ids"][:1]
    for one, other in zip(found[:windows], found[windows:], strict=True):
        first, second = (seen[1 : seen.index(tokenizer.sep_token_id)] for seen in (one, other))
        assert [start[0], *first] == one[: len(first) + 1] and first == second


def test_windows_cover_the_text_and_share_tokens(tokenizer: Any) -> None:
    features = HEAD.encode(ROWS, tokenizer, NARROW)
    ids = tokenizer(TEXT, add_special_tokens=False)["input_ids"]
    found = sequences(features, 0)
    parts = [one[1 : one.index(tokenizer.sep_token_id)] for one in found[: len(found) // 2]]
    whole = parts[0]
    for part in parts[1:]:
        shared = next(n for n in range(len(part), 0, -1) if whole[-n:] == part[:n])
        assert shared >= 1
        whole = whole + part[shared:]
    assert whole == ids
    assert not features.cut.any()


@pytest.mark.parametrize(("long", "ends"), [("truncate", False), ("head-tail", True)])
def test_without_windows_the_text_alone_is_shortened(tokenizer: Any, long: Any, ends: bool) -> None:
    features = HEAD.encode(ROWS, tokenizer, Window(max_length=48, long=long))
    ids = tokenizer(TEXT, add_special_tokens=False)["input_ids"]
    first, second = sequences(features, 0)
    read = second[1 : second.index(tokenizer.sep_token_id)]
    assert len(second) == 48 and len(first) < 48  # the longest choice says how much of the text all have
    assert (read[-1] == ids[-1]) == ends and read[0] == ids[0]
    assert features.cut.tolist() == [True, False, False]


def test_the_score_of_a_choice_is_the_mean_of_its_windows(loaded: Loaded) -> None:
    features = HEAD.encode(ROWS, loaded.tokenizer, NARROW)
    logits = tiny.predict("choice", loaded, features)
    for row in range(3):
        with torch.no_grad():
            each = [
                float(loaded.model(
                    input_ids=torch.tensor([[ids]]),
                    token_type_ids=torch.tensor([[types.tolist()]]),
                ).logits)
                for ids, types in zip(sequences(features, row), _types(features, row), strict=True)
            ]  # fmt: skip
        choices = len(ROWS["choices"][row])
        assert logits[row][:, 0] == pytest.approx(np.array(each).reshape(choices, -1).mean(1), abs=1e-5)


def _types(features: Features, row: int) -> list[Any]:
    types = features.take(np.array([row])).runs["token_type_ids"]
    return [types[k] for k in range(len(types))]


def test_the_loss_and_the_answers_see_a_row_s_own_choices_alone() -> None:
    least = torch.finfo(torch.float32).min
    logits = torch.tensor([[1.0, 3.0, least], [0.5, 0.0, 2.0]], requires_grad=True)
    loss = HEAD.loss(logits, torch.tensor([[1], [2]]), torch.ones(2, 1))
    one = np.log(1 + np.exp(-2)), np.log(1 + np.exp(-1.5) + np.exp(-2))  # by hand: -log of the gold's share
    assert float(loss.detach()) == pytest.approx(sum(one))
    loss.backward()
    assert logits.grad is not None and logits.grad[0, 2] == 0 and torch.isfinite(logits.grad).all()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"choices": ["one"]}, "a, line 1: 1 choice: at least 2 are needed"),
        ({"choices": [str(k) for k in range(11)]}, "a, line 1: 11 choices: at most 10 can be read"),
        ({"choices": ["one", " "]}, "a, line 1: the choice 2 is empty"),
        ({"choices": ["one", None]}, "a, line 1: the choice 2 is empty"),
        ({"choices": None}, "a, line 1: it has no choices"),
        ({"choices": "one, two"}, "a, line 1: the choices are a str, not a list"),
        ({"choices": '["one", '}, "a, line 1: the choices '[\"one\", ' are no list in JSON"),
        ({"label": 2}, "a, line 1: the label is '2', and it has 2 choices: 0 to 1"),
        ({"label": "A"}, "a, line 1: the label is 'A', and it has 2 choices: 0 to 1"),
        ({"label": 0.5}, "a, line 1: the label is '0.5', and it has 2 choices: 0 to 1"),
        ({"choices": ["same", "other", "same"]}, "a, line 1: the right choice 'same' is there twice"),
        ({"label": None}, "a, line 1: no label: a split without labels can be predicted, not trained on or scored"),
        ({"question": ""}, "a, line 1: the question is empty"),
    ],
)
def test_a_bad_row_is_an_error_that_says_what_is_wrong(change: dict[str, Any], said: str) -> None:
    row = {"text": "A text.", "question": "Which?", "choices": ["one", "two"], "label": 0, **change}
    with pytest.raises(DataError) as refused:
        HEAD.check("a, line 1", row, {})
    assert str(refused.value) == said


@pytest.mark.parametrize(
    ("head", "label", "spellings", "place"),
    [
        (HEAD, 1, {}, "1"),
        (HEAD, "1.0", {}, "1"),
        (HEAD, "2", {"1": "0", "2": "1"}, "1"),
        (HEAD, "B", {"A": "0", "B": "1"}, "1"),
        (MultipleChoice(question=True, by_text=True), " two ", {}, "1"),
        (MultipleChoice(question=True, by_text=True), "same", {}, "2"),
    ],
)
def test_a_gold_is_read_by_its_place_its_spelling_or_its_text(
    head: MultipleChoice, label: Any, spellings: dict[str, str], place: str
) -> None:
    row = {"text": "A text.", "question": "Which?", "choices": ["one", "two", "same", "same"], "label": label}
    assert head.gold(head.check("a", row, spellings)) == place


def test_the_text_may_be_empty_where_there_is_a_question_alone() -> None:
    row = {"text": None, "question": "Which?", "choices": ["one", "two"], "label": 0}
    assert HEAD.check("a", row, {})["text"] == ""
    with pytest.raises(DataError, match="a: the text is empty"):
        MultipleChoice().check("a", row, {})


def test_a_choice_that_leaves_no_room_for_the_text_is_an_error_that_names_its_row(tokenizer: Any) -> None:
    rows = {**ROWS, "choices": [["yes", "no"], ["yes", "a long one " * 20], ["yes", "no"]]}
    with pytest.raises(DataError, match=r"^row y: no window has room for its text: beside the choice 'How long is"):
        HEAD.check_fit([rows], tokenizer, NARROW)
    with pytest.raises(DataError, match="row y"):
        HEAD.encode(rows, tokenizer, NARROW)
    HEAD.check_fit([ROWS], tokenizer, NARROW)


def refusal(check: Callable[[], object]) -> str | None:
    """What a DataError says; None without one."""
    try:
        check()
    except DataError as error:
        return str(error)
    return None


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_a_row_is_refused_beforehand_if_and_only_if_it_cannot_be_encoded(family: str) -> None:
    tokenizer = tiny.tokenizer_of(family)
    rows = {**ROWS, "text": [TEXT, "Short.", ""]}
    for length in range(4, 60):
        window = Window(max_length=length)
        of_all = refusal(lambda window=window: HEAD.check_fit([rows], tokenizer, window))  # type: ignore[misc]
        assert of_all == refusal(lambda window=window: HEAD.encode(rows, tokenizer, window))  # type: ignore[misc]
        assert length != 4 or of_all
    assert of_all is None


class Counting:
    """A tokenizer that counts its calls, and the texts of each."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self.calls: list[list[str]] = []

    def __call__(self, texts: list[str], **more: Any) -> Any:
        self.calls.append(texts)
        return self.tokenizer(texts, **more)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.tokenizer, name)


def test_the_choices_of_a_block_are_tokenised_together_and_passages_only_where_they_may_be_too_long(
    tokenizer: Any,
) -> None:
    counting = Counting(tokenizer)
    long = "and so on, until the morning came and all of them were gone"
    rows = {
        "text": [TEXT, "Short."] * 50,
        "question": ["Who?"] * 100,
        "choices": [[long, "no"] if k % 2 else ["yes", "no"] for k in range(100)],
    }
    longest = tokenizer("Short.", f"Who?{separator_of(tokenizer)}{long}")
    HEAD.check_fit([rows], counting, Window(max_length=len(longest["input_ids"])))
    assert [len(call) for call in counting.calls] == [200, 50]
    assert set(counting.calls[1]) == {"Short."}


def test_a_choice_is_measured_as_the_tokenizer_normalises_it() -> None:
    tokenizer = tiny.tokenizer_of("xlm-roberta")
    tokenizer.backend_tokenizer.normalizer = normalizers.NFKC()
    rows = {**ROWS, "choices": [["yes", "no"], ["yes", "½" * 20], ["yes", "no"]]}  # 40 bytes, as NFKC 20 times 1⁄2
    assert len(tokenizer("½" * 20)["input_ids"]) > 56
    with pytest.raises(DataError, match=r"^row y: no window has room for its text"):
        HEAD.check_fit([{**rows, "question": [""] * 3}], tokenizer, Window(max_length=60))


def test_a_row_s_choices_stay_together_where_a_batch_is_split_to_fit_into_memory(loaded: Loaded) -> None:
    features = HEAD.encode(ROWS, loaded.tokenizer, NARROW)
    parts = split(features, Recipe(batch_size=4))
    assert [part.row.tolist() for part in parts] == [[0], [1], [2]]  # of 8, 3 and 2 sequences; at most 4 at once
    assert sum(sum(part.choices or ()) for part in parts) == 7
    whole, halves = (
        sum(float(_loss(loaded, part)) for part in several) for several in ([features], parts)
    )  # fmt: skip
    assert whole == pytest.approx(halves, rel=1e-5)


def _loss(loaded: Loaded, part: Features) -> torch.Tensor:
    model = tiny.model_of("choice", loaded, "unpadded")
    with torch.no_grad(), unpadded(loaded.model.eval(), per_token=False):
        return model.loss(part, 1.0, None, nullcontext())


def test_the_tokens_of_a_row_are_counted_with_its_longest_choice() -> None:
    texts, seconds = HEAD.read_together(ROWS)
    assert list(texts) == ROWS["text"]
    assert seconds[1] == "How long is it? short"


def test_a_model_s_folder_opens_in_transformers_alone(loaded: Loaded, tmp_path: Path) -> None:
    import transformers

    from bertkit.models.load import save

    save(loaded, tmp_path / "saved")
    model = transformers.AutoModelForMultipleChoice.from_pretrained(tmp_path / "saved").eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "saved")
    rows = {name: column[1:2] for name, column in tiny.rows("choice").items()}
    (text,), (question,), (choices,) = (rows[name] for name in ("text", "question", "choices"))
    beside = [f"{question} [SEP] {choice}" for choice in choices]
    given = tokenizer([text] * len(choices), beside, padding=True, return_tensors="pt")
    with torch.no_grad():
        theirs = model(**{name: part[None] for name, part in given.items()}).logits[0]
    features = HEAD.encode(rows, loaded.tokenizer, tiny.WINDOW)
    (answer,) = HEAD.decode(rows, features, tiny.predict("choice", loaded, features), tiny.WINDOW)
    assert list(answer.scores.values()) == pytest.approx(theirs.softmax(0).tolist(), abs=1e-6)
    assert answer.value == str(int(theirs.argmax()))
