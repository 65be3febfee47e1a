"""A number instead of a label: its bounds, and the scale it is trained on. Light."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

ADDED: dict[str, Any] = {"scaled": False, "mean": None, "sd": None}
"""Fields of Number added since the first version: not in its repr, of which cache keys are made, if they are unset."""


@dataclass(frozen=True, kw_only=True)
class Number:
    """A number, from `low` to `high` where those are given: regression.

    scaled    whether a model is trained on numbers of mean 0 and standard deviation 1, and not on the file's own
    mean, sd  of the train rows' golds, in the file's unit, once they are read; None before. 0 and 1 change nothing
    """

    low: float | None = None
    high: float | None = None
    scaled: bool = False
    mean: float | None = None
    sd: float | None = None

    def __post_init__(self) -> None:
        """Convert to floats: 0 and 0.0 would give a spec two digests."""
        for name in ("low", "high", "mean", "sd"):
            value = getattr(self, name)
            object.__setattr__(self, name, None if value is None else float(value))

    def __str__(self) -> str:
        if self.low is not None and self.high is not None:
            return f"a number from {self.low:g} to {self.high:g}"
        if self.low is not None:
            return f"a number of {self.low:g} or more"
        return "a number" if self.high is None else f"a number of {self.high:g} or less"

    def __repr__(self) -> str:
        return repr_without(self, ADDED)

    @property
    def scale(self) -> tuple[float, float]:
        """Mean and standard deviation of what a model is trained on, in the file's unit."""
        return (0.0 if self.mean is None else self.mean, 1.0 if self.sd is None else self.sd)

    def fitted(self, golds: Iterable[float]) -> Number:
        """The number with mean and standard deviation of these golds; 1 for the latter where all are the same."""
        import numpy as np

        values = np.fromiter(golds, np.float64)
        sd = float(values.std())
        return replace(self, mean=float(values.mean()), sd=sd if sd > 0 else 1.0)

    def within(self, value: float) -> float:
        """The nearest number that its bounds allow."""
        value = value if self.low is None else max(value, self.low)
        return value if self.high is None else min(value, self.high)


def repr_without(value: Any, added: Mapping[str, Any]) -> str:
    """The repr of a dataclass as it was before it got the fields `added`, where these have their defaults."""
    shown = {field.name: getattr(value, field.name) for field in fields(value) if field.repr}
    kept = [f"{name}={one!r}" for name, one in shown.items() if name not in added or one != added[name]]
    return f"{type(value).__qualname__}({', '.join(kept)})"
