"""Regression in the file's own unit: scaled for training, folded into the saved model."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
import torch
import transformers
from own_tasks import PRICE_ROWS, own, predictions, said, stopped, typed
from safetensors.torch import load_file

from bertkit import registry
from bertkit.cli import main
from bertkit.data.rows import _key
from bertkit.errors import DataError, EncoderError
from bertkit.heads import Answer, Classification, Number
from bertkit.heads.features import Ragged
from bertkit.models.finish import finish, finished
from bertkit.models.kept_head import without_head
from bertkit.models.load import load, save
from bertkit.models.output_layer import rescale
from bertkit.models.task_model import TaskModel
from bertkit.runs.scoring import Scoring
from bertkit.spec import Spec

__all__ = ["own"]

PRICES = [row["price"] for row in PRICE_ROWS]
SCALED = Classification(labels=Number(mean=1998.75, sd=5.0, scaled=True))


def scaled_model(folder: Path) -> TaskModel:
    loaded = load(tiny.encoder(tiny.make("bert", folder)), SCALED, scratch=False, seed=1)
    return replace(tiny.model_of("regression", loaded), head=SCALED)


# The value.


def test_a_number_with_both_bounds_has_the_digest_and_the_cache_key_it_had() -> None:
    stsb = registry.find("stsb")
    key = _key([".tsv"], stsb.source, stsb.head, [True, False])
    assert repr(stsb.head) == "Classification(labels=Number(low=0.0, high=5.0), pair=True, kind='classification')"
    assert Spec(task=stsb, model="org/tiny").digest == "f8d7fbb1"
    assert hashlib.sha256(key).hexdigest() == "dda2be5eea6941c99f89c7456ae19bb15a508aa6e2aab1c987a9e1cb9d472d78"


def test_the_scale_is_that_of_the_train_golds() -> None:
    head = Classification(labels=Number(scaled=True)).resolved(iter(PRICES))
    # 1990 + 2.5 i for i from 0 to 7: the mean is 1990 + 2.5 * 3.5, the variance 2.5**2 * (8**2 - 1) / 12
    assert head.scale == pytest.approx((1998.75, 2.5 * (63 / 12) ** 0.5))
    assert head.is_resolved


def test_golds_that_are_all_the_same_have_the_scale_one() -> None:
    assert Classification(labels=Number(scaled=True)).resolved([7.0, 7.0]).scale == (7.0, 1.0)


def test_numbers_that_are_not_scaled_need_no_golds() -> None:
    head = Classification(labels=Number(low=0, high=5))
    assert head.is_resolved and head.resolved(PRICES) is head


@pytest.mark.parametrize(
    ("number", "line"),
    [
        (Number(), "a number"),
        (Number(low=0), "a number of 0 or more"),
        (Number(high=9.5), "a number of 9.5 or less"),
        (Number(low=0, high=5), "a number from 0 to 5"),
    ],
)
def test_a_number_says_its_bounds(number: Number, line: str) -> None:
    assert str(number) == line


@pytest.mark.parametrize(
    ("number", "raw", "why"),
    [
        (Number(), "nan", "'nan' is not a finite number"),
        (Number(), "1e999", "'1e999' is not a finite number"),
        (Number(low=0), "-1", "-1 is less than 0"),
        (Number(high=3), "4", "4 is more than 3"),
        (Number(), "4,5", "'4,5' is not a number"),
        (Number(low=0, high=5), "nan", "nan is not between 0 and 5"),
    ],
)
def test_a_number_that_cannot_be_is_refused(number: Number, raw: str, why: str) -> None:
    with pytest.raises(DataError, match=f"rows.csv, line 2: {why}"):
        Classification(labels=number).check("rows.csv, line 2", {"text": "a", "label": raw}, {})


def test_a_number_without_bounds_is_not_clipped() -> None:
    head = Classification(labels=Number(scaled=True, mean=100, sd=10))
    logits = Ragged.of([[[-30.0]], [[0.5]]], "float32", width=1)
    texts = {"text": ["a", "b"]}
    found = head.decode(texts, head.encode(texts, tiny.tokenizer_of("bert"), tiny.WINDOW), logits, tiny.WINDOW)
    assert [answer.value for answer in found] == [-200.0, 105.0]


def test_targets_are_in_units_of_the_scale() -> None:
    features = SCALED.encode({"text": ["a", "b"], "label": [1998.75, 2003.75]}, tiny.tokenizer_of("bert"), tiny.WINDOW)
    assert features.targets is not None
    assert features.targets.values.tolist() == [0.0, 1.0]


def test_the_details_of_a_regression_are_in_the_file_s_unit() -> None:
    answers = [Answer(value=value) for value in (1990.0, 2003.0)]
    found = Classification(labels=Number()).details([1993.0, 2007.0], answers)
    assert (found["MAE"], found["RMSE"]) == (3.5, pytest.approx(12.5**0.5))


# The model.


def test_a_finished_model_answers_in_the_file_s_unit(tmp_path: Path) -> None:
    model = scaled_model(tmp_path / "tiny")
    features = tiny.encode("regression", model.loaded)
    before = tiny.predict("regression", model.loaded, features).values
    done = finish(model)
    after = tiny.predict("regression", done.loaded, features).values
    assert done.head.scale == (0.0, 1.0)
    np.testing.assert_allclose(after, before * 5.0 + 1998.75, rtol=1e-6)


def test_after_a_model_was_saved_it_is_trained_further_with_the_weights_it_had(tmp_path: Path) -> None:
    model = scaled_model(tmp_path / "tiny")
    before = {name: tensor.clone() for name, tensor in model.network.state_dict().items()}
    with finished(model) as done:
        assert done.network.classifier.bias.item() == pytest.approx(1998.75, abs=1)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.network.state_dict().items())


def test_a_finished_model_is_finished_once(tmp_path: Path) -> None:
    done = finish(scaled_model(tmp_path / "tiny"))
    bias = done.network.classifier.bias.item()
    assert finish(done).network.classifier.bias.item() == bias


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_every_family_has_an_output_layer_for_the_scale(family: str, tmp_path: Path) -> None:
    loaded = load(tiny.encoder(tiny.make(family, tmp_path / family)), SCALED, scratch=False, seed=1)
    features = tiny.encode("regression", loaded)
    before = tiny.predict("regression", loaded, features, "padded").values
    rescale(loaded.model, 10.0, 2.0)
    after = tiny.predict("regression", loaded, features, "padded").values
    np.testing.assert_allclose(after, before * 2 + 10, rtol=1e-5)


def test_a_model_without_an_output_layer_is_refused_before_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tiny.make("bert", tmp_path / "tiny")

    def pooled(*given: Any, **named: Any) -> Any:
        model = without_head(*given, **named)
        model.classifier = torch.nn.Identity()
        return model

    first = load(tiny.encoder(folder), tiny.NUMBER, scratch=False, seed=1)
    save(first, tmp_path / "trained")
    monkeypatch.setattr("bertkit.models.load.without_head", pooled)
    with pytest.raises(EncoderError, match="has no output layer with a bias"):
        load(tiny.encoder(tmp_path / "trained"), SCALED, scratch=False, seed=1)


# From file to answers.


def test_transformers_alone_answers_in_the_file_s_unit(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = Path(said(capsys, *typed("prices"))["folder"])
    model = transformers.AutoModelForSequenceClassification.from_pretrained(run / "model")
    tokenizer = transformers.AutoTokenizer.from_pretrained(run / "model")
    with torch.no_grad():
        texts = tokenizer([text for text, _ in tiny.REVIEWS], padding=True, return_tensors="pt")
        numbers = model(**texts).logits[:, 0].tolist()
    given = [line["answer"] for line in predictions(run)]
    assert numbers == pytest.approx(given, rel=1e-6)
    assert all(abs(number - np.mean(PRICES)) < 25 for number in given)
    assert model.config.problem_type == "regression"
    answer = said(capsys, "predict", str(run), tiny.REVIEWS[0][0], "--json", "--quiet")["answer"]
    assert answer == pytest.approx(given[0], rel=1e-6)


def test_a_scaled_run_is_scored_again_as_it_was(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = said(capsys, *typed("prices"))
    again = said(capsys, "eval", run["folder"], "--json", "--quiet")
    assert again["evaluations"][0]["metrics"] == run["evaluations"][0]["metrics"]
    assert again["evaluations"][0]["details"] == run["evaluations"][0]["details"]


def test_a_scaled_run_that_is_stopped_resumes_to_the_same_bytes(
    own: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = typed("prices", "--keep-best", "--eval-every", "1")
    whole = Path(said(capsys, *asked, "--out", "whole")["folder"])
    stopped([*asked, "--out", "parts"], 2, monkeypatch)
    (parts,) = Path("parts").iterdir()
    with monkeypatch.context() as patched, pytest.raises(SystemExit):  # once more, after its weights were changed
        patched.setattr(Scoring, "at_the_end", interrupted)
        main(["resume", str(parts), "--quiet"])
    capsys.readouterr()
    said(capsys, "resume", str(parts), "--json", "--quiet")
    for name in ("model/model.safetensors", "best/model.safetensors", "best/score.json", "predictions.jsonl"):
        assert (parts / name).read_bytes() == (whole / name).read_bytes()


def interrupted(*given: Any) -> None:
    raise KeyboardInterrupt


def test_the_best_model_in_training_is_saved_in_the_file_s_unit(
    own: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped(typed("prices", "--keep-best", "--eval-every", "1"), 2, monkeypatch)
    (best,) = Path("runs").glob("*/best")
    assert load_file(best / "model.safetensors")["classifier.bias"].item() == pytest.approx(np.mean(PRICES), abs=10)


def test_a_kept_head_answers_as_it_did_whatever_the_scale_of_the_rows(
    own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = Path(said(capsys, *typed("prices", "--out", "first"))["folder"])
    more = ["--model", str(first / "model"), "--keep-head", "--learning-rate", "1e-12", "--max-steps", "1"]
    again = Path(said(capsys, *typed("prices", *more, "--out", "again"))["folder"])
    given = [[line["answer"] for line in predictions(run)] for run in (first, again)]
    assert given[1] == pytest.approx(given[0], rel=1e-6)


def test_the_loss_of_a_scaled_regression_is_in_its_units(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = Path(said(capsys, *typed("prices"))["folder"])
    losses = [json.loads(line).get("loss") for line in (run / "log.jsonl").read_text().splitlines()]
    assert all(loss < 10 for loss in losses if loss is not None)  # in the file's unit it would be 2,000 squared
