"""Bootstrap replicates of several runs' scores on the same rows: each sample has the same rows for all runs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bertkit.evaluation.intervals import SEED, Measures, sampled_sums
from bertkit.evaluation.metrics import Metric

SLOW_SAMPLES = 400
"""Bootstrap samples for a score that is computed from the rows themselves, such as a rank correlation."""

Replicates = NDArray[np.float64]


def replicates(metric: Metric, tables: Sequence[Measures]) -> Replicates:
    """(D, S) the scores of S runs, each with its measures (R, k), on D bootstrap samples of their R rows (Efron 1979).

    A sample has the same rows for every run, so that the columns vary together as far as the runs find the same rows
    easy: a paired bootstrap. The samples are the same for every call with as many rows.
    """
    if metric.sums is None:
        return _row_by_row(metric, tables)
    columns = [metric.sums.columns(table) for table in tables]
    sums = sampled_sums(np.concatenate(columns, axis=1))
    parts = np.split(sums, np.cumsum([part.shape[1] for part in columns])[:-1], axis=1)
    return np.stack([metric.sums.score(part) for part in parts], axis=1)


def _row_by_row(metric: Metric, tables: Sequence[Measures]) -> Replicates:
    generator = np.random.default_rng(SEED)
    rows = len(tables[0])
    samples = (generator.integers(0, rows, rows) for _ in range(SLOW_SAMPLES))
    return np.array([[metric.score(table[sample]) for table in tables] for sample in samples])
