"""Class weights, label smoothing and focal loss: against torch, scikit-learn and transformers, and at the door.

K targets of a batch, C labels.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
import torch
from door import Refused, refused, reviews
from sklearn.utils.class_weight import compute_class_weight
from torch.nn import functional
from transformers.loss.loss_for_object_detection import sigmoid_focal_loss

from bertkit.cli import main
from bertkit.data.splits import read_splits
from bertkit.errors import RequestError
from bertkit.heads import Classification, Tagging
from bertkit.heads.features import IGNORED, Features, Ragged
from bertkit.heads.losses import Loss, balanced, weights_of
from bertkit.models.load import load
from bertkit.registry import find
from bertkit.spec import Spec
from bertkit.task import Recipe

__all__ = ["refused"]

WEIGHTS = (1.0, 3.0, 0.25)
LOGITS = torch.randn(7, 3, generator=torch.manual_seed(1))
TARGETS = torch.tensor([0, 1, 2, 1, 0, 0, 2])
EVERY = [
    Loss(weights=WEIGHTS),
    Loss(smoothing=0.1),
    Loss(weights=WEIGHTS, smoothing=0.1),
    Loss(focal=2.0),
    Loss(focal=2.0, weights=WEIGHTS),
]


def features(targets: list[list[int]]) -> Features:
    """Features with these targets, one token each for a row's."""
    runs = Ragged.of(targets, "int32")
    return Features(row=np.arange(len(runs)), inputs={"input_ids": runs}, targets=runs, cut=np.zeros(len(runs), bool))


@pytest.mark.parametrize("loss", EVERY[:3], ids=str)
def test_the_loss_of_a_batch_however_it_is_split_is_torchs_over_the_whole(loss: Loss) -> None:
    head = Classification(labels=("a", "b", "c"), criterion=loss)
    weight = torch.tensor(loss.weights) if loss.weights else None
    wanted = torch.nn.CrossEntropyLoss(weight=weight, label_smoothing=loss.smoothing)(LOGITS, TARGETS)
    whole = features([[int(one)] for one in TARGETS])
    total = head.count(whole)
    for cut in ([[0, 1, 2, 3, 4, 5, 6]], [[0], [1, 2, 3], [4, 5, 6]], [[6, 0], [2, 3, 4, 5, 1]]):
        parts = [head.loss(LOGITS[part], TARGETS[part][:, None], torch.ones(1)) / total for part in cut]
        torch.testing.assert_close(sum(parts), wanted)
        assert sum(head.count(whole.take(np.array(part))) for part in cut) == pytest.approx(total)


@pytest.mark.parametrize("loss", EVERY[:3], ids=str)
def test_words_without_a_label_count_for_nothing(loss: Loss) -> None:
    head = Tagging(labels=("a", "b", "c"), criterion=loss)
    targets = torch.tensor([[IGNORED, 0, 1, 2], [1, IGNORED, IGNORED, 0]])
    logits = torch.randn(2, 4, 3, generator=torch.manual_seed(2))
    weight = torch.tensor(loss.weights) if loss.weights else None
    wanted = torch.nn.CrossEntropyLoss(weight=weight, label_smoothing=loss.smoothing)(
        logits.flatten(0, 1), targets.flatten()
    )
    found = head.loss(logits, targets, torch.ones(2, 4)) / head.count(features(targets.tolist()))
    torch.testing.assert_close(found, wanted)


def test_focal_loss_by_hand() -> None:
    # p = 1/4 and 3/4 of the right label: (1 - p)^2 * -ln p
    logits = torch.tensor([[0.0, np.log(3.0)], [0.0, np.log(3.0)]])
    wanted = (3 / 4) ** 2 * np.log(4) + (1 / 4) ** 2 * np.log(4 / 3)
    assert float(Loss(focal=2.0).summed(logits, torch.tensor([0, 1]))) == pytest.approx(wanted)
    assert float(Loss(focal=2.0, weights=(2.0, 1.0)).summed(logits, torch.tensor([0, 1]))) == pytest.approx(
        2 * (3 / 4) ** 2 * np.log(4) + (1 / 4) ** 2 * np.log(4 / 3)
    )


