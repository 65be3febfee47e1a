"""Calibration: ECE and Brier by hand and against scikit-learn, and the temperature from `finetune` to `predict`.

R rows, C labels.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
from door import Refused, refused
from files import json_lines, write
from own_tasks import predictions, said
from scipy.special import softmax
from sklearn.metrics import brier_score_loss, log_loss

import bertkit
from bertkit.cli import main
from bertkit.data.splits import read_splits
from bertkit.errors import RequestError
from bertkit.evaluation.calibration import (
    Reliability,
    best_temperature,
    codes_of,
    ece_by_chance,
    mean_log_loss,
    temperature_interval,
    tempered,
)
from bertkit.result import Calibration, selected_lines
from bertkit.runs.folder import read_result, read_spec

__all__ = ["refused"]

SURE = "There is nothing here that anyone would want to see twice."


def calibration_of(shares: Any, golds: Any, blocks: int = 1) -> Calibration:
    reliability = Reliability()
    for part, those in zip(np.array_split(shares, blocks), np.array_split(golds, blocks), strict=True):
        reliability.add(part, those)
    found = reliability.calibration()
    assert found
    return found


def drawn(rows: int, labels: int, sharpness: float, seed: int = 0) -> tuple[Any, Any]:
    """Logits, and golds that are drawn from their softmax; then the logits are multiplied."""
    draws = np.random.default_rng(seed)
    logits = draws.normal(0, 1.5, (rows, labels))
    golds = np.array([draws.choice(labels, p=one) for one in softmax(logits, axis=1)])
    return logits * sharpness, golds


def test_ece_and_brier_by_hand() -> None:
    shares = np.array([[0.9, 0.1], [0.9, 0.1], [0.88, 0.12], [0.3, 0.7]])
    golds = np.array([0, 1, 0, 1])
    found = calibration_of(shares, golds)
    # bins of 1/15: 13/15 < .88, .9 <= 14/15: mean confidence 2.68 / 3, 2 of 3 right; 10/15 < .7 <= 11/15: right
    assert [one[0] for one in found.bins] == [1, 3]
    assert found.bins[1][1:] == pytest.approx((2.68 / 3, 2 / 3))
    assert found.ece == pytest.approx((abs(2.68 - 2) + abs(0.7 - 1)) / 4)
    assert found.brier == pytest.approx(2 * (0.1**2 + 0.9**2 + 0.12**2 + 0.3**2) / 4)


@pytest.mark.parametrize(("confidence", "place"), [(1 / 3, 0), (0.34, 1), (1.0, 2)])
def test_a_bin_holds_its_upper_end(confidence: float, place: int) -> None:
    rest = np.full(3, (1 - confidence) / 3)
    found = calibration_of(np.array([[confidence, *rest], [0.34, 0.22, 0.22, 0.22], [1, 0, 0, 0]]), np.array([0, 0, 0]))
    in_bin = {0: [1, 1, 1], 1: [2, 1], 2: [1, 2]}[place]
    assert [one[0] for one in found.bins] == in_bin


@pytest.mark.parametrize("labels", [2, 3, 7])
def test_brier_is_that_of_scikit_learn(labels: int) -> None:
    logits, golds = drawn(200, labels, 1.7)
    shares = softmax(logits, axis=1)
    wanted = brier_score_loss(golds, shares, labels=range(labels), scale_by_half=False)
    assert calibration_of(shares, golds).brier == pytest.approx(wanted)


def test_rows_in_blocks_are_calibrated_as_rows_at_once() -> None:
    logits, golds = drawn(100, 3, 1.7)
    shares = softmax(logits, axis=1)
    whole, parts = calibration_of(shares, golds), calibration_of(shares, golds, blocks=7)
    assert parts.ece == pytest.approx(whole.ece) and parts.brier == pytest.approx(whole.brier)


def test_no_row_has_no_calibration() -> None:
    assert Reliability().calibration() is None
    empty = Reliability()
    empty.add(np.empty((0, 3)), np.empty(0, np.int64))
    assert empty.calibration() is None


def test_a_gold_that_is_no_label_is_never_right() -> None:
    golds = codes_of(["b", "z"], ["a", "b"])
    assert golds.tolist() == [1, -1]
    found = calibration_of(np.array([[0.2, 0.8], [0.2, 0.8]]), golds)
    assert found.bins == ((2, pytest.approx(0.8), 0.5),)  # type: ignore[comparison-overlap]  # pytest.approx is no float
    assert found.brier == pytest.approx((2 * 0.2**2 + (0.2**2 + 0.8**2 + 1)) / 2)


def test_the_error_by_chance_is_the_mean_of_draws() -> None:
    bins = ((5, 0.6, 0.0), (40, 0.9, 0.0), (3, 1.0, 1.0))
    draws = np.random.default_rng(1)
    errors = sum(np.abs(draws.binomial(count, share, 40_000) - count * share) for count, share, _ in bins) / 48
    assert ece_by_chance(Calibration(ece=0.0, brier=0.0, bins=bins)) == pytest.approx(errors.mean(), abs=1e-3)


@pytest.mark.parametrize("planted", [0.5, 1.0, 2.5])
def test_a_planted_temperature_is_found(planted: float) -> None:
    logits, golds = drawn(5_000, 4, planted)
    assert best_temperature(logits, golds) == pytest.approx(planted, rel=0.05)


def test_no_other_temperature_has_a_lower_loss() -> None:
    logits, golds = drawn(300, 3, 2.0)
    found = best_temperature(logits, golds)
    assert found
    assert mean_log_loss(logits, golds, found) == pytest.approx(log_loss(golds, softmax(logits / found, axis=1)))
    every = [mean_log_loss(logits, golds, one) for one in np.geomspace(0.1, 10, 500)]
    assert mean_log_loss(logits, golds, found) <= min(every) + 1e-9


@pytest.mark.parametrize("golds", [[0, 1], [1, 0]])
def test_where_all_are_right_or_none_no_temperature_is_best(golds: list[int]) -> None:
    assert best_temperature(np.array([[2.0, 0.0], [0.0, 1.0]]), np.array(golds)) is None


def test_the_temperature_lowers_the_error_of_an_overconfident_model() -> None:
    logits, golds = drawn(4_000, 3, 3.0)
    temperature = best_temperature(logits[:2_000], golds[:2_000])
    assert temperature
    rows, those = softmax(logits[2_000:], axis=1), golds[2_000:]
    before, after = calibration_of(rows, those), calibration_of(tempered(rows, temperature), those)
    assert before.ece > 0.1 and after.ece < 0.03
    assert after.brier < before.brier


def test_the_interval_of_a_temperature_has_the_true_one_in_95_of_100_samples() -> None:
    logits, golds = drawn(60_000, 3, 2.0)
    parts = [(logits[k : k + 150], golds[k : k + 150]) for k in range(0, 60_000, 150)]
    found = [(one, best_temperature(one, theirs)) for one, theirs in parts]
    bounds = [temperature_interval(one, temperature) for one, temperature in found if temperature]
    assert 0.92 <= np.mean([low <= 2.0 <= high for low, high in bounds]) <= 0.98


def test_a_temperature_whose_interval_has_1_is_no_clear_gain() -> None:
    selected = {"temperature": 0.8, "temperature low": 0.5, "temperature high": 1.3, "rows": 10,
                "log loss": 0.5, "log loss with it": 0.49}  # fmt: skip
    (line,) = selected_lines(selected)
    assert line.startswith("temperature 0.800 [0.500, 1.300], no clear gain (predict --calibrated)")
    (line,) = selected_lines(selected | {"temperature high": 0.9})
    assert line.startswith("temperature 0.800 [0.500, 0.900] (predict --calibrated)")


@pytest.mark.parametrize("temperature", [0.3, 4.0])
def test_probabilities_with_a_temperature_are_those_of_divided_logits(temperature: float) -> None:
    logits, _ = drawn(500, 3, 2.0)
    shares = softmax(logits, axis=1)
    found = tempered(shares, temperature)
    np.testing.assert_allclose(found, softmax(logits / temperature, axis=1), atol=1e-12)
    assert (found.argmax(axis=1) == shares.argmax(axis=1)).all()
    assert tempered(np.array([[1.0, 0.0]]), temperature).tolist() == [[1.0, 0.0]]


# As it is typed.


ROWS = [{"sentence": f"{text} {k}", "label": (i + (k % 5 == 0)) % 2} for k in range(12) for i, (text, _) in
        enumerate(tiny.REVIEWS)]  # fmt: skip


@pytest.fixture(scope="module")
def calibrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a temperature."""
    below = tmp_path_factory.mktemp("calibrated")
    write(below / "rows" / "train.jsonl", json_lines(*ROWS))
    write(below / "rows" / "dev.jsonl", json_lines(*ROWS[:24]))
    model = tiny.make("bert", below / "tiny")
    done = bertkit.finetune(
        "sst2", data=below / "rows", model=model, calibrate=True, epochs=3, learning_rate=3e-3, batch_size=8,
        device="cpu", out=below / "runs",
    )  # fmt: skip
    return done.folder


