"""A person's own vectors from the command line: what a file is taken for, training, resuming, answers, refusals."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import tiny
from files import json_lines, write
from own_tasks import said, stopped
from pyarrow import parquet

import bertkit
from bertkit.cli import main
from bertkit.data.count_cells import profile
from bertkit.data.profile import save_profile, saved_profile
from bertkit.errors import DataError

WIDTH = 4
NAN = float("nan")


def row(k: int) -> dict[str, Any]:
    """1 to 6 vectors around a mean that says the label, and a label for each."""
    drawn = np.random.default_rng(k)
    label, length = ("low", "high", "mid")[k % 3], 1 + k % 6
    mean = {"low": -3, "high": 3, "mid": 0}[label]
    vectors = drawn.normal(mean, 1, (length, WIDTH)).round(3)
    return {"vectors": vectors.tolist(), "label": label, "marks": ["+" if one.sum() > 0 else "-" for one in vectors]}


def rows(count: int = 30, **change: Any) -> list[dict[str, Any]]:
    return [{"vectors": one["vectors"], "label": one["label"], **change} for one in map(row, range(count))]


def tagged(count: int = 30) -> list[dict[str, Any]]:
    return [{"vectors": one["vectors"], "tags": one["marks"]} for one in map(row, range(count))]


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


def npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def parquet_of(several: list[dict[str, Any]]) -> bytes:
    file = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(several), file)
    return file.getvalue()


def padded(several: list[dict[str, Any]]) -> dict[str, Any]:
    """The rows as arrays of an archive, padded."""
    lengths = np.array([len(one["vectors"]) for one in several])
    table = np.zeros((len(several), lengths.max(), WIDTH), np.float32)
    for k, one in enumerate(several):
        table[k, : lengths[k]] = one["vectors"]
    return {"vectors": table, "lengths": lengths, "label": np.array([one["label"] for one in several])}


def joined(several: list[dict[str, Any]]) -> dict[str, Any]:
    """The rows as arrays of an archive, one after the other."""
    vectors = np.concatenate([np.asarray(one["vectors"]) for one in several])
    return {**padded(several), "vectors": vectors}


FORMS: dict[str, tuple[str, bytes, str]] = {
    "Parquet": ("a.parquet", parquet_of(rows()), "Parquet"),
    "JSON Lines": ("a.jsonl", json_lines(*rows()).encode(), "JSON Lines"),
    "an archive, padded": ("a.npz", npz(**padded(rows())), "NumPy's arrays (.npz)"),
    "an archive, one after the other": ("a.npz", npz(**joined(rows())), "NumPy's arrays (.npz)"),
    "an archive of another name": ("a.vectors", npz(**padded(rows())), "NumPy's arrays (.npz)"),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_file_of_vectors_is_found_and_the_same_rows_give_the_same_model(
    folder: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    name, content, called = FORMS[form]
    write(folder / name, content)
    checked = said(capsys, "check", name, "--model", "tiny", "--json")
    assert checked["head"] == "classification" and checked["labels"] == ["high", "low", "mid"]
    assert checked["understood"][0].endswith(f"; {called}")
    assert checked["columns"] == {"vectors": "vectors", "label": "label"}
    assert checked["splits"][0]["words"]["max"] == 6 and checked["tokenizer"] == "none, the rows are vectors"
    found = said(capsys, *typed(name, "--max-steps", "2", "--dev-share", "0.4"))
    assert found["evaluations"][0]["rows"] == 12
    model = (Path(found["folder"]) / "model" / "model.safetensors").read_bytes()
    write(folder / "b.jsonl", json_lines(*rows()))
    other = said(capsys, *typed("b.jsonl", "--max-steps", "2", "--dev-share", "0.4"))
    assert (Path(other["folder"]) / "model" / "model.safetensors").read_bytes() == model


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", json_lines(*tagged()).encode()),
        ("a.npz", npz(**{**joined(rows()), "label": np.array([tag for one in tagged() for tag in one["tags"]])})),
    ],
)
def test_a_label_for_each_vector_is_tagging(
    folder: Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes
) -> None:
    write(folder / name, content)
    found = said(capsys, *typed(name, "--epochs", "20", "--learning-rate", "1e-3", "--save-every", "1000"))
    (one,) = found["evaluations"]
    assert one["metrics"]["tag_accuracy"]["value"] > 0.8
    assert [floor["name"] for floor in one["floors"]] == ["commonest tag", "logistic regression of each vector"]
    lines = [json.loads(line) for line in (Path(found["folder"]) / "predictions.jsonl").read_text().splitlines()]
    assert all(len(line["answer"]) == len(line["gold"]) for line in lines)


def test_the_sample_of_a_profile_has_two_vectors_of_each_row_and_all_of_them_are_counted(tmp_path: Path) -> None:
    given = [{**row(k), "tokens": [["a"], ["b"], ["c"]], "both": [k] * 5} for k in range(12)]
    save_profile(profile(given), tmp_path / "profile.json")
    found = saved_profile(tmp_path / "profile.json")
    assert [list(one["vectors"]) for one in found.sample] == [one["vectors"][:2] for one in given]
    assert all({**one, "vectors": 0} == {**other, "vectors": 0} for one, other in zip(found.sample, given, strict=True))
    assert found.by_name["vectors"].most_words == max(len(one["vectors"]) for one in given) == 6


def test_columns_are_named_by_flags_and_the_task_is_saved(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    several = [{"x": one["vectors"], "y": one["vectors"], "who": one["label"]} for one in rows()]
    write(folder / "a.jsonl", json_lines(*several))
    assert "2 columns could be the vectors: x" in refused(capsys, "check", "a.jsonl")
    flags = ("--vectors-column", "x", "--label-column", "who", "--model", "tiny", "--json")
    checked = said(capsys, "check", "a.jsonl", *flags, "--save", "a.toml")
    assert checked["columns"] == {"vectors": "x", "label": "who"}
    found = said(capsys, *typed("a.toml", "--max-steps", "1"))
    run = bertkit.load(found["folder"])
    assert run.labels == ("high", "low", "mid")


def test_a_run_is_resumed_to_the_same_bytes_scored_again_and_answers_a_file(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder / "a.parquet", parquet_of(rows()))
    whole = Path(said(capsys, *typed("a.parquet", "--out", "whole"))["folder"])
    stopped(typed("a.parquet", "--out", "parts"), 5, monkeypatch)
    capsys.readouterr()
    (parts,) = Path("parts").iterdir()
    said(capsys, "resume", str(parts), "--json", "--quiet")
    for name in ("model/model.safetensors", "model/config.json", "predictions.jsonl"):
        assert (parts / name).read_bytes() == (whole / name).read_bytes()
    result = json.loads((whole / "result.json").read_text("utf-8"))
    again = said(capsys, "eval", str(parts), "--json", "--quiet")
    assert again["evaluations"][0]["metrics"] == result["evaluations"][0]["metrics"]
    assert [floor["name"] for floor in result["evaluations"][0]["floors"]] == [
        "commonest label", "logistic regression of means and deviations"
    ]  # fmt: skip
    write(folder / "new.jsonl", json_lines(*({"vectors": one["vectors"]} for one in rows(5))))
    unlabelled = padded(rows(5))
    write(folder / "new.npz", npz(vectors=unlabelled["vectors"], lengths=unlabelled["lengths"]))
    answered = []
    for name in ("new.jsonl", "new.npz"):
        with pytest.raises(SystemExit):
            main(["predict", str(whole), "--file", name, "--json", "--quiet"])
        answered.append([json.loads(line)["answer"] for line in capsys.readouterr().out.splitlines()])
    run = bertkit.load(whole)
    given = [one["vectors"] for one in rows(5)]
    plain = [one.value for one in run.predict(given)]
    assert answered == [plain, plain] and len(plain) == 5
    assert [one.value for one in run.predict([np.asarray(one, np.float32) for one in given])] == plain
    for out in ("answered.csv", "answered.parquet", "answered.jsonl"):
        with pytest.raises(SystemExit) as leaving:
            main(["predict", str(whole), "--file", "new.npz", "--out", out, "--quiet"])
        assert leaving.value.code == 0 and (folder / out).stat().st_size
    capsys.readouterr()
    write(folder / "other.jsonl", json_lines(*rows()))
    scored = said(capsys, "eval", "other.jsonl", "--model", str(whole), "--json", "--quiet")
    assert scored["evaluations"][0]["rows"] == 30
    with pytest.raises(SystemExit):
        main(["report", str(whole), "--out", "page.html"])
    assert (folder / "page.html").stat().st_size
    capsys.readouterr()
    assert refused(capsys, "predict", str(whole), "a text").endswith("give a file with these columns (--file)")
    write(folder / "texts.txt", "a text\n")
    assert "reads" in refused(capsys, "predict", str(whole), "--file", "texts.txt")
    with pytest.raises(DataError, match=r"inputs\[0\]: vector 1 has 1 numbers, and 4 are read"):
        run.predict([[[1.0]]])


FLAGS = (
    "--layout padded", "--layout bucketed", "--precision bf16", "--scratch", "--freeze all", "--lora 2",
    "--class-weights balanced", "--calibrate", "--early-stopping 1 --eval-every 3", "--keep-best --eval-every 3",
)  # fmt: skip


@pytest.mark.parametrize("flags", FLAGS)
def test_every_layout_and_what_encoders_have_works(
    folder: Path, capsys: pytest.CaptureFixture[str], flags: str
) -> None:
    write(folder / "a.jsonl", json_lines(*rows(40)))
    found = said(capsys, *typed("a.jsonl", *flags.split()))
    run = Path(found["folder"])
    assert said(capsys, "eval", str(run), "--json", "--quiet")["evaluations"][0]["rows"] == 8


def test_a_number_is_learnt_and_answered_in_the_file_s_unit(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    numbers = [{**one, "label": 1000.5 + 100 * sum(map(sum, one["vectors"]))} for one in rows(40)]
    write(folder / "a.jsonl", json_lines(*numbers))
    found = said(capsys, *typed("a.jsonl", "--epochs", "30", "--learning-rate", "1e-3", "--save-every", "1000"))
    (one,) = found["evaluations"]
    assert one["metrics"]["pearson"]["value"] > 0.5
    assert one["floors"][1]["name"] == "ridge regression of means and deviations"


def test_what_max_length_cuts_off_is_counted_and_a_longer_one_than_the_model_has_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    long = [{**one, "vectors": one["vectors"] * 60} for one in rows()]
    write(folder / "a.jsonl", json_lines(*long))
    found = said(capsys, *typed("a.jsonl", "--max-steps", "1"))
    assert found["rows"]["train"]["cut"] > 0  # of 160 positions 158 are left for up to 360 vectors
    why = refused(capsys, *typed("a.jsonl", "--max-length", "300", "--out", "other"))
    assert why == "--max-length 300: this model sees 160 tokens at most"


def changed(place: int, **change: Any) -> list[dict[str, Any]]:
    return [{**one, **(change if k == place else {})} for k, one in enumerate(rows())]


REFUSED: dict[str, tuple[str, Any, str]] = {
    "unequal width in a row": (
        "a.jsonl", changed(3, vectors=[[1, 2, 3, 4], [1, 2, 3]]), "a.jsonl, line 4: vector 2 has 3 numbers, and 4 are",
    ),
    "unequal width between rows": (
        "a.jsonl", changed(3, vectors=[[1, 2, 3]]), "a.jsonl, line 4: vector 1 has 3 numbers, and 4 are read",
    ),
    "NaN in JSON": (
        "a.jsonl", changed(3, vectors=[[1, 2, NAN, 4]]), "a.jsonl, line 4: vector 1, number 3 is nan, not finite",
    ),
    "NaN in Parquet": (
        "a.parquet", changed(3, vectors=[[1.0, 2.0, NAN, 4.0]]), "a.parquet, row 4: vector 1, number 3 is nan, not",
    ),
    "infinity": (
        "a.jsonl", changed(3, vectors=[[1, 2, 1e40, 4]]), "a.jsonl, line 4: vector 1, number 3 is 1e+40, not finite",
    ),
    "an empty sequence": ("a.jsonl", changed(3, vectors=[]), "a.jsonl, line 4: an empty sequence, without a vector"),
    "a missing sequence": ("a.jsonl", changed(3, vectors=None), "a.jsonl, line 4: the vectors are empty, not a list"),
    "text": ("a.jsonl", changed(3, vectors=[[1, 2, "x", 4]]), "a.jsonl, line 4: vector 1, number 3 is 'x', not a n"),
    "no label": ("a.jsonl", changed(3, label=None), "a.jsonl, line 4: no label"),
    "too few tags": (
        "a.jsonl", [{**one, "tags": one["tags"][: 1 if k == 3 else None]} for k, one in enumerate(tagged())],
        "a.jsonl, line 4: 4 vectors but 1 tags",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_bad_row_is_refused_in_one_line_and_nothing_is_written(
    folder: Path, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    name, several, why = REFUSED[case]
    write(folder / name, parquet_of(several) if name.endswith("parquet") else json_lines(*several))
    assert refused(capsys, *typed(name, "--on-bad-row", "error", "--out", "runs")).startswith(why)
    assert not (folder / "runs").exists()


def test_a_dev_file_of_another_width_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder / "train.jsonl", json_lines(*rows()))
    write(folder / "dev.jsonl", json_lines(*({**one, "vectors": [[1.0, 2.0]]} for one in rows(6))))
    why = refused(capsys, *typed(".", "--on-bad-row", "error", "--out", "runs"))
    assert why.endswith("dev.jsonl, line 1: vector 1 has 2 numbers, and 4 are read") and not Path("runs").exists()


OBJECTS = np.array([[1, 2], [3]], dtype=object)
ARCHIVES: dict[str, tuple[dict[str, Any], str]] = {
    "no vectors": ({"x": np.ones((4, 2, 3)), "label": np.arange(4)}, "a.npz has no array 'vectors'; it has x, label"),
    "a pickle": ({"vectors": OBJECTS, "label": np.arange(2)}, "a.npz: an array of objects is a pickle, which may run"),
    "a pickle beside them": ({"vectors": np.ones((2, 2, 3)), "label": OBJECTS}, "a.npz: an array of objects is a pic"),
    "a table without lengths": ({"vectors": np.ones((4, 3)), "label": np.arange(4)}, "a.npz: vectors has the shape (4"),
    "one dimension": ({"vectors": np.ones(4)}, "a.npz: vectors has the shape (4,), and is (rows, vectors, numbers) or"),
    "lengths of another sum": (
        {"vectors": np.ones((4, 3)), "lengths": np.array([1, 2]), "label": np.arange(2)},
        "a.npz: lengths add up to 3, and vectors has 4",
    ),
    "lengths of other rows": (
        {"vectors": np.ones((4, 2, 3)), "lengths": np.array([1, 2])}, "a.npz: 2 lengths, and vectors of 4 rows",
    ),
    "a length beyond the padding": (
        {"vectors": np.ones((2, 2, 3)), "lengths": np.array([1, 5])}, "a.npz, row 2: a length of 5, and room for 2",
    ),
    "a negative length": (
        {"vectors": np.ones((2, 2, 3)), "lengths": np.array([1, -1])}, "a.npz: lengths has -1 in row 2",
    ),
    "lengths that are no whole numbers": (
        {"vectors": np.ones((2, 2, 3)), "lengths": np.array([1.5, 1])}, "a.npz: lengths is no list of whole numbers",
    ),
    "labels of other rows": (
        {"vectors": np.ones((4, 2, 3)), "label": np.arange(3)}, "a.npz: label has the shape (3,): neither a cell for",
    ),
    "complex numbers": (
        {"vectors": np.ones((4, 2, 3)), "label": np.ones(4, complex)}, "a.npz: label holds complex128, and is read as",
    ),
    "no rows": ({"vectors": np.ones((0, 2, 3)), "label": np.ones(0, int)}, "a.npz has no rows"),
}  # fmt: skip


@pytest.mark.parametrize("case", ARCHIVES)
def test_an_archive_that_is_none_of_rows_is_refused_in_one_line_and_nothing_is_written(
    folder: Path, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    arrays, why = ARCHIVES[case]
    write(folder / "a.npz", npz(**arrays))
    assert refused(capsys, *typed("a.npz", "--out", "runs")).startswith(why)
    assert not (folder / "runs").exists()


def test_a_damaged_archive_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = npz(**padded(rows()))
    write(folder / "a.npz", whole[:200] + bytes(40) + whole[240:])
    assert refused(capsys, *typed("a.npz", "--out", "runs")).startswith("a.npz cannot be read as an archive of NumPy: ")
    packed = io.BytesIO()
    np.savez_compressed(packed, **padded(rows()))
    damaged = bytearray(packed.getvalue())
    damaged[80:92] = bytes(byte ^ 0xFF for byte in damaged[80:92])
    write(folder / "b.npz", bytes(damaged))
    assert refused(capsys, *typed("b.npz", "--out", "runs")).startswith("b.npz cannot be read as an archive of NumPy: ")


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        (
            ("--vectors-column", "label", "--label-column", "label"),
            "a.jsonl: label has no lists of lists of numbers, but 'low'",
        ),
        (
            ("--vectors-column", "vektors"),
            "--vectors-column vektors: a.jsonl has no such column; did you mean vectors?",
        ),
        (("--head", "multi-label"), "--head multi-label: of vectors there is classification, regression or tagging"),
        (("--head", "tagging"), "--head tagging: a.jsonl has a label a row, label"),
        (("--long", "windows"), "--long does not apply to a: a classification head does not read it"),
    ],
)
def test_a_request_that_does_not_fit_vectors_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], flags: tuple[str, ...], why: str
) -> None:
    write(folder / "a.jsonl", json_lines(*rows()))
    assert why in refused(capsys, *typed("a.jsonl", *flags))


def test_digits_of_scikit_learn_are_learnt_from_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from benchmarks.vectors import digits
    from benchmarks.vectors import write as write_rows

    found = digits()
    write_rows({"train": found["train"][:600], "dev": found["dev"][:200]}, folder / "digits")
    flags = ("--scratch", "--epochs", "12", "--batch-size", "16", "--learning-rate", "2e-3", "--save-every", "1000")
    (one,) = said(capsys, *typed("digits", *flags))["evaluations"]
    assert one["metrics"]["accuracy"]["value"] > 0.6  # by chance 0.1


def test_check_says_that_a_sequence_is_longer_than_what_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    tiny.make("bert", tmp_path / "tiny")
    rows = [{"vec": [[0.1 * k, 1.0]] * (99 if k == 3 else 5), "label": "ab"[k % 2]} for k in range(20)]
    for split in ("train", "dev"):
        write(tmp_path / "rows" / f"{split}.jsonl", json_lines(*rows))
    found = said(capsys, "check", "rows", "--vectors-column", "vec", "--model", "tiny", "--max-length", "16", "--json")
    assert "train: the longest row has 99 vectors; rows are cut at --max-length 16" in found["wrong"]
