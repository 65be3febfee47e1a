"""`predict --out` with a run on a user's own file: new files are read by their content and the run's columns."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import tiny
import untrained
from files import json_lines, write
from pyarrow import parquet

from bertkit.cli import main
from bertkit.heads import Classification, MultiLabel, Tagging
from bertkit.sources import FileFormat, Source
from bertkit.task import Evaluation, Task

Say = Callable[..., tuple[int, str]]
LABELS = ("bad", "good")


def own(name: str, columns: dict[str, tuple[str, ...]], form: FileFormat, pair: bool = False) -> Task:
    """A task as finetune makes one of a file."""
    return Task(
        name=name,
        about="texts",
        head=Classification(labels=LABELS, pair=pair),
        source=Source(files={"train": (f"{name}.csv",)}, formats={"train": form}, columns=columns),
        evaluations=(Evaluation(name="dev", split="dev", metrics=("accuracy",)),),
    )


HEADED = FileFormat(kind="csv", delimiter=";")
BARE = FileFormat(kind="csv", header=False, columns=("column 1", "column 2"))
REVIEWS = own("reviews", {"text": ("review",), "label": ("stars",)}, HEADED)
NAMELESS = own("nameless", {"text": ("column 2",), "label": ("column 1",)}, BARE)
PAIRS = own("pairs", {"text": ("a",), "text_pair": ("b",), "label": ("same",)}, HEADED, pair=True)
TICKETS = Task(
    name="tickets",
    about="texts",
    head=MultiLabel(labels=("app", "card", "fee"), threshold=0.45),
    source=Source(
        files={"train": ("tickets.csv",)},
        formats={"train": HEADED},
        columns={"text": ("title",), "label": ("tags",)},
        joined={"text": ("title", "body")},
        separator="|",
    ),
    evaluations=(Evaluation(name="dev", split="dev", metrics=("f1_micro",)),),
)
CHUNKS = Task(
    name="chunks",
    about="words",
    head=Tagging(labels=("B-PER", "O")),
    source=Source(
        files={"train": ("train.conll",)},
        formats={"train": FileFormat(kind="conll", delimiter=" ", columns=("words", "tags"))},
        columns={"words": ("words",), "tags": ("tags",)},
    ),
    evaluations=(Evaluation(name="dev", split="dev", metrics=("tag_accuracy",)),),
)


TASKS = (REVIEWS, NAMELESS, PAIRS, TICKETS, CHUNKS)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A run with random weights of each task."""
    below = tmp_path_factory.mktemp("runs")
    body = tiny.make("bert", below / "body")
    return {task.name: untrained.run_of(task, body, below / task.name) for task in TASKS}


