"""Neighbours and analogies of word vectors, reported: a sentence and a figure each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from bertkit.analysis.analogies import Analogies
from bertkit.analysis.places import figure_files
from bertkit.plots.bars import Bar, BarPanel, draw_bars
from bertkit.result import Score

MOST_WORDS, MOST_NEAR = 30, 20
"""Words that are drawn, and the nearest of each."""
MOST_TOLD = 5
"""Words that the sentence tells."""

Neighbours = Mapping[str, Sequence[tuple[str, float]]]
Drawn = tuple[list[tuple[Path, Path]], list[str]]
"""The figures, and what a reader is told of them."""


def neighbours_line(neighbours: Neighbours) -> str:
    """The nearest word to each, in a sentence."""
    there = [(word, *near[0]) for word, near in neighbours.items() if near]
    if not there:
        return "No other word has a vector, so that none is nearest."
    told = [f"to '{word}' is '{name}' (cosine {value:.3f})" for word, name, value in there[:MOST_TOLD]]
    more = f"; of {len(there) - MOST_TOLD:,} more the table has them" if len(there) > MOST_TOLD else ""
    return f"The nearest word {', '.join(told)}{more}."


def analogies_line(analogies: Analogies) -> str:
    """How many analogies are right, in a sentence."""
    left = ""
    if analogies.unknown:
        has = "has" if analogies.unknown == 1 else "have"
        left = f"; {analogies.unknown:,} {has} a word without a vector, and no answer"
    score, total = analogies.score, len(analogies.answered)
    if score is None:
        return f"No analogy is answered{left}."
    return f"Of {total:,} analogies {score.percent} are right ({analogies.right:,}; 95 % by {score.interval}){left}."


def draw_neighbours(neighbours: Neighbours, name: str, folder: Path) -> Drawn:
    """Write the figure of the cosines of the nearest words, a panel a word; none where no word has a neighbour."""
    panels = [
        BarPanel(
            title=word, unit="cosine",
            bars=tuple(Bar(label=one, value=cosine) for one, cosine in near[:MOST_NEAR]),
        )
        for word, near in neighbours.items() if near
    ]  # fmt: skip
    if not panels:
        return [], []
    files = figure_files(folder, "neighbours")
    note = draw_bars(panels[:MOST_WORDS], f"nearest words · {name}", files)
    notes = [note] if note else []
    if len(panels) > MOST_WORDS:
        notes.append(f"the figure has the first {MOST_WORDS} of {len(panels):,} words")
    return [files], notes


def draw_analogies(analogies: Analogies, name: str, folder: Path) -> Drawn:
    """Write the figure of the share of analogies that are right, of all and by heading; none without answers."""
    if analogies.score is None:
        return [], []
    files = figure_files(folder, "analogies")
    of_headings = [_bar(heading, score) for heading, score in analogies.by_heading.items()]
    bars = (_bar(f"all {len(analogies.answered):,}", analogies.score), *of_headings)
    panel = BarPanel(title="analogies", unit="% right, with 95 % intervals", bars=bars, percent=True)
    note = draw_bars([panel], name, files)
    return [files], [note] if note else []


def _bar(label: str, score: Score) -> Bar:
    return Bar(label=label, value=score.value, low=score.low, high=score.high)
