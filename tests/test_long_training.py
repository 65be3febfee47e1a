"""Rows read in several windows: trained by their averaged logits as a loop by hand does it, resumed, scored, predicted.

B rows, W windows of a row.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
import torch
import transformers
from files import json_lines, write
from torch import Tensor
from torch.nn import functional

from bertkit.cli import main
from bertkit.data.sampler import Order, share
from bertkit.evaluation import inference
from bertkit.heads import Head, MultiLabel, Window
from bertkit.heads.features import Features
from bertkit.models.load import Loaded, load
from bertkit.models.task_model import TaskModel
from bertkit.progress import Progress
from bertkit.spec import Layout
from bertkit.task import Recipe
from bertkit.training.micro_batches import split
from bertkit.training.update import Updater

DRY = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
WINDOW = Window(max_length=24, doc_stride=6, long="windows")
RECIPE = Recipe(max_steps=6, batch_size=3, learning_rate=1e-3, warmup=0.0, weight_decay=0.0, window=WINDOW)
HEADS: dict[str, Head] = {
    "classification": tiny.SIGNS,
    "regression": tiny.NUMBER,
    "multi-label": MultiLabel(labels=("a", "b", "c")),
}
GOLDS = [["a"], ["a", "b"], [], ["c"], ["a", "b", "c"], ["b"], ["a", "c"], ["b", "c"]]
LONG = [" ".join([text] * (1 + 2 * (i % 3))) for i, (text, _) in enumerate(tiny.REVIEWS)]
ROWS = [
    {"sentence": text, "label": int(label == "positive")} for text, (_, label) in zip(LONG, tiny.REVIEWS, strict=True)
]


@pytest.fixture(scope="module")
def body(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny BERT without dropout."""
    return tiny.make("bert", tmp_path_factory.mktemp("long") / "bert", **DRY)


def loaded_for(kind: str, body: Path) -> Loaded:
    return load(tiny.encoder(body), HEADS[kind], scratch=False, seed=1)


def features_for(kind: str, loaded: Loaded) -> Features:
    golds = GOLDS if kind == "multi-label" else tiny.rows(kind)["label"]
    return HEADS[kind].encode({"text": LONG, "label": golds}, loaded.tokenizer, WINDOW)


def model_for(kind: str, loaded: Loaded, layout: Layout) -> TaskModel:
    return replace(tiny.model_of("classification", loaded, layout, RECIPE), head=HEADS[kind])


def loss_by_hand(kind: str, logits: Tensor, gold: Tensor) -> Tensor:
    """The loss of one row's (1, C)."""
    if kind == "regression":
        return functional.mse_loss(logits[0], gold)
    if kind == "multi-label":
        return functional.binary_cross_entropy_with_logits(logits[0], torch.zeros(3).index_fill(0, gold.long(), 1))
    return functional.cross_entropy(logits, gold.long())


def averaged_by_hand(network: Any, features: Features, row: int) -> Tensor:
    """(1, C) the mean of the logits of a row's windows, each by itself."""
    assert features.windows
    first, runs = sum(features.windows[:row]), features.runs
    logits = []
    for i in range(first, first + features.windows[row]):
        window = {name: torch.from_numpy(run[i].astype("int64"))[None] for name, run in runs.items()}
        logits.append(network(**window).logits)
    return torch.cat(logits).mean(0, keepdim=True)


def loop_by_hand(kind: str, loaded: Loaded, features: Features) -> Iterator[tuple[float, float]]:
    """The loss and the gradient's norm of each update, of the mean over rows of the loss of their averaged logits."""
    network = loaded.model.train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=RECIPE.learning_rate, weight_decay=0.0)
    rates = transformers.get_linear_schedule_with_warmup(optimizer, 0, RECIPE.max_steps)
    order, targets = Order(size=RECIPE.batch_size, seed=7), features.targets
    assert targets is not None
    batches = [batch for epoch in range(6) for batch in order.epoch(len(features), features.lengths_of, epoch)]
    for batch in batches[: RECIPE.max_steps]:
        losses = []
        for row in batch.tolist():
            logits, gold = averaged_by_hand(network, features, row), torch.tensor(targets[row])
            losses.append(loss_by_hand(kind, logits, gold))
        loss = torch.stack(losses).mean()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(network.parameters(), RECIPE.max_grad_norm)
        optimizer.step()
        rates.step()
        optimizer.zero_grad()
        yield float(loss.detach()), float(norm)


