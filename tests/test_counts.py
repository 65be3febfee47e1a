"""What is counted of rows as they become features, and said: cut questions, words without a token."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from files import squad, write
from test_cli import Say, encoder, runs, say
from test_contract_span import words_only
from test_result import RESULT_OF_A_RUN

from bertkit.data.encoding import counted, rows_cut
from bertkit.data.feature_files import cached_features
from bertkit.evaluation.metrics import METRICS
from bertkit.heads import FROM_TRAIN, Answer, Span, Tagging, Window
from bertkit.heads.span import CUT_QUESTIONS
from bertkit.heads.tagging import NO_TOKEN
from bertkit.result import RowCount, count_line
from bertkit.runs.folder import RESULT, read_result, write_result

__all__ = ["encoder", "runs", "say"]

WINDOW = Window(max_length=80, doc_stride=8)
TAGS = Tagging(labels=("NOUN", "VERB"))
ZERO_WIDTH_SPACE = "\u200b"


def question_of(words: int) -> str:
    return " ".join(f"q{i}" for i in range(words))


@pytest.mark.parametrize(("words", "counts"), [(64, {}), (65, {CUT_QUESTIONS: 1})])
def test_a_question_of_more_than_64_tokens_is_counted_once_however_many_windows(
    words: int, counts: dict[str, int]
) -> None:
    columns = {"question": [question_of(words)], "context": [" ".join("abcdefghijklmnopqrst")], "answers": [None]}
    features = Span().encode(columns, words_only(), WINDOW)
    assert len(features) > 1
    assert counted(features) == counts


def test_a_cut_question_is_said_by_finetune_and_by_predict(say: Say, tmp_path: Path) -> None:
    asked = {"id": "q1", "question": question_of(70), "answers": [{"text": "May", "answer_start": 13}]}
    for split in ("train", "dev"):
        write(tmp_path / "data" / f"{split}-v1.1.json", squad(asked))
    line = "finetune squad --model ENCODER --max-steps 1 --max-length 128 --doc-stride 16 --out RUNS --device cpu"
    code, out, err = say(f"{line} --data {tmp_path}/data")
    assert code == 0, err
    assert "train: 1 question is cut at 64 tokens" in out
    assert "dev: 1 question is cut at 64 tokens" in out
    folder = out.rstrip().rpartition("run: ")[2]
    rows = json.loads((Path(folder) / RESULT).read_text("utf-8"))["rows"]
    assert rows["train"]["counted"] == {CUT_QUESTIONS: 1}
    code, _, err = say(
        f"predict {folder} --device cpu", "--question", question_of(70), "--context", "Anna came in May."
    )
    assert code == 0
    assert "1 question is cut at 64 tokens" in " ".join(err.split())


def bert() -> Any:
    import tiny

    return tiny.tokenizer_of("bert")


def tagged(words: list[str], tags: list[str | None], length: int = 128) -> Any:
    return TAGS.encode({"words": [words], "tags": [tags]}, bert(), Window(max_length=length))


def test_a_word_without_a_token_is_counted_and_is_no_cut_wherever_it_stands() -> None:
    features = tagged(["he", ZERO_WIDTH_SPACE, "he", ZERO_WIDTH_SPACE], ["NOUN", "VERB", "NOUN", "VERB"])
    assert counted(features) == {NO_TOKEN: 2}
    assert rows_cut(features) == 0
    assert features.places["first"][0].tolist() == [1, -1, 2, -1]


def test_a_word_beyond_max_length_is_cut_and_has_a_token() -> None:
    # [CLS] he he [SEP]: the third "he" is lost; the zero-width space before it has no token anyhow
    features = tagged(["he", "he", ZERO_WIDTH_SPACE, "he"], ["NOUN"] * 4, length=4)
    assert counted(features) == {NO_TOKEN: 1}
    assert rows_cut(features) == 1


def test_a_word_without_a_gold_tag_is_not_trained_on() -> None:
    features = tagged(["he", "he", "he"], ["VERB", None, "NOUN"])
    assert features.targets is not None
    assert features.targets[0].tolist() == [-100, 1, -100, 0, -100]  # [CLS] he he he [SEP]


def test_a_word_without_a_gold_tag_is_neither_right_nor_wrong() -> None:
    golds = [["NOUN", None, "VERB"], [None]]
    values = [["NOUN", None, "NOUN"], ["VERB"]]  # one of the two words with a gold is right
    assert METRICS["tag_accuracy"].of(golds, values) == 0.5
    details = TAGS.details(golds, [Answer(value=value) for value in values])
    assert (details["words"], details["words without a tag"]) == (2, 0)
    assert details["F1 by tag"] == {"NOUN": pytest.approx(2 / 3), "VERB": 0.0}


def test_words_without_any_gold_tag_score_nothing() -> None:
    assert METRICS["tag_accuracy"].of([[None]], [["NOUN"]]) == 0.0


@pytest.mark.parametrize(
    ("name", "count", "line"),
    [
        (NO_TOKEN, 1, "1 word has no token in this vocabulary"),
        (NO_TOKEN, 1_200, "1,200 words have no token in this vocabulary"),
        (CUT_QUESTIONS, 1, "1 question is cut at 64 tokens"),
        ("gold answers are whole in no window", 1, "1 gold answer is whole in no window"),
    ],
)
def test_a_count_reads_as_a_sentence(name: str, count: int, line: str) -> None:
    assert count_line(name, count) == line


def test_counts_come_back_from_feature_files() -> None:
    features = tagged(["he", ZERO_WIDTH_SPACE, "he"], ["NOUN", None, "VERB"])
    for found in (cached_features(None, lambda: iter([features, features])), features.concat([features, features])):
        assert counted(found) == {NO_TOKEN: 2}
    assert counted(features.take(np.array([0, 0, 0]))) == {NO_TOKEN: 3}


def test_counts_come_back_from_a_result_and_are_none_in_an_older_one(tmp_path: Path) -> None:
    count = RowCount(used=3, there=3, cut=1, counted={NO_TOKEN: 2})
    assert count.lines == ["1 of 3 rows cut to fit the window", "2 words have no token in this vocabulary"]
    result = replace(RESULT_OF_A_RUN, rows={"train": count})
    write_result(tmp_path, result)
    assert read_result(tmp_path) == result
    plain = json.loads((tmp_path / RESULT).read_text("utf-8"))
    del plain["rows"]["train"]["counted"]
    write(tmp_path / RESULT, json.dumps(plain))
    assert read_result(tmp_path) == replace(result, rows={"train": replace(count, counted={})})


def test_no_tag_is_no_label() -> None:
    assert Tagging(labels=FROM_TRAIN).resolved([["b", None], ["a"]]).labels == ("a", "b")
