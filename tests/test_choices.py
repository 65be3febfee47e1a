"""A person's own choices from the command line: what a file is taken for, training, resuming, answers, refusals."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny
from files import json_lines, write
from own_tasks import said, stopped, sure

from bertkit.cli import main
from bertkit.request.own_flags import OwnFlags
from bertkit.request.target import target_scored
from bertkit.runs.folder import read_spec

LETTERS = "ABCD"
PEOPLE = ("Anna", "Ben", "Carla", "Dora", "Emil", "Frida", "Gustav", "Hanna")


def row(k: int) -> dict[str, Any]:
    """A text, a question, 2 to 4 choices, and the place of the right one."""
    count = 2 + k % 3
    choices = [PEOPLE[(k + n) % 8] for n in range(count)]
    right = k // 2 % count
    text = f"{choices[right]} wrote letter number {k} in the morning."
    return {"text": text, "question": "Who wrote it?", "choices": choices, "label": right}


def rows(count: int = 24) -> list[dict[str, Any]]:
    return [row(k) for k in range(count)]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with a tiny BERT in `tiny`."""
    monkeypatch.chdir(tmp_path)
    tiny.make("bert", tmp_path / "tiny")
    return tmp_path


def typed(file: str, *more: str) -> list[str]:
    flags = f"finetune {file} --model tiny --device cpu --batch-size 4 --save-every 1 --quiet --json".split()
    return [*flags, *(() if "--max-steps" in more else ("--epochs", "2")), *more]


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line on stderr of a command that exits with 2."""
    with pytest.raises(SystemExit) as leaving:
        main(list(arguments))
    printed = capsys.readouterr()
    assert leaving.value.code == 2 and printed.out == "" and printed.err.count("\n") == 1
    return printed.err.removeprefix("Error: ").rstrip("\n")


def columns(labels: Callable[[dict[str, Any]], Any]) -> str:
    """A CSV of two choices a row."""
    lines = ["text,choice1,choice2,label"]
    for one in rows():
        lines.append(f"{one['text']},{one['choices'][0]},{one['choices'][1]},{labels(one)}")
    return "\n".join(lines) + "\n"


SPELT: dict[str, tuple[str, str, str]] = {
    "by its place, from 0": ("a.jsonl", json_lines(*rows()), "the right one by its place, counted from 0"),
    "by its place, from 1": (
        "a.jsonl", json_lines(*({**one, "label": one["label"] + 1} for one in rows())),
        "the right one by its place, counted from 1",
    ),
    "by its letter": (
        "a.jsonl", json_lines(*({**one, "label": LETTERS[one["label"]]} for one in rows())),
        "the right one by its letter",
    ),
    "by its text": (
        "a.jsonl", json_lines(*({**one, "label": one["choices"][one["label"]]} for one in rows())),
        "the right one by its text",
    ),
    "by the name of its column": (
        "a.csv", columns(lambda one: f"choice{one['label'] % 2 + 1}"), "the right one by its column's name",
    ),
    "by its place, a column for each choice": (
        "a.csv", columns(lambda one: one["label"] % 2), "the right one by its place, counted from 0",
    ),
}  # fmt: skip


@pytest.mark.parametrize("spelt", SPELT)
def test_a_file_s_choices_and_how_it_spells_the_right_one_are_found(
    folder: Path, capsys: pytest.CaptureFixture[str], spelt: str
) -> None:
    name, text, why = SPELT[spelt]
    write(folder / name, text)
    checked = said(capsys, "check", name, "--model", "tiny", "--json")
    (line,) = (one for one in checked["understood"] if one.startswith("head: "))
    assert line.startswith(f"head: multiple-choice ({why}); ")
    found = said(capsys, *typed(name, "--max-steps", "1", "--dev-share", "0.5"))
    lines = [json.loads(one) for one in (Path(found["folder"]) / "predictions.jsonl").read_text("utf-8").splitlines()]
    wanted = {one["text"]: str(one["label"] % 2 if name == "a.csv" else one["label"]) for one in rows()}
    golds = sorted(one["gold"] for one in lines)
    assert len(lines) == 12 and set(golds) <= set(wanted.values()) and "0" in golds
    assert all(sum(one["scores"].values()) == pytest.approx(1) and one["answer"] in one["scores"] for one in lines)


def test_a_choice_of_minus_one_may_be_the_right_one(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sums = [{"text": f"{k} - {k + 1}?", "choices": ["1", "-1"], "answer": "-1"} for k in range(12)]
    sums += [{"text": f"{k + 1} - {k}?", "choices": ["1", "-1"], "answer": "1"} for k in range(12)]
    write(folder / "a.jsonl", json_lines(*sums))
    found = said(capsys, *typed("a.jsonl", "--max-steps", "1", "--dev-share", "0.5"))
    lines = [json.loads(one) for one in (Path(found["folder"]) / "predictions.jsonl").read_text("utf-8").splitlines()]
    assert len(lines) == 12 and {one["gold"] for one in lines} == {"0", "1"}


@pytest.mark.parametrize("first", [0, 1])
def test_few_rows_that_leave_open_from_what_choices_are_counted_are_read_as_in_the_model_s_run(
    folder: Path, capsys: pytest.CaptureFixture[str], first: int
) -> None:
    write(folder / "a.jsonl", json_lines(*({**one, "label": one["label"] + first} for one in rows())))
    run = said(capsys, *typed("a.jsonl", "--max-steps", "1"))["folder"]
    new = [{"text": "who?", "choices": ["Ann", "Ben", "Cy", "Di"], "label": place} for place in (1, 1, 2)]
    write(folder / "new.jsonl", json_lines(*new))
    for model in (run, f"{run}/model"):
        found = target_scored("new.jsonl", OwnFlags(), model)
        assert found.task.source.labels == ({} if first == 0 else {str(k + 1): str(k) for k in range(10)})
    assert target_scored("new.jsonl", OwnFlags(), "tiny").task.source.labels["1"] == "0"


def test_columns_are_named_by_flags_that_are_repeated_or_separated_by_commas(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [
        "said,one,two,which",
        *(f"{o['text']},{o['choices'][0]},{o['choices'][1]},{o['label'] % 2}" for o in rows()),
    ]
    write(folder / "a.csv", "\n".join(lines) + "\n")
    flags = ("--text-column", "said", "--label-column", "which", "--model", "tiny", "--json")
    one = said(capsys, "check", "a.csv", "--choices-column", "one,two", *flags)
    other = said(capsys, "check", "a.csv", "--choices-column", "one", "--choices-column", "two", *flags)
    assert one["understood"] == other["understood"] and one["columns"]["choices"] == ["one", "two"]
    saved = said(capsys, "check", "a.csv", "--choices-column", "one,two", *flags, "--save", "a.toml")
    assert saved["columns"] == one["columns"]
    found = said(capsys, *typed("a.toml", "--max-steps", "1"))
    assert read_spec(Path(found["folder"])).task.source.listed == {"choices": ("one", "two")}


def test_a_run_learns_which_choice_fits_is_resumed_to_the_same_bytes_and_answers(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder / "a.jsonl", json_lines(*rows()))
    whole = Path(said(capsys, *typed("a.jsonl", "--out", "whole"))["folder"])
    stopped(typed("a.jsonl", "--out", "parts"), 5, monkeypatch)
    capsys.readouterr()
    (parts,) = Path("parts").iterdir()
    said(capsys, "resume", str(parts), "--json", "--quiet")
    for name in ("model/model.safetensors", "predictions.jsonl"):
        assert (parts / name).read_bytes() == (whole / name).read_bytes()
    again = said(capsys, "eval", str(parts), "--json", "--quiet")
    result = json.loads((whole / "result.json").read_text("utf-8"))
    assert again["evaluations"][0]["metrics"] == result["evaluations"][0]["metrics"]
    assert [floor["name"] for floor in result["evaluations"][0]["floors"]] == [
        "commonest place", "TF-IDF + logistic regression"
    ]  # fmt: skip
    write(folder / "new.jsonl", json_lines(*({k: v for k, v in one.items() if k != "label"} for one in rows(3))))
    with pytest.raises(SystemExit):
        main(["predict", str(whole), "--file", "new.jsonl", "--json", "--quiet"])
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [len(one["scores"]) for one in answers] == [2, 3, 4]
    for out in ("answered.csv", "answered.parquet", "answered.jsonl"):
        with pytest.raises(SystemExit) as leaving:
            main(["predict", str(whole), "--file", "new.jsonl", "--out", out, "--quiet"])
        assert leaving.value.code == 0 and (folder / out).stat().st_size
    capsys.readouterr()
    page = folder / "page.html"
    with pytest.raises(SystemExit):
        main(["report", str(whole), "--out", str(page)])
    assert "Who wrote it?" in page.read_text("utf-8")


def test_an_encoder_without_dropout_learns_its_few_rows_by_heart(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder / "train.jsonl", json_lines(*rows(9)))
    write(folder / "dev.jsonl", json_lines(*rows(9)))
    found = said(capsys, "finetune", ".", "--device", "cpu", "--quiet", "--json", "--no-floor", *sure(folder))
    assert found["evaluations"][0]["metrics"]["accuracy"]["value"] == 1


@pytest.mark.parametrize("flags", [("--layout", "padded"), ("--layout", "bucketed"), ("--precision", "bf16")])
def test_every_layout_trains(folder: Path, capsys: pytest.CaptureFixture[str], flags: tuple[str, ...]) -> None:
    write(folder / "a.jsonl", json_lines(*rows()))
    found = said(capsys, *typed("a.jsonl", *flags))
    assert found["training"]["steps"] == 10  # 19 rows by 4, twice


def bad(place: int, **change: Any) -> str:
    return json_lines(*({**one, **(change if k == place else {})} for k, one in enumerate(rows(20))))


REFUSED: dict[str, tuple[str, str, str]] = {
    "a gold out of range": (
        "a.jsonl", bad(3, label=4), "a.jsonl, line 4: the label is '4', and it has 2 choices: 0 to 1",
    ),
    "one choice": ("a.jsonl", bad(3, choices=["Ben"], label=0), "a.jsonl, line 4: 1 choice: at least 2 are needed"),
    "an empty choice": ("a.jsonl", bad(3, choices=["Ben", ""], label=0), "a.jsonl, line 4: the choice 2 is empty"),
    "a gold that is there twice": (
        "a.jsonl", bad(3, choices=["Ben", "Ben"], label=0), "a.jsonl, line 4: the right choice 'Ben' is there twice",
    ),
    "an empty cell of a column of choices": (
        "a.csv", columns(lambda one: one["label"] % 2).replace("Ben,Carla", "Ben,", 1),
        "a.csv, line 3: the choice 2 is empty",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_bad_row_is_refused_in_one_line_and_nothing_is_written(
    folder: Path, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    name, text, why = REFUSED[case]
    write(folder / name, text)
    assert refused(capsys, *typed(name, "--on-bad-row", "error", "--out", "runs")).startswith(why)
    assert not (folder / "runs").exists()


def test_a_passage_that_no_window_holds_is_refused_in_one_line_and_nothing_is_written(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder / "a.jsonl", bad(3, choices=["Ben", "a long one and no end " * 30], label=0))
    found = refused(capsys, *typed("a.jsonl", "--max-length", "64", "--out", "runs"))
    assert "no window has room for its text: beside the choice" in found and "--max-length 64 leaves 0" in found
    assert not list((folder / "runs").rglob("*.json*"))


@pytest.mark.parametrize(
    ("name", "text", "flags", "why"),
    [
        ("a.csv", columns(lambda one: 0), ("--choices-column", "choice1"),
         "a.csv: choice1 has one choice a row, such as 'Anna': give a list in JSON, or name every column with "
         "--choices-column"),
        ("a.jsonl", json_lines(*({**one, "label": "x y"} for one in rows())), (),
         "a.jsonl: label has 'x y', which is none of its row's choices, no letter and no place"),
        ("a.jsonl", json_lines(*rows()), ("--head", "qa", "--choices-column", "choices"),
         "--choices-column: a qa head has no choices"),
    ],
)  # fmt: skip
def test_a_file_whose_choices_are_not_clear_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], name: str, text: str, flags: tuple[str, ...], why: str
) -> None:
    write(folder / name, text)
    assert refused(capsys, *typed(name, *flags)) == why


def test_a_text_without_choices_cannot_be_answered(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder / "a.jsonl", json_lines(*rows()))
    run = said(capsys, *typed("a.jsonl", "--max-steps", "1"))["folder"]
    assert refused(capsys, "predict", run, "Anna wrote it.") == (
        "this run reads text and question and choices: give a file with these columns (--file)"
    )


def test_places_that_are_also_texts_of_choices_are_said_to_be(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    counted = [{"question": f"How many are {k}?", "choices": ["3", "2", "1", "0"], "label": k % 4} for k in range(20)]
    for name, lines, both in (("a", counted, True), ("b", rows(20), False)):
        write(folder / f"{name}.jsonl", json_lines(*lines))
        with pytest.raises(SystemExit):
            main(["check", f"{name}.jsonl", "--choices-column", "choices", "--model", "tiny"])
        printed = " ".join(capsys.readouterr().out.split())
        assert "by its place, counted from 0" in printed
        assert ("though each is also the text of one of its choices" in printed) is both


def test_an_odd_label_is_left_out_and_the_others_are_places(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder / "a.jsonl", json_lines(*rows(40), {**row(0), "label": -1}))
    found = said(capsys, "check", "a.jsonl", "--choices-column", "choices", "--model", "tiny", "--json")
    assert [line for line in found["wrong"] if "left out" in line] == [
        "train: 1 row left out: line 41: no label: a split without labels can be predicted, not trained on or scored"
    ]
    write(folder / "b.jsonl", json_lines(*({**one, "label": -1} for one in rows(20)), *rows(20)))
    assert "'-1', which is none of its row's choices" in refused(
        capsys, "check", "b.jsonl", "--choices-column", "choices", "--model", "tiny"
    )
