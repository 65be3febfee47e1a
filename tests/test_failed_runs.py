"""Failed runs: what answers and losses say of a run that learnt nothing, and of one that is merely bad."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, distribution
from math import log
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
from files import json_lines, write

from bertkit import registry
from bertkit.cli import main
from bertkit.encoders import SAMPLE_PACKAGE
from bertkit.heads.degenerate import loss_of_shares, spread
from bertkit.result import Failure, Floor, Result, Score, Scored, Training
from bertkit.runs.failed_runs import failures_of
from bertkit.runs.folder import read_log, read_result
from bertkit.spec import Spec
from bertkit.task import Recipe

HALF = log(2)
"""The loss of answering two labels of equal shares with one half each."""


def run_of(
    answers: float,
    score: float,
    *,
    metric: str = "accuracy",
    low: float | None = None,
    golds: float = 0.5,
    updates: int = 400,
    recipe: Recipe | None = None,
    constant: bool = False,
    shares: float | None = None,
) -> Result:
    """A run of sst2 whose answers and golds vary so much, with this score."""
    found = {"constant": constant, "spread of answers": answers, "spread of golds": golds}
    if shares is not None:
        found["loss of shares"] = shares
    metrics = {metric: Score(value=score, low=score - 0.05 if low is None else low, high=score + 0.05)}
    return Result(
        spec=Spec(task=registry.find("sst2"), model="m", recipe=recipe or Recipe(learning_rate=2e-5, warmup=0.1)),
        evaluations=(Scored(name="dev", split="dev", rows=400, metrics=metrics, details=found),),
        rows={},
        training=Training(steps=updates, examples=1, tokens=1, seconds=1.0, loss=None),
        device="cpu",
        precision="fp32",
        encoder={},
        versions={},
    )


def logged(*losses: float | None) -> list[dict[str, Any]]:
    """The lines of a log with these losses."""
    return [{"step": k + 1, "loss": loss} for k, loss in enumerate(losses)]


def noisy(levels: Sequence[float], noise: float = 0.1) -> list[dict[str, Any]]:
    """A log whose losses are around these levels."""
    return logged(*(np.asarray(levels) + np.random.default_rng(7).normal(0, noise, len(levels))).tolist())


LEARNT = noisy(np.linspace(HALF, 0.2, 400).tolist())
FLAT = noisy([HALF] * 400)


def reasons(result: Result, log: list[dict[str, Any]]) -> list[str]:
    return [failure.reason for failure in failures_of(result, log)]


def test_constant_answers_are_a_failure_however_short_the_run() -> None:
    found = failures_of(run_of(0.0, 0.5, constant=True, updates=3), logged(0.7, 0.7, 0.7))
    advice = "more updates (--epochs; here 3)"
    assert found == (Failure(reason="dev: every answer is the same: the model learnt nothing", advice=advice),)


@pytest.mark.parametrize(("warmup", "last"), [(0.1, "or another --seed"), (0.05, "or a longer --warmup, such as 0.1")])
def test_a_long_run_at_a_usual_rate_is_advised_a_lower_one_and_more(warmup: float, last: str) -> None:
    recipe = Recipe(learning_rate=5e-5, warmup=warmup)
    (found,) = failures_of(run_of(0.0, 0.5, constant=True, updates=150, recipe=recipe), LEARNT)
    assert found.advice == f"more updates (--epochs; here 150), a lower --lr (here 5e-05), {last}"


def test_a_correlation_that_constant_answers_leave_undefined_is_named() -> None:
    (reason,) = reasons(run_of(0.0, 0.0, metric="matthews", constant=True), LEARNT)
    assert reason.endswith("the model learnt nothing; Matthews corr.: not defined, shown as 0")


def test_a_high_learning_rate_is_what_is_to_be_lowered_first() -> None:
    (found,) = failures_of(run_of(0.0, 0.5, constant=True, recipe=Recipe(learning_rate=1e-2)), LEARNT)
    assert found.advice == "a lower --lr (here 0.01; 2e-5 to 1e-4 is usual)"


NEARLY = "dev: nearly every answer is the same, and the score no better than of one answer for all"


@pytest.mark.parametrize(
    ("answers", "score", "updates", "failed"),
    [
        (0.02, 0.50, 400, True),  # 8 of 400 answers are another, where 200 golds are
        (0.02, 0.52, 400, False),  # and they are right: better than one answer for all
        (0.03, 0.50, 400, False),  # 3 % of answers are more than 5 % of the golds' 50 %
        (0.02, 0.50, 49, False),  # too short to say so
        (0.50, 0.50, 400, False),  # at chance, with answers that differ: bad, and no failure
    ],
)
def test_nearly_constant_answers_without_a_better_score_are_a_failure(
    answers: float, score: float, updates: int, failed: bool
) -> None:
    assert (reasons(run_of(answers, score, updates=updates), LEARNT) == [NEARLY]) is failed


@pytest.mark.parametrize(("low", "failed"), [(-0.02, True), (0.02, False)])
@pytest.mark.parametrize("metric", ["matthews", "pearson"])
def test_a_correlation_whose_interval_is_above_0_is_no_failure(metric: str, low: float, failed: bool) -> None:
    assert bool(reasons(run_of(0.01, 0.05, metric=metric, low=low), LEARNT)) is failed


@pytest.mark.parametrize(
    ("answers", "log", "failed"),
    [
        (0.12, FLAT, True),  # both say it: the loss, and answers that vary by less than a quarter of the golds
        (0.12, LEARNT, False),
        (0.50, FLAT, False),  # RTE's small models: the loss stays, the answers differ
        (0.12, FLAT[:99], False),  # too short to say so of a loss
    ],
)
def test_a_loss_that_never_left_its_start_counts_where_answers_hardly_differ(
    answers: float, log: list[dict[str, Any]], failed: bool
) -> None:
    said = reasons(run_of(answers, 0.5, shares=HALF), log)
    assert said == (["dev: the training loss never left its start, and most answers are the same"] if failed else [])


def test_a_fall_to_the_loss_of_the_label_shares_is_no_fall() -> None:
    falls = noisy(np.linspace(1.5, HALF, 50).tolist() + [HALF] * 350)  # a fresh head far off, then one half for all
    assert reasons(run_of(0.12, 0.5, shares=HALF), falls)
    assert not reasons(run_of(0.12, 0.5), falls)


def test_a_weighted_loss_is_not_compared_with_the_label_shares() -> None:
    recipe = Recipe(learning_rate=2e-5, warmup=0.1, class_weights="balanced")
    falls = noisy(np.linspace(1.5, HALF, 50).tolist() + [HALF] * 350)
    assert not reasons(run_of(0.12, 0.5, recipe=recipe, shares=HALF), falls)


def test_a_head_that_does_not_say_how_answers_vary_fails_by_its_loss_where_its_floor_is_as_good() -> None:
    plain = run_of(0.0, 0.4, metric="squad_v1_f1")
    (scored,) = plain.evaluations
    said = ["the training loss never left its start: the model learnt nothing"]
    for floor, found in ((0.3, []), (0.4, said), (None, [])):
        floors = () if floor is None else (Floor(name="sentence overlap", metrics={"squad_v1_f1": floor}),)
        result = replace(plain, evaluations=(replace(scored, details={}, floors=floors),))
        assert reasons(result, noisy([4.0] * 200)) == found
        assert not reasons(result, noisy(np.linspace(4, 2, 200).tolist()))


def test_a_head_that_is_trained_further_may_stay_where_it_starts() -> None:
    plain = run_of(0.12, 0.5, shares=HALF)
    assert reasons(plain, FLAT)
    assert not reasons(replace(plain, spec=replace(plain.spec, keep_head=True)), FLAT)


def test_a_long_run_that_fell_early_and_stays_there_is_not_flat() -> None:
    fell = noisy([*np.linspace(1.5, 0.8, 300).tolist(), *[0.8] * 9_700])
    assert not reasons(run_of(0.12, 0.5, updates=10_000), fell)
    assert reasons(run_of(0.12, 0.5, updates=10_000), noisy([1.5] * 10_000))


def test_a_spike_after_the_update_whose_weights_are_kept_is_none() -> None:
    log = noisy([*np.linspace(HALF, 0.2, 200).tolist(), *[HALF] * 100])
    kept = {"step": 200, "rows": 40, "metric": "accuracy", "value": 0.8, "stopped": False}
    assert reasons(run_of(0.5, 0.7), log)
    assert not reasons(replace(run_of(0.5, 0.7), selected=kept), log)


def test_a_spike_without_return_is_a_failure() -> None:
    down = np.linspace(HALF, 0.2, 200).tolist()
    (reason,) = reasons(run_of(0.5, 0.7), noisy([*down, *[HALF] * 100]))
    assert reason.startswith("the training loss rose from 0.2") and reason.endswith("and did not come back")


def test_a_spike_that_comes_back_is_none() -> None:
    down = np.linspace(HALF, 0.2, 200).tolist()
    assert not reasons(run_of(0.5, 0.9), noisy([*down, *[HALF] * 10, *[0.2] * 60]))


def test_a_loss_that_ends_above_twice_its_start_is_a_failure() -> None:
    (reason,) = reasons(run_of(0.5, 0.7), noisy(np.linspace(HALF, 4, 300).tolist()))
    assert reason.startswith("the training loss rose from 0.")


def test_a_loss_that_fluctuates_around_its_end_is_no_spike() -> None:
    assert not [seed for seed in range(50) if reasons(run_of(0.5, 0.5), _around(seed))]


def _around(seed: int) -> list[dict[str, Any]]:
    return logged(*np.random.default_rng(seed).normal(HALF, 0.1, 400).tolist())


@pytest.mark.parametrize(("skipped", "failed"), [(20, False), (40, False), (41, True)])
def test_many_updates_that_fp16_skipped_are_a_failure(skipped: int, failed: bool) -> None:
    losses = [line["loss"] for line in LEARNT[skipped:]]
    said = reasons(run_of(0.5, 0.9), logged(*[None] * skipped, *losses))
    line = f"{skipped} of 400 updates were skipped: their loss or gradient was not finite"
    assert said == ([line] if failed else [])


def test_updates_whose_gradient_alone_was_not_finite_were_skipped_too() -> None:
    log = [{**line, "gradient_norm": None if k < 41 else 1.0} for k, line in enumerate(LEARNT)]
    assert reasons(run_of(0.5, 0.9), log) == ["41 of 400 updates were skipped: their loss or gradient was not finite"]


def test_a_run_of_skipped_updates_alone_is_judged_without_a_warning() -> None:
    assert len(reasons(run_of(0.5, 0.5), logged(*[None] * 400))) == 1


def test_the_spread_of_labels_is_the_share_that_is_not_the_commonest_one() -> None:
    assert spread(["a", "a", "a", "b"]) == 0.25
    assert spread([1.0, 3.0]) == 1.0  # their standard deviation
    assert spread([]) == 0.0


def test_the_loss_of_the_label_shares_is_their_entropy_or_the_variance() -> None:
    assert loss_of_shares(["a", "b"]) == pytest.approx(log(2))
    assert loss_of_shares(["a"] * 3 + ["b"]) == pytest.approx(-0.75 * log(0.75) - 0.25 * log(0.25))
    assert loss_of_shares([1.0, 3.0]) == 1.0


ROWS = [{"sentence": text, "label": label} for text, label in tiny.REVIEWS * 12]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny.make("bert", tmp_path_factory.mktemp("encoders") / "tiny"))


def reviews(folder: Path) -> Path:
    """A folder of train and dev rows."""
    for split in ("train", "dev"):
        write(folder / "data" / f"{split}.jsonl", json_lines(*ROWS))
    return folder / "data"


def trained(folder: Path, encoder: str, *more: str) -> list[Path]:
    """Train on reviews and score them; the runs' folders."""
    line = f"finetune sst2 --data {reviews(folder)} --model {encoder} --device cpu --out {folder / 'runs'}"
    with pytest.raises(SystemExit) as left:
        main([*line.split(), *more])
    assert not left.value.code
    return sorted(path.parent for path in (folder / "runs").glob("*/result.json"))