def test_focal_loss_of_each_label_by_itself_is_that_of_transformers() -> None:
    targets = torch.tensor([[0.0, 1.0, 1.0], [1.0, 0.0, 0.0]])
    wanted = sigmoid_focal_loss(LOGITS[:2], targets, num_boxes=1, alpha=-1, gamma=2).sum() * 3  # a mean over labels
    torch.testing.assert_close(Loss(focal=2.0).summed_apart(LOGITS[:2], targets), wanted)
    plain = functional.binary_cross_entropy_with_logits(LOGITS[:2], targets, reduction="sum")
    assert torch.equal(Loss().summed_apart(LOGITS[:2], targets), plain)


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_focal_loss_has_a_gradient_where_the_answer_is_certain(gamma: float) -> None:
    logits = torch.tensor([[200.0, 0.0], [0.0, 200.0]], requires_grad=True)
    Loss(focal=gamma).summed(logits, torch.tensor([0, 0])).backward()
    assert logits.grad is not None
    torch.testing.assert_close(logits.grad, torch.tensor([[0.0, 0.0], [-1.0, 1.0]]))


def test_plain_cross_entropy_is_torchs_to_the_bit() -> None:
    wanted = functional.cross_entropy(LOGITS, TARGETS, reduction="sum")
    assert torch.equal(Loss().summed(LOGITS, TARGETS), wanted)
    assert Loss().count(TARGETS.numpy()) == 7


def test_balanced_weights_are_scikit_learns() -> None:
    golds = ["a"] * 6 + ["b"] * 3 + ["d"]
    wanted = compute_class_weight("balanced", classes=np.array(["a", "b", "d"]), y=golds)
    found = balanced({"a": 6, "b": 3, "d": 1}, ("a", "b", "c", "d"))
    assert found == pytest.approx([wanted[0], wanted[1], 1.0, wanted[2]])  # no row has c


def spec(folder: Path, task: str = "sst2", **recipe: Any) -> Spec:
    return Spec(task=find(task), model="m", data=str(folder), recipe=Recipe(**recipe))


def test_balanced_is_counted_in_the_train_rows_that_are_used(tmp_path: Path) -> None:
    tiny.write_reviews(tmp_path, tiny.REVIEWS[:2] + tiny.REVIEWS[3:4], tiny.REVIEWS)
    wanted = compute_class_weight("balanced", classes=np.array([0, 1]), y=[1, 0, 0])
    head: Any = read_splits(spec(tmp_path, class_weights="balanced")).head
    assert head.criterion == Loss(weights=tuple(wanted))
    head = read_splits(replace(spec(tmp_path, class_weights="balanced"), limit=2)).head
    assert head.criterion.weights == (1.0, 1.0)


def test_the_weights_are_said() -> None:
    head = Classification(labels=("a", "b"))
    assert head.loss_notes == ()
    assert head.with_loss(Loss(weights=(1.0, 2 / 3))).loss_notes == ("class weights: a 1, b 0.6667",)


def test_balanced_counts_words_for_tagging(tmp_path: Path) -> None:
    tiny.write_treebank(tmp_path, [("a b _ c", "DET NOUN _ NOUN")], [("a", "DET")])
    head: Any = read_splits(spec(tmp_path, "ud", class_weights="balanced")).head
    weights = dict(zip(head.label_names, head.criterion.weights, strict=True))
    assert (weights["DET"], weights["NOUN"]) == (3 / (2 * 1), 3 / (2 * 2))


def test_a_weight_that_is_not_given_is_one() -> None:
    assert weights_of({"b": 3.0}, ("a", "b")) == (1.0, 3.0)
    with pytest.raises(RequestError, match="no label is called 'c'; the labels are a, b"):
        weights_of({"c": 1.0}, ("a", "b"))