@pytest.fixture
def say(folders: dict[str, Path], capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Say:
    """The exit code of `predict FILE --out out.csv`, and what is said on stderr."""

    def ask(task: str, file: Path, out: str = "out.csv") -> tuple[int, str]:
        with pytest.raises(SystemExit) as leaving:
            main(["predict", str(folders[task]), "--file", str(file), "--out", str(tmp_path / out)])
        return int(leaving.value.code or 0), " ".join(capsys.readouterr().err.split())

    return ask


def texts(folder: Path, delimiter: str = ",", column: str = "review") -> list[str]:
    """The texts that were answered."""
    content = (folder / "out.csv").read_text("utf-8")
    return [row[column] for row in csv.DictReader(io.StringIO(content), delimiter=delimiter) if row["answer"] in LABELS]


GIVEN = ["Fine, and warm.", "Dull; grey."]


@pytest.mark.parametrize(
    ("name", "content", "delimiter"),
    [
        ("new.csv", 'review\n"Fine, and warm."\nDull; grey.\n', ","),
        ("new.csv", 'who;review\na;Fine, and warm.\nb;"Dull; grey."\n', ";"),
        ("new.csv", "Review |who\nFine, and warm.|a\nDull; grey.|b\n", "|"),
        ("new.tsv", "review\twho\nFine, and warm.\ta\nDull; grey.\tb\n", ","),
        ("new.dat", 'who;review\na;Fine, and warm.\nb;"Dull; grey."\n', ";"),
        ("new.jsonl", json_lines(*({"review": text} for text in GIVEN)), ","),
        ("new.json", '[{"review": "Fine, and warm."}, {"review": "Dull; grey."}]', ","),
    ],
)
def test_a_new_file_needs_the_run_s_columns_but_no_label(
    say: Say, tmp_path: Path, name: str, content: str, delimiter: str
) -> None:
    assert say("reviews", write(tmp_path / name, content))[0] == 0
    column = "Review" if content.startswith("Review") else "review"
    assert texts(tmp_path, delimiter, column) == GIVEN


def test_a_packed_file_is_read(say: Say, tmp_path: Path) -> None:
    file = write(tmp_path / "new.csv.gz", gzip.compress(b"review;who\nFine;a\nDull;b\n"))
    assert say("reviews", file)[0] == 0
    assert texts(tmp_path, ";") == ["Fine", "Dull"]


def test_a_text_a_line_is_read_too(say: Say, tmp_path: Path) -> None:
    assert say("reviews", write(tmp_path / "new.txt", "Fine, and warm.\n\nDull; grey.\n"))[0] == 0
    assert texts(tmp_path, column="text") == GIVEN


def test_a_column_without_a_name_is_the_text_if_there_is_no_other(say: Say, tmp_path: Path) -> None:
    code, notes = say(
        "reviews", write(tmp_path / "new.csv", '"Fine, and warm."\nDull; grey.\n"It rained, and rained."\n')
    )
    assert (code, "no column is called 'review': all its lines are read as the text" in notes) == (0, True)
    assert texts(tmp_path) == [*GIVEN, "It rained, and rained."]


def test_a_line_that_names_the_only_column_otherwise_is_no_text(say: Say, tmp_path: Path) -> None:
    content = 'sentence\n"Fine, and warm."\nDull; grey.\n'
    code, said = say("reviews", write(tmp_path / "new.csv", content))
    assert (code, "line 1 names its column ('sentence'), and the run reads 'review'" in said) == (2, True)
    assert say("reviews", write(tmp_path / "other.csv", content.replace("sentence", "review")))[0] == 0
    assert texts(tmp_path) == GIVEN


def test_a_file_without_a_header_line_is_read_as_the_one_of_training(say: Say, tmp_path: Path) -> None:
    content = "good,It was a warm and friendly evening by the sea.\nbad,A long and dull film about nobody at all.\n"
    assert say("nameless", write(tmp_path / "new.csv", content))[0] == 0
    assert len(texts(tmp_path, column="column 2")) == 2


def test_a_file_without_the_run_s_columns_names_them(say: Say, tmp_path: Path) -> None:
    code, said = say("pairs", write(tmp_path / "new.csv", "a;c\nFine;Dull\nWarm;Cold\n"))
    assert (code, "'b'" in said) == (2, True)
    code, said = say("reviews", write(tmp_path / "new.csv", "content;who\nFine;Anna\nWarm;Ben\n"))
    assert (code, "'review'" in said) == (2, True)
    assert not (tmp_path / "out.csv").exists()


def test_several_labels_are_a_list_and_joined_columns_are_both_read(say: Say, tmp_path: Path) -> None:
    file = write(tmp_path / "new.csv", "title,body,n\nLost,my card is gone,1\n,the app is slow,2\n,,3\n")
    assert say("tickets", file, "out.parquet")[0] == 0
    assert say("tickets", file)[0] == 0
    typed = parquet.read_table(tmp_path / "out.parquet").to_pylist()
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text("utf-8"))))
    assert list(rows[0]) == ["title", "body", "n", "answer", "p_app", "p_card", "p_fee", "error"]
    assert [row["error"] for row in rows] == ["", "", "the text is empty"]
    for row, one in zip(rows[:2], typed, strict=False):
        assert json.loads(row["answer"]) == one["answer"]
        assert one["answer"] == [name for name in ("app", "card", "fee") if one[f"p_{name}"] >= 0.45]
    assert (typed[2]["answer"], rows[2]["answer"]) == (None, "")
    code, said = say("tickets", write(tmp_path / "new.csv", "title\nLost\nFound it\n"), "other.csv")
    assert (code, "'body'" in said) == (2, True)


def test_columns_of_words_and_tags_are_read_for_a_run_on_them(say: Say, tmp_path: Path) -> None:
    file = write(tmp_path / "new.conll", "Anna B-PER\ncame O\n. O\n\nBen B-PER\nleft O\n. O\n")
    assert say("chunks", file)[0] == 0
    (first, second) = csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text("utf-8")))
    assert (first["words"], first["tags"]) == ('["Anna", "came", "."]', '["B-PER", "O", "O"]')
    assert (second["words"], list(second)) == ('["Ben", "left", "."]', ["words", "tags", "answer", "p"])
