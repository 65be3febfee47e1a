"""What `predict` with `--file` reads, and the number and the id that each answer carries."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import untrained
from files import json_lines, squad, word, write

from bertkit import registry
from bertkit.cli import main
from bertkit.deploy.inputs import Inputs, TypedInput, read_inputs
from bertkit.errors import BertkitError
from bertkit.runs.folder import SPEC

Answers = Callable[..., tuple[list[Any], str]]


def read(task: str, path: Path, content: str | bytes) -> Inputs:
    """What predict reads in a file of this content."""
    return read_inputs(registry.find(task), TypedInput(file=write(path, content)))


def error(task: str, path: Path, content: str | bytes) -> str:
    """Why predict does not read a file of this content."""
    with pytest.raises(BertkitError) as refusal:
        read(task, path, content)
    return str(refusal.value)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A run with random weights for each of three tasks."""
    return untrained.runs(tmp_path_factory.mktemp("runs"), "sst2", "ud_en_ewt", "squad")


@pytest.fixture
def answers(folders: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> Answers:
    """What predict prints, a value a line if it is JSON, and its notes in one line."""

    def ask(task: str, *arguments: str) -> tuple[list[Any], str]:
        with pytest.raises(SystemExit) as leaving:
            main(["predict", str(folders[task]), *arguments])
        shown = capsys.readouterr()
        assert leaving.value.code in (0, None), shown.err
        printed = shown.out.removesuffix("\n").split("\n")
        return [json.loads(one) for one in printed] if "--json" in arguments else printed, " ".join(shown.err.split())

    return ask


# A text a line.


TEXTS = "\ufeffwarm\n\ndull\r\n  \nodd\rone\u2028two\n"


def test_every_line_has_its_answer_and_a_blank_one_an_empty_one(answers: Answers, tmp_path: Path) -> None:
    path = write(tmp_path / "texts.txt", TEXTS)
    found, notes = answers("sst2", "--file", str(path), "--json")
    assert [(one["line"], one["text"]) for one in found] == [
        (1, "warm"),
        (2, ""),
        (3, "dull"),
        (4, ""),
        (5, "odd\rone\u2028two"),
    ]
    assert [one["answer"] is None for one in found] == [False, True, False, True, False]
    assert [one["scores"] for one in found if one["answer"] is None] == [{}, {}]
    assert notes.count("2 of 5 lines blank") == 1
    assert notes.count("1 of 5 lines with a CR") == 1


def test_a_cr_within_the_only_line_ends_no_line(tmp_path: Path) -> None:
    assert read("sst2", tmp_path / "texts.txt", "odd\rone\n").columns == {"text": ["odd\rone"]}


def test_plain_answers_begin_with_their_number_where_there_are_several(answers: Answers, tmp_path: Path) -> None:
    path = write(tmp_path / "texts.txt", "warm\n\ndull\n")
    found, _ = answers("sst2", "--file", str(path), "--quiet")
    assert [one.split()[0] for one in found] == ["1", "2", "3"]
    assert found[1] == "2  (blank line)"
    assert answers("sst2", "warm", "--quiet")[0][0].split()[0] in ("negative", "positive")


def test_a_blank_line_of_a_tagging_run_has_no_words(answers: Answers, tmp_path: Path) -> None:
    path = write(tmp_path / "texts.txt", "\nGo, now.\n")
    found, notes = answers("ud_en_ewt", "--file", str(path), "--json")
    assert [(one["line"], one["words"]) for one in found] == [(1, []), (2, ["Go", ",", "now", "."])]
    assert found[0]["answer"] is None
    assert "words were split at spaces and punctuation" in notes


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\n \n", "all its lines are blank"),
        (b"\xef\xbb\xbf\n", "its line is blank"),
        (b"one\rtwo\rthree", "CR alone"),
        (b"fine\ncaf\xe9\n", "line 2"),
        ("\ufefffine\n".encode("utf-16-le"), "UTF-16"),
    ],
)
def test_a_text_file_that_holds_no_line_to_answer_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    assert said in error("sst2", tmp_path / "texts.txt", content)


def test_a_text_file_for_a_run_that_reads_two_texts_is_refused_with_its_columns(tmp_path: Path) -> None:
    assert "'sentence1' and 'sentence2'" in error("rte", tmp_path / "texts.txt", "one\ttwo\n")


def test_a_folder_and_a_missing_file_are_named(tmp_path: Path) -> None:
    device = Path(os.devnull)
    for path, said in (
        (tmp_path, "a folder"),
        (tmp_path / "nowhere.txt", "no such file"),
        (device, "a pipe or a device"),
    ):
        with pytest.raises(BertkitError, match=said):
            read_inputs(registry.find("sst2"), TypedInput(file=path))


# Tables.

COLA = "gj04\t1\t\tThey sat.\nbc01\t0\t*\tThem sat.\n"


@pytest.mark.parametrize(("name", "notes"), [("dev.tsv", 0), ("train.tsv", 0), ("mine.tsv", 1)])
def test_a_file_in_an_official_layout_without_a_header_is_read(tmp_path: Path, name: str, notes: int) -> None:
    found = read("cola", tmp_path / name, COLA)
    assert found.columns == {"text": ["They sat.", "Them sat."]}
    assert [place["row"] for place in found.places] == [1, 2]
    assert len(found.notes) == notes


