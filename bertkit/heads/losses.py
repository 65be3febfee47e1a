"""The loss over labels as a value: cross entropy or focal loss, label smoothing, class weights. Torch comes late.

K targets of a batch, C labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from bertkit.errors import RequestError

if TYPE_CHECKING:
    from torch import Tensor

    from bertkit.heads.features import Array


@dataclass(frozen=True, kw_only=True)
class Loss:
    """How far logits are from a label; the default is cross entropy.

    focal      the exponent of focal loss (Lin et al. 2017, equation 5): gamma; 0 is cross entropy
    smoothing  of cross entropy: the share of a target's probability that is spread over all labels
    weights    of the labels, (C,) in their order; () is 1 for each
    """

    focal: float = 0.0
    smoothing: float = 0.0
    weights: tuple[float, ...] = ()

    def summed(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The losses of (K, C) logits and (K,) class ids, summed; those IGNORED are left out."""
        from torch.nn import functional

        from bertkit.heads.features import IGNORED

        weight = logits.new_tensor(self.weights) if self.weights else None
        if self.focal:
            kept = targets != IGNORED
            return self._focal(logits[kept], targets[kept], weight)
        return functional.cross_entropy(
            logits, targets, weight, ignore_index=IGNORED, reduction="sum", label_smoothing=self.smoothing
        )

    def count(self, targets: Array) -> float:
        """What `summed` is divided by for torch's weighted mean: how many of (K,) targets count, or their weights."""
        import numpy as np

        from bertkit.heads.features import IGNORED

        real = targets[targets != IGNORED]
        return float(np.take(np.asarray(self.weights, np.float64), real).sum()) if self.weights else len(real)

    def summed_apart(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The binary losses of (K, C) logits and (K, C) zeros and ones, each label by itself, summed."""
        from torch.nn import functional

        if not self.focal:
            return functional.binary_cross_entropy_with_logits(logits, targets, reduction="sum")
        return self._scaled(functional.logsigmoid(logits * (2 * targets - 1))).sum()

    def _focal(self, logits: Tensor, targets: Tensor, weight: Tensor | None) -> Tensor:
        losses = self._scaled(logits.log_softmax(-1).gather(1, targets[:, None])[:, 0])
        return (losses if weight is None else losses * weight[targets]).sum()

    def _scaled(self, right: Tensor) -> Tensor:
        """The focal losses of targets by the logarithm of their probability."""
        wrong = (-right.expm1()).clamp(min=1e-30)  # at 0 a root has no gradient
        return -right * wrong**self.focal


def balanced(counts: Mapping[str, int], names: Sequence[str]) -> tuple[float, ...]:
    """Weights of labels by how often each occurs, n / (C * count), as scikit-learn's "balanced" has it.

    C labels occur; one that never does weighs 1.
    """
    present = [name for name in names if counts.get(name)]
    total = sum(counts[name] for name in present)
    return tuple(total / (len(present) * counts[name]) if counts.get(name) else 1.0 for name in names)


def weights_of(given: Mapping[str, float], names: Sequence[str]) -> tuple[float, ...]:
    """The weights of labels in the order of `names`; 1 where none is given. Raises RequestError for an unknown one."""
    from difflib import get_close_matches

    for name in given:
        if name not in names:
            near = get_close_matches(name, names, n=1)
            guess = f"did you mean {near[0]}?" if near else f"the labels are {_some(names)}"
            raise RequestError(f"--class-weights: no label is called '{name}'; {guess}")
    return tuple(float(given.get(name, 1.0)) for name in names)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return ", ".join(names[:10]) + more


APPLIES: dict[str, Any] = {
    "class_weights": "a head that chooses one of several labels",
    "label_smoothing": "a head that chooses one of several labels",
    "loss": "a head that chooses among labels",
    "threshold": "a head that gives any number of labels",
    "calibrate": "a head that gives one label a row",
}
"""The recipe's fields of the loss and of the choice among labels, and which heads each is for."""

OF_ONE_LABEL = frozenset({"class_weights", "label_smoothing", "loss"})
"""Those of a head that chooses one of several labels."""


class TakesLoss:
    """What of a head's contract is about the loss over labels and the choice among them: by default it has no flags."""

    @property
    def loss_flags(self) -> frozenset[str]:
        """The recipe's fields that this head takes, of APPLIES."""
        return frozenset()

    @property
    def calibrates(self) -> bool:
        """Whether an answer is one label, with a probability of each label that a temperature may change."""
        return "calibrate" in self.loss_flags

    def with_loss(self, loss: Loss) -> Self:
        """The head with this loss over labels, in a field `criterion` that every head with `loss_flags` has."""
        head: Any = self
        found: Self = replace(head, criterion=loss)
        return found

    @property
    def loss_notes(self) -> tuple[str, ...]:
        """The weights of the labels for the user, in a line; none without weights."""
        head: Any = self
        weights: tuple[float, ...] = getattr(head, "criterion", Loss()).weights
        named = [f"{name} {weight:.4g}" for name, weight in zip(head.label_names, weights, strict=False)]
        return (f"class weights: {_some(named)}",) if named else ()

    def with_threshold(self, threshold: float) -> Self:
        """The head with another `threshold`: a field of every head with that flag."""
        head: Any = self
        found: Self = replace(head, threshold=threshold)
        return found

    def with_config(self, config: Any) -> Self:
        """The head with what a trained model's config says of its answers, besides its labels."""
        return self

    def tuned(self, golds: Sequence[Any], answers: Sequence[Any]) -> Self:
        """The head with the threshold that is best for rows with these golds and answers."""
        return self

    def check_loss_flag(self, name: str, task: str) -> None:
        """Raise RequestError if the recipe's field `name`, of APPLIES, does not apply to `task`."""
        if name not in self.loss_flags:
            flag = "--" + name.replace("_", "-")
            raise RequestError(f"{flag} does not apply to {task}: it is for {APPLIES[name]}")
