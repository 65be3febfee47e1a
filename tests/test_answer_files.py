"""What `predict --out` writes: the file's own columns, and the answers beside them."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import untrained
from files import json_lines, squad, write
from pyarrow import parquet

from bertkit import registry
from bertkit.cli import main
from bertkit.heads import Classification

Say = Callable[..., tuple[int, str, str]]
REVIEWS = 'who,sentence,stars\nAnna,"warm, and\nfine",5\nBen,"a ""dull"" film",1\n'


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A run with random weights for each of some tasks."""
    below = tmp_path_factory.mktemp("runs")
    made = untrained.runs(below, "sst2", "rte", "stsb", "ud_en_ewt", "squad")
    many = replace(registry.find("sst2"), head=Classification(labels=tuple(f"kind {k}" for k in range(12))))
    return {**made, "many": untrained.run_of(many, below / "body", below / "many")}


@pytest.fixture
def say(folders: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> Say:
    """The exit code of `predict`, and what it says on stdout and stderr."""

    def ask(task: str, *arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as leaving:
            main(["predict", str(folders[task]), *map(str, arguments)])
        shown = capsys.readouterr()
        return int(leaving.value.code or 0), shown.out, " ".join(shown.err.split())

    return ask


def table(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_csv_keeps_its_columns_and_rows_and_gets_the_answer_and_each_label_s_probability(
    say: Say, tmp_path: Path
) -> None:
    file, out = write(tmp_path / "new.csv", REVIEWS), tmp_path / "answered.csv"
    code, printed, _ = say("sst2", "--file", file, "--out", out)
    assert (code, printed.rstrip().endswith("answered.csv: 2 rows")) == (0, True)
    rows = table(out)
    assert list(rows[0]) == ["who", "sentence", "stars", "answer", "p_negative", "p_positive"]
    own = ("who", "sentence", "stars")
    assert [{name: row[name] for name in own} for row in rows] == list(
        csv.DictReader(REVIEWS.splitlines(keepends=True))
    )
    shown = [json.loads(line) for line in say("sst2", "--file", file, "--json")[1].splitlines()]
    assert [row["answer"] for row in rows] == [one["answer"] for one in shown]
    assert [[float(row["p_negative"]), float(row["p_positive"])] for row in rows] == [
        list(one["scores"].values()) for one in shown
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["answered.csv", "new.csv"]


def test_every_format_has_the_same_answers(say: Say, tmp_path: Path) -> None:
    rows = [{"sentence": f"film {k}", "n": k, "tags": ["a", str(k)]} for k in range(3)]
    file = write(tmp_path / "new.jsonl", json_lines(*rows))
    for suffix in ("csv", "tsv", "jsonl", "parquet"):
        assert say("sst2", "--file", file, "--out", tmp_path / f"out.{suffix}")[0] == 0
    typed = parquet.read_table(tmp_path / "out.parquet").to_pylist()
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    assert [{name: row[name] for name in rows[0]} for row in typed] == rows
    assert lines == [
        {**row, "answer": one["answer"], "scores": {"negative": one["p_negative"], "positive": one["p_positive"]}}
        for row, one in zip(rows, typed, strict=True)
    ]
    as_text = [
        {**row, "n": str(row["n"]), "tags": json.dumps(row["tags"])} | {k: repr(row[k]) for k in row if k[:2] == "p_"}
        for row in typed
    ]
    assert table(tmp_path / "out.csv") == as_text
    with (tmp_path / "out.tsv").open(encoding="utf-8") as tabs:
        assert list(csv.DictReader(tabs, delimiter="\t", quoting=csv.QUOTE_NONE)) == as_text


@pytest.mark.parametrize(
    ("more", "names"),
    [
        ((), ["label_1", "p_1", "label_2", "p_2", "label_3", "p_3", "label_4", "p_4", "label_5", "p_5"]),
        (("--top-k", "1"), ["label_1", "p_1"]),
    ],
)
def test_of_more_than_ten_labels_the_best_are_kept(
    say: Say, tmp_path: Path, more: tuple[str], names: list[str]
) -> None:
    file, out = write(tmp_path / "new.csv", "sentence\nfine\n"), tmp_path / "out.csv"
    assert say("many", "--file", file, "--out", out, *more)[0] == 0
    (row,) = table(out)
    assert list(row) == ["sentence", "answer", *names]
    shares = [float(row[name]) for name in names if name[0] == "p"]
    assert (row["label_1"], shares) == (row["answer"], sorted(shares, reverse=True))
    assert say("many", "--file", file, "--out", tmp_path / "out.jsonl", *more)[0] == 0
    (line,) = map(json.loads, (tmp_path / "out.jsonl").read_text("utf-8").splitlines())
    assert list(line["scores"].items()) == list(zip([row[name] for name in names[::2]], shares, strict=True))


def test_a_number_is_a_number(say: Say, tmp_path: Path) -> None:
    file = write(tmp_path / "new.tsv", "sentence1\tsentence2\nOne.\tTwo.\n")
    assert say("stsb", "--file", file, "--out", tmp_path / "out.parquet")[0] == 0
    (row,) = parquet.read_table(tmp_path / "out.parquet").to_pylist()
    assert (list(row), type(row["answer"])) == (["sentence1", "sentence2", "answer"], float)


def test_a_pair_is_read_from_its_two_columns(say: Say, tmp_path: Path) -> None:
    file = write(tmp_path / "new.csv", "n,sentence1,sentence2\n1,One.,Two.\n")
    assert say("rte", "--file", file, "--out", tmp_path / "out.csv")[0] == 0
    assert list(table(tmp_path / "out.csv")[0])[:4] == ["n", "sentence1", "sentence2", "answer"]


def test_tags_are_lists_beside_the_words(say: Say, tmp_path: Path) -> None:
    file = write(tmp_path / "new.jsonl", json_lines({"words": ["Go", ",", "now"]}, {"words": ["Rain"]}))
    for suffix in ("csv", "parquet"):
        assert say("ud_en_ewt", "--file", file, "--out", tmp_path / f"out.{suffix}")[0] == 0
    typed = parquet.read_table(tmp_path / "out.parquet").to_pylist()
    assert [len(row["answer"]) for row in typed] == [len(row["p"]) for row in typed] == [3, 1]
    assert [{name: json.loads(cell) for name, cell in row.items()} for row in table(tmp_path / "out.csv")] == typed


def test_an_answer_of_a_document_has_its_place_there(say: Say, tmp_path: Path) -> None:
    context = "Anna came in May."
    file = write(tmp_path / "new.json", squad({"id": "q1", "question": "Who came?"}, context=context))
    assert say("squad", "--file", file, "--out", tmp_path / "out.parquet", "--top-k", "3")[0] == 0
    (row,) = parquet.read_table(tmp_path / "out.parquet").to_pylist()
    assert (row["id"], row["context"], len(row["n_best"])) == ("q1", context, 3)
    assert context[row["start"] : row["end"]] == row["answer"] == row["n_best"][0]["text"]
    assert all(context[one["start"] : one["end"]] == one["text"] for one in row["n_best"])
    assert say("squad", "--file", file, "--out", tmp_path / "out.jsonl", "--top-k", "3")[0] == 0
    (line,) = map(json.loads, (tmp_path / "out.jsonl").read_text("utf-8").splitlines())
    assert (line["start"], line["end"], line["scores"]["n_best"]) == (row["start"], row["end"], row["n_best"])


def test_a_row_that_cannot_be_answered_keeps_its_place_and_says_why(say: Say, tmp_path: Path) -> None:
    file = write(tmp_path / "new.csv", "sentence,n\nfine,1\n,2\ndull,3\n  ,4\n")
    code, printed, notes = say("sst2", "--file", file, "--out", tmp_path / "out.csv")
    rows = table(tmp_path / "out.csv")
    assert (code, "4 rows, 2 of them without an answer" in " ".join(printed.split())) == (0, True)
    assert [row["n"] for row in rows] == ["1", "2", "3", "4"]
    assert [(row["answer"] == "", row["p_negative"] == "", row["error"]) for row in rows] == [
        (False, False, ""),
        (True, True, "the text is empty"),
        (False, False, ""),
        (True, True, "the text is empty"),
    ]
    assert "2 rows: no answer, the text is empty (first: new.csv, line 3)" in notes
    assert say("sst2", "--file", file, "--out", tmp_path / "out.parquet")[0] == 0
    assert [one["error"] for one in parquet.read_table(tmp_path / "out.parquet").to_pylist()][:2] == [
        None,
        rows[1]["error"],
    ]


def test_lines_of_text_are_answered_blank_ones_too(say: Say, tmp_path: Path) -> None:
    file = write(tmp_path / "new.txt", "fine\n\ndull, dull\n")
    assert say("sst2", "--file", file, "--out", tmp_path / "out.csv")[0] == 0
    rows = table(tmp_path / "out.csv")
    assert [(row["text"], row["answer"] == "") for row in rows] == [("fine", False), ("", True), ("dull, dull", False)]
    assert "error" not in rows[0]


def test_a_new_column_of_a_name_the_file_has_gets_another(say: Say, tmp_path: Path) -> None:
    file = write(tmp_path / "new.csv", "Answer,sentence,p_negative,predicted_answer\nx,fine,y,z\n")
    _, _, notes = say("sst2", "--file", file, "--out", tmp_path / "out.csv")
    (row,) = table(tmp_path / "out.csv")
    added = ["predicted_answer_2", "predicted_p_negative", "p_positive"]
    assert list(row) == ["Answer", "sentence", "p_negative", "predicted_answer", *added]
    assert [row[name] for name in ("Answer", "p_negative", "predicted_answer")] == ["x", "y", "z"]
    assert "written 'answer' as 'predicted_answer_2', 'p_negative' as 'predicted_p_negative'" in notes


def test_rows_of_json_with_other_keys_are_rows_of_all_keys(say: Say, tmp_path: Path) -> None:
    rows = ({"sentence": "a", "x": 1}, {"y": None, "sentence": "b", "x": "one"})
    file = write(tmp_path / "new.jsonl", json_lines(*rows))
    for suffix in ("csv", "parquet", "jsonl"):
        assert say("sst2", "--file", file, "--out", tmp_path / f"out.{suffix}")[0] == 0
    assert [(row["x"], row["y"]) for row in table(tmp_path / "out.csv")] == [("1", ""), ("one", "")]
    typed = parquet.read_table(tmp_path / "out.parquet").to_pylist()
    assert [(row["x"], row["y"]) for row in typed] == [("1", None), ("one", None)]
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    assert [list(line) for line in lines] == [["sentence", "x", "answer", "scores"], [*rows[1], "answer", "scores"]]


def test_json_holds_what_it_can_of_odd_values(say: Say, tmp_path: Path) -> None:
    file = write(tmp_path / "new.jsonl", '{"sentence": "a", "x": NaN, "y": "\\ud800", "z": "é"}\n')
    for suffix in ("jsonl", "csv", "parquet"):
        assert say("sst2", "--file", file, "--out", tmp_path / f"out.{suffix}")[0] == 0
    (line,) = map(json.loads, (tmp_path / "out.jsonl").read_text("utf-8").splitlines())
    assert (line["x"], line["y"], line["z"]) == (None, "\ud800", "é")
    assert table(tmp_path / "out.csv")[0]["y"] == "?"


@pytest.mark.parametrize("cell", ["a\rb", "a\r\nb", "a\nb", 'a"b', "a,b", ""])
def test_a_cell_of_a_csv_is_read_back_as_it_was(say: Say, tmp_path: Path, cell: str) -> None:
    file = write(tmp_path / "new.jsonl", json_lines({"sentence": "fine", "x": cell}))
    assert say("sst2", "--file", file, "--out", tmp_path / "out.csv")[0] == 0
    assert table(tmp_path / "out.csv")[0]["x"] == cell


def test_standard_output_gets_the_lines_of_a_jsonl(say: Say, tmp_path: Path) -> None:
    file = write(tmp_path / "new.csv", REVIEWS)
    _, printed, _ = say("sst2", "--file", file, "--out", "-")
    assert say("sst2", "--file", file, "--out", tmp_path / "out.jsonl")[0] == 0
    assert printed == (tmp_path / "out.jsonl").read_text("utf-8")
