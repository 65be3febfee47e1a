"""What a search chooses from, as a value: a range of learning rates, and lists of epochs, batch sizes and warm-ups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from bertkit.errors import RequestError
from bertkit.task import Recipe

AROUND = 5
"""By how much the range of learning rates reaches below and above the recipe's, where none is given."""


@dataclass(frozen=True, kw_only=True)
class Space:
    """What a search chooses from, by the names of a recipe's fields; what is () stays as the recipe has it.

    learning_rate  the lowest and the highest, between which its logarithm is drawn
    the others     values of which one is drawn
    """

    learning_rate: tuple[float, ...] = ()
    epochs: tuple[float, ...] = ()
    batch_size: tuple[int, ...] = ()
    warmup: tuple[float, ...] = ()

    @property
    def searched(self) -> tuple[str, ...]:
        """The names of what is searched."""
        return tuple(one.name for one in fields(self) if getattr(self, one.name))

    @property
    def first(self) -> dict[str, Any]:
        """One choice, whatever the recipe is."""
        return {name: getattr(self, name)[0] for name in self.searched}


def chosen(recipe: Recipe, choice: Mapping[str, Any]) -> Recipe:
    """The recipe with a choice from a space in it, in place of what else would say the same."""
    given = dict(choice)
    if "epochs" in given:
        given["max_steps"] = None
    if "batch_size" in given:
        given["batch_tokens"] = None
    return replace(recipe, **given)


def flags_of(choice: Mapping[str, Any]) -> str:
    """A choice as it is typed after `bertkit finetune`."""
    names = {"learning_rate": "--lr"}
    return " ".join(f"{names.get(name, '--' + name.replace('_', '-'))} {value:g}" for name, value in choice.items())


def around(rate: float) -> tuple[float, float]:
    """The range of learning rates around a recipe's."""
    return float(f"{rate / AROUND:.3g}"), float(f"{rate * AROUND:.3g}")


def near_epochs(epochs: float) -> tuple[float, ...]:
    """Two thirds, once and four thirds of a recipe's epochs: 2, 3 and 4, which BERT's authors tried, for 3."""
    return tuple(sorted({float(f"{epochs * share:.2g}") for share in (2 / 3, 1, 4 / 3)}))


def near_batches(rows: int) -> tuple[int, ...]:
    """Half and once a recipe's batch: 16 and 32, which BERT's authors tried, for 32."""
    return tuple(sorted({max(1, rows // 2), rows}))


def range_in(flag: str, typed: str) -> tuple[float, float]:
    """The two ends of a range of learning rates. Raises RequestError."""
    ends = _numbers(flag, typed, "1e-5,1e-3")
    if len(ends) != 2:
        raise RequestError(f"{flag} {typed}: it must be two numbers, such as 1e-5,1e-3")
    low, high = ends
    if low == high:
        raise RequestError(f"{flag} {typed}: the range is empty; --lr {low:g} keeps it fixed")
    if low > high:
        raise RequestError(f"{flag} {typed}: the lower end comes first: {high:g},{low:g}")
    for end in ends:
        _check(flag, typed, "learning_rate", end)
    return low, high


def choices_in(flag: str, typed: str, name: str) -> tuple[float, ...]:
    """The values of a list, each once, for a recipe's field of this `name`. Raises RequestError."""
    values = _numbers(flag, typed, {"batch_size": "16,32", "warmup": "0,0.1"}.get(name, "2,3,4"))
    for value in values:
        if values.count(value) > 1:
            raise RequestError(f"{flag} {typed}: {value:g} is given twice")
        _check(flag, typed, name, value)
    return tuple(values)


def sizes_in(flag: str, typed: str) -> tuple[int, ...]:
    """The batch sizes of a list, each once. Raises RequestError."""
    for value in _numbers(flag, typed, "16,32"):
        if value != int(value):
            raise RequestError(f"{flag} {typed}: {value:g} is no whole number of rows")
    return tuple(int(value) for value in choices_in(flag, typed, "batch_size"))


def _numbers(flag: str, typed: str, such_as: str) -> Sequence[float]:
    try:
        values = [float(part) for part in typed.split(",")]
    except ValueError:
        raise RequestError(f"{flag} {typed}: it must be numbers separated by commas, such as {such_as}") from None
    if not all(abs(value) < float("inf") for value in values):
        raise RequestError(f"{flag} {typed}: each must be a finite number")
    return values


def _check(flag: str, typed: str, name: str, value: float) -> None:
    """Raise RequestError for a value that no recipe has."""
    try:
        replace(Recipe(), **{name: value})  # type: ignore[arg-type]
    except RequestError as error:
        raise RequestError(f"{flag} {typed}: {str(error).partition(': ')[2]}") from None
