"""`bertkit report`: what the page says of a run, of seeds, of a suite and of a comparison, and what is refused."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import reported
from door import Refused, refused, unfinished
from files import json_lines, write

import bertkit
from bertkit.cli import main
from bertkit.evaluation.slices import Slice, Slicing
from bertkit.files import write_json
from bertkit.heads import Answer
from bertkit.reports.slices import slice_tables
from bertkit.result import Calibration, Failure, Floor, Leaked, RowCount, Score
from bertkit.runs.folder import FAILED, LOG, PREDICTIONS, RESULT, SPEC, read_result, write_result

__all__ = ["refused"]


def text_of(html: str) -> str:
    """What a reader of the page sees, in one line."""
    body = re.sub(r"<(style|script)>.*?</\1>", "", html, flags=re.S)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def page_of(folder: Path, *more: str) -> str:
    """The page's HTML, made by the command."""
    with pytest.raises(SystemExit) as leaving:
        main(["report", str(folder), *more])
    assert leaving.value.code == 0
    return (folder / "report.html").read_text("utf-8")


def seen(folder: Path, *more: str) -> str:
    return text_of(page_of(folder, *more))


@pytest.fixture
def sst2(tmp_path: Path) -> Path:
    return reported.run(tmp_path, reported.sample("sst2"), reported.one_wrong_in_four)


def changed(folder: Path, **changes: Any) -> Path:
    """The run with changes of its result's first evaluation."""
    result = read_result(folder)
    assert result
    first, *others = result.evaluations
    write_result(folder, replace(result, evaluations=(replace(first, **changes), *others)))
    return folder


# Scores, and what is wrong.


def test_a_score_stands_with_its_interval_and_its_rows(sst2: Path) -> None:
    assert "accuracy on dev 75.0 50.0 – 87.5 95 % over 80 rows (Wilson) One seed" in seen(sst2)


def test_floors_and_the_human_score_stand_with_their_distance(tmp_path: Path) -> None:
    folder = reported.run(tmp_path, reported.sample("sst2"), reported.one_wrong_in_four)
    floors = (Floor(name="commonest label", metrics={"accuracy": 0.5}), Floor(name="TF-IDF", metrics={"accuracy": 0.7}))
    changed(folder, floors=floors)
    result = read_result(folder)
    assert result
    write_result(folder, replace(result, spec=replace(result.spec, data="elsewhere")))
    spec = reported.read(folder / SPEC)
    write_json(folder / SPEC, {**spec, "data": "elsewhere"})
    page = seen(folder)
    assert "commonest label 50.0 +25.0 TF-IDF 70.0 +5.0 human 97.8 −22.8" in page


def test_the_sample_is_not_compared_with_people(sst2: Path) -> None:
    assert "human" not in seen(sst2).replace("there is no published human score", "")


@pytest.mark.parametrize(
    ("floor", "said"),
    [
        (0.75, "Problem dev accuracy does not beat its floor (TF-IDF, 75.0)"),
        (0.5, "Warning dev accuracy is not clearly above its floor (TF-IDF, 50.0)"),
        (0.49, "No problems found Checked: failed training"),
    ],
)
def test_a_score_is_held_against_its_floor(sst2: Path, floor: float, said: str) -> None:
    assert said in seen(changed(sst2, floors=(Floor(name="TF-IDF", metrics={"accuracy": floor}),)))


def test_a_failed_run_says_why_and_what_to_try(tmp_path: Path) -> None:
    failures = (Failure(reason="the loss never left its start", advice="a lower --lr"),)
    folder = reported.run(tmp_path, reported.sample("sst2"), reported.one_wrong_in_four, failures=failures)
    assert "Problem the loss never left its start Try a lower --lr." in seen(folder)


def test_leaked_rows_are_counted_and_the_score_without_them_stands_beside(sst2: Path) -> None:
    leaked = Leaked(rows=12, metrics={"accuracy": Score(value=0.7, low=0.6, high=0.8)})
    page = seen(changed(sst2, leaked=leaked))
    assert "Warning 12 of 80 dev rows stand in the train rows too Without them: accuracy 70.0 [60.0, 80.0]." in page
    assert "without leaked rows 70.0" in page