def temperature_of(folder: Path) -> float:
    return float(json.loads((folder / "model" / "config.json").read_text("utf-8"))["label_temperature"])


def test_the_temperature_is_fitted_on_rows_taken_out_of_train(calibrated: Path) -> None:
    result, spec = read_result(calibrated), read_spec(calibrated)
    assert result
    splits = read_splits(spec)
    assert splits.selection and len(splits.selection) == result.selected["rows"] == 10  # 10 % of 96
    assert result.selected["temperature"] == temperature_of(calibrated)
    answers = bertkit.predict(calibrated, splits.selection.table["text"], device="cpu")
    names = splits.head.label_names
    logits = np.log([[answer.scores[name] for name in names] for answer in answers])
    golds = codes_of(splits.selection.table["label"], names)
    assert best_temperature(logits, golds) == pytest.approx(temperature_of(calibrated), rel=1e-2)
    assert result.selected["log loss with it"] < result.selected["log loss"]


def test_a_run_is_measured_as_it_is_and_with_its_temperature(calibrated: Path) -> None:
    result = read_result(calibrated)
    assert result
    (dev,) = result.evaluations
    lines = predictions(calibrated)
    names = ("negative", "positive")
    shares = np.array([[line["scores"][name] for name in names] for line in lines])
    golds = codes_of([line["gold"] for line in lines], names)
    assert dev.calibration == calibration_of(shares, golds)
    assert dev.calibrated == calibration_of(tempered(shares, temperature_of(calibrated)), golds)
    assert dev.calibrated != dev.calibration


