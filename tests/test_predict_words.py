"""`predict` with a tagging run: a file with a word a line is told from one with a text a line, or it is asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import tiny
import untrained
from files import write

from bertkit import registry
from bertkit.cli import main
from bertkit.heads import Tagging
from bertkit.sources import FileFormat, Source
from bertkit.task import Evaluation, Task

Say = Callable[..., tuple[list[list[str]], str]]


def trained_on(name: str, *columns: str, delimiter: str = " ") -> Task:
    """A task as finetune makes one of a CoNLL file with these columns."""
    form = FileFormat(kind="conll", delimiter=delimiter, header=False, columns=columns)
    return Task(
        name=name,
        about="words",
        head=Tagging(labels=("B-PER", "O")),
        source=Source(
            files={"train": ("train.conll",)},
            formats={"train": form},
            columns={"words": ("words",), "tags": ("tags",)},
        ),
        evaluations=(Evaluation(name="dev", split="dev", metrics=("tag_accuracy",)),),
    )


TASKS = (
    trained_on("two", "words", "tags"),
    trained_on("four", "words", "column 2", "column 3", "tags"),
    trained_on("tabs", "tags", "words", delimiter="\t"),
    registry.find("ud_en_ewt"),
)
SENTENCES = [["Anna", "came", "."], ["Ben", "left"]]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A run with random weights of each task."""
    below = tmp_path_factory.mktemp("runs")
    body = tiny.make("bert", below / "body")
    return {task.name: untrained.run_of(task, body, below / task.name) for task in TASKS}


@pytest.fixture
def say(folders: dict[str, Path], capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Say:
    """The words of each sentence that was tagged in a file of this content, and what is said on stderr."""

    def ask(task: str, content: str, name: str = "new.txt", code: int = 0) -> tuple[list[list[str]], str]:
        with pytest.raises(SystemExit) as leaving:
            main(["predict", str(folders[task]), "--file", str(write(tmp_path / name, content)), "--out", "-"])
        said = capsys.readouterr()
        assert (leaving.value.code or 0) == code, said.err
        rows = [json.loads(line) for line in said.out.splitlines()]
        assert all(len(row["answer"]) == len(row["words"]) for row in rows if "words" in row)
        return [row.get("words", row.get("text")) for row in rows], " ".join(said.err.split())

    return ask


NOTE = "new.txt: its lines are read as words, with a blank line after each sentence"


@pytest.mark.parametrize(
    ("task", "content"),
    [
        ("two", "Anna\ncame\n.\n\nBen\nleft\n"),
        ("two", "-DOCSTART-\n\nAnna\r\ncame\r\n.\r\n\r\nBen\r\nleft\r\n\r\n"),
        ("two", "Anna O\ncame O\n. O\n\nBen O\nleft _\n"),
        ("two", "Anna NNP\ncame VBD\n. .\n\nBen NNP\nleft VBD\n"),
        ("four", "Anna\ncame\n.\n\nBen\nleft\n"),
        ("four", "Anna NNP B-NP\ncame VBD B-VP\n. . O\n\nBen NNP B-NP\nleft VBD B-VP\n"),
        ("four", "Anna x y 1\ncame x z 2\n. x w 3\n\nBen x v 4\nleft x u 5\n"),
        ("tabs", "?\tAnna\n?\tcame\n?\t.\n\n?\tBen\n?\tleft\n"),
        ("ud_en_ewt", "Anna\ncame\n.\n\nBen\nleft\n"),
        ("ud_en_ewt", "Anna NOUN\ncame VERB\n. PUNCT\n\nBen NOUN\nleft VERB\n\nBen NOUN\nleft VERB\n"),
    ],
)
def test_a_word_a_line_is_read_with_or_without_the_other_columns(say: Say, task: str, content: str) -> None:
    assert say(task, content)[0][:2] == SENTENCES


def test_a_note_says_that_lines_are_words(say: Say) -> None:
    assert NOTE in say("two", "Anna\ncame\n.\n\nBen\nleft\n")[1]


@pytest.mark.parametrize("name", ["new.conll", "new.tsv", "new.csv", "new.dat"])
def test_the_name_of_the_file_decides_nothing(say: Say, name: str) -> None:
    assert say("two", "Anna\ncame\n.\n\nBen\nleft\n", name)[0] == SENTENCES


@pytest.mark.parametrize("content", ["Anna\ncame\n.\n", "Anna X-1\ncame X-2\n. X-3\n"])
def test_lines_of_one_word_with_nothing_between_them_are_asked_for(say: Say, content: str) -> None:
    _, said = say("two", content, code=2)
    assert said.endswith("A blank line after each sentence, or after each text, says so")
    assert say("two", content + "\n")[0] == SENTENCES[:1]
    assert len(say("two", content.replace("\n", "\n\n"))[0]) == 6  # a text a line, every other one blank


def test_a_line_with_another_number_of_columns_makes_no_texts_of_the_others(say: Say) -> None:
    _, said = say("two", "Anna NNP\ncame VBD\n. .\n\nBen NNP x\nleft VBD\n", code=2)
    assert said.endswith("line 5: 3 columns, expected 2 (words, tags)")


@pytest.mark.parametrize("task", ["two", "tabs", "ud_en_ewt"])
def test_texts_stay_texts(say: Say, task: str) -> None:
    rows, said = say(task, "Anna came to us.\n\nBen left.\nNobody came.\n")
    assert rows == ["Anna came to us.", "", "Ben left.", "Nobody came."]
    assert "words were split at spaces and punctuation" in said
