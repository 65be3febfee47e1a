"""Early stopping and the threshold: selected on rows that are taken out of train, by what the saved model says of them.

R rows, L labels.
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
import transformers
from door import Refused, refused
from files import json_lines, write
from own_tasks import predictions, said
from sklearn.metrics import f1_score

from bertkit import registry
from bertkit.data.splits import read_splits
from bertkit.heads import MultiLabel
from bertkit.heads.label_sets import best_threshold
from bertkit.runs.folder import read_log, read_spec
from bertkit.sources import Source
from bertkit.task import Evaluation, Recipe, Task
from bertkit.training.early_stopping import EarlyStopping

__all__ = ["refused"]

LABELS = ("calm", "dull", "long")
TOPICS = Task(
    name="topics",
    about="a text -> its topics",
    head=MultiLabel(labels=LABELS),
    source=Source(columns={"text": ("text",), "label": ("label",)}),
    evaluations=(Evaluation(name="dev", split="dev", metrics=("multilabel_f1_micro",)),),
    recipe=Recipe(epochs=4, batch_size=4, learning_rate=2e-3),
)
TOPIC_ROWS = [
    {"text": f"{text} {k}", "label": [name for i, name in enumerate(LABELS) if (len(text) + k) % (i + 2) == 0]}
    for k in range(5)
    for text, _ in tiny.REVIEWS
]


@pytest.fixture
def topics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """`finetune topics` on rows of its own, in an empty folder."""
    packs = (*registry.packs(), registry.Pack(name="own", tasks=(TOPICS,), suites=(), samples=tmp_path / "none"))
    monkeypatch.setattr(registry, "packs", lambda: packs)
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "rows" / "train.jsonl", json_lines(*TOPIC_ROWS))
    write(tmp_path / "rows" / "dev.jsonl", json_lines(*TOPIC_ROWS[:9]))
    tiny.make("bert", tmp_path / "tiny")
    return ["finetune", "topics", "--data", "rows", "--model", "tiny", "--device", "cpu", "--quiet", "--json"]


@pytest.mark.parametrize("seed", range(5))
def test_no_other_threshold_has_a_higher_micro_f1(seed: int) -> None:
    draws = np.random.default_rng(seed)
    golds = draws.random((30, 4)) < 0.2
    shares = np.round(np.clip(draws.random((30, 4)) + 0.3 * golds, 0, 1), 2)  # some are equal
    every = np.unique(np.concatenate([shares.ravel(), [0.001, 0.999]]))
    wanted = max(f1_score(golds, shares >= one, average="micro", zero_division=0) for one in every)
    found = best_threshold(golds, shares)
    assert 0 < found < 1
    assert f1_score(golds, shares >= found, average="micro") == pytest.approx(wanted)
    assert found not in shares


def test_the_best_threshold_by_hand() -> None:
    golds = np.array([[True, False], [True, False]])
    shares = np.array([[0.4, 0.1], [0.3, 0.2]])
    # both golds and nothing else is given from 0.3 on, and not from 0.2 on
    assert best_threshold(golds, shares) == pytest.approx(0.25)
    assert best_threshold(np.zeros((2, 2), bool), shares) == 0.5
    assert best_threshold(np.ones((2, 2), bool), shares) == pytest.approx(0.05)


def scored(values: list[float], patience: int, every: int = 1) -> EarlyStopping:
    """What early stopping says after these scores, a weight counting the updates."""
    one = EarlyStopping(score=lambda step: values[step // every - 1], every=every, patience=patience)
    for step in range(1, every * len(values) + 1):
        if not one.done and one.due(step, last=False):
            one.offer(step, lambda step=step: {"w": torch.tensor(float(step))})  # type: ignore[misc]
    return one


@pytest.mark.parametrize(
    ("values", "patience", "best", "since"),
    [
        ([0.1, 0.2, 0.3], 1, 3, 0),
        ([0.3, 0.2, 0.4], 1, 1, 1),  # stopped before it got better
        ([0.3, 0.2, 0.4], 2, 3, 0),
        ([0.3, 0.3, 0.3, 0.9], 2, 1, 2),  # as good is not better
        ([float("nan"), 0.2, 0.1], 3, 2, 1),
    ],
)
def test_training_ends_after_so_many_scores_that_are_not_better(
    values: list[float], patience: int, best: int, since: int
) -> None:
    one = scored(values, patience)
    assert (one.step, one.since, one.done) == (best, since, since >= patience)
    assert one.weights == {"w": torch.tensor(float(best))}
    again = EarlyStopping(score=lambda step: 0.0, every=1, patience=patience)
    state = {name.removeprefix("best/"): tensor for name, tensor in one.tensors().items()}
    again.load(json.loads(json.dumps(one.facts())), state)
    assert (again.step, again.since, again.value, again.weights) == (one.step, one.since, one.value, one.weights)


def test_a_score_is_due_every_so_often_and_after_the_last_update() -> None:
    one = EarlyStopping(score=lambda step: 0.0, every=4, patience=1)
    assert [step for step in range(1, 11) if one.due(step, last=step == 10)] == [4, 8, 10]


def test_the_best_model_on_the_selection_rows_is_the_final_one(
    tmp_path: Path, topics: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--early-stopping", "2", "--eval-every", "1", "--lr", "0.02", "--epochs", "8"]
    folder = Path(said(capsys, *topics, *flags)["folder"])
    result = json.loads((folder / "result.json").read_text("utf-8"))
    scores = {
        line["step"]: line["selection"]["multilabel_f1_micro"] for line in read_log(folder) if "selection" in line
    }
    best = min(step for step, score in scores.items() if score == max(scores.values()))
    rows = result["selected"]["rows"]
    assert result["selected"] == {
        "rows": rows,
        "metric": "multilabel_f1_micro",
        "step": best,
        "value": scores[best],
        "stopped": True,
    }
    assert list(scores) == list(range(1, result["training"]["steps"] + 1))
    assert result["training"]["steps"] == best + 2 < 72  # two scores later it stopped
    spec = read_spec(folder)
    splits = read_splits(spec)
    assert splits.selection and splits.train
    assert len(splits.selection) == rows == 4 and len(splits.train) == 36  # 10 % of 40
    assert not set(splits.selection.table["text"]) & set(splits.train.table["text"])
    assert result["rows"]["selection"]["used"] == 4 and "selection" not in {e["name"] for e in result["evaluations"]}
    assert saved_score(folder, splits.selection.table[:]) == pytest.approx(scores[best])


def test_select_best_trains_to_the_end_and_keeps_the_update_that_was_best_on_the_selection_rows(
    tmp_path: Path, topics: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--select", "best", "--eval-every", "1", "--lr", "0.02", "--epochs", "2"]
    folder = Path(said(capsys, *topics, *flags)["folder"])
    result = json.loads((folder / "result.json").read_text("utf-8"))
    scores = {
        line["step"]: line["selection"]["multilabel_f1_micro"] for line in read_log(folder) if "selection" in line
    }
    best = min(step for step, score in scores.items() if score == max(scores.values()))
    assert (result["selected"]["step"], result["selected"]["stopped"]) == (best, False)
    assert list(scores) == list(range(1, 19)) and best < 18  # two epochs of 36 rows, four a batch
    splits = read_splits(read_spec(folder))
    assert splits.selection
    assert saved_score(folder, splits.selection.table[:]) == pytest.approx(scores[best])


def saved_score(folder: Path, rows: Any, threshold: float = 0.5) -> float:
    """Micro-F1 of the saved model on rows, by transformers alone."""
    shares = shares_of(folder, rows["text"])
    golds = np.array([[name in gold for name in LABELS] for gold in rows["label"]])
    return float(f1_score(golds, shares >= threshold, average="micro", zero_division=0))


def shares_of(folder: Path, texts: list[str]) -> Any:
    """(R, L) the saved model's probabilities."""
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder / "model").eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder / "model")
    with torch.no_grad():
        return model(**tokenizer(texts, padding=True, return_tensors="pt")).logits.sigmoid().numpy()


