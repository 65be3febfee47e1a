"""Raw rows -> a head's columns, labels by name; what does not fit is refused with its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from datasets import ClassLabel, Dataset, Features, Value
from files import ODD_TEXTS, json_lines, squad, word, write
from test_rows import read, refusal

from bertkit import registry

# Columns.


def test_a_row_has_its_texts_its_label_by_name_and_an_id(tmp_path: Path) -> None:
    write(tmp_path / "train.tsv", "index\tsentence1\tsentence2\tlabel\n7\tIt rains.\tIt is wet.\tentailment\n")
    assert read("rte", tmp_path).table.to_list() == [
        {"row_id": "0", "group": "", "text": "It rains.", "text_pair": "It is wet.", "label": "entailment"}
    ]


def test_a_sentence_has_its_words_and_their_tags(tmp_path: Path) -> None:
    write(tmp_path / "en-ud-train.conllu", f"{word(1, 'Go', 'VERB', 'VB')}\n{word(2, '!', 'PUNCT', '.')}\n")
    (upos,) = read("ud", tmp_path).table.to_list()
    (xpos,) = read("ud_xpos", tmp_path).table.to_list()
    assert (upos["words"], upos["tags"], xpos["tags"]) == (["Go", "!"], ["VERB", "PUNCT"], ["VB", "."])


def test_a_question_has_its_document_its_answers_its_own_id_and_its_article_as_group(tmp_path: Path) -> None:
    asked = {"id": "q1", "question": "When?", "answers": [{"text": "May", "answer_start": 13}]}
    write(tmp_path / "train-v1.1.json", squad(asked))
    assert read("squad", tmp_path).table.to_list() == [
        {
            "row_id": "q1",
            "group": "Anna",
            "question": "When?",
            "context": "Anna came in May.",
            "answers": [{"text": "May", "start": 13}],
        }
    ]


@pytest.mark.parametrize("text", [text for text in ODD_TEXTS if text.strip()])
def test_no_text_is_changed(tmp_path: Path, text: str) -> None:
    write(tmp_path / "train.jsonl", json_lines({"sentence": text, "label": 1}))
    assert read("sst2", tmp_path).table["text"][0] == text


# Labels, by name.


@pytest.mark.parametrize(
    ("task", "zero", "one"),
    [
        ("cola", "unacceptable", "acceptable"),
        ("sst2", "negative", "positive"),
        ("mrpc", "not_equivalent", "equivalent"),
        ("qqp", "not_duplicate", "duplicate"),
        ("qnli", "entailment", "not_entailment"),
        ("rte", "entailment", "not_entailment"),
        ("wnli", "not_entailment", "entailment"),
        ("mnli", "entailment", "neutral"),
    ],
)
def test_the_ids_0_and_1_stand_for_the_names_that_glue_gives_them(
    tmp_path: Path, task: str, zero: str, one: str
) -> None:
    columns = registry.find(task).source.columns
    texts = {columns[role][0]: "text" for role in columns if role != "label"}
    write(tmp_path / "train.jsonl", json_lines(*({**texts, columns["label"][0]: label} for label in (0, "1"))))
    assert list(read(task, tmp_path).table["label"]) == [zero, one]


def test_mnli_has_its_labels_in_the_order_of_the_hub(tmp_path: Path) -> None:
    assert registry.find("mnli").head.labels == ("entailment", "neutral", "contradiction")
    write(tmp_path / "train.jsonl", json_lines({"premise": "a", "hypothesis": "b", "label": 2}))
    assert list(read("mnli", tmp_path).table["label"]) == ["contradiction"]


def test_a_parquet_file_with_another_order_of_classes_gives_the_same_names(tmp_path: Path) -> None:
    names = ["contradiction", "entailment", "neutral"]
    features = Features({"premise": Value("string"), "hypothesis": Value("string"), "label": ClassLabel(names=names)})
    columns = {"premise": ["a", "b", "c"], "hypothesis": ["d", "e", "f"], "label": [0, 1, 2]}
    table = Dataset.from_dict(columns, features=features).data.table
    pyarrow.parquet.write_table(table, tmp_path / "train.parquet")
    assert list(read("mnli", tmp_path).table["label"]) == names


@pytest.mark.parametrize("raw", [0, 5, "2.500", "5.0", 3.25])
def test_a_similarity_is_a_number_from_0_to_5(tmp_path: Path, raw: Any) -> None:
    write(tmp_path / "train.jsonl", json_lines({"sentence1": "a", "sentence2": "b", "score": raw}))
    assert list(read("stsb", tmp_path).table["label"]) == [float(raw)]


def test_rows_that_are_only_predicted_need_no_labels_and_keep_none(tmp_path: Path) -> None:
    write(tmp_path / "test.jsonl", json_lines({"sentence": "a", "label": -1}, {"sentence": "b", "label": "?"}))
    assert list(read("sst2", tmp_path, "test", golds=False).table["label"]) == [None, None]


# What does not fit.


def refused_line(tmp_path: Path, task: str, row: dict[str, Any], good: dict[str, Any]) -> str:
    path = write(tmp_path / "train.jsonl", json_lines(good, row))
    message = refusal(task, tmp_path)
    assert message.startswith(f"{path}, line 2: ")
    return message


@pytest.mark.parametrize("label", ["2", 2, "maybe", "positives", "LABEL_1"])
def test_an_unknown_label_is_refused_with_its_line_and_the_known_ones(tmp_path: Path, label: Any) -> None:
    message = refused_line(tmp_path, "sst2", {"sentence": "b", "label": label}, {"sentence": "a", "label": 1})
    assert f"'{label}'" in message
    assert "negative, positive" in message


@pytest.mark.parametrize("label", [-1, "-1", "", " ", None])
def test_a_row_without_a_label_is_not_trained_on(tmp_path: Path, label: Any) -> None:
    message = refused_line(tmp_path, "sst2", {"sentence": "b", "label": label}, {"sentence": "a", "label": 1})
    assert "no label" in message


@pytest.mark.parametrize("text", ["", "  ", "\u2028", None, 3, ["a"]])
def test_what_is_no_text_is_refused_with_its_line(tmp_path: Path, text: Any) -> None:
    refused_line(tmp_path, "sst2", {"sentence": text, "label": 0}, {"sentence": "a", "label": 1})


@pytest.mark.parametrize("number", [5.001, -0.1, "nan", "inf", "five", "", None, [1]])
def test_what_is_no_number_from_0_to_5_is_no_similarity(tmp_path: Path, number: Any) -> None:
    good = {"sentence1": "a", "sentence2": "b", "score": 1}
    refused_line(tmp_path, "stsb", {**good, "score": number}, good)


def test_a_missing_column_is_named_with_those_that_are_there(tmp_path: Path) -> None:
    path = write(tmp_path / "train.tsv", "phrase\tlabel\nfine\t1\n")
    message = refusal("sst2", tmp_path)
    assert message.startswith(f"{path}: no column 'sentence'")
    assert message.endswith("phrase, label")


def test_a_column_that_one_line_lacks_is_refused_with_its_line(tmp_path: Path) -> None:
    assert "'sentence'" in refused_line(tmp_path, "sst2", {"label": 0}, {"sentence": "a", "label": 1})


def test_a_file_with_a_header_alone_has_no_rows(tmp_path: Path) -> None:
    path = write(tmp_path / "train.tsv", "sentence\tlabel\n")
    assert refusal("sst2", tmp_path) == f"{path} has no rows"


def test_half_a_surrogate_pair_is_refused_by_name(tmp_path: Path) -> None:
    path = write(tmp_path / "train.jsonl", '{"sentence": "half \\ud83d a face", "label": 1}\n')
    assert str(path) in refusal("sst2", tmp_path)


@pytest.mark.parametrize("tag", ["NN", "noun", "__"])
def test_an_unknown_tag_is_refused_with_its_words_line(tmp_path: Path, tag: str) -> None:
    sentence = f"# text = A go\n{word(1, 'A', 'DET')}\n{word(2, 'go', tag)}\n"
    path = write(tmp_path / "en-ud-train.conllu", f"{word(1, 'A', 'DET')}\n\n{sentence}")
    message = refusal("ud", tmp_path)
    assert message.startswith(f"{path}, line 5: ")
    assert f"'{tag}'" in message


@pytest.mark.parametrize("task", ["ud", "ud_xpos"])
def test_a_tag_that_is_not_given_is_none_and_counted_by_words(tmp_path: Path, task: str) -> None:
    sentence = f"# text = A go on\n{word(1, 'A', 'DET', 'DT')}\n{word(2, 'go', '_', '_')}\n{word(3, 'on', '_', '_')}\n"
    write(tmp_path / "en-ud-train.conllu", f"{sentence}\n{word(1, 'Go', '_', '_')}\n")
    write(
        tmp_path / "lines" / "train.jsonl",
        json_lines({"tokens": ["A", "go"], "upos": ["DET", "_"], "xpos": ["DT", None]}),
    )
    found = read(task, tmp_path)
    tag = "DET" if task == "ud" else "DT"
    assert found.table["tags"] == [[tag, None, None], [None]]
    said = "no tag ('_'): not trained on, not scored"
    assert found.notes == (f"3 words: {said} (first: en-ud-train.conllu, line 3)",)
    found = read(task, tmp_path / "lines")
    assert found.table["tags"] == [[tag, None]]
    assert found.notes == (f"1 word: {said} (first: train.jsonl, line 1)",)


def test_a_treebank_without_any_tag_is_not_trained_on(tmp_path: Path) -> None:
    path = write(tmp_path / "en-ud-train.conllu", f"{word(1, 'A', 'DET')}\n{word(2, 'go', 'VERB')}\n")
    assert refusal("ud_xpos", tmp_path).startswith(f"{path}: no word has a tag")
    assert read("ud_xpos", tmp_path, golds=False).table["tags"] == [None]


@pytest.mark.parametrize("start", [12, 14, -4, 99, None, "13"])
def test_an_answer_that_is_not_at_its_offset_is_refused_with_its_questions_id(tmp_path: Path, start: Any) -> None:
    golds = [{"text": "May", "answer_start": start}]
    path = write(tmp_path / "train-v1.1.json", squad({"id": "q1", "question": "When?", "answers": golds}))
    assert refusal("squad", tmp_path).startswith(f"{path}, question 1 ('q1'): ")


def test_a_question_without_an_answer_is_for_squad_2(tmp_path: Path) -> None:
    asked = squad({"id": "q1", "question": "Why?", "answers": [], "is_impossible": True})
    write(tmp_path / "train-v1.1.json", asked)
    assert "squad_v2" in refusal("squad", tmp_path)
    write(tmp_path / "train-v2.0.json", asked)
    assert list(read("squad_v2", tmp_path).table["answers"]) == [[]]
