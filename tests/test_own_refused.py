"""Files that cannot be understood, or in two ways: one line with what to type, and nothing written."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from door import Refused, refused
from files import write
from own_layouts import NER, conll, jsonl, pick, sentence, table, words

__all__ = ["refused"]

TEXT_OR_COMMENT = table("text,comment,label", lambda k: (sentence(k), sentence(k + 50), k % 2))
FIRST = "'The food was better than we had hoped...'"
CASES = {
    "two columns that could be the text": (
        "a.csv", TEXT_OR_COMMENT,
        f"a.csv: 2 columns could be the text: text ({FIRST}); comment ('The staff could not have been worse, ...'); "
        "say which with --text-column (twice to join both), or with --text-column and --text-pair-column as a pair",
    ),
    "two columns that could be the label": (
        "a.csv", table("text,topic,sentiment", lambda k: (sentence(k), pick("food war", k), pick("bad good", k // 2))),
        "a.csv: 2 columns could be the label: topic ('food'); sentiment ('bad'); say which with --label-column",
    ),
    "one class only": (
        "a.csv", table("text,label", lambda k: (sentence(k), "spam")),
        "a.csv: every row has the label 'spam' (label): there is nothing to learn",
    ),
    "a label that is another one in every row": (
        "a.csv", table("text,label", lambda k: (sentence(k), f"case-{k}")),
        "a.csv: label is another one in every row, such as 'case-0': that is an id or a text, no label; say which "
        "column is the label with --label-column",
    ),
    "dates as labels": (
        "a.csv", table("text,label", lambda k: (sentence(k), f"2024-05-{k % 9 + 1:02}")),
        "a.csv: label has dates, such as '2024-05-01': they are no labels; say which column is with --label-column",
    ),
    "numbers and words in one column": (
        "a.csv", table("text,label", lambda k: (sentence(k), pick("1 2 good", k))),
        "a.csv: label mixes numbers (16 rows) and text (8 rows): correct it, or say what it is with --head "
        "(classification takes every value as a label; regression leaves out what is no number)",
    ),
    "lists and words in one column": (
        "a.jsonl", jsonl(lambda k: {"text": sentence(k), "label": ["joy", "love"] if k % 2 else "joy"}),
        "a.jsonl: label mixes lists (12 rows) and text (12 rows): correct it, or say what it is with --head "
        "(classification takes every value as a label; regression leaves out what is no number)",
    ),
    "what may be labels or decimal commas": (
        "a.tsv", table("text,label", lambda k: (sentence(k), pick("4,17 2 4 2,4", k)), delimiter="\t"),
        "a.tsv: label has cells such as '4,17': say --head multi-label, for labels with commas between them, or --head "
        "regression, for numbers with a decimal comma",
    ),
    "whole numbers of many values": (
        "a.csv", table("text,label", lambda k: (sentence(k), k % 21), rows=42),
        "a.csv: label has whole numbers, 21 different ones: say --head classification, if each is a label, or --head "
        "regression, if they are amounts",
    ),
    "exactly one 1 in each row": (
        "a.csv", table("text,bad,so_so,good", lambda k: (sentence(k), *(int(k % 3 == n) for n in range(3)))),
        "a.csv: of bad, so_so, good exactly one is 1 in each of the first 24 rows: say --head multi-label to take them "
        "as labels that go together, or give one column with the label's name",
    ),
    "lists of 0 and 1": (
        "a.jsonl", jsonl(lambda k: {"text": sentence(k), "labels": [k % 2, 1, 0]}),
        "a.jsonl: labels has lists of 0 and 1, such as [0, 1, 0], which name no labels: give the labels' names, or a "
        "column of 0 and 1 for each of them",
    ),
    "lists of unequal length": (
        "a.jsonl", jsonl(lambda k: {"words": words(k), "tags": ["O"] * 5}),
        "a.jsonl, row 1: 7 in words but 5 in tags: a tag for each word is needed",
    ),
    "tags that are no scheme": (
        "a.jsonl", jsonl(lambda k: {"words": words(k), "tags": ["B-PER", "I-PER", "O", "PER", "O", "B-LOC", "O"]}),
        "a.jsonl: the tags of tags are of no scheme: beside B-PER, I-PER, B-LOC there is PER; correct them, or say "
        "--head tagging to learn them as they are",
    ),
    "tags that are numbers": (
        "a.jsonl", jsonl(lambda k: {"tokens": words(k), "ner_tags": [1, 2, 0, 1, 0, 5, 0]}),
        "a.jsonl: the tags of ner_tags are numbers (0, 1, 2, 5), whose names the file does not say: give the names, or "
        "say --head tagging to learn the numbers",
    ),
    "several columns of tags": (
        "a.jsonl",
        jsonl(lambda k: {"tokens": words(k), "pos_tags": list("NNVNPN."), "ner_tags": NER["BIO"].split()}),
        "a.jsonl: 2 columns could be the tags: pos_tags ('[\"N\", \"N\", \"V\", \"N\", \"P\", \"N\", \".\"]'); "
        "ner_tags ('[\"B-PER\", \"I-PER\", \"O\", \"B-PER\", \"O\",...'); say which with --tags-column",
    ),
    "answers that are not in their document": (
        "a.csv", table("question,context,answer", lambda k: (f"Which of {k}?", sentence(k), f"nothing of it {k}")),
        "a.csv: 24 of the first 24 answers (answer) are not in their document (context), such as 'nothing of it 0': an "
        "answer is a stretch of its document",
    ),
    "a label that is none of the choices": (
        "a.jsonl", jsonl(lambda k: {"question": sentence(k), "choices": ["one", "two"], "answer": "three"}),
        "a.jsonl: answer has 'three', which is none of its row's choices, no letter and no place",
    ),
    "one word a row": (
        "a.csv", table("Sentence #,Word,POS,Tag", lambda k: (f"Sentence: {k // 7}", words(0)[k % 7], "NN",
                                                            NER["BIO"].split()[k % 7]), rows=70),
        'a.csv: one word a row (Word, POS): give words and tags as JSON Lines, a sentence a line: {"words": [...], '
        '"tags": [...]}, or as CoNLL columns, a word and its tag a line and a blank line between sentences',
    ),
    "no label": (
        "a.jsonl", jsonl(lambda k: {"text": sentence(k), "number": f"{k} of it"}),
        f"a.jsonl: no column could be the label; it has text ({FIRST}); number ('0 of it'); say which it is with "
        "--label-column",
    ),
    "objects as labels": (
        "a.jsonl", jsonl(lambda k: {"text": sentence(k), "label": [[0, 3, "PER"]]}),
        'a.jsonl: label has objects, such as [[0, 3, "PER"]]: a label is a word or number',
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("command", ["check", "finetune"])
def test_a_file_that_is_not_clear_is_refused(refused: Refused, tmp_path: Path, case: str, command: str) -> None:
    name, text, line = CASES[case]
    write(tmp_path / name, text)
    assert refused(command, name) == f"Error: {line}\n"


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("--label-column lable", "--label-column lable: a.csv has no such column; did you mean label?"),
        ("--text-column body", "--text-column body: a.csv has no such column; it has text, comment, label"),
        ("--text-column text --head qa", "--head qa: a.csv has a label a row, label"),
        ("--text-pair-column comment", "--text-pair-column needs --text-column, the first text of the pair"),
        ("--text-column text --head regression --label-column comment", "--head regression: a.csv: comment has no num"),
        ("--text-column text --head tagging", "--head tagging: a.csv has a label a row, label"),
        ("--dev-share 1", "--dev-share 1: it is a share of the train rows, between 0 and 1"),
        ("--dev-share 0.1 --dev-file a.csv", "--dev-share and --dev-file: give one of them"),
        ("--text-column text --data .", "--data .: a is a path, which says where its rows are"),
        ("--text-column text --sample", "--sample is for bertkit's own tasks"),
        ("--train-file a.csv", "a.csv and --train-file: give one of them"),
        ("--dev-file b.csv", "--dev-file b.csv: there is no such file or folder"),
        ("--encoding klingon", "--encoding klingon"),
    ],
)
def test_a_flag_that_does_not_fit_is_refused(refused: Refused, tmp_path: Path, typed: str, line: str) -> None:
    write(tmp_path / "a.csv", TEXT_OR_COMMENT)
    assert refused("check", "a.csv", *shlex.split(typed)).startswith(f"Error: {line}")


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("reviws.csv", "reviws.csv: there is no such file or folder; did you mean reviews.csv?"),
        ("nowhere/reviews.csv", "nowhere/reviews.csv: there is no such file or folder: there is no folder nowhere"),
        ("sst3", "no task is called 'sst3'; did you mean sst2?"),
        ("sst2 --text-column review", "--text-column: sst2 has its own columns and files; these are for your own"),
        ("sst2 --no-header --head regression", "--head, --no-header: sst2 has its own columns and files"),
        ("", "name a task (`bertkit tasks` lists them), a file, or a folder; or give --train-file"),
        ("--dev-file reviews.csv", "--dev-file: give the train rows too, with --train-file or as a path"),
        ("empty", "empty: no file called train.* and not one file alone; it has no file of rows: name the file"),
        ("two", "two: no file called train.* and not one file alone; it has one.csv, other.csv: name the file"),
        ("trains", "trains: 2 files are called after train: train_a.csv, train_b.csv; say which with --train-file"),
    ],
)
def test_a_path_that_stands_for_no_file_is_refused(refused: Refused, tmp_path: Path, typed: str, line: str) -> None:
    rows = table("text,label", lambda k: (sentence(k), k % 2))
    for name in ("reviews.csv", "two/one.csv", "two/other.csv", "trains/train_a.csv", "trains/train_b.csv"):
        write(tmp_path / name, rows)
    write(tmp_path / "empty" / "README.md", "nothing")
    assert refused("finetune", *shlex.split(typed)).startswith(f"Error: {line}")


def test_a_dev_file_without_a_column_of_train_is_refused(refused: Refused, tmp_path: Path) -> None:
    write(tmp_path / "mine" / "train.csv", table("text,label", lambda k: (sentence(k), k % 2)))
    write(tmp_path / "mine" / "dev.csv", table("text,class", lambda k: (sentence(k), k % 2)))
    said = refused("finetune", "mine")
    assert said == "Error: dev.csv has no column 'label', which train.csv has as the label; it has text, class\n"


def test_a_file_whose_answers_are_in_doubt_names_the_first_rows_only(refused: Refused, tmp_path: Path) -> None:
    write(tmp_path / "a.json", json.dumps([{"text": sentence(k), "labels": []} for k in range(24)]))
    assert "lists of 0 different labels" in refused("check", "a.json")


def test_tags_of_chunks_are_not_asked_of_parts_of_speech(refused: Refused, tmp_path: Path) -> None:
    write(tmp_path / "a.txt", conll("PROPN PROPN VERB PROPN ADP PROPN PUNCT"))
    said = refused("check", "a.txt", "--head", "chunk-tagging")
    assert said.startswith("Error: --head chunk-tagging: a.txt: the tags of tags are of no scheme (BIO, IOB1, BIOES")


def test_conll_u_with_spaces_for_tabs_is_said_to_have_no_tags(refused: Refused, tmp_path: Path) -> None:
    word = "{}    The    the    DET    DT    _    0    root    _    _"
    write(tmp_path / "a.conllu", "".join(f"{word.format(1)}\n{word.format(2)}\n\n" for _ in range(20)))
    said = refused("check", str(tmp_path / "a.conllu"), "--model", "sample")
    assert "tags has no tags but '_'; CoNLL-U has ten columns with tabs between" in said
