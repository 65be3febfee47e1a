"""What token maps need of a task's rows: their symbols, and how many updates a budget of tokens buys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bertkit.data.rows import Rows
from bertkit.data.sampler import Order, Schedule
from bertkit.data.splits import Splits
from bertkit.errors import RequestError
from bertkit.task import Recipe


@dataclass(frozen=True, kw_only=True)
class Sequences:
    """The symbols of a task's rows.

    symbols  sorted, each once: of the train rows and of those that are scored
    spaced   whether they have white space between them; otherwise each character is one
    lengths  (R,) symbols of each train row
    """

    symbols: tuple[str, ...]
    spaced: bool
    lengths: NDArray[np.int64]


def sequences_of(splits: Splits) -> Sequences:
    """The sequences of these rows, which have one text each; there is white space in most rows where it separates.

    Raises RequestError for a head that reads something else, and where some rows have white space and most have none.
    """
    if splits.head.roles != ("text", "label"):
        raise RequestError(f"token-maps reads one sequence and a label a row, not {', '.join(splits.head.roles)}")
    assert splits.train
    texts = list(splits.train.table.column("text"))
    others = [text for rows in splits.evaluations.values() if isinstance(rows, Rows) for text in rows.table["text"]]
    spaced = _is_spaced([*texts, *others])
    symbols = {symbol for text in (*texts, *others) for symbol in symbols_in(text, spaced)}
    lengths = np.array([len(symbols_in(text, spaced)) for text in texts], np.int64)
    return Sequences(symbols=tuple(sorted(symbols)), spaced=spaced, lengths=lengths)


def _is_spaced(texts: Sequence[str]) -> bool:
    long = [text for text in texts if len(text.strip()) > 1]
    parted = [text for text in long if len(text.split()) > 1]
    if parted and 2 * len(parted) < len(long):
        raise RequestError(
            f"{len(parted):,} of {len(long):,} sequences have white space, such as '{parted[0][:40]}': either it "
            "separates the symbols of every sequence, or each letter is a symbol"
        )
    return bool(parted)


def symbols_in(text: str, spaced: bool) -> Sequence[str]:
    """The symbols of a text: what white space separates, or its characters.

    >>> symbols_in(" ACG ", spaced=False), symbols_in("c4 e4", spaced=True)
    (['A', 'C', 'G'], ['c4', 'e4'])
    """
    return text.split() if spaced else list(text.strip())


def steps_within(most: int, lengths: NDArray[np.int64], recipe: Recipe, seeds: Sequence[int]) -> int:
    """How many updates see at most so many tokens, for each of these seeds: no more than the recipe's own.

    lengths  (R,) tokens of each train row, special ones counted
    recipe   its order of rows is "random" or "length"

    Raises RequestError if an update has more tokens.
    """
    steps = min(_steps(most, lengths, recipe, seed) for seed in seeds)
    if not steps:
        first = round(float(lengths.mean()) * min(recipe.batch_size * recipe.gradient_accumulation, len(lengths)))
        raise RequestError(
            f"--max-tokens {most:,}: an update has about {first:,}; give more, or a smaller --batch-size"
        )
    return steps


def _steps(most: int, lengths: NDArray[np.int64], recipe: Recipe, seed: int) -> int:
    """The updates of a run with this seed that stay within `most` tokens."""
    schedule = Schedule(
        order=Order(size=recipe.batch_size, by_length=recipe.order == "length", seed=seed),
        features=len(lengths),
        lengths=lambda some: lengths[some],
        epochs=recipe.epochs,
        accumulation=recipe.gradient_accumulation,
        given_updates=recipe.max_steps,
    )
    seen = 0
    for step, (_, batches) in enumerate(schedule.micro_batches()):
        seen += sum(int(lengths[batch].sum()) for batch in batches)
        if seen > most:
            return step
    return schedule.updates
