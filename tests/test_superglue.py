"""SuperGLUE's tasks: the official layout and the Hub's, words marked where they stand, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from door import Refused, refused
from files import json_lines, write

from bertkit import registry
from bertkit.data.nested import unnested
from bertkit.data.rows import Rows, read_files
from bertkit.data.validate import validate_rows
from bertkit.errors import DataError
from bertkit.findings import Findings
from bertkit.sources import locate
from bertkit.task import Task

__all__ = ["refused"]

PASSAGE = {
    "idx": 0,
    "version": 1.1,
    "passage": {
        "text": "Anna met Carl. Carl left.",
        "questions": [
            {"idx": 4, "question": "Who left?", "answers": [
                {"idx": 9, "text": "Carl", "label": 1}, {"idx": 10, "text": "Anna", "label": 0},
                {"idx": 11, "text": "the man", "label": 1},
            ]},
            {"idx": 5, "question": "Who came?", "answers": [{"idx": 12, "text": "", "label": 0}]},
        ],
    },
}  # fmt: skip
NEWS = {
    "source": "Daily mail",
    "idx": 7,
    "passage": {
        "text": "Oslo beat Bergen.\n@highlight\nOslo won",
        "entities": [{"start": 0, "end": 3}, {"start": 10, "end": 15}, {"start": 29, "end": 32}],
    },
    "qas": [
        {"idx": 20, "query": "@placeholder lost", "answers": [{"start": 10, "end": 15, "text": "Bergen"}]},
        {"idx": 21, "query": "@placeholder won", "answers": [{"text": "Oslo"}, {"text": "Oslo"}]},
    ],
}
SCHEMA = {
    "text": "The trophy does not fit into the brown suitcase because it's too small.",
    "target": {"span1_text": "The brown suitcase", "span1_index": 6, "span2_text": "it", "span2_index": 10},
    "idx": 3,
    "label": True,
}
PLACED = {
    "word": "stripe",
    "sentence1": "Men of every stripe joined.",
    "sentence2": "They earned their stripes.",
    "start1": 13, "end1": 19, "start2": 18, "end2": 25, "idx": 0, "label": False, "version": 1.1,
}  # fmt: skip


def read(task: str, folder: Path, split: str = "dev", golds: bool = True) -> dict[str, list[Any]]:
    """The rows of a split as a run reads them."""
    return dict(rows_of(registry.find(task), folder, split, golds).table[:])


def rows_of(task: Task, folder: Path, split: str, golds: bool = True) -> Rows:
    located = locate(task.source, folder, split)
    assert located
    return read_files(located, task.source, task.head, golds)


def on_hub(task: str, *rows: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows as the Hub has them, class ids by name, read by a task."""
    source, findings = registry.find(task).source, Findings()
    placed = ((f"hub, row {k}", dict(row)) for k, row in enumerate(rows, 1))
    return list(validate_rows(unnested(placed, source.nested, findings), source, registry.find(task).head, True))


def test_a_passage_of_multirc_is_a_row_for_each_question_with_all_its_answers(tmp_path: Path) -> None:
    write(tmp_path / "MultiRC/val.jsonl", json_lines(PASSAGE))
    found = read("multirc", tmp_path)
    assert found["text"] == ["Anna met Carl. Carl left."] * 2
    assert found["question"] == ["Who left?", "Who came?"]
    assert found["candidates"] == [["Carl", "Anna", "the man"], ["-"]]  # one answer of the published set is empty
    assert found["answers"] == [["0", "2"], []]
    assert (found["row_id"], found["group"]) == (["4", "5"], ["0", "0"])


def test_rows_of_multirc_on_the_hub_are_joined_by_their_question() -> None:
    said = [(0, "A", "False"), (0, "B", "True"), (1, "A", "True"), (1, "C", "True")]
    rows = [
        {"paragraph": "P", "question": "Q", "answer": answer, "label": label,
         "idx": {"paragraph": 0, "question": asked, "answer": number}}
        for number, (asked, answer, label) in enumerate(said)
    ]  # fmt: skip
    found = on_hub("multirc", *rows)
    assert [row["candidates"] for row in found] == [["A", "B"], ["A", "C"]]
    assert [row["answers"] for row in found] == [["1"], ["0", "1"]]
    assert [(row["row_id"], row["group"]) for row in found] == [("0", "0"), ("1", "0")]


