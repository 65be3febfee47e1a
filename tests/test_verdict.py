"""`bertkit compare` of runs: better, worse or within noise, on the same rows; and what cannot be compared."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from answered import answered, answered_on, wrong_on
from door import Refused, refused
from files import json_lines, write

import bertkit
from bertkit import registry
from bertkit.cli import main
from bertkit.errors import RequestError
from bertkit.heads import FROM_TRAIN
from bertkit.result import Failure
from bertkit.runs.folder import RESULT
from bertkit.spec import SAMPLE, Spec

__all__ = ["refused"]

GOLDS = ["negative", "positive"] * 100
HARD = list(range(40))
"""Rows on which the first arm is wrong; the second also on the next ones."""


def arm(below: Path, more: Sequence[int], seeds: int = 4, **fields: Any) -> Path:
    """Runs of as many seeds, each wrong on HARD, on `more`, and on a row of its own."""
    for seed in range(seeds):
        answered(below, GOLDS, wrong_on(GOLDS, [*HARD, *more, 190 + seed]), seed=seed, **fields)
    return below


def compared(capsys: pytest.CaptureFixture[str], *typed: object) -> Any:
    """What the command prints with --json."""
    with pytest.raises(SystemExit) as left:
        main(["compare", *map(str, typed), "--json"])
    printed = capsys.readouterr()
    assert left.value.code == 0, printed.err
    return json.loads(printed.out)["verdicts"]


def printed(capsys: pytest.CaptureFixture[str], *typed: object) -> str:
    with pytest.raises(SystemExit):
        main(["compare", *map(str, typed)])
    return " ".join(capsys.readouterr().out.split())


def test_an_arm_that_is_right_on_thirty_more_rows_is_better(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = arm(tmp_path / "a", []), arm(tmp_path / "b", range(50, 80), model="org/other")
    (found,) = compared(capsys, first, second)
    assert found["outcome"] == "better"
    assert found["difference"]["value"] == pytest.approx(30 / 200)
    assert found["sentence"].startswith("a is better than b: +15.0 points [")
    (turned,) = compared(capsys, second, first)
    assert turned["outcome"] == "worse"


def test_one_row_more_is_within_noise_and_what_would_tell_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = arm(tmp_path / "a", []), arm(tmp_path / "b", [50])
    (found,) = compared(capsys, first, second)
    assert found["outcome"] == "within noise"
    text = printed(capsys, first, second)
    assert "a and b are within noise: +0.5 points" in text
    # a row of 200 varies by sqrt(.005 x .995 / 200): .5 points is one standard error of it, and 2.8 would be told
    assert "no number of seeds detects a difference of 0.5 points on 200 rows" in text


def test_seeds_that_vary_more_than_the_arms_differ_say_how_many_would_tell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, wrong in (("a", (10, 50, 20, 60)), ("b", (60, 36, 50, 14))):
        for seed, count in enumerate(wrong):
            answered(tmp_path / name, GOLDS, wrong_on(GOLDS, range(count)), seed=seed, model=f"org/{name}")
    assert "seeds an arm to detect (power 80 %)" in printed(capsys, tmp_path / "a", tmp_path / "b")


def test_seeds_that_did_not_detect_a_difference_are_not_said_to_be_enough(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, wrong in (("a", (10, 20)), ("b", (30, 32))):
        for seed, count in enumerate(wrong):
            answered(tmp_path / name, GOLDS, wrong_on(GOLDS, range(count)), seed=seed, model=f"org/{name}")
    (found,) = compared(capsys, tmp_path / "a", tmp_path / "b")
    assert found["outcome"] == "within noise" and found["seeds to tell"] > 2


def test_two_single_runs_get_mcnemars_test_and_it_is_said_that_seeds_were_not_tested(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = answered(tmp_path, GOLDS, wrong_on(GOLDS, range(12)), model="org/a")
    second = answered(tmp_path, GOLDS, wrong_on(GOLDS, range(10, 30)), model="org/b")
    (found,) = compared(capsys, first, second)
    # ten rows that only the second has right, eighteen that only the first has: 2 P(X <= 10) of Binomial(28, 1/2)
    below = sum(np.prod([(28 - i) / (i + 1) for i in range(k)]) for k in range(11))
    assert found["tests"]["McNemar"] == pytest.approx(2 * below / 2**28)
    assert "permutation over seeds" not in found["tests"]
    assert "one seed, so the test covers these runs only" in printed(capsys, first, second)


def test_the_other_seeds_beside_a_run_are_taken_with_all_seeds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for model, more in (("org/a", []), ("org/b", range(50, 80))):
        arm(tmp_path, more, model=model)
    runs = [next(tmp_path.glob(f"sst2-{name}-s0-*")) for name in ("a", "b")]
    (found,) = compared(capsys, *runs, "--all-seeds")
    assert [one["seeds"] for one in found["arms"]] == [[0, 1, 2, 3]] * 2


def test_several_verdicts_have_their_p_adjusted_by_holm(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arms = [
        arm(tmp_path / name, more, model=f"org/{name}") for name, more in (("a", []), ("b", range(50, 80)), ("c", [51]))
    ]
    found = compared(capsys, *arms)
    assert len(found) == 3
    least = min(found, key=lambda one: one["difference"]["p"])
    assert least["adjusted"] == pytest.approx(min(1, 3 * least["difference"]["p"]))


def test_files_of_answers_are_compared_with_each_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = list(enumerate(GOLDS))
    first = write(tmp_path / "a.csv", "id,answer,gold\n" + "".join(f"{k},{gold},{gold}\n" for k, gold in rows))
    wrong = wrong_on(GOLDS, range(30))
    second = write(tmp_path / "b.jsonl", json_lines(*({"id": k, "answer": one} for k, one in enumerate(wrong))))
    (found,) = compared(capsys, first, second)
    assert (found["outcome"], found["metric"]) == ("better", "accuracy")
    assert found["difference"]["value"] == pytest.approx(0.15)


def test_of_three_files_one_has_the_golds_for_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [write(tmp_path / "a.csv", "id,answer,gold\n" + "".join(f"{k},x,x\n" for k in range(20)))]
    files += [
        write(
            tmp_path / f"{name}.csv", "id,answer\n" + "".join(f"{k},{'y' if k < wrong else 'x'}\n" for k in range(20))
        )
        for name, wrong in (("b", 4), ("c", 6))
    ]
    found = compared(capsys, *files)
    assert [round(one["difference"]["value"], 6) for one in found] == [0.2, 0.3, 0.1]
    assert {one["count"] for one in found} == {3}


def test_files_with_other_sets_of_labels_are_compared_label_by_label(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = write(tmp_path / "a.csv", "id,answer,gold\n" + "".join(f"{k},x|y,x\n" for k in range(10)))
    second = write(tmp_path / "b.csv", "id,answer\n" + "".join(f"{k},x\n" for k in range(10)))
    (found,) = compared(capsys, first, second, "--metric", "multilabel_f1_macro")
    assert found["difference"]["value"] == pytest.approx(0.5 - 1)  # x is right everywhere, y is never gold


def test_a_row_or_two_make_nothing_better(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = write(tmp_path / "a.csv", "id,answer,gold\n1,x,x\n2,y,y\n")
    second = write(tmp_path / "b.csv", "id,answer\n1,y\n2,x\n")
    (found,) = compared(capsys, first, second)
    assert (found["outcome"], found["difference"]["value"]) == ("within noise", 1.0)
    assert found["difference"]["p"] == found["tests"]["permutation over rows"] > 0.4


def test_a_file_of_answers_is_compared_with_a_run_on_its_golds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = answered(tmp_path / "runs", GOLDS, wrong_on(GOLDS, range(30)))
    file = write(tmp_path / "mine.tsv", "id\tanswer\n" + "".join(f"{k}\t{gold}\n" for k, gold in enumerate(GOLDS)))
    (found,) = compared(capsys, file, run)
    assert (found["task"], found["outcome"]) == ("sst2", "better")


def test_compare_json_is_written_where_out_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = arm(tmp_path / "a", []), arm(tmp_path / "b", [50])
    found = compared(capsys, first, second, "--out", tmp_path / "out")
    (folder,) = (tmp_path / "out").iterdir()
    assert json.loads((folder / "compare.json").read_text("utf-8"))["verdicts"] == found


def test_the_folder_of_compare_json_stands_in_out_whatever_the_arms_are_called(tmp_path: Path) -> None:
    names = [f"{place}/{'𠀋' * 60}.jsonl" for place in ("a", "b")]  # of four bytes each; a name has 255 at most
    lines = json_lines({"id": 0, "answer": "x", "gold": "x"}, {"id": 1, "answer": "y", "gold": "y"})
    files = [write(tmp_path / name, lines) for name in (*names, "a/run.jsonl", "b/run.jsonl")]
    for first, second in (files[:2], files[2:]):
        bertkit.compare(first, second, out=tmp_path / "out")
    folders = sorted(one.name.rpartition("-")[0] for one in (tmp_path / "out").iterdir())
    assert folders[0] == "compare-a-run.jsonl-b-run.jsonl"
    assert len([*(tmp_path / "out").glob("*/compare.json")]) == 2


def test_with_all_seeds_a_result_of_another_version_beside_them_is_no_obstacle(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = arm(tmp_path / "a", [], seeds=2)
    other = answered(first, GOLDS, GOLDS, model="org/other")
    write(other / RESULT, '{"schema_number": 0}')
    run = next(first.glob("sst2-tiny-s0-*"))
    (found,) = compared(capsys, run, arm(tmp_path / "b", [50], seeds=2), "--all-seeds")
    assert found["arms"][0]["seeds"] == [0, 1]


def test_a_failed_run_of_an_arm_is_named_with_its_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = Spec(task=registry.find("sst2"), model="org/a", data="here", seed=7)
    why = (Failure(reason="every answer is the same", advice="a lower --lr"),)
    first = answered_on(tmp_path, spec, {"dev": (GOLDS, ["positive"] * 200)}, failures=why)
    second = answered(tmp_path, GOLDS, GOLDS, model="org/b")
    text = printed(capsys, first, second)
    assert "failed runs are in the means and in the tests" in text
    assert f"{first.name}, sst2, seed 7 failed: every answer is the same" in text


def test_json_has_all_that_is_said_beside_the_verdicts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = Spec(task=registry.find("sst2"), model="org/a", data="here", seed=7)
    why = (Failure(reason="every answer is the same", advice="a lower --lr"),)
    first = answered_on(tmp_path, spec, {"dev": (GOLDS, ["positive"] * 200)}, failures=why)
    second = answered(tmp_path, GOLDS, GOLDS, model="org/b")
    out = ["--out", str(tmp_path / "out")]
    text = printed(capsys, first, second, *out)
    compared(capsys, first, second, *out)
    (folder,) = (tmp_path / "out").iterdir()
    plain = json.loads((folder / "compare.json").read_text("utf-8"))
    (verdict,) = plain["verdicts"]
    assert len(verdict["lines"]) == 3  # the verdict, that it is one seed's, and the tests
    assert all(line in text for line in [*verdict["lines"], *plain["differences"]])
    assert plain["failures"] == [
        {"arm": first.name, "task": "sst2", "seed": 7, "reason": "every answer is the same", "advice": "a lower --lr"}
    ]
    assert plain["command"] == f"bertkit compare {first} {second} {' '.join(out)}"
    assert [one["arm"] for one in plain["made"]] == [first.name, second.name]
    page = bertkit.report(folder).read_text("utf-8")
    assert verdict["lines"][1] in page


def test_seeds_with_a_gap_have_a_command_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for seed in (0, 1, 3):
        answered(tmp_path / "a", GOLDS, GOLDS, seed=seed)
    arm(tmp_path / "b", [], seeds=3)
    with pytest.raises(SystemExit):
        main(["compare", str(tmp_path / "a"), str(tmp_path / "b"), "--json"])
    gap, whole = json.loads(capsys.readouterr().out)["made"]
    assert len(gap["commands"]) == 3
    assert all("--seeds" not in line for line in gap["commands"])
    (line,) = whole["commands"]
    assert "--seeds 3" in line


def test_from_python_the_verdicts_are_returned(tmp_path: Path) -> None:
    first, second = arm(tmp_path / "a", []), arm(tmp_path / "b", range(50, 80))
    (found,) = bertkit.compare(first, second, metric="accuracy")
    assert found.outcome == "better" and found.seeds_to_tell == 2  # all seeds say the same, and rows enough
    with pytest.raises(RequestError, match="name at least two"):
        bertkit.compare(str(first))


def test_from_python_compare_json_is_written_where_out_says(tmp_path: Path) -> None:
    first, second = arm(tmp_path / "a", []), arm(tmp_path / "b", [50])
    (found,) = bertkit.compare(first, second, out=tmp_path / "out")
    (written,) = (tmp_path / "out").glob("compare-*/compare.json")
    assert json.loads(written.read_text("utf-8"))["verdicts"][0]["difference"]["value"] == found.difference.value


def test_from_python_runs_that_are_compared_have_no_progress(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="progress: comparing runs or files trains nothing"):
        bertkit.compare(tmp_path / "a", tmp_path / "b", progress=True)  # type: ignore[call-overload]


def two(below: Path, **fields: Any) -> tuple[str, str]:
    """A run, and another with these fields."""
    first = answered(below / "a", GOLDS, GOLDS)
    return str(first), str(answered(below / "b", GOLDS, GOLDS, **fields))


def test_the_sample_is_not_compared_with_the_data_set(tmp_path: Path, refused: Refused) -> None:
    assert "differ in their rows: the data set's and the sample's" in refused("compare", *two(tmp_path, data=SAMPLE))


def test_other_rows_are_refused_and_some_are_named(tmp_path: Path, refused: Refused) -> None:
    line = refused("compare", *two(tmp_path, first=1))
    assert "not the same rows" in line
    assert "such as '0'" in line


def test_other_golds_are_refused(tmp_path: Path, refused: Refused) -> None:
    first = answered(tmp_path / "a", GOLDS, GOLDS)
    second = answered(tmp_path / "b", GOLDS[::-1], GOLDS)
    assert "differ in 200 rows" in refused("compare", str(first), str(second))


def test_an_unfinished_run_is_named(tmp_path: Path, refused: Refused) -> None:
    first, second = two(tmp_path, finished=False)
    assert f"not finished: {second}" in refused("compare", first, second)


def test_runs_of_another_task_have_nothing_in_common(tmp_path: Path, refused: Refused) -> None:
    spec = Spec(task=registry.find("cola"), model="org/tiny", data="here")
    other = answered_on(tmp_path, spec, {"dev": (["acceptable"], ["acceptable"])})
    line = refused("compare", str(answered(tmp_path, GOLDS, GOLDS)), str(other))
    assert "no evaluation in common: sst2 (dev); cola (dev)" in line


def test_a_folder_of_two_specs_is_refused_and_the_difference_named(tmp_path: Path, refused: Refused) -> None:
    arm(tmp_path / "a", [])
    arm(tmp_path / "b", [])
    answered(tmp_path / "a", GOLDS, GOLDS, model="org/other", seed=9)
    line = refused("compare", str(tmp_path / "a"), str(tmp_path / "b"))
    assert 'model "org/tiny" and "org/other"' in line
    assert "--all-seeds" in line


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("id,answer\n0,positive\n0,negative\n", "id '0' stands in this file twice"),
        ("id,said\n0,positive\n", "no column answer; its columns are id, said"),
        ("id,answer,gold\n0,positive,positive\n1,negative,\n", "1 of 2 rows have no gold"),
        ("id,answer\n,positive\n", "no id"),
    ],
)
def test_a_file_that_cannot_be_understood_is_refused(tmp_path: Path, refused: Refused, text: str, words: str) -> None:
    file = write(tmp_path / "a.csv", text)
    other = write(tmp_path / "b.csv", "id,answer,gold\n0,positive,positive\n")
    assert words in refused("compare", str(file), str(other))


def test_files_without_any_gold_are_refused(tmp_path: Path, refused: Refused) -> None:
    files = [str(write(tmp_path / f"{name}.csv", "id,answer\n0,positive\n1,negative\n")) for name in "ab"]
    assert "no file has a gold column" in refused("compare", *files)


def test_an_answer_that_is_no_label_of_the_run_is_refused(tmp_path: Path, refused: Refused) -> None:
    run = answered(tmp_path / "run", GOLDS[:2], GOLDS[:2])
    file = write(tmp_path / "a.csv", "id,answer\n0,good\n1,bad\n")
    assert "'good' is none of the labels: negative, positive" in refused("compare", str(file), str(run))


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (["./b.csv"], "name at least two"),
        (["./nowhere", "./there"], "there is no such run, folder or file"),
        (["b.csv", "./b.csv"], "named twice"),
        (["b.csv", "./c.csv", "--metric", "acuracy"], "no metric is called 'acuracy'; did you mean accuracy or"),
    ],
)
def test_what_is_typed_wrong_is_refused(tmp_path: Path, refused: Refused, typed: list[str], words: str) -> None:
    for name in ("b.csv", "c.csv"):
        write(tmp_path / name, "id,answer,gold\n0,positive,positive\n1,negative,negative\n")
    assert words in refused("compare", *typed)


def test_runs_whose_models_are_gone_are_compared_by_the_labels_they_answered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = registry.find("sst2")
    own = replace(
        task,
        head=replace(task.head, labels=FROM_TRAIN),
        evaluations=tuple(replace(one, metrics=("f1_macro",)) for one in task.evaluations),
    )
    runs = [
        answered_on(tmp_path, Spec(task=own, model=f"org/{name}", data="here"), {"dev": (GOLDS, wrong_on(GOLDS, rows))})
        for name, rows in (("a", range(20)), ("b", range(60)))
    ]
    (found,) = compared(capsys, *runs)
    assert (found["outcome"], found["metric"]) == ("better", "f1_macro")
    assert found["difference"]["value"] == pytest.approx(0.9 - 0.7)  # as many rows of either label are wrong
