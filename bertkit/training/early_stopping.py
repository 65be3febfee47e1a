"""The best model so far by a score is the final one; with early stopping training ends when it no longer rises."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

BEST = "best/"
"""The prefix of the best weights among a checkpoint's tensors."""


@dataclass(kw_only=True)
class EarlyStopping:
    """Scores the model every `every` updates and after the last one; keeps the weights of the best score.

    score     the model's score now; it is given the number of updates
    patience  evaluations without a better score after which training ends; infinite where it never does
    value     the best score so far, of the model after `step` updates; of equal ones the earliest
    since     evaluations since then
    weights   its weights, on the CPU
    """

    score: Callable[[int], float]
    every: int
    patience: float
    value: float = -math.inf
    step: int = 0
    since: int = 0
    weights: dict[str, Tensor] | None = None

    @property
    def done(self) -> bool:
        """Whether training is to end."""
        return self.since >= self.patience

    @property
    def found(self) -> dict[str, Any]:
        """Which model was the best, for the result."""
        return {"step": self.step, "value": self.value, "stopped": self.done}

    def due(self, step: int, last: bool) -> bool:
        """Whether the model is to be scored after so many updates."""
        return last or step % self.every == 0

    def offer(self, step: int, weights: Callable[[], Mapping[str, Tensor]]) -> None:
        """Score the model after `step` updates, and keep a copy of its `weights` if it is the best so far."""
        value = self.score(step)
        self.since += 1
        if self.weights is None or value > self.value or math.isnan(self.value):
            self.value, self.step, self.since = value, step, 0
            self.weights = {name: one.detach().to("cpu", copy=True) for name, one in weights().items()}

    @torch.no_grad()
    def restore(self, network: torch.nn.Module) -> None:
        """Put the best weights into the model."""
        now = network.state_dict()
        for name, one in (self.weights or {}).items():
            now[name].copy_(one)

    # The state of a checkpoint.

    def tensors(self) -> dict[str, Tensor]:
        """The best weights."""
        return {BEST + name: one for name, one in (self.weights or {}).items()}

    def facts(self) -> dict[str, Any]:
        """Which model is the best so far, for JSON."""
        return {"value": None if math.isinf(self.value) else self.value, "step": self.step, "since": self.since}

    def load(self, facts: Mapping[str, Any], weights: Mapping[str, Tensor]) -> None:
        """Restore what `facts` and `tensors` returned; the latter without their prefix."""
        value = facts["value"]
        self.value, self.step, self.since = -math.inf if value is None else value, facts["step"], facts["since"]
        self.weights = {name: one.clone() for name, one in weights.items()} or None