@pytest.mark.parametrize(("lacking", "said"), [("label", "label"), ("answer", "the answer is empty")])
@pytest.mark.parametrize("place", [0, 1])
def test_a_row_of_multirc_that_lacks_a_column_is_a_bad_one(tmp_path: Path, lacking: str, said: str, place: int) -> None:
    lines: list[dict[str, Any]] = [
        {"paragraph": "P", "question": "Q", "answer": answer, "label": 1,
         "idx": {"paragraph": 0, "question": 0, "answer": number}}
        for number, answer in enumerate("AB")
    ]  # fmt: skip
    del lines[place][lacking]
    write(tmp_path / "MultiRC/val.jsonl", json_lines(*lines))
    with pytest.raises(DataError, match=f"line 1: .*{said}"):
        read("multirc", tmp_path)


def test_the_answers_to_choose_from_of_record_are_its_entities_each_once(tmp_path: Path) -> None:
    write(tmp_path / "ReCoRD/val.jsonl", json_lines(NEWS))
    found = read("record", tmp_path)
    assert found["candidates"] == [["Oslo", "Bergen"]] * 2
    assert found["answers"] == [["Bergen"], ["Oslo", "Oslo"]]
    assert (found["row_id"], found["group"]) == (["20", "21"], ["7", "7"])


def test_record_of_the_hub_has_its_entities_in_a_column() -> None:
    row = {"passage": "Oslo won.", "query": "@placeholder won", "entities": ["Oslo"], "answers": ["Oslo"],
           "idx": {"passage": 1, "query": 2}}  # fmt: skip
    (found,) = on_hub("record", row)
    assert (found["candidates"], found["answers"], found["row_id"]) == (["Oslo"], ["Oslo"], "2")


def test_test_files_without_labels_are_read_for_prediction(tmp_path: Path) -> None:
    unlabelled = {**NEWS, "qas": [{"idx": 0, "query": "@placeholder lost"}]}
    write(tmp_path / "ReCoRD/test.jsonl", json_lines(unlabelled))
    assert read("record", tmp_path, "test", golds=False)["answers"] == [None]
    write(tmp_path / "WSC/test.jsonl", json_lines({name: SCHEMA[name] for name in ("text", "target", "idx")}))
    assert read("wsc", tmp_path, "test", golds=False)["label"] == [None]


def test_noun_and_pronoun_of_wsc_are_marked_by_the_numbers_of_their_words(tmp_path: Path) -> None:
    write(tmp_path / "WSC/val.jsonl", json_lines(SCHEMA))
    found = read("wsc", tmp_path)
    assert found["text"] == [
        "The trophy does not fit into _the brown suitcase_ because [it]'s too small."
    ]  # the span's case is not the text's, and 's is not part of the pronoun
    assert (found["label"], found["row_id"]) == (["true"], ["3"])


def test_a_number_of_wsc_may_be_too_small_by_one_as_published(tmp_path: Path) -> None:
    target = {**SCHEMA["target"], "span2_index": 9}  # type: ignore[dict-item]
    write(tmp_path / "WSC/val.jsonl", json_lines({**SCHEMA, "target": target}))
    assert "[it]" in read("wsc", tmp_path)["text"][0]


def test_the_hub_has_the_spans_of_wsc_as_columns() -> None:
    (found,) = on_hub("wsc", {"text": SCHEMA["text"], **SCHEMA["target"], "idx": 3, "label": "True"})  # type: ignore[dict-item]
    assert found["text"].count("_") == 2


def test_the_word_of_wic_is_marked_in_both_sentences(tmp_path: Path) -> None:
    write(tmp_path / "WiC/val.jsonl", json_lines(PLACED))
    found = read("wic", tmp_path)
    assert found["text"] == ['Men of every "stripe" joined.']
    assert found["text_pair"] == ['They earned their "stripes".']


@pytest.mark.parametrize(
    ("word", "sentence", "start", "end"),
    [
        ("go", "He went home.", 3, 7),
        ("have", "I've come.", 1, 4),
        ("do", "It doesn't suffice.", 3, 7),
        ("call", "He called round.", 10, 15),
    ],
)
def test_forms_of_wic_as_they_are_published_are_taken(
    word: str, sentence: str, start: int, end: int, tmp_path: Path
) -> None:
    row = {**PLACED, "word": word, "sentence1": sentence, "start1": start, "end1": end}
    row |= {"sentence2": word, "start2": 0, "end2": len(word)}
    write(tmp_path / "WiC/val.jsonl", json_lines(row))
    assert read("wic", tmp_path)["text"][0].count('"') == 2


