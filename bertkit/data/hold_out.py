"""Hold rows out of a train split: for scoring where there is no dev split, and to select on during training.

R rows; U units of rows that stay on one side together, because their texts are equal or their group is the same.
Which rows are drawn follows from their texts alone: not from a seed, their order, or the format of their file.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bertkit.data.leaks import alike_texts
from bertkit.data.rows import Rows
from bertkit.data.table import Table
from bertkit.errors import DataError
from bertkit.heads import Head
from bertkit.sources import HoldOut

Ints = NDArray[np.int64]
Hashes = NDArray[np.uint64]
Mask = NDArray[np.bool_]

DRAW = 1
"""Version of the draw; increase it when other rows are drawn from the same ones."""

SELECTION = HoldOut(share=0.1, most=2_000)

BINS = 10
"""Quantile bins by which numbers are stratified."""

CELLS = 10**7
"""Labels times units above which iterative stratification draws from the first units only: it holds a table of them."""

SHOWN = 10
"""Labels in a note."""


def hold_out(train: Rows, head: Head, plan: HoldOut) -> tuple[Rows, Rows]:
    """The rows to train on, and those held out for scoring, each in its old order.

    Stratified by what `head.strata` gives: labels by their shares (Sechidis et al. 2011 where rows have several),
    numbers by quantile bins. Rows whose texts are equal but for case and white space stay on one side, and so do the
    rows of a group. A label's only row stays in train. Raises DataError if either side would be empty.
    """
    found = _Drawn.of(train, head, "dev")
    held = found.held(plan)
    count = int(held.sum())
    if not 0 < count < len(train):
        raise DataError(
            f"{train.origin}: {found.lack(plan)}; give a dev file, another share (--dev-share) or more rows"
        )
    rest, dev = _parts(train, held, "dev", plan)
    note = f"{count:,} of {len(train):,} rows of {train.origin} are held out of train, the same for every seed"
    if count == plan.most:
        note += f" ({plan.share:.0%}, at most {plan.most:,})"
    notes = (*rest.notes, *found.notes)
    return replace(rest, notes=notes), replace(dev, notes=(note,))


def select_rows(train: Rows, head: Head) -> tuple[Rows, Rows]:
    """The rows to train on, and those on which a threshold or the time to stop is selected: SELECTION of them.

    Drawn as in `hold_out`. Raises DataError if either side would be empty.
    """
    found = _Drawn.of(train, head, "selection")
    held = found.held(SELECTION)
    if not 0 < int(held.sum()) < len(train):
        raise DataError(f"{train.origin}: {found.lack(SELECTION)}: nothing can be selected on them in training")
    return _parts(train, held, "selection", SELECTION)


def _parts(rows: Rows, held: Mask, purpose: str, plan: HoldOut) -> tuple[Rows, Rows]:
    def part(which: Mask, name: str) -> Rows:
        picked = np.flatnonzero(which)
        made_of = f"{rows.digest} {len(rows)} {purpose} {plan!r} {DRAW} {name}"
        digest = hashlib.sha256(made_of.encode()).hexdigest()
        return replace(rows, table=rows.table.select(picked), digest=digest, there=len(picked))

    return part(~held, "rest"), replace(part(held, "held"), notes=(), found=(), skipped=())


@dataclass(frozen=True, kw_only=True)
class _Drawn:
    """What a draw depends on.

    unit     (R,) the unit of each row
    rank     (U,) the order in which units are drawn
    sizes    (U,) rows of each
    codes    the labels of all rows, one after the other, and `offsets` (R + 1,) where each row's begin
    names    the labels, sorted; () for bins of numbers
    """

    unit: Ints
    rank: Hashes
    sizes: Ints
    codes: NDArray[np.int32]
    offsets: Ints
    names: tuple[str, ...]

    @classmethod
    def of(cls, rows: Rows, head: Head, purpose: str) -> _Drawn:
        """Read the rows once, in chunks."""
        texts = _hashed(alike_texts(rows.table, head.alike_by), purpose)
        unit = _units(texts, _hashed(rows.table.column("group"), purpose), _hashed([""], purpose))
        rank = np.zeros(int(unit.max()) + 1 if len(unit) else 0, np.uint64)
        np.add.at(rank, unit, texts)  # the sum of uniform numbers modulo 2**64 is uniform: not so their least
        codes, offsets, names = _strata(rows.table, head)
        return cls(unit=unit, rank=rank, sizes=np.bincount(unit), codes=codes, offsets=offsets, names=names)

    def held(self, plan: HoldOut) -> Mask:
        """(R,) which rows are held out."""
        rows = len(self.unit)
        target = min(round(plan.share * rows), rows if plan.most is None else plan.most)
        several = bool((np.diff(self.offsets) > 1).any())
        units = np.zeros(len(self.rank), bool)
        if target and len(units) > 1:
            units = self._iterative(target) if several else self._by_stratum(target)
            if not units.any():
                units[np.lexsort((self.rank, self.sizes))[0]] = True
        self._keep_labels(units)
        return units[self.unit]

    def _by_stratum(self, target: int) -> Mask:
        """(U,) the first units of each stratum up to its share of `target` rows; one of each stays."""
        stratum = self._rarest()
        order = np.lexsort((self.rank, stratum))
        starts = np.flatnonzero(np.diff(stratum[order], prepend=-1))
        targets = _apportioned(np.add.reduceat(self.sizes[order], starts), target)
        held = np.zeros(len(order), bool)
        for start, end, count in zip(starts, [*starts[1:], len(order)], targets, strict=True):
            those = order[start : end - 1]
            held[those[_filled(self.sizes[those], int(count))]] = True
        return held

    def _rarest(self) -> Ints:
        """(U,) the stratum of each unit: the rarest label of its rows; a last stratum has no labels."""
        counts = np.bincount(self.codes)
        rarity = np.empty(len(counts) + 1, np.int64)
        rarity[np.argsort(counts, kind="stable")] = np.arange(len(counts))
        rarity[-1] = len(counts)
        row = np.full(len(self.unit), len(counts))
        row[np.diff(self.offsets) > 0] = self.codes
        found = np.full(len(self.rank), len(counts))
        np.minimum.at(found, self.unit, rarity[row])
        return found

    def _iterative(self, target: int) -> Mask:
        """(U,) by iterative stratification, of the first units if there are many."""
        from iterstrat.ml_stratifiers import MultilabelStratifiedShuffleSplit

        width = int(self.codes.max()) + 1
        pool = np.argsort(self.rank, kind="stable")[: max(CELLS // width, 4 * target)]
        place = np.full(len(self.rank), -1)
        place[pool] = np.arange(len(pool))
        row = place[np.repeat(self.unit, np.diff(self.offsets))]
        table = np.zeros((len(pool), width), bool)
        table[row[row >= 0], self.codes[row >= 0]] = True
        share = min(target / int(self.sizes[pool].sum()), 0.5)
        count = min(max(round(share * len(pool)), 1), len(pool) - 1)
        splitter = MultilabelStratifiedShuffleSplit(1, test_size=count, train_size=len(pool) - count, random_state=0)
        held = np.zeros(len(self.rank), bool)
        held[pool[next(splitter.split(table, table))[1]]] = True
        return held

    def _keep_labels(self, held: Mask) -> None:
        """Put a unit back for every label that has all its rows in `held`."""
        rows = np.repeat(self.unit, np.diff(self.offsets))
        counts = np.bincount(self.codes)
        there = np.bincount(self.codes[held[rows]], minlength=len(counts))
        for code in np.flatnonzero((there == counts) & (counts > 0)):
            those = rows[self.codes == code]
            if held[those].all():
                held[those[np.argmin(self.rank[those])]] = False

    @property
    def notes(self) -> tuple[str, ...]:
        """Which labels have one row only."""
        single = [self.names[code] for code in np.flatnonzero(np.bincount(self.codes) == 1)] if self.names else []
        if not single:
            return ()
        more = f" and {len(single) - SHOWN} more" if len(single) > SHOWN else ""
        named = ", ".join(single[:SHOWN]) + more
        return (f"one row only, which stays in train: label{'s' * (len(single) > 1)} {named}",)

    def lack(self, plan: HoldOut) -> str:
        """Why nothing could be held out."""
        rows, units = len(self.unit), len(self.rank)
        if units < 2 <= rows:
            return f"all {rows:,} rows have one text or one group, so none can be held out"
        return f"{plan.share:.0%} of {rows:,} row{'s' * (rows != 1)} leaves none on one side"


def _hashed(texts: Iterable[str], purpose: str) -> Hashes:
    """A 64-bit hash of each, another for another purpose, the same on every machine."""
    found = bytearray()
    person = purpose.encode()
    empty = hashlib.blake2b(digest_size=8, person=person).digest()
    for text in texts:
        found += hashlib.blake2b(text.encode(), digest_size=8, person=person).digest() if text else empty
    return np.frombuffer(bytes(found), "<u8").astype(np.uint64)


def _units(texts: Hashes, groups: Hashes, none: Hashes) -> Ints:
    """(R,) the unit of each row; `none` is the hash of no group."""
    unit: Ints = np.unique(texts, return_inverse=True)[1].reshape(-1).astype(np.int64)
    grouped = groups != none
    if not grouped.any():
        return unit
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    names, group = np.unique(groups[grouped], return_inverse=True)
    nodes = int(unit.max()) + 1
    edges = (unit[grouped], nodes + group.reshape(-1))
    graph = coo_array((np.ones(len(edges[0]), np.int8), edges), shape=(nodes + len(names),) * 2)
    joined = connected_components(graph, directed=False)[1]
    return np.unique(joined[unit], return_inverse=True)[1].reshape(-1).astype(np.int64)


def _strata(table: Table, head: Head) -> tuple[NDArray[np.int32], Ints, tuple[str, ...]]:
    """The labels of all rows as codes, where each row's begin, and the labels' names, sorted."""
    codes, counts, numbers = array("i"), array("i"), array("d")
    known: dict[str, int] = {}
    for gold in table.column(head.roles[-1]):
        given = head.strata(gold)
        if isinstance(given, float):
            numbers.append(given)
            continue
        counts.append(len(given))
        codes.extend(known.setdefault(name, len(known)) for name in given)
    if numbers:
        return _bins(np.array(numbers)), np.arange(len(numbers) + 1), ()
    names = tuple(sorted(known))
    order = np.empty(len(known), np.int32)
    order[[known[name] for name in names]] = np.arange(len(names), dtype=np.int32)
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(np.array(counts, np.int64))])
    return order[np.array(codes, np.int64)], offsets, names


def _bins(numbers: NDArray[np.float64]) -> NDArray[np.int32]:
    """The quantile bin of each number; equal numbers share one."""
    edges = np.unique(np.quantile(numbers, np.linspace(0, 1, BINS + 1)[1:-1]))
    return np.searchsorted(edges, numbers, side="left").astype(np.int32)


def _apportioned(sizes: Ints, total: int) -> Ints:
    """`total` divided among strata of these sizes, by the largest remainders; of equal ones the first."""
    exact = sizes * (total / sizes.sum())
    whole: Ints = np.floor(exact).astype(np.int64)
    left = total - int(whole.sum())
    whole[np.argsort(whole - exact, kind="stable")[:left]] += 1
    return whole


def _filled(sizes: Ints, target: int) -> Ints:
    """Which of these units, in their order, to take for `target` rows; the smallest of the rest if that is nearer."""
    taken, left, least = [], target, -1
    for k, size in enumerate(sizes.tolist()):
        if not left:
            break
        if size <= left:
            taken.append(k)
            left -= size
        elif least < 0 or size < sizes[least]:
            least = k
    if least >= 0 and sizes[least] - left < left:
        taken.append(least)
    return np.array(taken, np.int64)
