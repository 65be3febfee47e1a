"""Rows of an evaluation that are train rows too: how many, and the scores without them, at the door."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
from files import json_lines, write
from sklearn.metrics import accuracy_score

from bertkit.cli import main
from bertkit.data.leaks import alike_texts, leaked
from bertkit.data.rows import Rows
from bertkit.data.splits import Splits
from bertkit.data.table import Table


def rows(**columns: list[Any]) -> Rows:
    table = Table.from_columns(columns)
    return Rows(table=table, origin="memory", digest="", there=len(table))


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny.make("bert", tmp_path_factory.mktemp("encoders") / "tiny"))


def test_case_and_white_space_make_no_difference() -> None:
    found = leaked({"dev": rows(text=["A  Film", "a film!", "b"])}, [rows(text=["a film", "B "])], ["text"])
    assert found["dev"].tolist() == [True, False, True]


def test_two_texts_are_equal_together_and_not_one_by_one() -> None:
    table = rows(text=["a", "a b"], text_pair=["b c", "c"]).table
    assert list(alike_texts(table, ["text", "text_pair"])) == ["a\0b c", "a b\0c"]


def test_words_are_a_text() -> None:
    found = leaked({"dev": rows(words=[["A", "film"], ["A"]])}, [rows(words=[["a", "film"]])], ["words"])
    assert found["dev"].tolist() == [True, False]


def test_every_evaluation_is_compared_with_all_rows_that_were_trained_on() -> None:
    evaluations = {"dev": rows(text=["a", "b"]), "test": rows(text=["c", "d"])}
    found = leaked(evaluations, [rows(text=["a"]), rows(text=["d"])], ["text"])
    assert {name: mask.tolist() for name, mask in found.items()} == {"dev": [True, False], "test": [False, True]}


def test_a_question_is_leaked_with_its_document_and_not_by_the_document_alone() -> None:
    there = rows(question=["Who?"], context=["Anna."], answers=[["Anna"]])
    dev = rows(question=["who?", "Where?"], context=["Anna.", "Anna."], answers=[["Anna"], []])
    splits = Splits(head=tiny.SPAN, train=there, evaluations={"dev": dev}, published={}, selection=None)
    assert splits.leaked()["dev"].tolist() == [True, False]


def ran(capsys: pytest.CaptureFixture[str], *typed: str) -> tuple[dict[str, Any], Path, str]:
    """The result, the folder, and the lines that were printed, joined."""
    with pytest.raises(SystemExit) as left:
        main([*typed])
    assert not left.value.code, capsys.readouterr().err
    said = capsys.readouterr().out
    (path,) = Path(typed[typed.index("--out") + 1]).glob("*/result.json")
    return json.loads(path.read_text("utf-8")), path.parent, " ".join(said.split())


def test_1_percent_of_dev_planted_in_train_is_counted_and_scored_without(
    tmp_path: Path, encoder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    draws = np.random.default_rng(3)
    dev = [(f"{tiny.REVIEWS[k % 8][0]} {k}", str(draws.choice(["negative", "positive"]))) for k in range(300)]
    planted = [7, 100, 299]
    train = [*tiny.REVIEWS, *((dev[k][0].upper(), dev[k][1]) for k in planted)]
    data = tiny.write_reviews(tmp_path / "data", train, dev)
    typed = f"finetune sst2 --data {data} --model {encoder} --device cpu --max-steps 3 --lr 1e-2"
    result, folder, said = ran(capsys, *typed.split(), "--out", str(tmp_path / "out"))
    (scored,) = result["evaluations"]
    lines = [json.loads(line) for line in (folder / "predictions.jsonl").read_text("utf-8").splitlines()]
    rest = [one for k, one in enumerate(lines) if k not in planted]
    accuracy = accuracy_score([one["gold"] for one in rest], [one["answer"] for one in rest])
    assert scored["leaked"]["rows"] == 3
    assert scored["leaked"]["metrics"]["accuracy"]["value"] == pytest.approx(accuracy)
    assert f"dev: 3 of 300 rows are train rows too; without them accuracy {100 * accuracy:.1f} [" in said
    low, high = (scored["leaked"]["metrics"]["accuracy"][end] for end in ("low", "high"))
    assert low < accuracy < high


def test_where_every_row_is_a_train_row_no_score_is_left(
    tmp_path: Path, encoder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tiny.write_reviews(tmp_path / "data", tiny.REVIEWS, tiny.REVIEWS)
    line = f"finetune sst2 --data {data} --model {encoder} --device cpu --max-steps 1 --out {tmp_path / 'out'}"
    result, _, said = ran(capsys, *line.split())
    assert result["evaluations"][0]["leaked"] == {"rows": 8, "metrics": {}}
    assert "dev: 8 of 8 rows are train rows too; without them none is left" in said


def test_tagged_sentences_that_are_train_sentences_are_found(
    tmp_path: Path, encoder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tiny.write_treebank(tmp_path, tiny.SENTENCES[:4], tiny.SENTENCES[3:])
    line = f"finetune ud --data {data} --model {encoder} --device cpu --max-steps 1 --out {tmp_path / 'out'}"
    result, _, said = ran(capsys, *line.split())
    assert result["evaluations"][0]["leaked"]["rows"] == 1
    assert "dev: 1 of 3 rows is a train row too; without it accuracy of words" in said


def test_a_share_held_out_of_an_own_file_has_no_leak_even_where_its_rows_stand_twice(
    tmp_path: Path, encoder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = [{"text": f"{text} {k}", "label": label} for k in range(6) for text, label in tiny.REVIEWS]
    file = tmp_path / "reviews.jsonl"
    write(file, json_lines(*kept, *kept))
    line = f"finetune {file} --model {encoder} --device cpu --max-steps 1 --out {tmp_path / 'out'}"
    result, _, said = ran(capsys, *line.split())
    assert result["rows"]["dev"]["used"] > 0
    assert result["evaluations"][0]["leaked"] is None
    assert "train rows too" not in said


def test_a_run_that_is_scored_again_says_its_leaks_too(
    tmp_path: Path, encoder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tiny.write_reviews(tmp_path / "data", tiny.REVIEWS, [*tiny.REVIEWS[:1], ("Not in train.", "negative")])
    line = f"finetune sst2 --data {data} --model {encoder} --device cpu --max-steps 1 --out {tmp_path / 'out'}"
    result, folder, _ = ran(capsys, *line.split())
    with pytest.raises(SystemExit):
        main(["eval", str(folder), "--json", "--quiet"])
    (again,) = json.loads(capsys.readouterr().out)["evaluations"]
    assert again["leaked"]["rows"] == 1
    assert again["leaked"] == result["evaluations"][0]["leaked"]