WRONG: dict[str, tuple[str, str, dict[str, Any], str]] = {
    "another word": ("wic", "WiC", {**PLACED, "start1": 7, "end1": 12}, "'stripe' is not in its text at characters 7"),
    "a part of a word": ("wic", "WiC", {**PLACED, "start2": 19}, "'stripe' is not in its text at characters 19 to 25"),
    "after the end": ("wic", "WiC", {**PLACED, "end1": 99}, "is not in its text at characters 13 to 99: ''"),
    "no number": ("wic", "WiC", {**PLACED, "start1": "x"}, "'start1' is 'x', and no number from 0 on"),
    "no column": ("wic", "WiC", {k: v for k, v in PLACED.items() if k != "word"}, "no column 'word'"),
    "no such word": (
        "wsc", "WSC", {**SCHEMA, "target": {**SCHEMA["target"], "span1_index": 1}},  # type: ignore[dict-item]
        "'The brown suitcase' is not in its text at word 1: 'trophy does not'",
    ),
    "words without a letter": (
        "wsc", "WSC", {**SCHEMA, "target": {**SCHEMA["target"], "span1_text": "..."}},  # type: ignore[dict-item]
        "'...' is not in its text at word",
    ),
    "label": ("boolq", "BoolQ", {"question": "q", "passage": "p", "label": "maybe", "idx": 0}, "unknown label 'maybe'"),
    "labels of answers": (
        "multirc", "MultiRC",
        {"idx": 0, "passage": {"text": "t", "questions": [{"idx": 0, "question": "q", "answers": [
            {"text": "a", "label": 2}]}]}},
        "unknown label '2'",
    ),
    "no list": ("multirc", "MultiRC", {"idx": 0, "passage": {"text": "t", "questions": 3}}, "is no list of objects"),
    "no answers": (
        "multirc", "MultiRC", {"idx": 0, "passage": {"text": "t", "questions": [
            {"idx": 0, "question": "q", "answers": []}]}},
        "no column 'passage.questions.answers.text'",
    ),
    "an entity that is not there": (
        "record", "ReCoRD", {**NEWS, "passage": {"text": "Oslo", "entities": [{"start": 0, "end": 4}]}},
        "characters 0 to 4 are not in 'passage.text', which has 4",
    ),
    "no gap": (
        "record", "ReCoRD", {**NEWS, "qas": [{"idx": 0, "query": "lost", "answers": [{"text": "Oslo"}]}]},
        "the question has no @placeholder",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", WRONG)
def test_what_is_wrong_in_a_row_is_one_line_that_names_it(fault: str, refused: Refused, tmp_path: Path) -> None:
    task, folder, row, words = WRONG[fault]
    for split in ("train", "val"):
        write(tmp_path / folder / f"{split}.jsonl", json_lines(row))
    line = refused("finetune", task, "--data", str(tmp_path), "--model", "sample", "--device", "cpu")
    assert words in line
    assert "train.jsonl" in line


@pytest.mark.parametrize("suite", ["superglu", "clues"])
def test_a_suite_that_is_not_there_is_refused_with_the_nearest(suite: str, refused: Refused) -> None:
    assert f"did you mean {suite.removesuffix('s') if suite == 'clues' else 'superglue'}" in refused("eval", suite)


REAL = {
    "cb": ("superglue", {"train": 250, "dev": 56}),
    "wic": ("lm2/wsd", {"train": 5_428, "dev": 638}),
    "multirc": ("own/superglue", {"dev": 953}),
    "superglue_rte": ("glue", {"train": 2_490, "dev": 277}),
}


@pytest.mark.parametrize("task", REAL)
def test_the_published_files_are_read_whole(task: str, real_data: Path) -> None:
    below, counts = REAL[task]
    for split, count in counts.items():
        rows = rows_of(registry.find(task), real_data / below, split)
        assert (len(rows), rows.notes) == (count, ())
        assert registry.find(task).source.rows[split] == count


def test_the_4848_answers_of_multirc_s_dev_set_are_all_there(real_data: Path) -> None:
    assert sum(map(len, read("multirc", real_data / "own/superglue")["candidates"])) == 4_848