def test_a_run_scored_again_has_the_same_calibration(calibrated: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = read_result(calibrated)
    assert result and result.evaluations[0].calibrated
    again = said(capsys, "eval", str(calibrated), "--json", "--quiet")["evaluations"][0]
    assert again["calibrated"]["ece"] == pytest.approx(result.evaluations[0].calibrated.ece, abs=1e-4)
    assert again["calibration"]["brier"] == pytest.approx(result.evaluations[0].calibration.brier, abs=1e-4)


def test_the_report_of_a_run_with_selection_rows_has_its_rows_and_its_temperature(
    calibrated: Path, tmp_path: Path
) -> None:
    page = bertkit.report(calibrated, out=tmp_path / "report.html").read_text("utf-8")
    assert "selection" in page and f"temperature {temperature_of(calibrated):.3f}" in page
    assert "Not checked again" not in page


def test_both_calibrations_are_printed(calibrated: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["eval", str(calibrated), "--quiet"])
    printed = capsys.readouterr().out
    assert "dev: ECE " in printed and "; calibrated: ECE " in printed
    assert max(map(len, printed.splitlines()[1:])) <= 80


def lines_of(printed: str) -> list[Any]:
    return [json.loads(line) for line in printed.splitlines()]


def asked(way: str, folder: Path, capsys: Any, monkeypatch: Any, *flags: str) -> list[dict[str, Any]]:
    """Answers and their probabilities by one of the ways to ask a run for them."""
    texts = [row["sentence"] for row in ROWS[:6]] + [SURE]
    file = write(folder.parent / "texts.txt", "\n".join(texts) + "\n")
    if way == "load":
        run = bertkit.load(folder, device="cpu", calibrated=bool(flags))
        return [{"answer": one.value, "scores": one.scores} for one in run.predict(texts)]
    if way == "Python":
        found = bertkit.predict(folder, texts, device="cpu", calibrated=bool(flags))
        return [{"answer": one.value, "scores": one.scores} for one in found]
    more = {
        "typed": [*texts, "--json"],
        "file": ["--file", str(file), "--json"],
        "lines": ["--file", str(file), "--out", "-"],
        "out": ["--file", str(file), "--out", str(folder.parent / "answers.jsonl"), "--force"],
        "bf16": ["--file", str(file), "--json", "--precision", "bf16"],
        "stdin": ["--file", "-"],
    }[way]
    with file.open(encoding="utf-8") as stdin, pytest.raises(SystemExit) as leaving:
        monkeypatch.setattr("sys.stdin", stdin)
        main(["predict", str(folder), *more, *flags, "--device", "cpu", "--quiet"] if way not in ("out", "stdin")
             else ["predict", str(folder), *more, *flags, "--device", "cpu"])  # fmt: skip
    printed = capsys.readouterr()
    assert leaving.value.code == 0, printed.err
    return lines_of((folder.parent / "answers.jsonl").read_text("utf-8") if way == "out" else printed.out)


@pytest.mark.parametrize("way", ["typed", "file", "lines", "out", "bf16", "stdin", "load", "Python"])
def test_every_way_to_predict_obeys_calibrated(way: str, calibrated: Path, capsys: Any, monkeypatch: Any) -> None:
    plain, found = (asked(way, calibrated, capsys, monkeypatch, *flags) for flags in ((), ("--calibrated",)))
    assert [one["answer"] for one in found] == [one["answer"] for one in plain]
    names = ("negative", "positive")
    before, after = (np.array([[one["scores"][name] for name in names] for one in those]) for those in (plain, found))
    np.testing.assert_allclose(after, tempered(before, temperature_of(calibrated)), rtol=1e-6)
    assert np.abs(after - before).max() > 1e-3


def test_a_stopped_file_is_not_continued_with_other_probabilities(calibrated: Path, tmp_path: Path) -> None:
    from bertkit.cli.predict import PredictFlags, asked_of
    from bertkit.deploy.answer_file import _depends_on, request_of
    from bertkit.deploy.predict import load_run

    file, spec = write(tmp_path / "texts.txt", "Fine.\nDull.\n"), read_spec(calibrated)
    model = load_run(calibrated, "cpu")
    found = [
        _depends_on(request_of(spec.task, asked_of(flags)), model, spec, b"")
        for one in (False, True)
        for flags in [PredictFlags(file=file, out=tmp_path / "a.csv", calibrated=one)]
    ]
    assert {name for name in found[0] if found[0][name] != found[1][name]} == {"--calibrated"}


def test_transformers_reads_the_model_as_before(calibrated: Path) -> None:
    import torch
    import transformers

    model = transformers.AutoModelForSequenceClassification.from_pretrained(calibrated / "model").eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(calibrated / "model")
    with torch.no_grad():
        shares = model(**tokenizer([SURE], return_tensors="pt")).logits.softmax(-1).numpy()[0]
    (answer,) = bertkit.predict(calibrated, [SURE], device="cpu")
    np.testing.assert_allclose(list(answer.scores.values()), shares, rtol=1e-4)


def test_a_model_that_is_trained_further_has_lost_the_temperature(calibrated: Path) -> None:
    done = bertkit.finetune(
        "sst2", data=calibrated.parent.parent / "rows", model=calibrated / "model", max_steps=1, device="cpu",
        out=calibrated.parent.parent / "further",
    )  # fmt: skip
    assert "label_temperature" not in (done.folder / "model" / "config.json").read_text("utf-8")
    with pytest.raises(RequestError, match=r"has no temperature: `bertkit finetune .*spec\.json --calibrate`"):
        bertkit.load(done.folder, calibrated=True)
    with pytest.raises(RequestError, match="has no temperature"):
        bertkit.predict(done.folder, ["Fine."], calibrated=True)
    assert done.result.evaluations[0].calibration and done.result.evaluations[0].calibrated is None


def test_a_run_without_a_temperature_is_refused(refused: Refused, tmp_path: Path) -> None:
    from untrained import runs

    found = runs(tmp_path, "sst2", "stsb", "ud_en_ewt")
    assert "has no temperature: `bertkit finetune" in refused("predict", str(found["sst2"]), "Fine.", "--calibrated")
    out = ("--file", str(write(tmp_path / "texts.txt", "Fine.\n")), "--out", str(tmp_path / "answers.csv"))
    assert "has no temperature" in refused("predict", str(found["sst2"]), *out, "--calibrated")
    assert not (tmp_path / "answers.csv").exists()
    for task in ("stsb", "ud_en_ewt"):
        line = refused("predict", str(found[task]), "Fine.", "--calibrated")
        assert f"--calibrated does not apply to {task}: it is for a head that gives one label a row" in line


@pytest.mark.parametrize("task", ["stsb", "ud_en_ewt", "squad"])
def test_a_temperature_is_for_one_label_a_row(refused: Refused, task: str) -> None:
    assert f"--calibrate does not apply to {task}: it is for a head that gives one label a row" in refused(
        "finetune", task, "--sample", "--calibrate"
    )
