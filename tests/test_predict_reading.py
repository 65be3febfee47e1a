"""What `predict --encoding` and `--header` say of a file, and the encoding and header line that are found without."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import tiny
import untrained
from files import write

import bertkit
from bertkit import registry
from bertkit.cli import main
from bertkit.deploy import file_inputs, predict
from bertkit.errors import RequestError
from bertkit.heads import Classification
from bertkit.sources import FileFormat, Source
from bertkit.task import Evaluation, Task

Say = Callable[..., tuple[int, str]]


def own(name: str, form: FileFormat) -> Task:
    """A task as finetune makes one of a file."""
    return Task(
        name=name,
        about="texts",
        head=Classification(labels=("bad", "good")),
        source=Source(
            files={"train": (f"{name}.csv",)},
            formats={"train": form},
            columns={"text": ("review",), "label": ("stars",)},
        ),
        evaluations=(Evaluation(name="dev", split="dev", metrics=("accuracy",)),),
    )


PLAIN = own("plain", FileFormat(kind="csv"))
RUSSIAN = own("russian", FileFormat(kind="csv", encoding="cp1251"))
TEXTS = ["Ein schöner Abend über den Dächern.", "Müde, öde, fürchterlich."]
TABLE = 'review,n\n"Ein schöner Abend über den Dächern.",1\n"Müde, öde, fürchterlich.",2\n'


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A run with random weights of each task, and of sst2."""
    below = tmp_path_factory.mktemp("runs")
    body = tiny.make("bert", below / "body")
    tasks = (PLAIN, RUSSIAN, registry.find("sst2"))
    return {task.name: untrained.run_of(task, body, below / task.name) for task in tasks}