@pytest.mark.parametrize("layout", ["unpadded", "padded"])
@pytest.mark.parametrize("kind", HEADS)
def test_training_is_that_of_a_loop_over_windows_with_averaged_logits(body: Path, kind: str, layout: Layout) -> None:
    ours, theirs = loaded_for(kind, body), loaded_for(kind, body)
    features = features_for(kind, ours)
    assert features.windows
    assert min(features.windows) == 1
    assert max(features.windows) > 3
    model = model_for(kind, ours, layout)
    model = replace(model, layout=replace(model.layout, order="random"))
    log = tiny.train_in_place(model, features, RECIPE, seed=7)
    by_hand = list(loop_by_hand(kind, theirs, features))
    assert len(by_hand) == 6
    np.testing.assert_allclose([(line["loss"], line["gradient_norm"]) for line in log], by_hand, rtol=2e-4)
    logits = inference.predict(model, features, Progress())
    with torch.no_grad():
        plain = torch.cat([averaged_by_hand(theirs.model.eval(), features, row) for row in range(len(features))])
    np.testing.assert_allclose(logits.values, plain, atol=1e-3)
    assert logits.lengths.tolist() == [1] * len(ROWS)


def test_predictions_are_averaged_whatever_the_layout(body: Path) -> None:
    loaded = loaded_for("classification", body)
    features = features_for("classification", loaded)
    loaded.model.eval()
    with torch.no_grad():
        by_hand = torch.cat([averaged_by_hand(loaded.model, features, row) for row in range(len(features))])
    for layout in ("unpadded", "padded", "bucketed"):
        logits = inference.predict(model_for("classification", loaded, layout), features, Progress())
        np.testing.assert_allclose(logits.values, by_hand, atol=1e-5)


# Batches are cut between rows.


def test_a_micro_batch_is_split_between_rows_to_at_most_so_many_windows(body: Path) -> None:
    loaded = loaded_for("classification", body)
    features = features_for("classification", loaded)
    assert features.windows
    parts = split(features, Recipe(batch_size=6))
    assert np.concatenate([part.row for part in parts]).tolist() == list(range(len(features)))
    assert [sum(part.windows or []) <= 6 or len(part) == 1 for part in parts] == [True] * len(parts)
    for one, other in pairwise(parts):  # none could take the next row too
        assert sum(one.windows or []) + (other.windows or [0])[0] > 6
    whole = tiny.SIGNS.encode({**tiny.rows("classification")}, loaded.tokenizer, Window(max_length=24))
    assert split(whole, Recipe(batch_size=1)) == [whole]
    assert split(features, Recipe(batch_size=1, batch_tokens=100)) == [features]


def test_processes_share_rows_with_all_their_windows(body: Path) -> None:
    features = features_for("classification", loaded_for("classification", body))
    parts = [features.take(share(features.lengths, rank, 2)) for rank in (0, 1)]
    assert sorted(row for part in parts for row in part.row.tolist()) == list(range(len(features)))
    assert features.windows
    for part in parts:
        assert part.windows == [features.windows[row] for row in part.row]
        assert part.lengths.tolist() == features.lengths[part.row].tolist()


