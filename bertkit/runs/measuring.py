"""Measure a pretraining run's held-out text on the way and at the end, and watch whether the model learns."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from bertkit.data.sampler import Indices
from bertkit.evaluation.held_out import COLLAPSED, HeldOut, measure
from bertkit.heads.features import IGNORED
from bertkit.progress import Progress
from bertkit.runs.folder import Log
from bertkit.runs.pretrain_model import PretrainParts

ON_THE_WAY, AT_THE_END = 5_000, 80_000
"""About how many tokens of the held-out text are predicted during training, and at its end, at most."""

PLATEAU = 0.05
"""By how many nats the loss must be below that of the unigram distribution after the warm-up."""


@dataclass(kw_only=True)
class Measuring:
    """Measures the held-out text of one run.

    patience  updates after which the user is told of a model that has learnt nothing
    told      what the user was told of already
    """

    parts: PretrainParts
    log: Log
    progress: Progress
    patience: float
    told: set[str] = field(default_factory=set)

    def in_training(self, step: int) -> None:
        """Measure some rows after `step` updates, log it, and note if the model does not learn."""
        found = self._measured(ON_THE_WAY, Progress())
        if found is None:
            return
        self._log(step, found)
        if step >= self.patience:
            for line in _complaints(found):
                if line not in self.told:
                    self.progress.note(f"update {step:,}: {line}")
                    self.told.add(line)

    def at_the_end(self, step: int) -> HeldOut | None:
        """Measure AT_THE_END tokens at most, and log it."""
        rows = self.rows(AT_THE_END)
        self.progress.phase("measuring", len(rows))
        with self.parts.model.in_training():
            found = self._measured(AT_THE_END, self.progress)
        if found is not None:
            self._log(step, found)
        return found

    def _log(self, step: int, found: HeldOut) -> None:
        self.log.write({"step": step, "held_out": found.values, "unigram": found.unigram, "cosine": found.cosine})

    def rows(self, tokens: int) -> Indices:
        """Held-out rows in which about so many tokens are predicted, spread evenly over the text."""
        source = self.parts.held_out
        if source is None or not len(source):
            return np.zeros(0, np.int64)
        some = source.take(_spread(len(source), 32))
        assert some.targets
        each = max(1.0, float((some.targets.values != IGNORED).sum()) / len(some))
        return _spread(len(source), max(1, int(tokens / each)))

    def _measured(self, tokens: int, progress: Progress) -> HeldOut | None:
        rows = self.rows(tokens)
        if self.parts.held_out is None or not len(rows):
            return None
        return measure(self.parts.model, self.parts.held_out, rows, self.parts.log_unigram, progress)


def _spread(rows: int, most: int) -> Indices:
    """At most so many of the rows, spread evenly."""
    return np.unique(np.linspace(0, rows - 1, min(rows, most)).astype(np.int64))


def _complaints(found: HeldOut) -> list[str]:
    """What is wrong with a model that should have learnt something by now."""
    lines = []
    if found.loss > found.unigram - PLATEAU:
        lines.append(
            "the loss is not below that of word frequencies alone: the model does not read its context; "
            "try another --lr, with --start fast (the default)"
        )
    if found.cosine > COLLAPSED:
        lines.append(
            "the hidden states of all predicted tokens are nearly the same: the model has collapsed; try another --lr"
        )
    return lines