@pytest.mark.parametrize(
    ("task", "typed", "said"),
    [
        ("sst2", "--class-weights positiv=2", "no label is called 'positiv'; did you mean positive?"),
        ("sst2", "--class-weights positive=0", "--class-weights positive=0: a weight must be a number above 0"),
        ("sst2", "--class-weights positive=-1", "a weight must be a number above 0"),
        ("sst2", "--class-weights positive=inf", "a weight must be a number above 0"),
        ("sst2", "--class-weights positive=1,positive=2", "it names a label twice"),
        ("sst2", "--class-weights even", "--class-weights even: it must be balanced, or weights such as good=1,bad=3"),
        ("sst2", "--class-weights {}", "it must be balanced, or weights such as"),
        ("sst2", "--class-weights [1]", "it must be balanced, or weights such as"),
        ("stsb", "--class-weights balanced", "--class-weights does not apply to stsb: it is for a head that chooses"),
        ("squad", "--class-weights balanced", "--class-weights does not apply to squad: it is for a head that chooses"),
        ("stsb", "--label-smoothing 0.1", "--label-smoothing does not apply to stsb"),
        ("squad", "--loss focal", "--loss does not apply to squad: it is for a head that chooses among labels"),
        ("sst2", "--label-smoothing 1", "--label-smoothing 1: it must be at least 0 and below 1"),
        ("sst2", "--label-smoothing -0.1", "--label-smoothing -0.1: it must be"),
        ("sst2", "--label-smoothing 0.1 --loss focal", "--label-smoothing and --loss focal: give one of them"),
        ("sst2", "--focal-gamma 3", "--focal-gamma needs --loss focal"),
        ("sst2", "--loss focal --focal-gamma 0", "--focal-gamma 0: it must be a number above 0"),
        ("sst2", "--loss foca", "did you mean focal?"),
    ],
)
def test_a_loss_that_makes_no_sense_is_refused(refused: Refused, task: str, typed: str, said: str) -> None:
    assert said in refused("finetune", task, "--sample", *typed.split())


def test_a_label_that_no_train_row_has_is_refused_by_the_nearest_one(
    refused: Refused, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    model = tiny.make("bert", tmp_path_factory.mktemp("model") / "bert")
    rows = tiny.write_treebank(tmp_path, tiny.SENTENCES, tiny.SENTENCES)
    typed = f"finetune ud --data {rows} --model {model} --device cpu --class-weights"
    assert "no label is called 'NUON'; did you mean NOUN?" in refused(*typed.split(), "NUON=2")


def test_labels_with_commas_are_given_in_json(refused: Refused, tmp_path: Path) -> None:
    data = reviews(tmp_path)
    said = refused("finetune", "sst2", "--data", data, "--model", "sample", "--class-weights", '{"a, b": 2}')
    assert "no label is called 'a, b'" in said


def test_a_weight_moves_what_is_learnt(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tiny.make("bert", tmp_path / "bert")
    data = tiny.write_reviews(tmp_path / "rows", tiny.REVIEWS, tiny.REVIEWS)
    shares = []
    for weights in ("negative=20", "positive=20"):
        typed = f"finetune sst2 --data {data} --model {model} --device cpu --epochs 6 --batch-size 4 --lr 1e-3"
        with pytest.raises(SystemExit) as left:
            main([*typed.split(), "--class-weights", weights, "--out", str(tmp_path / "runs"), "--json"])
        assert left.value.code == 0
        folder = Path(json.loads(capsys.readouterr().out)["folder"])
        lines = map(json.loads, (folder / "predictions.jsonl").read_text("utf-8").splitlines())
        shares.append(np.mean([line["scores"]["positive"] for line in lines]))
    assert shares[0] < 0.4 and shares[1] > 0.6


def test_a_loss_does_not_reach_the_saved_model_or_its_features(tmp_path: Path) -> None:
    plain = Classification(labels=("a", "b"))
    assert repr(plain.with_loss(Loss(focal=2.0))) == repr(plain)
    loaded = load(tiny.encoder(tiny.make("bert", tmp_path)), plain.with_loss(Loss(focal=2.0)), scratch=False, seed=1)
    assert loaded.model.config.id2label == {0: "a", 1: "b"}
