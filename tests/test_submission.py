"""`bertkit submit glue`: the eleven files of GLUE's server, from the runs' answers, and a checker of them."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import tiny
from answered import answered
from door import Refused, refused
from files import write
from untrained import run_of

import bertkit
from bertkit import registry
from bertkit.cli import main
from bertkit.deploy.submission import runs_for, submit
from bertkit.deploy.submission_check import check_submission
from bertkit.errors import DataError, RequestError
from bertkit.progress import Progress
from bertkit.result import Result, Training
from bertkit.runs.folder import SPEC, read_spec, write_result
from bertkit.task import Sheet

__all__ = ["refused"]

GLUE = registry.find_suite("glue")
LINES = {
    "CoLA.tsv": 1_064, "SST-2.tsv": 1_822, "MRPC.tsv": 1_726, "STS-B.tsv": 1_380, "QQP.tsv": 390_966,
    "MNLI-m.tsv": 9_797, "MNLI-mm.tsv": 9_848, "QNLI.tsv": 5_464, "RTE.tsv": 3_001, "WNLI.tsv": 147, "AX.tsv": 1_105,
}  # fmt: skip
"""Lines of a real submission's files, their header counted."""
PAIR = (
    Sheet(file="A.tsv", task="sst2", split="test", rows=2, spelt={"negative": "0", "positive": "1"}),
    Sheet(file="B.tsv", task="stsb", split="test", rows=2, bounds=(0.0, 5.0)),
)
GOOD = {"A.tsv": "index\tprediction\n0\t1\n1\t0\n", "B.tsv": "index\tprediction\n0\t5.000\n1\t0.25\n"}


def zipped(path: Path, files: dict[str, str | bytes], twice: Sequence[str] = ()) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name in (*files, *twice):
            archive.writestr(name, files[name])
    return path


def finished(task: str, body: Path, folder: Path) -> Path:
    """A finished run of the task with random weights under this encoder."""
    run_of(registry.find(task), body, folder)
    training = Training(steps=1, examples=1, tokens=1, seconds=0.1, loss=0.5)
    result = Result(spec=read_spec(folder), evaluations=(), rows={}, training=training, device="cpu", precision="fp32",
                    encoder={}, versions={})  # fmt: skip
    write_result(folder, result)
    return folder


def test_the_files_and_their_lines_are_those_of_a_real_submission() -> None:
    assert {sheet.file: sheet.rows + 1 for sheet in GLUE.sheets} == LINES


def test_every_sheet_spells_the_labels_of_its_task_and_clips_numbers() -> None:
    for sheet in GLUE.sheets:
        labels = registry.find(sheet.task).head.label_names
        assert set(sheet.spelt) == set(labels)
        assert bool(labels) != bool(sheet.bounds)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of each of the nine tasks."""
    below = tmp_path_factory.mktemp("runs")
    body = tiny.make("bert", below / "body")
    for name in GLUE.members:
        finished(name, body, below / name)
    return below


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two test sets in the official layout: CoLA's with its header and index, and the diagnostic set."""
    folder = tmp_path_factory.mktemp("data")
    lines = "".join(f"{k}\tThe cat sat {k} times.\n" for k in range(1_063))
    write(folder / "CoLA/test.tsv", "index\tsentence\n" + lines)
    pairs = "".join(f"{k}\tIt rains {k}.\tIt is wet.\n" for k in range(1_104))
    write(folder / "MNLI/diagnostic.tsv", "index\tsentence1\tsentence2\n" + pairs)
    return folder