def test_a_batch_that_does_not_fit_into_memory_is_cut_between_rows(body: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, plain = [], Updater._backward_all

    def hungry(one: Updater, parts: list[Features], exact: bool) -> float:
        if max(map(len, parts)) > 1:
            raise MemoryError
        return plain(one, parts, exact)

    recipe = replace(RECIPE, batch_size=4)
    for patched in (False, True):
        if patched:
            monkeypatch.setattr(Updater, "_backward_all", hungry)
        loaded = loaded_for("classification", body)
        model = tiny.model_of("classification", loaded, "unpadded", recipe)
        log.append(tiny.train_in_place(model, features_for("classification", loaded), recipe))
    np.testing.assert_allclose(*([line["loss"] for line in one] for one in log), rtol=1e-4)


# The command line.


@pytest.fixture
def asked(body: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """`finetune sst2` on the rows above in windows, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("train", "dev"):
        write(tmp_path / "rows" / f"{name}.jsonl", json_lines(*ROWS))
    tiny.make("bert", tmp_path / "tiny")
    flags = "--max-length 24 --long windows --batch-size 3 --max-steps 6 --lr 1e-3 --save-every 1"
    return f"finetune sst2 --data rows --model tiny --device cpu {flags} --quiet --json".split()


def said(capsys: pytest.CaptureFixture[str], *typed: str) -> Any:
    """What `bertkit TYPED` printed as JSON."""
    with pytest.raises(SystemExit) as leaving:
        main(list(typed))
    printed = capsys.readouterr()
    assert leaving.value.code == 0, printed.err
    return json.loads(printed.out)


def test_it_is_resumed_to_the_same_bytes_and_scored_and_predicts_alike(
    asked: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Path(said(capsys, *asked, "--out", "whole")["folder"])
    plain, calls = Updater.backward, [0]

    def stopped(loop: Updater, *given: Any, **named: Any) -> Any:
        calls[0] += 1
        if calls[0] == 4:
            raise KeyboardInterrupt
        return plain(loop, *given, **named)

    with monkeypatch.context() as patched, pytest.raises(SystemExit):
        patched.setattr(Updater, "backward", stopped)
        main([*asked, "--out", "parts"])
    capsys.readouterr()
    (parts,) = Path("parts").iterdir()
    said(capsys, "resume", str(parts), "--json", "--quiet")
    for name in ("model/model.safetensors", "predictions.jsonl"):
        assert (parts / name).read_bytes() == (whole / name).read_bytes()
    result = json.loads((whole / "result.json").read_text("utf-8"))
    assert result["rows"]["dev"]["cut"] == 0
    assert result["rows"]["dev"]["counted"] == {"rows are read in several windows": 5}
    again = said(capsys, "eval", str(parts), "--json", "--quiet")
    assert again["evaluations"][0]["metrics"] == result["evaluations"][0]["metrics"]
    lines = [json.loads(line) for line in (parts / "predictions.jsonl").read_text("utf-8").splitlines()]
    answer = said(capsys, "predict", str(parts), LONG[5], "--json", "--quiet")
    assert answer["scores"] == pytest.approx(lines[5]["scores"], abs=1e-5)
    assert answer["scores"] == pytest.approx(by_transformers_alone(parts / "model", LONG[5]), abs=1e-5)


def by_transformers_alone(folder: Path, text: str) -> dict[str, float]:
    """The probabilities of the mean of the logits of the tokenizer's own windows, a quarter of which overlaps."""
    network = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    windows = tokenizer(
        text,
        truncation=True,
        max_length=24,
        stride=6,
        return_overflowing_tokens=True,
        padding=True,
        return_tensors="pt",
    )
    del windows["overflow_to_sample_mapping"]
    assert len(windows["input_ids"]) > 3
    with torch.no_grad():
        shares = network(**windows).logits.mean(0).softmax(-1)
    return {network.config.id2label[i]: float(share) for i, share in enumerate(shares)}


@pytest.mark.parametrize(
    "flags", ["--precision bf16", "--layout bucketed", "--gradient-accumulation 2", "--long head-tail"]
)
def test_it_trains_with_other_flags_too(asked: list[str], capsys: pytest.CaptureFixture[str], flags: str) -> None:
    result = said(capsys, *asked, *flags.split())
    assert result["training"]["steps"] == 6
    assert np.isfinite(result["training"]["loss"])
    assert result["rows"]["train"]["cut"] == (5 if "head-tail" in flags else 0)
