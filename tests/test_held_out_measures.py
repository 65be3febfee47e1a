"""What a pretraining run measures of held-out text, by transformers' own logits and by frequencies of targets."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest
import torch
from corpora import SMALL, write_corpus
from numpy.typing import NDArray

from bertkit.evaluation.held_out import LOSS, RIGHT, TOKENS, HeldOut, measure
from bertkit.heads.features import IGNORED
from bertkit.progress import Progress
from bertkit.request.pretrain_flags import PretrainFlags
from bertkit.runs.pretrain_claim import claim_pretrain, resolved_pretrain
from bertkit.runs.pretrain_model import PretrainParts, parts_of
from bertkit.spec import RunOptions

KINDS: dict[str, dict[str, Any]] = {
    "mlm": {},
    "causal": {"objective": "causal", "vocab_size": 300},
    "t5": {"objective": "denoise", "noise": "t5", "vocab_size": 100},
}


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, PretrainParts]:
    """A fresh model of each kind, and its rows."""
    place = tmp_path_factory.mktemp("parts")
    corpus = write_corpus(place / "corpus.txt", 200)
    found = {}
    for name, options in KINDS.items():
        with ExitStack() as stack:
            spec = PretrainFlags(**{**SMALL, **options}).spec([str(corpus)])
            claimed = claim_pretrain(resolved_pretrain(spec), RunOptions(out=place), Progress(), None, stack)
            found[name] = parts_of(claimed)
    return found


def targets_of(part: PretrainParts) -> NDArray[Any]:
    """The targets of all train rows, in eight epochs."""
    rows, found = np.arange(len(part.train)), []
    for epoch in range(8):
        targets = part.train.take(rows, epoch).targets
        assert targets is not None
        found.append(targets.values[targets.values != IGNORED])
    return np.concatenate(found)


@pytest.mark.parametrize("kind", KINDS)
def test_the_frequencies_are_those_of_what_is_predicted(parts: dict[str, PretrainParts], kind: str) -> None:
    """End tokens and sentinels, which are not in the text, have their share too."""
    part = parts[kind]
    targets = targets_of(part)
    shares = np.exp(part.log_unigram)
    assert shares.sum() == pytest.approx(1.0)
    special = part.train.pieces.special
    there = special[targets].mean()
    assert shares[special].sum() == pytest.approx(there, abs=0.01)
    assert there == 0 if kind == "mlm" else there > 0.001
    common = np.flatnonzero(np.bincount(targets, minlength=len(shares)) > 0.02 * len(targets))
    assert len(common) > 5
    for token in common:
        assert shares[token] == pytest.approx((targets == token).mean(), rel=0.25)


def test_loss_and_accuracy_are_those_of_transformers_own_logits(parts: dict[str, PretrainParts]) -> None:
    part = parts["mlm"]
    assert part.held_out is not None
    rows = np.arange(len(part.held_out))
    with part.model.in_training():
        found = measure(part.model, part.held_out, rows, part.log_unigram, Progress())
    losses, right, unigram = [], [], []
    network = part.model.network.eval()
    network.set_attn_implementation("eager")
    for row in rows:
        features = part.held_out.take(np.array([row]))
        assert features.targets is not None
        gold = torch.from_numpy(features.targets.values.astype(np.int64))
        with torch.no_grad():
            ids = torch.from_numpy(features.inputs["input_ids"].values.astype(np.int64))
            logits = network(input_ids=ids[None]).logits[0]
        which = gold != IGNORED
        losses += torch.nn.functional.cross_entropy(logits[which], gold[which], reduction="none").tolist()
        right += (logits[which].argmax(-1) == gold[which]).tolist()
        unigram += (-part.log_unigram[gold[which].numpy()]).tolist()
    assert found.loss == pytest.approx(np.mean(losses), rel=1e-5)
    assert found.values["accuracy"] == np.mean(right)
    assert found.values["perplexity"] == pytest.approx(np.exp(np.mean(losses)), rel=1e-4)
    assert found.unigram == pytest.approx(np.mean(unigram), rel=1e-9)
    assert found.scores["loss"].low < found.loss < found.scores["loss"].high


def test_rows_in_which_nothing_is_predicted_change_nothing() -> None:
    table = np.zeros((2, 6))
    table[0, [LOSS, TOKENS, RIGHT]] = 6.0, 3, 1
    scores = HeldOut(table=table, pairs=False, cosine=0.0).scores
    assert (scores["loss"].value, scores["accuracy"].value) == (2.0, 1 / 3)
    assert all(np.isfinite([one.low, one.high]).all() for one in scores.values())
