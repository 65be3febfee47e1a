"""Answer selection: its metrics against scikit-learn and by hand, its loss, and runs that resume and predict."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn.metrics as sk
import torch
import transformers
from door import Refused, refused
from files import json_lines, write
from oracle import tokenizer_of
from own_tasks import ANSWER_ROWS, own, predictions, said, stopped, sure, typed

from bertkit.cli import main
from bertkit.evaluation.hf_metrics import score
from bertkit.evaluation.metrics import METRICS
from bertkit.heads import Answer, AnswerSelection, Window
from bertkit.heads.features import Ragged
from bertkit.runs.folder import read_spec

__all__ = ["own", "refused"]

SEVERAL, ONE = AnswerSelection(), AnswerSelection(one=True, placeholder="@placeholder")
ROWS: dict[str, list[Any]] = {
    "text": ["A text.", "Another one."],
    "question": ["Who?", "What?"],
    "candidates": [["Anna", "Carl", "Anna"], ["a dog"]],
    "answers": [["0", "2"], []],
}


def logits(*shares: float) -> Ragged:
    """Logits of features whose answers are right with these probabilities."""
    return Ragged.of([[[0.0, np.log(p / (1 - p))]] for p in shares], "float32", width=2)


def test_f1a_is_scikit_learn_s_f1_over_the_answers_of_all_questions() -> None:
    draws = np.random.default_rng(3)
    flags = [draws.integers(0, 2, (2, size)).astype(bool) for size in draws.integers(1, 9, 40)]
    golds, values = ([[str(k) for k in np.flatnonzero(one[side])] for one in flags] for side in (0, 1))
    expected = sk.f1_score(np.concatenate([one[0] for one in flags]), np.concatenate([one[1] for one in flags]))
    assert METRICS["f1a"].of(golds, values) == pytest.approx(expected)


def test_multirc_s_two_metrics_by_hand() -> None:
    # right answers 0 and 2 of the first question, 1 of the second, none of the third; 2, 0 and 2, none are given
    golds, values = [["0", "2"], ["1"], []], [["2"], ["0", "2"], []]
    # one of three given is right, of three: precision 1/3, recall 1/3; only the third question is all right
    assert METRICS["f1a"].of(golds, values) == pytest.approx(1 / 3)
    assert METRICS["all_answers"].of(golds, values) == pytest.approx(1 / 3)
    assert [score(METRICS[name], golds, values) for name in ("f1a", "all_answers")] == pytest.approx([1 / 3, 1 / 3])


def test_answers_of_a_question_that_stand_apart_are_refused(tmp_path: Path, refused: Refused) -> None:
    rows = [
        {"paragraph": "It rains.", "question": f"Q {k}", "answer": f"a {j}", "label": int(j == 0),
         "idx": {"paragraph": 0, "question": k, "answer": j}}
        for j in range(2) for k in range(2)
    ]  # fmt: skip
    write(tmp_path / "MultiRC" / "train.jsonl", json_lines(*rows))
    write(tmp_path / "MultiRC" / "val.jsonl", json_lines(*sorted(rows, key=lambda row: row["idx"]["question"])))
    said = refused("check", "multirc", "--data", str(tmp_path))
    assert "line 3: rows of idx.paragraph 0, idx.question 0 stand apart" in said


def test_a_right_answer_that_is_not_to_choose_from_is_refused(tmp_path: Path, refused: Refused) -> None:
    passage = {"text": "Alice met Bob in Paris.", "entities": [{"start": 0, "end": 4}, {"start": 10, "end": 12}]}
    qas = [{"query": "@placeholder left", "idx": 0, "answers": [{"start": 10, "end": 12, "text": "Robert"}]}]
    for split in ("train", "val"):
        write(tmp_path / "ReCoRD" / f"{split}.jsonl", json_lines({"idx": 0, "passage": passage, "qas": qas}))
    said = refused("check", "record", "--data", str(tmp_path))
    assert "line 1: the right answer 'Robert' is none of the 2 to choose from, such as 'Alice'" in said


def test_record_takes_the_best_of_all_golds_token_by_token() -> None:
    golds = [["the United States", "U.S."], ["Carl Berg", "Berg"], ["Oslo"]]
    values = ["United States", "Anna Berg", "Bergen"]
    # an article is left out, so that the first is exact; of Anna Berg one of two tokens is right, of Berg's one is all:
    # F1 = 2 (1/2) 1 / (3/2) = 2/3, above 1/2 for Carl Berg; the third shares nothing
    assert METRICS["squad_v1_em"].of(golds, values) == pytest.approx(1 / 3)
    assert METRICS["squad_v1_f1"].of(golds, values) == pytest.approx((1 + 2 / 3 + 0) / 3)


def test_each_answer_is_a_feature_with_the_text_and_the_question() -> None:
    features = SEVERAL.encode(ROWS, tokenizer_of("wordpiece"), Window())
    tokenizer = tokenizer_of("wordpiece")
    assert features.row.tolist() == [0, 0, 0, 1]
    assert features.targets is not None
    assert features.targets.values.tolist() == [1, 0, 1, 0]
    assert tokenizer.decode(features.inputs["input_ids"][1]) == "[CLS] a text. [SEP] who? carl [SEP]"


def test_an_answer_stands_in_the_place_of_the_gap() -> None:
    rows = {"text": ["Oslo won."], "question": ["@placeholder beat Bergen"], "candidates": [["Oslo"]]}
    tokenizer = tokenizer_of("wordpiece")
    features = ONE.encode(rows, tokenizer, Window())
    assert tokenizer.decode(features.inputs["input_ids"][0]) == "[CLS] oslo won. [SEP] oslo beat bergen [SEP]"
    assert features.targets is None


def test_answers_are_judged_each_by_itself_or_the_likeliest_is_taken() -> None:
    features = SEVERAL.encode(ROWS, tokenizer_of("wordpiece"), Window())
    first, second = SEVERAL.decode(ROWS, features, logits(0.9, 0.2, 0.6, 0.4), Window())
    assert (first.value, second.value) == (["0", "2"], [])
    assert first.scores == pytest.approx({"0": 0.9, "1": 0.2, "2": 0.6})
    found = ONE.decode(ROWS, features, logits(0.1, 0.3, 0.2, 0.4), Window())
    assert [one.value for one in found] == ["Carl", "a dog"]


def test_a_model_that_calls_no_answer_right_is_one_that_learnt_nothing() -> None:
    golds, nothing = [["0"], ["1", "2"]], [Answer(value=[]), Answer(value=[])]
    assert SEVERAL.details(golds, nothing)["constant"]
    assert not SEVERAL.details(golds, [Answer(value=["0"]), Answer(value=[])])["constant"]


def test_the_loss_is_transformers_own_on_the_same_batch() -> None:
    config = transformers.BertConfig(
        vocab_size=99, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
    )
    SEVERAL.configure(config)
    transformers.set_seed(1)
    model = transformers.BertForSequenceClassification(config).eval()
    ids, labels = torch.arange(20).reshape(4, 5), torch.tensor([1, 0, 0, 1])
    output = model(input_ids=ids, labels=labels)
    ours = SEVERAL.loss(SEVERAL.logits_of(output), labels[:, None], torch.ones_like(ids, dtype=torch.bool))
    assert ours.item() / 4 == pytest.approx(output.loss.item(), abs=1e-6)
    assert config.id2label == {0: "false", 1: "true"}


@pytest.mark.parametrize("name", ["answers", "gaps"])
def test_it_learns_its_rows_by_heart(name: str, own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = said(capsys, *typed(name, *sure(own)))
    metrics = result["evaluations"][0]["metrics"]
    assert all(one["value"] == 1 for one in metrics.values()), metrics


@pytest.mark.parametrize("layout", ["unpadded", "padded"])
def test_a_stopped_run_is_resumed_to_the_same_bytes(
    layout: str, own: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Path(said(capsys, *typed("answers", "--layout", layout, "--out", "whole"))["folder"])
    stopped(typed("answers", "--layout", layout, "--out", "parts"), 3, monkeypatch)
    capsys.readouterr()
    parts = Path(said(capsys, *typed("answers", "--layout", layout, "--out", "parts"))["folder"])
    for name in ("model/model.safetensors", "predictions.jsonl"):
        assert (whole / name).read_bytes() == (parts / name).read_bytes()
    assert read_spec(whole).task.head == AnswerSelection()


def test_unpadded_training_is_padded_training(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dry = sure(own)[:2]
    losses = [
        said(capsys, *typed("answers", *dry, "--layout", layout, "--precision", "fp32"))["training"]["loss"]
        for layout in ("unpadded", "padded")
    ]
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)


def test_the_saved_model_opens_in_transformers_alone_and_gives_the_same_probabilities(
    own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Path(said(capsys, *typed("answers", "--precision", "fp32"))["folder"])
    model = transformers.AutoModelForSequenceClassification.from_pretrained(run / "model").eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(run / "model")
    row, line = ANSWER_ROWS[0], predictions(run)[0]
    asked = [f"{row['question']} {one}" for one in row["candidates"]]
    with torch.no_grad():
        found = model(**tokenizer([row["text"]] * 3, asked, padding=True, return_tensors="pt")).logits.softmax(-1)[:, 1]
    assert list(line["scores"].values()) == pytest.approx(found.tolist(), abs=1e-4)
    assert line["gold"] == ["0", "1"]


def test_rows_of_a_file_are_answered(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = said(capsys, *typed("gaps"))["folder"]
    said(capsys, "predict", run, "--file", "rows/gaps/dev.jsonl", "--out", "answered.jsonl", "--json", "--quiet")
    lines = [json.loads(line) for line in (own / "answered.jsonl").read_text("utf-8").splitlines()]
    assert [line["answer"] in line["candidates"] for line in lines] == [True] * 3


def test_a_run_is_divided_by_length_and_has_a_page(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = said(capsys, *typed("answers"))["folder"]
    assert said(capsys, "eval", run, "--slices", "--json", "--quiet")
    with pytest.raises(SystemExit) as left:
        main(["report", run])
    assert left.value.code == 0, capsys.readouterr().err
    assert "Who wrote?" in (Path(run) / "report.html").read_text("utf-8")


def test_answers_to_choose_from_cannot_be_typed(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = said(capsys, *typed("answers"))["folder"]
    for words in (["A text."], ["--question", "Who?"]):
        with pytest.raises(SystemExit) as left:
            main(["predict", run, *words])
        assert (left.value.code, "candidates: give a file with these columns" in capsys.readouterr().err) == (2, True)