def test_the_nine_models_make_a_submission_that_passes_and_what_is_missing_is_said(
    runs: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "submission.zip"
    with pytest.raises(SystemExit) as left:
        main(["submit", "glue", "--runs", str(runs), "--data", str(data), "-o", str(out), "-q"])
    printed = capsys.readouterr()
    assert left.value.code == 0, printed.err
    text = " ".join(printed.out.split())
    assert f"CoLA.tsv: 1,063 rows, {runs}/cola" in text
    assert f"AX.tsv: 1,104 rows, {runs}/mnli" in text
    assert "QQP.tsv: 390,965 rows, all 0: no test split in" in text
    check_submission(out, GLUE.sheets)
    with zipfile.ZipFile(out) as archive:
        assert archive.namelist() == list(LINES)
        assert archive.read("WNLI.tsv").decode().splitlines()[:2] == ["index\tprediction", "0\t0"]
        assert archive.read("STS-B.tsv").decode().splitlines()[1] == "0\t0.000"


def test_answers_are_the_models_own_in_the_order_of_the_file(runs: Path, data: Path, tmp_path: Path) -> None:
    texts = [f"The cat sat {k} times." for k in range(1_063)]
    expected = [
        {"unacceptable": "0", "acceptable": "1"}[one.value] for one in bertkit.load(runs / "cola").predict(texts)
    ]
    bertkit.submit("glue", runs=tmp_path, run=[f"cola={runs / 'cola'}"], data=data, out=tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        lines = archive.read("CoLA.tsv").decode().splitlines()[1:]
    assert [line.split("\t")[1] for line in lines] == expected


def test_the_same_answers_are_the_same_bytes(runs: Path, data: Path, tmp_path: Path) -> None:
    for name in ("a.zip", "b.zip"):
        submit(GLUE, {"cola": runs / "cola"}, str(data), tmp_path / name, Progress())
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_numbers_are_clipped_to_their_bounds(runs: Path, tmp_path: Path) -> None:
    rows = "".join(f"{k}\tg\tf\ty\t{k}\tn\tn\tA man eats {k}.\tA man walks.\n" for k in range(2))
    write(tmp_path / "STS-B/test.tsv", "index\tgenre\tfilename\tyear\told_index\ts1\ts2\tsentence1\tsentence2\n" + rows)
    suite = replace(GLUE, sheets=(Sheet(file="S.tsv", task="stsb", split="test", rows=2, bounds=(1.5, 1.75)),))
    submit(suite, {"stsb": runs / "stsb"}, str(tmp_path), tmp_path / "a.zip", Progress())
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        values = [float(line.split("\t")[1]) for line in archive.read("S.tsv").decode().splitlines()[1:]]
    assert all(1.5 <= value <= 1.75 for value in values)


def test_too_few_test_rows_are_refused_and_nothing_is_written(runs: Path, tmp_path: Path) -> None:
    write(tmp_path / "CoLA/test.tsv", "index\tsentence\n0\tOne.\n")
    with pytest.raises(DataError, match=r"CoLA.tsv: 1 test rows in .*, but the server counts 1,063"):
        submit(GLUE, {"cola": runs / "cola"}, str(tmp_path), tmp_path / "a.zip", Progress())
    assert not (tmp_path / "a.zip").exists()


def test_a_good_zip_passes(tmp_path: Path) -> None:
    check_submission(zipped(tmp_path / "a.zip", {**GOOD}), PAIR)


FAULTS: dict[str, tuple[dict[str, str | bytes | None], str]] = {
    "a file is missing": ({"B.tsv": None}, "lacks B.tsv"),
    "a file too many": ({"C.tsv": "x"}, "has no place for C.tsv"),
    "no header": ({"A.tsv": "0\t1\n1\t0\n"}, "the first line is"),
    "too few rows": ({"A.tsv": "index\tprediction\n0\t1\n"}, "1 rows, not 2"),
    "an index twice": ({"A.tsv": "index\tprediction\n0\t1\n0\t0\n"}, "line 3: '0\\t0': it must begin with 1"),
    "another label": ({"A.tsv": "index\tprediction\n0\tyes\n1\t0\n"}, "'yes' is not one of 0, 1"),
    "a number out of bounds": ({"B.tsv": "index\tprediction\n0\t5.1\n1\t0\n"}, "'5.1' is not a number within"),
    "no number": ({"B.tsv": "index\tprediction\n0\tnan\n1\t0\n"}, "'nan' is not a number within"),
    "a third column": ({"A.tsv": "index\tprediction\n0\t1\tx\n1\t0\n"}, "is not one of"),
    "windows' line ends": ({"A.tsv": "index\tprediction\r\n0\t1\r\n1\t0\r\n"}, "line feed alone"),
    "no last line feed": ({"A.tsv": "index\tprediction\n0\t1\n1\t0"}, "line feed alone"),
    "no UTF-8": ({"A.tsv": b"\xff\xfe"}, "it is not UTF-8"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_checker_finds_each_fault_and_names_the_file(fault: str, tmp_path: Path) -> None:
    changed, words = FAULTS[fault]
    files = {name: content for name, content in {**GOOD, **changed}.items() if content is not None}
    with pytest.raises(RequestError) as found:
        check_submission(zipped(tmp_path / "a.zip", files), PAIR)
    assert words in str(found.value)


def test_the_checker_refuses_a_file_that_is_there_twice(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = zipped(tmp_path / "a.zip", {**GOOD}, twice=["A.tsv"])
    with pytest.raises(RequestError, match=r"holds twice A\.tsv"):
        check_submission(path, PAIR)


def test_the_checker_refuses_what_is_no_zip(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="is no zip file"):
        check_submission(write(tmp_path / "a.zip", "index"), PAIR)


def test_several_runs_of_a_task_are_named_and_one_is_chosen(tmp_path: Path) -> None:
    for seed in (1, 2):
        answered(tmp_path, ["negative"], ["negative"], seed=seed)
    with pytest.raises(RequestError, match=r"several runs on sst2: .*--run sst2=FOLDER"):
        runs_for(GLUE, tmp_path, {})
    chosen = next(iter(tmp_path.iterdir()))
    assert runs_for(GLUE, tmp_path, {"sst2": chosen}) == {"sst2": chosen}


def test_a_run_that_is_not_finished_is_named(tmp_path: Path, refused: Refused) -> None:
    run = answered(tmp_path / "some", ["negative"], ["negative"], finished=False)
    assert f"not finished: {run}" in refused("submit", "glue", "--runs", str(tmp_path / "some"))


def test_a_home_folder_is_expanded_in_run(tmp_path: Path, refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    run = answered(tmp_path, ["negative"], ["negative"], finished=False)
    line = refused("submit", "glue", "--run", f"sst2=~/{run.name}")
    assert f"--run sst2={run}: it is not finished" in line


@pytest.mark.parametrize("text", ["{", "[]", "3", '{"task": 3}'])
def test_a_run_whose_spec_is_damaged_is_named_and_its_task_is_not_filled(
    tmp_path: Path, refused: Refused, text: str
) -> None:
    answered(tmp_path / "some", ["negative"], ["negative"])
    run = answered(tmp_path / "some", ["negative"], ["negative"], seed=7)
    write(run / SPEC, text)
    assert f"{run / SPEC} is damaged" in refused("submit", "glue", "--runs", str(tmp_path / "some"))


def test_runs_of_pretraining_and_of_tasks_that_are_not_installed_are_passed_over(tmp_path: Path) -> None:
    run = answered(tmp_path, ["negative"], ["negative"])
    write(tmp_path / "encoder" / SPEC, '{"pretraining": {}}')
    write(tmp_path / "mine" / SPEC, '{"task": {"name": "mine", "head": {"kind": "gone"}}}')
    assert runs_for(GLUE, tmp_path, {}) == {"sst2": run}


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("submit glue --runs nowhere", "nowhere holds no finished run on a task of glue"),
        ("submit glu", "did you mean glue"),
        ("submit glue --run cola", "--run cola: write it as TASK=FOLDER"),
        ("submit glue --run cola=a --run cola=b", "--run cola=b: cola is named before, with a"),
        ("submit glue --run squad=there", "glue has no such task"),
        ("submit glue --out .", "--out .: it is a folder"),
        ("submit glue --out nowhere/a.zip", "there is no folder"),
    ],
)
def test_what_is_typed_wrong_is_refused(refused: Refused, typed: str, words: str) -> None:
    assert words in refused(*typed.split())
