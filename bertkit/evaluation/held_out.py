"""Measure a language model on held-out text: loss, perplexity, accuracy.

R rows, B rows of a batch, M predicted tokens of it, H hidden size, V tokens of the vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from bertkit.data.corpus_features import CorpusFeatures
from bertkit.data.sampler import Indices
from bertkit.evaluation.intervals import of_sums, wilson
from bertkit.heads.features import IGNORED, Features
from bertkit.models.language_model import LanguageModel
from bertkit.objectives.base import PAIR
from bertkit.progress import Progress
from bertkit.result import Score

Table = NDArray[np.float64]

LOSS, TOKENS, RIGHT, UNIGRAM, TOLD, SECOND = range(6)
"""Columns of a table of rows: the summed loss of its predicted tokens in nats, their number, how many are predicted
right, their summed loss under the unigram distribution; whether the pair's class is told right, and that class."""

COLLAPSED = 0.99
"""The mean cosine between the hidden states of predicted tokens from which they say nothing of the text."""


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """What was measured.

    table   (R, 6) the sums of each row: see LOSS and the columns behind it
    pairs   whether rows are pairs of segments
    cosine  the mean cosine between the hidden states of predicted tokens
    """

    table: Table
    pairs: bool
    cosine: float

    @property
    def loss(self) -> float:
        """The mean loss of a predicted token, in nats."""
        return _ratio(self.table, LOSS)

    @property
    def unigram(self) -> float:
        """The mean loss of the same tokens under the unigram distribution of the train text."""
        return _ratio(self.table, UNIGRAM)

    @property
    def values(self) -> dict[str, float]:
        """The measures by name."""
        told = {name: float(part[:, TOLD].mean()) for name, part in self._pairs() if len(part)}
        accuracy = _ratio(self.table, RIGHT)
        return {"loss": self.loss, "perplexity": float(np.exp(self.loss)), "accuracy": accuracy, **told}

    @property
    def scores(self) -> dict[str, Score]:
        """The measures by name, with their 95 % intervals over rows."""
        values, found = self.values, {}
        predicted = self.table[self.table[:, TOKENS] > 0]
        sums = predicted[:, [LOSS, TOKENS]]
        for name, of in (("loss", _mean), ("perplexity", lambda table: np.exp(_mean(table)))):
            interval = of_sums(of)(sums, lambda table: 0.0)
            found[name] = Score(value=values[name], low=interval.low, high=interval.high, interval=interval.name)
        shares = {"accuracy": predicted[:, [RIGHT, TOKENS]], **{n: part[:, [TOLD]] for n, part in self._pairs()}}
        for name, table in shares.items():
            if len(table):
                interval = wilson(table, lambda table: 0.0)
                found[name] = Score(value=values[name], low=interval.low, high=interval.high, interval=interval.name)
        return found

    def _pairs(self) -> list[tuple[str, Table]]:
        """The rows that each accuracy of pairs is over."""
        if not self.pairs:
            return []
        first = self.table[:, SECOND] == 0
        kinds = (("pair accuracy, class 0", first), ("pair accuracy, class 1", ~first))
        return [("pair accuracy", self.table), *((name, self.table[which]) for name, which in kinds)]


def measure(
    model: LanguageModel, source: CorpusFeatures, rows: Indices, log_unigram: Table, progress: Progress
) -> HeldOut:
    """Measure the model on these rows, each corrupted as in epoch 0, in fp32; inside of `model.in_training()`.

    log_unigram  (V,) the logarithm of each token's share of what is predicted in train text
    """
    network = model.network
    tables: list[Table] = []
    states: list[Tensor] = []
    unigram = torch.from_numpy(log_unigram)
    was, paired = network.training, False
    network.eval()
    with torch.inference_mode():
        for part in source.batches(rows):
            given = model.given(part)
            outputs = model.outputs(given)
            told = None
            if outputs.pairs is not None and given.pairs is not None:
                told, paired = outputs.pairs.argmax(-1) == given.pairs, True
            losses = functional.cross_entropy(outputs.logits.float(), given.targets, reduction="none")
            right = outputs.logits.argmax(-1) == given.targets
            columns = [losses, torch.ones_like(losses), right, -unigram[given.targets.cpu()]]
            tables.append(_summed(part, columns, told))
            if len(states) < 4:
                states.append(functional.normalize(outputs.states.float(), dim=-1).cpu())
            progress.advance(len(part))
    network.train(was)
    return HeldOut(table=np.concatenate(tables), pairs=paired, cosine=_cosine(torch.cat(states)))


def _summed(part: Features, columns: list[Tensor], told: Tensor | None) -> Table:
    """(B, 6) the table of a batch, from columns of (M,) predicted tokens."""
    assert part.targets is not None
    table = np.zeros((len(part), 6))
    row = np.repeat(np.arange(len(part)), part.targets.lengths)[part.targets.values != IGNORED]
    for k, column in enumerate(columns):
        table[:, k] = np.bincount(row, column.cpu().double().numpy(), len(part))
    if told is not None:
        table[:, TOLD] = told.cpu().numpy()
        table[:, SECOND] = part.places[PAIR].values
    return table


def _cosine(units: Tensor) -> float:
    """The mean cosine between two different ones of (M, H) unit vectors; 0 where there is one alone."""
    count = len(units)
    return float((units.sum(0).square().sum() - count) / max(count * (count - 1), 1))


def _mean(table: Table) -> Table:
    found: Table = table[:, 0] / table[:, 1]
    return found


def _ratio(table: Table, column: int) -> float:
    return float(table[:, column].sum() / table[:, TOKENS].sum())