def test_marks_of_the_result_are_said(tmp_path: Path) -> None:
    marks = ("train: 200 of 67,349 rows",)
    folder = reported.run(tmp_path, reported.sample("sst2"), reported.one_wrong_in_four, marks=marks)
    assert "Warning train: 200 of 67,349 rows Scores of parts of a data set" in seen(folder)


def test_reliability_has_its_two_numbers_and_its_bins(sst2: Path) -> None:
    bins = ((30, 0.65, 0.5), (50, 0.95, 0.9))
    page = seen(changed(sst2, calibration=Calibration(ece=0.0875, brier=0.21, bins=bins)))
    assert re.search(r"expected calibration error 8\.8 \(by chance \d\.\d\) Brier score 0\.210", page)
    assert "rows confidence accuracy 30 65.0 50.0 50 95.0 90.0" in page


def test_reliability_with_the_temperature_stands_beside(sst2: Path) -> None:
    before = Calibration(ece=0.0875, brier=0.21, bins=((30, 0.65, 0.5), (50, 0.95, 0.9)))
    after = Calibration(ece=0.02, brier=0.2, bins=((80, 0.75, 0.75),))
    page = seen(changed(sst2, calibration=before, calibrated=after))
    assert "expected calibration error, with the temperature 2.0 (by chance" in page
    numbers = "as it is 30 65.0 50.0 as it is 50 95.0 90.0 with the temperature 80 75.0 75.0"
    assert f"probability rows confidence accuracy {numbers}" in page


# Answers.


def test_the_matrix_counts_golds_by_rows_and_answers_by_columns(sst2: Path) -> None:
    # 80 rows, half of each label; every fourth is answered by the other label
    wrong = [one for one in _answers(sst2) if one["answer"] != one["gold"]]
    bad, good = (sum(one["gold"] == name for one in wrong) for name in ("negative", "positive"))
    assert bad + good == 20
    assert f"negative positive negative {40 - bad} {bad} positive {good} {40 - good}" in seen(sst2)


def _answers(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / PREDICTIONS).read_text("utf-8").splitlines()]


def test_the_wrong_answer_of_the_highest_probability_comes_first_with_its_text(sst2: Path) -> None:
    page = seen(sst2)
    last = _answers(sst2)[76]  # every fourth is wrong, and the later the more probable
    assert f"gold {last['gold']} answer {last['answer']} probability 67.6 % row {last['row_id']}" in page
    assert page.index("probability 67.6 %") < page.index("probability 67.2 %")


def test_as_many_errors_are_shown_as_are_asked_for(sst2: Path) -> None:
    assert len(re.findall(r"probability \d", page_of(sst2, "--worst", "3"))) == 3
    assert "20 of 80 rows have an error; the 3 largest errors" in seen(sst2, "--worst", "3")


@pytest.mark.parametrize("script", ["</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>"])
def test_a_script_in_a_text_is_shown_and_never_markup(tmp_path: Path, script: str) -> None:
    rows = [{"sentence": f"{script} number {k}", "label": k % 2} for k in range(8)]
    for split in ("train", "dev"):
        write(tmp_path / "rows" / f"{split}.jsonl", json_lines(*rows))
    spec = replace(reported.sample("sst2"), data=str(tmp_path / "rows"))
    folder = reported.run(tmp_path / "runs", spec, reported.one_wrong_in_four)
    page = page_of(folder)
    assert f"{script} number 4" in unescape(page)
    assert script not in page


def test_rows_that_are_gone_are_said_and_the_errors_stand_without_texts(tmp_path: Path) -> None:
    for split in ("train", "dev"):
        write(tmp_path / "rows" / f"{split}.jsonl", json_lines(*({"sentence": f"t{k}", "label": 1} for k in range(8))))
    spec = replace(reported.sample("sst2"), data=str(tmp_path / "rows"))
    folder = reported.run(tmp_path / "runs", spec, reported.one_wrong_in_four)
    (tmp_path / "rows").rename(tmp_path / "elsewhere")
    page = seen(folder)
    assert "The rows cannot be read any more" in page
    assert "gold positive answer negative" in page


def test_rows_that_changed_since_are_not_shown(tmp_path: Path) -> None:
    def rows(word: str) -> None:
        for split in ("train", "dev"):
            lines = ({"sentence": f"{word} {k}", "label": 1} for k in range(8))
            write(tmp_path / "rows" / f"{split}.jsonl", json_lines(*lines))

    rows("before")
    spec = replace(reported.sample("sst2"), data=str(tmp_path / "rows"))
    folder = reported.run(tmp_path / "runs", spec, reported.one_wrong_in_four)
    rows("after")
    page = seen(folder)
    assert "The rows of dev changed since the run" in page
    assert "after 0" not in page


