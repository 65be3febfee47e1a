"""What token maps need of a task's rows: their symbols, and how many updates a budget of tokens buys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bertkit.data.rows import Rows
from bertkit.data.sampler import Order
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
    """The sequences of these rows, which have one text each; there is white space in any row where it separates.

    Raises RequestError for a head that reads something else.
    """
    if splits.head.roles != ("text", "label"):
        raise RequestError(f"token-maps reads one sequence and a label a row, not {', '.join(splits.head.roles)}")
    assert splits.train
    texts = list(splits.train.table.column("text"))
    others = [text for rows in splits.evaluations.values() if isinstance(rows, Rows) for text in rows.table["text"]]
    spaced = any(len(text.split()) > 1 for text in (*texts, *others))
    symbols = {symbol for text in (*texts, *others) for symbol in symbols_in(text, spaced)}
    lengths = np.array([len(symbols_in(text, spaced)) for text in texts], np.int64)
    return Sequences(symbols=tuple(sorted(symbols)), spaced=spaced, lengths=lengths)


def symbols_in(text: str, spaced: bool) -> Sequence[str]:
    """The symbols of a text: what white space separates, or its characters.

    >>> symbols_in(" ACG ", spaced=False), symbols_in("c4 e4", spaced=True)
    (['A', 'C', 'G'], ['c4', 'e4'])
    """
    return text.split() if spaced else list(text.strip())


def steps_within(most: int, lengths: NDArray[np.int64], recipe: Recipe, seeds: Sequence[int]) -> int:
    """How many updates see at most so many tokens, for each of these seeds: no more than the recipe's own.

    lengths  (R,) tokens of each train row, special ones counted

    The rows are in the order that a run has them in (random). Raises RequestError if an update has more tokens.
    """
    order = Order(size=recipe.batch_size * recipe.gradient_accumulation)
    epoch_steps = order.batches(len(lengths), lambda some: some, 0)
    steps = recipe.max_steps or max(1, int(np.ceil(recipe.epochs * epoch_steps)))
    for seed in seeds:
        steps = min(steps, _steps(most, lengths, order, seed, steps))
    if not steps:
        raise RequestError(f"--max-tokens {most:,}: an update of {order.size} rows has {_first(lengths, order):,}")
    return steps


def _steps(most: int, lengths: NDArray[np.int64], order: Order, seed: int, wanted: int) -> int:
    """The first `wanted` updates, or those that stay within `most` tokens, for a seed."""
    seeded = Order(size=order.size, seed=seed)
    seen = steps = epoch = 0
    while steps < wanted:
        for batch in seeded.epoch(len(lengths), lambda some: lengths[some], epoch):
            seen += int(lengths[batch].sum())
            if seen > most or steps == wanted:
                return steps
            steps += 1
        epoch += 1
    return steps


def _first(lengths: NDArray[np.int64], order: Order) -> int:
    """About the tokens of an update."""
    return round(float(lengths.mean()) * min(order.size, len(lengths)))
