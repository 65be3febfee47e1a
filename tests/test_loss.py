"""The loss against transformers' own, and that it does not depend on how a batch is split.

B features, T tokens, C labels.
"""

from __future__ import annotations

import numpy as np
import pytest
import tiny
import torch
from torch import Tensor

from bertkit.heads.features import IGNORED, Features
from bertkit.models import batch as batches
from bertkit.models.forward import forward, readable_inputs
from bertkit.models.load import Loaded, load

KINDS = ("classification", "regression", "tagging", "span")
each_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Loaded]:
    """The tiny BERT under each head, without dropout."""
    folder = tiny.make("bert", tmp_path_factory.mktemp("loss") / "bert")
    loaded = {kind: load(tiny.encoder(folder), tiny.HEADS[kind], scratch=False, seed=1) for kind in KINDS}
    for one in loaded.values():
        one.model.eval()
    return loaded


def summed(kind: str, loaded: Loaded, features: Features, indices: list[int]) -> Tensor:
    """bertkit's loss of some features in one batch."""
    batch = batches.collate(features.take(np.array(indices)), loaded.pad)
    logits = forward(loaded.model, tiny.HEADS[kind], batch, readable_inputs(loaded.model))
    assert batch.targets is not None
    return tiny.HEADS[kind].loss(logits, batch.targets, batch.mask)


def theirs(kind: str, loaded: Loaded, batch: batches.Batch) -> Tensor:
    """The mean loss that the model itself gives for one batch."""
    assert batch.targets is not None
    given = batch.targets if kind == "tagging" else batch.targets[:, 0]
    names = {"start_positions": batch.targets[:, 0], "end_positions": batch.targets[:, -1]}
    targets = names if kind == "span" else {"labels": given}
    found: Tensor = loaded.model(**batch.inputs, **targets).loss
    return found


@each_kind
@torch.no_grad()
def test_the_mean_loss_of_an_unpadded_batch_is_that_of_transformers(models: dict[str, Loaded], kind: str) -> None:
    row = {name: column[1:2] * 3 for name, column in tiny.rows(kind).items()}
    if kind in ("classification", "regression"):
        row["label"] = tiny.rows(kind)["label"][1:4]
    features = tiny.HEADS[kind].encode(row, models[kind].tokenizer, tiny.WINDOW)
    batch = batches.collate(features, models[kind].pad)
    assert bool(batch.mask.all())
    ours = summed(kind, models[kind], features, [0, 1, 2]) / tiny.HEADS[kind].count(features)
    torch.testing.assert_close(ours, theirs(kind, models[kind], batch))


def test_only_a_words_first_token_counts(models: dict[str, Loaded]) -> None:
    features = tiny.encode("tagging", models["tagging"], slice(1, 2))
    assert features.targets is not None
    asked = features.targets[0] != IGNORED
    assert (features.lengths[0], int(asked.sum())) == (10, 5)  # [CLS] we stay ##ed for f ##ive night ##s [SEP]
    assert tiny.TAGS.count(features) == 5


@each_kind
@torch.no_grad()
def test_micro_batches_divided_by_the_global_count_add_up_to_the_loss_of_the_whole(
    models: dict[str, Loaded], kind: str
) -> None:
    features = tiny.encode(kind, models[kind])
    everything = np.arange(len(features))
    total = tiny.HEADS[kind].count(features)
    whole = summed(kind, models[kind], features, [*everything]) / total
    cut = [summed(kind, models[kind], features, part) / total for part in ([0], [1, 2], [*everything[3:]])]
    assert len(set(features.lengths.tolist())) > 1
    torch.testing.assert_close(sum(cut), whole, atol=1e-6, rtol=1e-6)


def test_padding_is_no_candidate_for_a_span() -> None:
    logits = torch.zeros(1, 4, 2)
    logits[0, 2:] = 50.0
    targets, mask = torch.tensor([[0, 1]]), torch.tensor([[True, True, False, False]])
    # two candidates of equal weight for the start, two for the end: (ln 2 + ln 2) / 2
    assert float(tiny.SPAN.loss(logits, targets, mask)) == pytest.approx(np.log(2))


def test_a_spans_padding_gets_no_gradient() -> None:
    logits = torch.randn(2, 4, 2, generator=torch.manual_seed(1)).requires_grad_()
    mask = torch.tensor([[True, True, False, False], [True, True, True, True]])
    tiny.SPAN.loss(logits, torch.tensor([[0, 1], [2, 3]]), mask).backward()
    assert logits.grad is not None
    assert not logits.grad[0, 2:].any() and bool(logits.grad[0, :2].all())


def test_a_number_loses_the_square_of_its_distance() -> None:
    logits, targets = torch.tensor([[1.0], [4.0]]), torch.tensor([[3.0], [1.0]])
    assert float(tiny.NUMBER.loss(logits, targets, torch.ones(2, 1).bool())) == 4 + 9


def test_a_row_without_an_asked_word_loses_nothing() -> None:
    targets = torch.full((1, 3), IGNORED)
    assert float(tiny.TAGS.loss(torch.randn(1, 3, 9), targets, torch.ones(1, 3).bool())) == 0