def test_numbers_have_their_residual_and_a_cloud(tmp_path: Path) -> None:
    folder = reported.run(tmp_path, reported.sample("stsb"), reported.half_too_much)
    page = page_of(folder)
    assert "1.25 too high" in page
    assert page.count('class="fill0 cloud"') == 40  # the sample's dev rows


def test_a_wrong_word_stands_with_both_tags(tmp_path: Path) -> None:
    folder = reported.run(tmp_path, reported.sample("ud_en_ewt"), reported.first_word_wrong)
    page = page_of(folder)
    assert '<small><span class="a">X</span> <span class="g">' in page
    assert "word s" not in text_of(page)
    assert re.search(r"1 of \d+ words wrong", page)


def test_a_span_is_marked_in_its_document(tmp_path: Path) -> None:
    folder = reported.run(tmp_path, reported.sample("squad"), reported.first_letters)
    assert '<span class="segment answer">' in page_of(folder)


def test_a_text_that_is_half_a_character_is_written_as_a_question_mark(tmp_path: Path) -> None:
    spec = reported.sample("sst2")
    folder = reported.run(tmp_path, spec, lambda place, row, gold: Answer(value="HALF", scores={}))
    half = (folder / PREDICTIONS).read_text("utf-8").replace("HALF", "\\ud83d")
    write(folder / PREDICTIONS, half)
    assert 'answer <span class="answer">?</span>' in page_of(folder)


def test_a_hundred_thousand_answers_and_updates_make_a_page_below_5_mb(tmp_path: Path) -> None:
    def rows(count: int) -> str:
        return "".join(f'{{"sentence": "text {k}", "label": {k % 2}}}\n' for k in range(count))

    for split in ("train", "dev"):
        write(tmp_path / "rows" / f"{split}.jsonl", rows(8))
    spec = replace(reported.sample("sst2"), data=str(tmp_path / "rows"))
    folder = reported.run(tmp_path / "runs", spec, reported.one_wrong_in_four)
    write(tmp_path / "rows" / "dev.jsonl", rows(100_000))
    result = read_result(folder)
    assert result
    write_result(
        folder, replace(result, rows={"dev": RowCount(used=100_000, there=100_000)})
    )  # too many to check again
    line = '{{"evaluation":"dev","row_id":"{}","answer":"{}","scores":{{"negative":0.9,"positive":0.1}},"gold":"{}"}}\n'
    names = ("negative", "positive")
    lines = (line.format(k, names[k % 2 or k % 4 == 0], names[k % 2]) for k in range(100_000))
    write(folder / PREDICTIONS, "".join(lines))
    write(folder / LOG, "".join(f'{{"step": {k}, "loss": {1 / k}}}\n' for k in range(1, 100_001)))
    page = page_of(folder)
    assert len(page.encode()) < 100_000
    assert "25,000 of 100,000 rows have an error; the 50 largest errors" in text_of(page)
    # of the even rows, which are negative, every other one is wrong
    assert "all rows 75.0 74.7 – 75.3 negative ◆ 50,000 50.0 49.6 – 50.4 positive ◆ 50,000 100.0" in text_of(page)


# Slices, rows, and how it was made.


def sliced(evaluation: str = "dev") -> Slicing:
    short = Slice(name="1 to 8 tokens", rows=30, score=Score(value=0.5, low=0.4, high=0.6), p=0.01)
    long = Slice(name="9 tokens or more", rows=50, score=Score(value=0.9, low=0.8, high=1.0), p=0.2)
    whole = Score(value=0.75, low=0.7, high=0.8)
    return Slicing(
        by="length", evaluation=evaluation, metric="accuracy", score=whole, slices=(short, long), undefined=("none",)
    )


