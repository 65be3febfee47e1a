"""What a report says of scores over seeds: warnings, failures, floors, leaks, and what was not looked at."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import reported
from test_report import changed, seeds, seen

from bertkit.evaluation.warned import against_floor
from bertkit.result import Failure, Floor, Leaked, Result, Score, Scored
from bertkit.runs.failed_runs import failures_of
from bertkit.runs.folder import PREDICTIONS, read_result, write_result


def score(value: float) -> Score:
    return Score(value=value, low=value - 0.1, high=value + 0.1)


def of_seed(below: Path, seed: int) -> Path:
    return next(path for path in below.iterdir() if f"s{seed}" in path.name)


def result_of(folder: Path) -> Result:
    found = read_result(folder)
    assert found
    return found


def failed(folder: Path, *failures: Failure) -> None:
    write_result(folder, replace(result_of(folder), failures=failures))


# Warnings and failures.


@pytest.mark.parametrize(
    ("details", "said"),
    [
        (
            {"permuted": {"names": {"negative": "positive", "positive": "negative"}, "accuracy": 0.1, "permuted": 0.9}},
            "Problem dev: the rows' labels look permuted: accuracy 10.0, and 90.0 with negative for positive",
        ),
        ({"majority": 0.9}, "Problem dev: accuracy is below the commonest label's share: check the label names"),
        ({"only gold": "positive"}, "Problem dev: every gold is the same (positive): the score says little"),
        ({"constant": True}, "Problem dev: every answer is the same: the model learnt nothing"),
    ],
)
def test_the_page_has_the_warnings_of_the_terminal(tmp_path: Path, details: dict[str, Any], said: str) -> None:
    folder = reported.run(tmp_path, reported.sample("sst2"), reported.one_wrong_in_four)
    assert said in seen(changed(folder, details=details))


def test_constant_answers_are_said_once_where_the_run_failed_for_them(tmp_path: Path) -> None:
    folder = changed(
        reported.run(tmp_path, reported.sample("sst2"), reported.one_wrong_in_four), details={"constant": True}
    )
    (failure,) = failures_of(result_of(folder), [])
    failed(folder, failure)
    page = seen(folder)
    assert page.count("every answer is the same") == 1
    assert f"the model learnt nothing Try {failure.advice}. " in page
    assert failure.advice == "more updates (--epochs; here 6)"


def test_seeds_that_failed_alike_share_a_line(tmp_path: Path) -> None:
    seeds(tmp_path)
    alike = Failure(reason="the training loss never left its start", advice="a lower --lr, or another --seed")
    for seed in (42, 44):
        failed(of_seed(tmp_path, seed), alike)
    page = seen(tmp_path)
    assert "Problem seeds 42, 44: the training loss never left its start Try a lower --lr, or another --seed. " in page


# Floors.


@pytest.mark.parametrize(
    ("scores", "low", "said"),
    [
        ([0.8], 0.71, ""),
        ([0.8], 0.7, "is not clearly above"),
        ([0.7], 0.6, "does not beat"),
        ([0.65, 0.7, 0.75], 0.6, "does not beat"),  # whose mean is 0.7000000000000001
        ([0.71, 0.9], None, ""),
        ([0.69, 0.9], None, "is not clearly above"),
    ],
)
def test_a_mean_is_held_against_a_floor_of_70_by_its_interval_else_by_its_least_seed(
    scores: list[float], low: float | None, said: str
) -> None:
    assert against_floor(scores, low, 0.7) == said


def test_the_mean_of_sound_seeds_is_held_against_the_floor(tmp_path: Path) -> None:
    seeds(tmp_path)  # 70, 80 and 90
    for seed in (42, 43, 44):
        changed(of_seed(tmp_path, seed), floors=(Floor(name="TF-IDF", metrics={"accuracy": 0.8}),))
    assert "Problem dev accuracy does not beat its floor (TF-IDF, 80.0)" in seen(tmp_path)
    failed(of_seed(tmp_path, 42), Failure(reason="constant answers", advice="another --seed"))
    assert "does not beat its floor" not in seen(tmp_path)


def test_the_page_names_the_checks_that_were_made_and_says_where_there_were_no_floors(tmp_path: Path) -> None:
    folder = reported.run(tmp_path, reported.sample("sst2"), reported.one_wrong_in_four)
    checked = "No problems found Checked: failed training, constant answers, rows that are train rows too; "
    assert f"{checked}floors: not computed (--no-floor)." in seen(folder)
    changed(folder, floors=(Floor(name="TF-IDF", metrics={"accuracy": 0.3}),))
    assert f"{checked}scores above their floors." in seen(folder)


# Means over seeds.


def test_without_an_interval_of_the_mean_there_is_a_dash(tmp_path: Path) -> None:
    seeds(tmp_path)
    (of_seed(tmp_path, 44) / PREDICTIONS).unlink()
    assert "dev accuracy 80.0 – " in seen(tmp_path)


def test_without_leaked_rows_stands_the_mean_over_the_sound_seeds(tmp_path: Path) -> None:
    seeds(tmp_path)
    for seed, value in ((42, 0.6), (43, 0.7), (44, 0.2)):
        changed(of_seed(tmp_path, seed), leaked=Leaked(rows=12, metrics={"accuracy": score(value)}))
    failed(of_seed(tmp_path, 44), Failure(reason="constant answers", advice="another --seed"))
    page = seen(tmp_path)
    said = "Warning 12 of 80 dev rows stand in the train rows too Without them: accuracy 65.0, the mean of 2 seeds. "
    assert said in page
    assert "without leaked rows 65.0" in page


def test_a_seed_without_leaked_rows_counts_with_all_of_its_rows(tmp_path: Path) -> None:
    seeds(tmp_path, 2)  # 70 and 80
    changed(of_seed(tmp_path, 42), leaked=Leaked(rows=3, metrics={"accuracy": score(0.6)}))
    assert "Warning 0 to 3 of 80 dev rows stand in the train rows too Without them: accuracy 70.0" in seen(tmp_path)


def test_a_seed_that_was_not_scored_on_an_evaluation_has_a_dash_there(tmp_path: Path) -> None:
    seeds(tmp_path)
    first = of_seed(tmp_path, 42)
    write_result(
        first,
        replace(result_of(first), evaluations=(Scored(name="dev", split="validation", missing="there is no file"),)),
    )
    page = seen(tmp_path)
    assert "accuracy on dev 85.0 ± 7.1" in page  # of 80 and 90
    assert "seed 42 seed 43 seed 44 dev accuracy – 80.0 90.0" in page
