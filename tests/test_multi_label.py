"""The multi-label head: transformers' own loss and pipeline, and the way from file to answers."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import tiny
import torch
import transformers
from door import Refused, refused
from files import json_lines, write
from own_tasks import FEELING_ROWS, own, predictions, said, splits_of, stopped, sure, typed
from transformers.modeling_outputs import SequenceClassifierOutput

from bertkit.cli import main
from bertkit.data.class_weights import with_shares
from bertkit.errors import DataError, EncoderError, RequestError
from bertkit.heads import Answer, MultiLabel
from bertkit.heads.features import Ragged
from bertkit.models.batch import collate
from bertkit.models.forward import forward, readable_inputs
from bertkit.models.load import load

__all__ = ["own", "refused"]

HEAD = MultiLabel(labels=("anger", "joy", "love"))
TEXTS = [text for text, _ in tiny.REVIEWS]
GOLDS = [["joy"], ["anger"], [], ["love", "joy"], ["anger", "joy", "love"], [], ["joy"], ["love"]]
COLUMNS = {"text": TEXTS, "label": GOLDS}
HOT = torch.tensor([[float(name in gold) for name in HEAD.label_names] for gold in GOLDS])


def answered(logits: list[list[float]], head: MultiLabel = HEAD) -> list[Answer]:
    columns = {"text": TEXTS[: len(logits)]}
    features = head.encode(columns, tiny.tokenizer_of("bert"), tiny.WINDOW)
    runs = Ragged.of([[row] for row in logits], "float32", width=len(head.label_names))
    return head.decode(columns, features, runs, tiny.WINDOW)


@pytest.mark.parametrize("rows", [slice(None), slice(2, 3), slice(4, 5)])
@torch.no_grad()
def test_an_update_s_loss_is_that_of_transformers(tmp_path: Path, rows: slice) -> None:
    loaded = load(tiny.encoder(tiny.make("bert", tmp_path / "bert")), HEAD, scratch=False, seed=1)
    loaded.model.eval()
    features = HEAD.encode({name: column[rows] for name, column in COLUMNS.items()}, loaded.tokenizer, tiny.WINDOW)
    batch = collate(features, loaded.pad)
    assert batch.targets is not None
    logits = forward(loaded.model, HEAD, batch, readable_inputs(loaded.model))
    ours = HEAD.loss(logits, batch.targets, batch.mask) / HEAD.count(features)
    theirs: SequenceClassifierOutput = loaded.model(**batch.inputs, attention_mask=batch.mask.long(), labels=HOT[rows])
    assert loaded.model.config.problem_type == "multi_label_classification"
    assert theirs.loss is not None
    torch.testing.assert_close(ours, theirs.loss)
    torch.testing.assert_close(ours, torch.nn.BCEWithLogitsLoss()(logits, HOT[rows]))


def test_a_row_without_labels_loses_by_every_label_it_is_given() -> None:
    logits = torch.zeros(1, 3)
    found = HEAD.loss(logits, torch.full((1, 1), -100), torch.ones(1, 1).bool())
    assert float(found) == pytest.approx(3 * np.log(2))
    assert float(HEAD.loss(logits, torch.zeros(1, 0, dtype=torch.int64), torch.ones(1, 1).bool())) == float(found)


def test_labels_whose_probability_reaches_the_threshold_are_given_in_the_labels_order() -> None:
    half, below, above = answered([[0.0, -0.1, 3.0], [-1.0, -1.0, -9.0], [9.0, 9.0, 9.0]])
    assert [one.value for one in (half, below, above)] == [["anger", "love"], [], ["anger", "joy", "love"]]
    assert half.scores == pytest.approx({"anger": 0.5, "joy": 0.475, "love": 0.9526}, abs=1e-4)


def test_a_lower_threshold_gives_more_labels() -> None:
    low = MultiLabel(labels=HEAD.labels, threshold=0.2)
    assert answered([[0.0, -1.0, -3.0]], low)[0].value == ["anger", "joy"]  # 0.5, 0.27, 0.05


@pytest.mark.parametrize("threshold", [0.0, 1.0, -0.5, float("nan")])
def test_a_threshold_that_decides_nothing_is_refused(threshold: float) -> None:
    with pytest.raises(RequestError, match=r"--threshold .*: it must be above 0 and below 1"):
        MultiLabel(threshold=threshold)


def test_labels_are_those_of_the_train_rows() -> None:
    assert MultiLabel().resolved(iter(GOLDS)).labels == ("anger", "joy", "love")
    with pytest.raises(DataError, match="no train row has a label"):
        MultiLabel().resolved([[], []])


def test_a_gold_that_training_never_saw_is_no_target() -> None:
    features = HEAD.encode({"text": TEXTS[:1], "label": [["hope", "joy"]]}, tiny.tokenizer_of("bert"), tiny.WINDOW)
    assert features.targets is not None
    assert features.targets[0].tolist() == [1]


def test_a_fresh_head_starts_with_the_labels_shares_of_the_train_rows(tmp_path: Path) -> None:
    counted = with_shares(HEAD, splits_of("feelings").train or pytest.fail("no rows"))
    assert counted.shares == pytest.approx([2.5 / 9, 4.5 / 9, 3.5 / 9])  # anger, joy, love: of 8 rows 2, 4 and 3
    encoder = tiny.encoder(tiny.make("bert", tmp_path / "bert"))
    bias = load(encoder, counted, scratch=False, seed=1).model.classifier.bias
    torch.testing.assert_close(bias.sigmoid(), torch.tensor(counted.shares))
    plain = load(encoder, HEAD, scratch=False, seed=1).model.state_dict()
    other = load(encoder, counted, scratch=False, seed=1).model.state_dict()
    assert [name for name in plain if not torch.equal(plain[name], other[name])] == ["classifier.bias"]


def test_details_count_empty_answers_and_give_each_label_its_f1() -> None:
    answers = [Answer(value=value) for value in (["joy"], [], ["joy", "love"], ["love"])]
    found = HEAD.details([["joy"], ["joy"], [], ["love"]], answers)
    assert found == {
        "constant": False,
        "only gold": None,
        "spread of answers": 3 / 4,
        "spread of golds": 1 / 2,
        "rows without a label": 1 / 4,
        "answers without a label": 1 / 4,
        "F1 by label": {"joy": pytest.approx(2 / 4), "love": pytest.approx(2 / 3)},
    }


def test_the_same_set_for_every_row_is_called_so() -> None:
    answers = [Answer(value=["joy", "love"]), Answer(value=["love", "joy"])]
    found = HEAD.details([["joy"], ["love", "joy"]], answers)
    assert (found["constant"], found["only gold"]) == (True, None)


def test_a_checkpoint_s_labels_are_matched_by_name() -> None:
    assert HEAD.matched(["Love", "anger", "joy"], "m").labels == ("love", "anger", "joy")
    with pytest.raises(EncoderError, match="m has the labels LABEL_0, LABEL_1"):
        HEAD.matched(["LABEL_0", "LABEL_1"], "m")


# From file to answers.


def test_transformers_pipeline_reads_the_model(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = Path(said(capsys, *typed("feelings"))["folder"])
    model = transformers.AutoModelForSequenceClassification.from_pretrained(run / "model")
    tokenizer = transformers.AutoTokenizer.from_pretrained(run / "model")
    pipe = transformers.pipeline("text-classification", model=model, tokenizer=tokenizer, top_k=None, device="cpu")
    for line, found in zip(predictions(run), pipe(TEXTS), strict=True):
        assert {one["label"]: one["score"] for one in found} == pytest.approx(line["scores"], abs=1e-5)
        assert [name for name, share in line["scores"].items() if share >= 0.5] == line["answer"]


def test_it_is_scored_again_and_predicts_as_it_was_scored(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = said(capsys, *typed("feelings"))
    again = said(capsys, "eval", run["folder"], "--json", "--quiet")
    assert again["evaluations"][0]["metrics"] == run["evaluations"][0]["metrics"]
    assert set(run["evaluations"][0]["metrics"]) == {"multilabel_f1_micro", "multilabel_f1_macro", "multilabel_exact"}
    answer = said(capsys, "predict", run["folder"], TEXTS[0], "--json", "--quiet")
    first = predictions(Path(run["folder"]))[0]
    assert (answer["answer"], answer["scores"]) == (first["answer"], pytest.approx(first["scores"], abs=1e-6))


def test_a_run_that_is_stopped_resumes_to_the_same_bytes(
    own: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = typed("feelings", "--batch-size", "3")
    whole = Path(said(capsys, *asked, "--out", "whole")["folder"])
    stopped([*asked, "--out", "parts"], 3, monkeypatch)
    (parts,) = Path("parts").iterdir()
    capsys.readouterr()
    said(capsys, "resume", str(parts), "--json", "--quiet")
    for name in ("model/model.safetensors", "predictions.jsonl"):
        assert (parts / name).read_bytes() == (whole / name).read_bytes()


def test_bf16_padded_batches_and_accumulation_train_it_too(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = said(capsys, *typed("feelings", "--precision", "bf16", "--layout", "padded", "--gradient-accumulation", "2"))
    assert run["training"]["steps"] == 2


def test_it_learns_the_labels_of_its_rows_and_prints_them_as_a_list(
    own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = said(capsys, *typed("feelings", *sure(own)))
    found = run["evaluations"][0]["metrics"]
    assert found["multilabel_exact"]["value"] == found["multilabel_f1_micro"]["value"] == 1
    for text in (TEXTS[3], TEXTS[2]):
        with pytest.raises(SystemExit):
            main(["predict", run["folder"], text, "--quiet"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("joy, love  ")
    assert any(line.startswith("(no label)  ") for line in lines[1:])


def test_a_dev_row_with_an_unknown_label_is_refused_where_labels_are_fixed(own: Path, refused: Refused) -> None:
    write(own / "rows" / "moods" / "dev.jsonl", json_lines({"said": "Oh.", "feelings": ["hope"]}))
    line = refused("finetune", "moods", "--data", "rows/moods", "--model", "tiny", "--device", "cpu")
    assert "dev.jsonl, line 1: unknown label 'hope'; expected some of anger, joy, love" in line


def test_a_dev_label_that_no_train_row_has_is_missed_and_named(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(own / "rows" / "feelings" / "dev.jsonl", json_lines({"said": "Oh.", "feelings": ["hope"]}))
    run = said(capsys, *typed("feelings", "--max-steps", "1"))
    (scored,) = run["evaluations"]
    assert scored["metrics"]["multilabel_f1_micro"]["value"] == 0
    assert scored["details"]["F1 by label"]["hope"] == 0
    assert any("as wrong: hope (first: row 0)" in note for note in run["rows"]["dev"]["notes"])


def test_a_split_is_divided_by_the_labels_of_its_rows(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"said": f"{row['said']} {i}", "feelings": row["feelings"]} for i in range(10) for row in FEELING_ROWS]
    write(own / "rows" / "held" / "train.jsonl", json_lines(*rows))
    run = said(capsys, *typed("held", "--max-steps", "1"))
    golds = [label for line in predictions(Path(run["folder"])) for label in line["gold"]]
    # of 80 rows 16 are held out: 40, 30 and 20 labels of each kind, a fifth of them
    assert Counter(golds) == {"joy": 8, "love": 6, "anger": 4}
    assert run["rows"]["dev"]["used"] == 16