@pytest.fixture
def say(folders: dict[str, Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
        tmp_path: Path) -> Say:  # fmt: skip
    """The exit code of `predict`, and what it says on stderr; an error is one line."""
    monkeypatch.chdir(tmp_path)

    def ask(task: str, *arguments: object) -> tuple[int, str]:
        with pytest.raises(SystemExit) as leaving:
            main(["predict", str(folders[task]), *map(str, arguments)])
        said, code = capsys.readouterr().err, int(leaving.value.code or 0)
        assert code != 2 or (said.startswith("Error: ") and said.count("\n") == 1), said
        return code, " ".join(said.split())

    return ask


def answered(out: Path, column: str) -> list[str]:
    """The texts that have an answer."""
    rows = csv.DictReader(io.StringIO(out.read_text("utf-8")))
    return [row[column] for row in rows if row["answer"]]


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-8-sig"])
@pytest.mark.parametrize("task", ["plain", "sst2"])
def test_a_file_is_read_in_the_encoding_that_is_named(say: Say, tmp_path: Path, task: str, encoding: str) -> None:
    table = TABLE if task == "plain" else TABLE.replace("review", "sentence")
    file, out = write(tmp_path / "new.csv", table.encode(encoding)), tmp_path / "out.csv"
    assert say(task, "--file", file, "--out", out, "--encoding", encoding)[0] == 0
    assert answered(out, "review" if task == "plain" else "sentence") == TEXTS
    lines, out = write(tmp_path / "new.txt", "\n".join(TEXTS).encode(encoding)), tmp_path / "lines.csv"
    assert say(task, "--file", lines, "--out", out, "--encoding", encoding)[0] == 0
    assert answered(out, "text") == TEXTS


@pytest.mark.parametrize("name", ["new.csv", "new.txt"])
@pytest.mark.parametrize("task", ["plain", "sst2"])
def test_a_file_in_another_encoding_is_refused_with_the_one_to_name(
    say: Say, tmp_path: Path, task: str, name: str
) -> None:
    table = TABLE if task == "plain" else TABLE.replace("review", "sentence")
    content = table if name == "new.csv" else "\n".join(TEXTS)
    code, said = say(task, "--file", write(tmp_path / name, content.encode("cp1252")))
    assert (code, "read it with --encoding cp1252" in said) == (2, True)


def test_the_encoding_of_the_train_file_is_tried_and_a_note_says_so(say: Say, tmp_path: Path) -> None:
    text, out = "Очень хороший фильм", tmp_path / "out.csv"
    for encoding, noted in (("cp1251", True), ("utf-8", False)):
        file = write(tmp_path / "new.csv", f"review\n{text}\n".encode(encoding))
        code, said = say("russian", "--file", file, "--out", out, "--force")
        assert (code, answered(out, "review"), "not UTF-8: read as cp1251" in said) == (0, [text], noted)


def test_a_file_that_is_utf_16_is_not_read_as_the_train_file_was(say: Say, tmp_path: Path) -> None:
    code, said = say("russian", "--file", write(tmp_path / "new.csv", "review\nOh, fine\n".encode("utf-16")))
    assert (code, "--encoding utf-16" in said) == (2, True)


@pytest.mark.parametrize("flag", ["--header", "--no-header"])
def test_the_first_line_is_a_row_or_the_names_as_is_said(say: Say, tmp_path: Path, flag: str) -> None:
    file, out = write(tmp_path / "new.csv", "review\nFine.\nDull.\n"), tmp_path / "out.csv"
    assert say("plain", "--file", file, "--out", out, flag)[0] == 0
    assert answered(out, "review") == (["Fine.", "Dull."] if flag == "--header" else ["review", "Fine.", "Dull."])


def test_a_header_line_that_lacks_the_column_is_refused_with_what_it_has(say: Say, tmp_path: Path) -> None:
    file = write(tmp_path / "new.csv", "content,n\nFine.,1\nDull.,2\n")
    code, said = say("plain", "--file", file, "--header")
    assert (code, "no column 'review'" in said, "it has content, n" in said) == (2, True, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("Fine.", "--encoding", "cp1252"), "--encoding: it says how --file is read"),
        (("Fine.", "--no-header"), "--no-header: it says how --file is read"),
        (("--file", "-", "--encoding", "cp1252"), "reads UTF-8"),
        (("--file", "new.txt", "--encoding", "cp125"), "did you mean"),
    ],
)
def test_what_is_said_of_no_file_is_refused(say: Say, tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    write(tmp_path / "new.txt", "Fine.\n")
    for task in ("plain", "sst2"):
        code, line = say(task, *arguments)
        assert (code, said in line) == (2, True), line


def test_an_answer_file_is_continued_in_the_same_encoding_only(
    say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_inputs, "BLOCK", 2)
    table = "review\n" + "".join(f"schön {k}\n" for k in range(5))
    file, out = write(tmp_path / "new.csv", table.encode("cp1252")), tmp_path / "out.csv"
    plain = predict.in_blocks

    def stopped(*given: object, **named: object) -> object:
        for number, found in enumerate(plain(*given, **named)):  # type: ignore[arg-type]
            if number:
                raise OSError(28, "No space left on device")
            yield found

    with monkeypatch.context() as patched:
        patched.setattr(predict, "in_blocks", stopped)
        assert say("plain", "--file", file, "--out", out, "--quiet", "--encoding", "cp1252")[0] == 1
    record = json.loads((tmp_path / "out.csv.part.json").read_text("utf-8"))
    assert record["rows"] == 2
    code, said = say("plain", "--file", file, "--out", out, "--quiet", "--encoding", "latin-1")
    assert (code, "another --encoding" in said) == (2, True)
    code, said = say("plain", "--file", file, "--out", out, "--quiet", "--encoding", "cp1252", "--no-header")
    assert (code, "another --header" in said) == (2, True)
    assert say("plain", "--file", file, "--out", out, "--quiet", "--encoding", "windows-1252")[0] == 0
    assert answered(out, "review") == [f"schön {k}" for k in range(5)]


def test_python_says_the_same(folders: dict[str, Path], tmp_path: Path) -> None:
    file, out = write(tmp_path / "new.csv", TABLE.encode("cp1252")), tmp_path / "out.csv"
    done = bertkit.predict(folders["plain"], file=file, out=out, encoding="cp1252", header=True)
    assert (done.rows, answered(out, "review")) == (2, TEXTS)
    with pytest.raises(RequestError, match="it says how --file is read"):
        bertkit.predict(folders["plain"], ["Fine."], encoding="cp1252")
