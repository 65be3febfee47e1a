"""Pruning: a trial of a search is scored at each fifth of its updates, and ended there if the search says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from bertkit.training.early_stopping import EarlyStopping

PARTS = 5
"""How often a trial is scored. Trials differ in their updates, so that they are compared at shares of them."""

Prune = Callable[[Mapping[int, float]], bool]
"""Whether a trial with these scores so far, by the number of parts that are done, is to be ended."""


@dataclass(kw_only=True)
class Pruning:
    """Scores the model after each of PARTS parts of the updates, and ends training if `prune` says so.

    It has the interface of EarlyStopping, but the final model is the last one.

    score    the model's score now; it is given the number of updates
    updates  how many the whole training has
    scores   so far, by the number of parts that were done
    done     whether training is to end before its last update
    """

    score: Callable[[int], float]
    prune: Prune
    updates: Callable[[], int]
    scores: dict[int, float] = field(default_factory=dict)
    done: bool = False

    @cached_property
    def _updates(self) -> int:
        return self.updates()

    @property
    def found(self) -> dict[str, Any]:
        """The last score, all of them, and whether the trial was pruned, for the result."""
        value = self.scores[max(self.scores)]
        return {"value": value, "scores": {str(part): one for part, one in self.scores.items()}, "pruned": self.done}

    def due(self, step: int, last: bool) -> bool:
        """Whether a part is done after so many updates, and was not after one less."""
        return last or self._parts(step) > self._parts(step - 1)

    def offer(self, step: int, weights: Callable[[], Mapping[str, Tensor]]) -> None:
        """Score the model after `step` updates, and find out whether training is to end."""
        self.scores[self._parts(step)] = self.score(step)
        self.done = step < self._updates and self.prune(self.scores)

    def restore(self, network: torch.nn.Module) -> None:
        """Leave the model as it is."""

    def _parts(self, step: int) -> int:
        return step * PARTS // self._updates

    # The state of a checkpoint.

    def tensors(self) -> dict[str, Tensor]:
        """No weights."""
        return {}

    def facts(self) -> dict[str, Any]:
        """The scores so far, and whether they ended training, for JSON."""
        return {"scores": {str(part): one for part, one in self.scores.items()}, "done": self.done}

    def load(self, facts: Mapping[str, Any], weights: Mapping[str, Tensor]) -> None:
        """Restore what `facts` returned."""
        self.scores = {int(part): one for part, one in facts["scores"].items()}
        self.done = facts["done"]


Stopping = EarlyStopping | Pruning
"""What may end training early."""