def test_a_run_that_a_learning_rate_of_20_ruined_says_so_with_what_to_try(
    tmp_path: Path, encoder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder,) = trained(tmp_path, encoder, "--lr", "20", "--max-steps", "20")
    check_ruined(folder, capsys.readouterr().out, "here 20;")


@pytest.mark.slow
@pytest.mark.parametrize("task", ["cola", "mrpc", "stsb", "sst2"])
def test_a_learning_rate_of_a_hundredth_makes_a_pretrained_encoder_answer_every_row_alike(
    tmp_path: Path, task: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        distribution(SAMPLE_PACKAGE)
    except PackageNotFoundError:
        pytest.skip(f"{SAMPLE_PACKAGE} is not installed")
    line = f"finetune {task} --sample --lr 1e-2 --max-steps 60 --no-floor --device cpu --out {tmp_path}"
    with pytest.raises(SystemExit) as left:
        main(line.split())
    assert not left.value.code
    check_ruined(next(tmp_path.iterdir()), capsys.readouterr().out, "here 0.01;")


def check_ruined(folder: Path, said: str, rate: str) -> None:
    """The run is marked as one that learnt nothing, once, with the rate to lower, in 80 columns."""
    found = read_result(folder)
    assert found and len(found.failures) == 1
    assert "failed: dev: every answer is the same: the model learnt nothing" in " ".join(said.split())
    assert said.count("every answer is the same") == 1
    assert f"try a lower --lr ({rate} 2e-5 to 1e-4 is usual)" in " ".join(said.split())
    assert all(len(line) <= 80 for line in said.splitlines() if not line.startswith("run: "))


def test_a_run_that_learns_has_no_failures(tmp_path: Path, encoder: str, capsys: pytest.CaptureFixture[str]) -> None:
    (folder,) = trained(tmp_path, encoder, "--lr", "1e-3", "--max-steps", "60")
    found = read_result(folder)
    assert found and found.failures == ()
    assert "failed" not in capsys.readouterr().out
    assert failures_of(found, read_log(folder)) == ()


def test_failed_seeds_are_marked_and_stand_beside_the_mean_of_the_sound_ones(
    tmp_path: Path, encoder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = trained(tmp_path, encoder, "--lr", "1e-3", "--max-steps", "40", "--seeds", "3")
    values = []
    for folder, failed in zip(folders, (False, True, False), strict=True):
        path = folder / "result.json"
        plain = json.loads(path.read_text("utf-8"))
        plain["failures"] = [{"reason": "it burnt", "advice": "water"}] if failed else []
        path.write_text(json.dumps(plain), "utf-8")
        values.append(100 * plain["evaluations"][0]["metrics"]["accuracy"]["value"])
    capsys.readouterr()
    trained(tmp_path, encoder, "--lr", "1e-3", "--max-steps", "40", "--seeds", "3")
    said = capsys.readouterr().out
    sound = [values[0], values[2]]
    assert f"{np.mean(sound):.1f} ± {np.std(sound, ddof=1):.1f} (n = 2 of 3; 1 failed)" in said
    assert f"{np.mean(values):.1f} ± {np.std(values, ddof=1):.1f} (n = 3)" in said
    assert "  seed 43 failed: it burnt\n    try water\n" in said
    assert all(len(line) <= 80 for line in said.splitlines() if not line.startswith("finished before: "))


def test_a_comparison_names_its_failed_runs_and_leaves_them_in_its_test(
    tmp_path: Path, encoder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    data = reviews(tmp_path)
    line = f"compare pretrain-vs-scratch --tasks sst2 --data {data} --model {encoder} --device cpu"
    with pytest.raises(SystemExit) as left:
        main([*f"{line} --max-steps 12 --seeds 2 --lr 1 --quiet".split(), "--out", str(tmp_path / "runs")])
    assert not left.value.code
    said = capsys.readouterr().out
    assert "  failed runs are in the means and in the test:\n" in said
    for arm in ("pretrained", "scratch"):
        for seed in (42, 43):
            assert f"  {arm}, seed {seed} failed: dev: every answer is the same" in said
    (path,) = tmp_path.glob("runs/*/compare.json")
    (task,) = json.loads(path.read_text("utf-8"))["tasks"]
    assert [len(run["failures"]) for arm in task["arms"] for run in arm["runs"]] == [1, 1, 1, 1]
    assert task["arms"][0]["final"]["n"] == 2


def seeds_of(data: Path, encoder: str, out: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """What is said of two short runs with different seeds on what is in `data`."""
    line = f"finetune sst2 --data {data} --model {encoder} --device cpu --lr 1e-3 --max-steps 8 --seeds 2 --quiet"
    with pytest.raises(SystemExit) as left:
        main([*line.split(), "--out", str(out)])
    assert not left.value.code
    return " ".join(capsys.readouterr().out.split())


def mark(runs: Path, *failures: list[dict[str, str]]) -> None:
    """Write into the result of each run, in the order of seeds, what failed in it: training decides it otherwise."""
    for path, found in zip(sorted(runs.glob("*/result.json")), failures, strict=True):
        path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {"failures": found}), "utf-8")


FAILURE = {"reason": "it burnt", "advice": "water"}
NO_INTERVAL = "no interval for dev: not every seed has its answers to the same rows"


def test_seeds_without_their_predictions_have_a_mean_and_no_interval(
    tmp_path: Path, encoder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    data = reviews(tmp_path)
    seeds_of(data, encoder, tmp_path / "runs", capsys)
    mark(tmp_path / "runs", [], [])
    first = seeds_of(data, encoder, tmp_path / "runs", capsys)
    assert "intervals: 95 %, over seeds and rows together" in first and NO_INTERVAL not in first
    next(tmp_path.glob("runs/*/predictions.jsonl")).unlink()
    second = seeds_of(data, encoder, tmp_path / "runs", capsys)
    assert NO_INTERVAL in second and "(n = 2)" in second and "seeds and rows" not in second


def test_seeds_that_were_scored_on_different_rows_have_a_mean_and_no_interval(
    tmp_path: Path, encoder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    data = reviews(tmp_path)
    seeds_of(data, encoder, tmp_path / "runs", capsys)
    mark(tmp_path / "runs", [], [])
    path = min(tmp_path.glob("runs/*/predictions.jsonl"))
    path.write_text("".join(path.read_text("utf-8").splitlines(keepends=True)[1:]), "utf-8")
    said = seeds_of(data, encoder, tmp_path / "runs", capsys)
    assert NO_INTERVAL in said and "(n = 2)" in said


@pytest.mark.parametrize(("failures", "place"), [([], "dev accuracy"), ([FAILURE], "dev, all accuracy")])
def test_a_seed_without_an_evaluation_leaves_the_mean_to_the_others(
    failures: list[dict[str, str]], place: str, tmp_path: Path, encoder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    data = reviews(tmp_path)
    seeds_of(data, encoder, tmp_path / "runs", capsys)
    mark(tmp_path / "runs", [], failures)
    path = min(tmp_path.glob("runs/*/result.json"))
    plain = json.loads(path.read_text("utf-8"))
    plain["evaluations"][0] |= {"metrics": {}, "missing": "no dev split", "floors": []}
    path.write_text(json.dumps(plain), "utf-8")
    said = seeds_of(data, encoder, tmp_path / "runs", capsys)
    assert f"{place} " in said and "(n = 1)" in said and "of each seed: 43 " in said


def test_one_sound_seed_has_no_deviation_and_an_interval_over_its_rows(
    tmp_path: Path, encoder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    data = reviews(tmp_path)
    seeds_of(data, encoder, tmp_path / "runs", capsys)
    mark(tmp_path / "runs", [], [FAILURE])
    said = seeds_of(data, encoder, tmp_path / "runs", capsys)
    assert "(n = 1 of 2; 1 failed)" in said and "± 0.0 (n = 1" not in said
    assert "over seeds and rows together; of a single seed over the rows alone" in said