def test_the_threshold_chosen_is_that_of_scores_answers_and_the_saved_config(
    tmp_path: Path, topics: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path(said(capsys, *topics, "--threshold", "auto")["folder"])
    result = json.loads((folder / "result.json").read_text("utf-8"))
    threshold = result["selected"]["threshold"]
    assert threshold != 0.5
    assert json.loads((folder / "model" / "config.json").read_text("utf-8"))["label_threshold"] == threshold
    selection = read_splits(read_spec(folder)).selection
    assert selection
    value = saved_score(folder, selection.table[:], threshold)
    assert result["selected"]["value with it"] == pytest.approx(value)
    assert value >= saved_score(folder, selection.table[:])
    for line in predictions(folder):
        assert line["answer"] == [name for name in LABELS if line["scores"][name] >= threshold]
    again = said(capsys, "eval", str(folder), "--json", "--quiet")
    assert again["evaluations"][0]["metrics"] == result["evaluations"][0]["metrics"]
    answer = said(capsys, "predict", str(folder), "The food was inedible.", "--json", "--quiet")
    assert answer["answer"] == [name for name in LABELS if answer["scores"][name] >= threshold]


def test_a_threshold_that_is_given_is_used_and_kept(topics: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path(said(capsys, *topics, "--threshold", "0.3", "--max-steps", "2")["folder"])
    assert json.loads((folder / "model" / "config.json").read_text("utf-8"))["label_threshold"] == 0.3
    assert read_splits(read_spec(folder)).selection is None
    for line in predictions(folder):
        assert line["answer"] == [name for name in LABELS if line["scores"][name] >= 0.3]


def test_focal_loss_is_for_labels_that_are_chosen_apart_too(topics: list[str], capsys: Any) -> None:
    plain = Path(said(capsys, *topics, "--max-steps", "2")["folder"])
    focal = Path(said(capsys, *topics, "--max-steps", "2", "--loss", "focal")["folder"])
    losses = [[line["loss"] for line in read_log(folder) if "loss" in line] for folder in (plain, focal)]
    assert losses[1][0] < losses[0][0]  # a factor below 1 for every label


def test_early_stopping_does_not_change_the_updates_before(tmp_path: Path, topics: list[str], capsys: Any) -> None:
    stopping = Path(said(capsys, *topics, "--early-stopping", "99", "--eval-every", "9", "--epochs", "2")["folder"])
    other = Path(said(capsys, *topics, "--threshold", "auto", "--epochs", "2")["folder"])
    losses = [[line["loss"] for line in read_log(folder) if "loss" in line] for folder in (stopping, other)]
    assert losses[0] == losses[1]  # of the same rows, those of selection taken out


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("sst2 --early-stopping 0 --eval-every 1", "--early-stopping 0: it must be at least 1"),
        ("sst2 --early-stopping 2", "--early-stopping needs --eval-every"),
        ("sst2 --select best", "--select best needs --eval-every"),
        (
            "sst2 --threshold auto",
            "--threshold does not apply to sst2: it is for a head that gives any number of labels",
        ),
        ("stsb --threshold 0.4", "--threshold does not apply to stsb"),
    ],
)
def test_a_selection_that_makes_no_sense_is_refused(refused: Refused, typed: str, said: str) -> None:
    task, *flags = typed.split()
    assert said in refused("finetune", task, "--sample", *flags)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("1", "--threshold 1: it must be above 0 and below 1"),
        ("0", "--threshold 0: it must be above 0 and below 1"),
        ("half", "--threshold half: it must be auto, or a probability such as 0.5"),
        ("nan", "--threshold nan: it must be above 0 and below 1"),
    ],
)
def test_a_threshold_that_is_no_probability_is_refused(
    topics: list[str], refused: Refused, typed: str, said: str
) -> None:
    assert said in refused(*topics, "--threshold", typed)


def test_weights_are_not_for_labels_that_are_chosen_apart(topics: list[str], refused: Refused) -> None:
    said = refused(*topics, "--class-weights", "balanced")
    assert "--class-weights does not apply to topics: it is for a head that chooses one of several labels" in said


def test_rows_to_select_on_are_the_same_for_every_seed(topics: list[str], tmp_path: Path) -> None:
    from bertkit.request.flags import Flags
    from bertkit.request.specs import spec_of

    spec = spec_of(registry.find("topics"), Flags(data="rows", model="tiny", threshold="auto"))
    found = [read_splits(replace(spec, seed=seed)).selection for seed in (1, 2)]
    assert found[0] and found[1] and found[0].digest == found[1].digest