def test_a_slice_is_marked_only_where_it_differs_significantly(sst2: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bertkit.reports.slices.slicings_of", lambda folder: [sliced()])
    page = seen(sst2)
    assert "dev, accuracy by length slice rows score 95 % all rows 75.0 70.0 – 80.0" in page
    assert "1 to 8 tokens ◆ 30 50.0 40.0 – 60.0 9 tokens or more 50 90.0 80.0 – 100.0 none not defined 40 100 " in page


def test_slices_of_an_evaluation_share_an_axis() -> None:
    high = replace(sliced(), slices=(replace(sliced().slices[1], name="a"), replace(sliced().slices[1], name="b")))
    first, second = slice_tables([sliced(), high])
    assert [line.places for line in first.lines[:2]] == [(0.0, 16.67, 33.33), (66.67, 83.33, 100.0)]
    assert second.lines[0].places == (66.67, 83.33, 100.0)
    assert first.whole.places[1] == second.whole.places[1] == 58.33


def test_where_the_rows_changed_it_is_said_why_there_are_no_slices(tmp_path: Path) -> None:
    def rows(word: str) -> None:
        for split in ("train", "dev"):
            lines = ({"sentence": f"{word} {k}", "label": k % 2} for k in range(8))
            write(tmp_path / "rows" / f"{split}.jsonl", json_lines(*lines))

    rows("before")
    spec = replace(reported.sample("sst2"), data=str(tmp_path / "rows"))
    folder = reported.run(tmp_path / "runs", spec, reported.one_wrong_in_four)
    assert "No slices" not in seen(folder)
    write(tmp_path / "rows" / "dev.jsonl", json_lines({"sentence": "another", "label": 1}))
    assert "Slices No slices: the rows of dev are not those in" in seen(folder)


def test_the_rows_are_counted_and_checked_again(sst2: Path) -> None:
    page = seen(sst2)
    assert "train 200 200 – 0 train.jsonl dev 80 80 – 0 dev.jsonl" in page
    assert "A check of the rows finds nothing wrong" in page


def test_what_a_check_of_the_rows_finds_is_said(tmp_path: Path) -> None:
    lines = ({"sentence": f"text {k % 7}", "label": 1} for k in range(8))
    for split, rows in (("train", json_lines(*lines)), ("dev", json_lines({"sentence": "text 3", "label": 1}))):
        write(tmp_path / "rows" / f"{split}.jsonl", rows)
    spec = replace(reported.sample("sst2"), data=str(tmp_path / "rows"))
    page = seen(reported.run(tmp_path / "runs", spec, reported.one_wrong_in_four))
    assert "train: 1 row the same as an earlier one" in page
    assert "dev: 1 row stands in train too" in page


def test_the_command_and_the_versions_stand_at_the_end(sst2: Path) -> None:
    page = seen(sst2)
    assert f"bertkit finetune sst2 --sample --device cpu --precision fp32 --out {sst2.parent}" in page
    assert "bertkit 0.1.0, torch 2.13.0" in page
    assert "1,234,567 parameters" in page


# Several runs.


def seeds(below: Path, count: int = 3, **changes: Any) -> Path:
    for k in range(count):
        folder = reported.run(below, reported.sample("sst2", seed=42 + k), reported.one_wrong_in_four, **changes)
        value = 0.7 + 0.1 * k
        changed(folder, metrics={"accuracy": Score(value=value, low=value - 0.1, high=value + 0.1)})
    return below


def test_seeds_stand_as_their_mean_and_each_by_itself(tmp_path: Path) -> None:
    page = seen(seeds(tmp_path))
    assert "accuracy on dev 80.0 ± 10.0 " in page  # of 70, 80 and 90
    assert "95 % over seeds and rows; ± standard deviation over 3 seeds (70.0–90.0)" in page
    assert "seed 42 seed 43 seed 44 dev accuracy 70.0 80.0 90.0" in page
    assert "--seeds 3" in page


def test_the_interval_of_a_mean_is_over_seeds_and_rows(tmp_path: Path) -> None:
    from bertkit.result import Finished
    from bertkit.studies.verdict import means_of

    seeds(tmp_path)
    folders = sorted(path for path in tmp_path.iterdir())
    results = [read_result(folder) for folder in folders]
    mean = means_of([Finished(folder=f, result=r, before=True) for f, r in zip(folders, results, strict=True) if r])
    low, high = mean["dev", "accuracy"].low, mean["dev", "accuracy"].high
    assert f"{100 * low:.1f} – {100 * high:.1f} 95 % over seeds and rows" in seen(tmp_path)


def test_a_failed_seed_is_shown_apart_and_not_averaged(tmp_path: Path) -> None:
    seeds(tmp_path)
    last = max(tmp_path.iterdir(), key=lambda path: path.name if path.is_dir() and "s44" in path.name else "")
    result = read_result(last)
    assert result
    write_result(last, replace(result, failures=(Failure(reason="constant answers", advice="another --seed"),)))
    page = seen(tmp_path)
    assert "accuracy on dev 75.0 ± 7.1 " in page  # of 70 and 80
    assert "± standard deviation over 2 of 3 seeds, 1 failed (70.0–80.0)" in page
    assert "seed 44 (failed)" in page
    assert "Problem seed 44: constant answers" in page


def test_a_seed_that_never_finished_for_a_non_finite_loss_is_named(tmp_path: Path) -> None:
    seeds(tmp_path, 2)
    folder = Path(unfinished(tmp_path / "third"))
    write_json(folder / SPEC, {**reported.read(folder / SPEC), "seed": 44, "device": "cpu", "precision": "fp32"})
    write_json(folder / FAILED, {"step": 12, "loss": "nan"})
    assert "Problem seed 44: training failed at update 12" in seen(tmp_path)


def test_old_folders_of_runs_that_were_started_over_are_left_out(tmp_path: Path) -> None:
    seeds(tmp_path)
    first = next(path for path in tmp_path.iterdir() if "s42" in path.name)
    first.rename(first.with_name(f"{first.name}.before"))
    assert "over 2 seeds (80.0–90.0)" in seen(tmp_path)


def test_the_tasks_of_a_suite_stand_in_its_order_with_their_mean(tmp_path: Path) -> None:
    reported.run(tmp_path, reported.sample("stsb"), reported.half_too_much)
    reported.run(tmp_path, reported.sample("sst2"), reported.one_wrong_in_four)
    page = seen(tmp_path)
    assert "GLUE 2 tasks" in page
    assert "mean of 2 tasks on the sample, not a GLUE score 75.0" in page
    assert page.index("sst2 accuracy") < page.index("stsb Pearson")


def test_the_mean_of_a_suite_is_over_the_means_of_each_tasks_sound_seeds(tmp_path: Path) -> None:
    seeds(tmp_path)  # 70, 80 and 90
    last = next(path for path in tmp_path.iterdir() if "s44" in path.name)
    result = read_result(last)
    assert result
    write_result(last, replace(result, failures=(Failure(reason="constant answers", advice="another --seed"),)))
    reported.run(tmp_path, reported.sample("stsb"), reported.half_too_much)  # 75
    assert "mean of 2 tasks on the sample, not a GLUE score, each the mean of its seeds 75.0" in seen(tmp_path)


def test_it_is_said_why_a_suite_has_no_mean(tmp_path: Path) -> None:
    for rate in (1e-4, 3e-4):
        reported.run(tmp_path, reported.sample("sst2", learning_rate=rate), reported.one_wrong_in_four)
    reported.run(tmp_path, reported.sample("stsb"), reported.half_too_much)
    assert "No mean of GLUE: there are several specs of sst2." in seen(tmp_path)


def test_two_specs_of_a_task_are_told_apart_by_what_differs(tmp_path: Path) -> None:
    for rate in (1e-4, 3e-4):
        reported.run(tmp_path, reported.sample("sst2", learning_rate=rate), reported.one_wrong_in_four)
    page = seen(tmp_path)
    assert "sst2 learning rate 0.0001" in page
    assert "sst2 learning rate 0.0003" in page


def arm(name: str, final: float, count: int) -> dict[str, Any]:
    """An arm of `compare pretrain-vs-scratch`."""
    runs = [{"seed": k, "loss": [0.7, 0.5], "scored at": [1, 2], "score": [0.5, final]} for k in range(count)]
    spread = {"mean": final, "sd": 0.01, "n": count, "low": final, "high": final}
    return {"arm": name, "learning_rate": 1e-4, "best on the way": spread, "updates to the other's best": [2, None],
            "runs": runs}  # fmt: skip


def verdict(outcome: str = "better", more: Sequence[str] = ("McNemar: p < 0.001",)) -> dict[str, Any]:
    """A verdict on two arms with two seeds each."""
    arms = [
        {"arm": name, "seeds": [1, 2], "scores": [mean - 0.01, mean + 0.01],
         "mean": {"value": mean, "low": mean - 0.1, "high": mean + 0.1}}
        for name, mean in (("pretrained", 0.8), ("scratch", 0.6))
    ]  # fmt: skip
    sentence = "pretrained is better than scratch: +20.0 points [+5.0, +35.0], p = 0.020 over seeds and rows"
    return {
        "sentence": sentence, "lines": [sentence, *more],
        "task": "sst2", "evaluation": "dev", "metric": "accuracy", "rows": 872, "outcome": outcome, "adjusted": 0.02,
        "difference": {"value": 0.2, "low": 0.05, "high": 0.35, "p": 0.02}, "tests": {"McNemar": 0.0004},
        "seeds to tell": 3, "arms": arms,
    }  # fmt: skip


FAILED_SEED = {"arm": "scratch", "task": "sst2", "seed": 1, "reason": "the loss rose", "advice": "a lower --lr"}
MADE = [
    {"arm": name, "task": "sst2", "commands": [f"bertkit finetune sst2{more} --seeds 2"], "machines": ["cpu, fp32"],
     "seconds of training": 150.0, "versions": {"torch": "2.13.0"}}
    for name, more in (("pretrained", ""), ("scratch", " --scratch"))
]  # fmt: skip


def comparison(below: Path) -> Path:
    """The folder of a comparison of pretrained and scratch."""
    task = {"task": "sst2", "metric": "accuracy", "evaluation": "dev", "marks": ["train: 9 of 10 rows"]}
    arms = [arm("pretrained", 0.8, 2), arm("scratch", 0.6, 2)]
    below.mkdir()
    plain = {**task, "verdict": verdict(), "arms": arms, "failures": [FAILED_SEED], "made": MADE}
    plain = {"comparison": "pretrain-vs-scratch", "tasks": [plain]}
    write_json(below / "compare.json", plain)
    return below


def compared(below: Path, *verdicts: dict[str, Any]) -> Path:
    """The folder of a comparison of runs."""
    below.mkdir()
    plain = {"failures": [FAILED_SEED], "differences": ["pretrained and scratch differ in scratch false and true"]}
    plain |= {"made": MADE, "command": "bertkit compare pretrained scratch"}
    write_json(below / "compare.json", {"comparison": "runs-or-files", "verdicts": list(verdicts), **plain})
    return below


def test_a_comparison_begins_with_its_verdict(tmp_path: Path) -> None:
    page = seen(comparison(tmp_path / "compared"))
    assert "pretrained against scratch sst2 · the same 872 rows Better pretrained is better than scratch: +20.0" in page
    assert "McNemar: p < 0.001" in page
    assert "pretrained 80.0 ± 1.4 70.0 – 90.0 2 0.0001 80.0 2 (1 of 2 seeds)" in page  # sd of 79 and 81
    assert "Warning train: 9 of 10 rows" in page


def test_runs_that_were_compared_are_reported_without_curves(tmp_path: Path) -> None:
    page = seen(compared(tmp_path / "compared", verdict()))
    assert "Better pretrained is better than scratch" in page
    assert "Training loss" not in page


def test_below_the_verdict_stand_the_lines_of_the_terminal(tmp_path: Path) -> None:
    said = ["no number of seeds detects a difference of 0.1 points on 872 rows", "permutation over seeds: p = 0.700"]
    page = seen(compared(tmp_path / "compared", verdict("within noise", said)))
    assert f"p = 0.020 over seeds and rows {' '.join(said)} " in page


@pytest.mark.parametrize("made", [comparison, lambda below: compared(below, verdict())])
def test_a_comparison_says_which_seeds_failed_and_how_the_arms_were_made(tmp_path: Path, made: Any) -> None:
    page = seen(made(tmp_path / "compared"))
    assert "Problem scratch, seed 1, in the mean and in the tests: the loss rose Try a lower --lr. " in page
    assert "scratch bertkit finetune sst2 --scratch --seeds 2 machine cpu, fp32 time 2 min of training" in page


def test_a_comparison_of_runs_has_its_command_and_in_what_they_differ(tmp_path: Path) -> None:
    page = seen(compared(tmp_path / "compared", verdict()))
    assert (
        "Reproduce bertkit compare pretrained scratch pretrained and scratch differ in scratch false and true" in page
    )


def test_every_verdict_of_several_has_its_heading(tmp_path: Path) -> None:
    other = {**verdict(), "task": "mrpc", "rows": 408}
    page = seen(compared(tmp_path / "compared", verdict(), other))
    assert "sst2, mrpc · 2 verdicts, each on the same rows" in page
    assert page.index("sst2 dev Better") < page.index("mrpc dev Better")


def test_a_comparison_without_a_verdict_is_to_be_made_again(refused: Refused, tmp_path: Path) -> None:
    write(tmp_path / "old" / "compare.json", '{"comparison": "pretrain-vs-scratch", "tasks": [{"task": "sst2"}]}')
    assert "compare.json was written by an older version: run `bertkit compare` again" in refused("report", "old")


# The command.


def test_the_command_says_where_the_report_is(sst2: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page_of(sst2)
    assert re.fullmatch(rf"report: {re.escape(str(sst2))}/report\.html \(\d+ kB\)\n", capsys.readouterr().out)


def test_json_has_the_place_and_the_size(sst2: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page_of(sst2, "--json")
    plain = json.loads(capsys.readouterr().out)
    assert plain == {"report": str(sst2 / "report.html"), "bytes": (sst2 / "report.html").stat().st_size}


def test_from_python_the_report_is_the_same(sst2: Path, tmp_path: Path) -> None:
    path = bertkit.report(sst2, out=tmp_path / "other.html")
    assert path == tmp_path / "other.html"
    assert path.read_text("utf-8") == page_of(sst2)


def test_a_report_loads_neither_torch_nor_transformers(sst2: Path) -> None:
    code = "import sys, bertkit; bertkit.report(sys.argv[1]); print({'torch', 'transformers'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code, str(sst2)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_folder_that_is_not_there_is_refused(refused: Refused) -> None:
    assert "nowhere does not exist: name a run" in refused("report", "./nowhere")


def test_a_folder_without_runs_is_refused(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "empty is neither a run's folder nor a comparison's" in refused("report", "empty")


def test_an_unfinished_run_is_refused_with_what_finishes_it(refused: Refused, tmp_path: Path) -> None:
    unfinished(tmp_path / "run")
    assert "run has not finished: `bertkit resume run` finishes it" in refused("report", "run")


def test_unfinished_runs_of_a_folder_are_named(refused: Refused, tmp_path: Path) -> None:
    seeds(tmp_path / "done", 1)
    unfinished(tmp_path / "done" / "third")
    assert "one run has not finished (third)" in refused("report", "done")


@pytest.mark.parametrize("name", [SPEC, RESULT, PREDICTIONS, LOG])
def test_a_damaged_file_is_named_and_nothing_is_written(refused: Refused, tmp_path: Path, name: str) -> None:
    folder = reported.run(tmp_path, reported.sample("sst2"), reported.one_wrong_in_four)
    write(folder / name, '{"broken"\n')
    assert f"{name} is damaged" in refused("report", folder.name, "-o", "page.html")
    assert not (tmp_path / "page.html").exists()


@pytest.mark.parametrize(
    ("out", "said"),
    [
        (".", "is a folder: name a file in it"),
        ("result.json", "its name must end in .html"),
        ("nowhere/page.html", "there is no folder nowhere"),
    ],
)
def test_a_place_where_no_report_can_be_is_refused(refused: Refused, tmp_path: Path, out: str, said: str) -> None:
    folder = reported.run(tmp_path, reported.sample("sst2"), reported.one_wrong_in_four)
    assert said in refused("report", folder.name, "-o", out)


def test_a_negative_number_of_errors_is_refused(refused: Refused, tmp_path: Path) -> None:
    folder = reported.run(tmp_path, reported.sample("sst2"), reported.one_wrong_in_four)
    assert "--worst -1" in refused("report", folder.name, "--worst=-1")


def test_a_comparison_of_another_kind_is_refused(refused: Refused, tmp_path: Path) -> None:
    write(tmp_path / "pairs" / "compare.json", '{"comparison": "nsp-vs-sop"}')
    assert "no report of the comparison nsp-vs-sop" in refused("report", "pairs")


@pytest.mark.parametrize("plain", ["{", "[]", '{"comparison": "runs-or-files", "verdicts": [{"task": "x"}]}'])
def test_a_damaged_comparison_is_refused(refused: Refused, tmp_path: Path, plain: str) -> None:
    write(tmp_path / "pairs" / "compare.json", plain)
    assert "compare.json is damaged" in refused("report", "pairs")
