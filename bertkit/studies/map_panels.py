"""The figure of token maps: training loss and score over the tokens seen, the mean of an arm's runs ± their sd."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bertkit.plots.bands import BandLine, BandPanel

POINTS = 40
"""Points of a loss curve, each the mean since the previous one."""


@dataclass(frozen=True, kw_only=True)
class Learning:
    """The curves of one arm's n runs: losses at U updates, scores at P of them, and the tokens seen until then."""

    arm: str
    loss_tokens: tuple[float, ...]
    losses: tuple[tuple[float, ...], ...]
    score_tokens: tuple[float, ...]
    scores: tuple[tuple[float, ...], ...]


def panels_of(curves: Sequence[Learning], title: str, metric: str) -> tuple[BandPanel, BandPanel]:
    """Loss on the left, score on the right."""
    losses = tuple(_line(one.arm, *_means(one)) for one in curves)
    scores = tuple(_line(one.arm, np.array(one.score_tokens), np.array(one.scores)) for one in curves)
    tokens = "tokens of training"
    return (
        BandPanel(title=f"{title}: training loss", x=tokens, y="loss", lines=losses, is_share=False, marked=False),
        BandPanel(title=f"{title}: {metric}", x=tokens, y=f"{metric}, %", lines=scores),
    )


def _means(curve: Learning) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Tokens and (n, points) losses, each the mean since the previous point."""
    losses = np.array(curve.losses, float)
    edges = np.unique(np.linspace(0, losses.shape[1], min(POINTS, losses.shape[1]) + 1).astype(int))
    means = [losses[:, a:b].mean(axis=1) for a, b in pairwise(edges)]
    return np.array(curve.loss_tokens)[edges[1:] - 1], np.stack(means, axis=1)


def _line(label: str, x: NDArray[np.float64], runs: NDArray[np.float64]) -> BandLine:
    mean = runs.mean(axis=0)
    sd = runs.std(axis=0, ddof=1) if len(runs) > 1 else np.zeros_like(mean)
    parts = (tuple(part.tolist()) for part in (x, mean, mean - sd, mean + sd))
    return BandLine(label=label, **dict(zip(("x", "mean", "low", "high"), parts, strict=True)))