def test_a_file_that_has_a_header_is_read_by_it_whatever_its_name(tmp_path: Path) -> None:
    found = read("cola", tmp_path / "dev.tsv", "index\tsentence\n7\tThey sat.\n")
    assert (found.columns, found.places) == ({"text": ["They sat."]}, ({"row": 1, "id": "7"},))
    four = read("cola", tmp_path / "train.tsv", "id\tlabel\tauthor\tsentence\n8\t1\tx\tThey sat.\n")
    assert (four.columns, four.places) == ({"text": ["They sat."]}, ({"row": 1, "id": "8"},))


def test_four_other_columns_are_not_taken_for_an_official_layout(tmp_path: Path) -> None:
    assert "no column 'sentence'" in error("cola", tmp_path / "mine.tsv", "a\tb\tc\td\n1\t1\t1\tThey sat.\n")


@pytest.mark.parametrize(
    ("task", "name", "content", "columns", "ids"),
    [
        ("sst2", "a.tsv", "\ufeffSentence \tlabel\r\nFine.\t\r\n\r\nDull.\tbad\r\n", {"text": ["Fine.", "Dull."]}, []),
        ("sst2", "a.csv", 'idx,text\n7,"a, b"\n', {"text": ["a, b"]}, ["7"]),
        ("sst2", "a.json", '[{"sentence": "Fine.", "label": 9}]', {"text": ["Fine."]}, []),
        (
            *("mnli", "a.tsv", "index\tpairID\tsentence1\tsentence2\tgold_label\n4\t4n\ta\tb\t-\n"),
            *({"text": ["a"], "text_pair": ["b"]}, ["4"]),
        ),
        ("ud", "a.conllu", f"# sent_id = s1\n{word(1, 'Go', '_')}\n\n", {"words": [["Go"]]}, ["s1"]),
        ("ud", "a.jsonl", '{"words": ["don", "\'t"]}\n', {"words": [["don", "'t"]]}, []),
        ("sst2", "a.jsonl", '{"sentence": "a", "id": 3}\n\n{"sentence": "b"}\n', {"text": ["a", "b"]}, [3]),
    ],
)
def test_tables_are_read_as_finetune_reads_them_without_their_golds(
    tmp_path: Path, task: str, name: str, content: str, columns: dict[str, Any], ids: list[Any]
) -> None:
    found = read(task, tmp_path / name, content)
    assert found.columns == columns
    assert [place["id"] for place in found.places if "id" in place] == ids


@pytest.mark.parametrize(
    ("task", "name", "content", "said"),
    [
        ("sst2", "a.tsv", "sentence\tx\nFine.\t1\nDull.\n", "line 3"),
        ("sst2", "a.jsonl", json_lines({"sentence": "a"}, {"sentence": 3}), "a.jsonl, line 2"),
        ("sst2", "a.jsonl", '{"sentence": "a", "id": "\\ud800"}\n', "a.jsonl, line 1: the id"),
        ("sst2", "a.tsv", "content\nfine\n", "no column 'sentence' or 'text'"),
        ("sst2", "A.TSV", "sentence\nfine\n", ".tsv"),
        ("squad", "a.json", squad({"id": "q1", "question": " "}), "question 1 ('q1'): the question is empty"),
    ],
)
def test_a_row_that_cannot_be_answered_is_named_by_file_and_line(
    tmp_path: Path, task: str, name: str, content: str, said: str
) -> None:
    assert said in error(task, tmp_path / name, content)


def test_answers_carry_the_ids_of_squad(answers: Answers, tmp_path: Path) -> None:
    asked = [{"id": name, "question": "Who came?", "answers": []} for name in ("q-a", "q-b")]
    found, _ = answers("squad", "--file", str(write(tmp_path / "dev.json", squad(*asked))), "--json")
    assert [(one["row"], one["id"]) for one in found] == [(1, "q-a"), (2, "q-b")]


def test_a_question_that_is_cut_is_counted(answers: Answers) -> None:
    typed = ["--question", "who " * 80, "--context", "Anna came."]
    notes = answers("squad", *typed)[1]
    assert "1 question" in notes
    assert "64 tokens" in notes


def test_a_run_without_a_model_is_not_finished(folders: dict[str, Path], tmp_path: Path) -> None:
    from bertkit.deploy.predict import predict
    from bertkit.progress import Progress

    write(tmp_path / "run" / SPEC, (folders["sst2"] / SPEC).read_bytes())
    inputs = read_inputs(registry.find("sst2"), TypedInput(texts=("a",)))
    with pytest.raises(BertkitError, match=r"not finished.*bertkit resume"):
        predict(tmp_path / "run", inputs, "cpu", Progress())


def test_the_official_dev_file_of_cola_is_read_whole(real_data: Path) -> None:
    found = read_inputs(registry.find("cola"), TypedInput(file=real_data / "glue" / "CoLA" / "dev.tsv"))
    assert (len(found.rows), found.columns["text"][0]) == (1_043, "The sailors rode the breeze clear of the rocks.")
