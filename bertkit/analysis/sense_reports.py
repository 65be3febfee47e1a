"""What a study of a word, and scores on a set, come to: sentences and figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bertkit.analysis.places import figure_files
from bertkit.analysis.sense_draws import SURE
from bertkit.analysis.sense_sets import TITLES, SetScores
from bertkit.analysis.word_study import WordStudy
from bertkit.plots.bars import Bar, BarPanel, draw_bars
from bertkit.plots.by_layer import LayerLine, LayerPanel, draw_by_layer
from bertkit.plots.similarity import SimilarityPanel, draw_similarity
from bertkit.result import Score

BEFORE = 9
"""Characters of a label before its word."""

Figures = list[tuple[Path, Path]]


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What has the vectors: how titles name it, and the layers whose heat maps are drawn."""

    name: str
    layers: tuple[int, ...]


def ranges(numbers: Sequence[int]) -> str:
    """Numbers as ranges: 0, 3-6."""
    found: list[list[int]] = []
    for number in numbers:
        if found and number == found[-1][-1] + 1:
            found[-1].append(number)
        else:
            found.append([number])
    return ", ".join(str(one[0]) if len(one) == 1 else f"{one[0]}-{one[-1]}" for one in found) or "none"


def verdict_lines(study: WordStudy) -> list[str]:
    """What the study says, in sentences."""
    count = len(study.raw)
    if study.rows.senses is None:
        return ["no senses are marked, so that nothing is tested: a column 'sense' marks them"]
    how = f"all {study.tried:,} splits of the labels" if study.exact else f"{study.tried:,} random splits of the labels"
    if count == 1:
        p = study.raw[0].p
        assert p is not None
        told = "the senses separate" if p <= SURE else "the senses do not separate"
        return [f"{told}: p = {p:.4f} ({how}; least possible {study.least:.4f})"]
    plain, sure = (ranges(study.separating(adjusted)) for adjusted in (False, True))
    lines = [f"p ≤ {SURE:g} at layers: {plain}; after Holm's correction for {count} layers: {sure}"]
    lines.append(f"one-sided permutation test, {how}; least possible p {study.least:.4f}")
    if count * study.least > SURE:
        least = count * study.least
        lines.append(f"so few sentences cannot pass Holm's correction ({count} × {study.least:.4f} = {least:.3f})")
    first = study.raw[0]
    assert first.p is not None
    told = "finds nothing" if first.p > SURE else "separates them too: by places or forms, as it has seen no context"
    return [*lines, f"layer 0 (the word's pieces and places alone) {told}: p = {first.p:.4f}"]


def draw_study(study: WordStudy, subject: Subject, folder: Path) -> tuple[Figures, list[str]]:
    """Write the figures of a study: heat maps of the sentences, and the measures by layer; and what to tell of them."""
    chosen, places = study.shown, [study.kept.index(k) for k in study.shown]
    senses = None if study.rows.senses is None else [study.rows.senses[k] for k in chosen]
    panels = [
        SimilarityPanel(title=f"layer {layer}", values=study.matrices[layer][np.ix_(places, places)])
        for layer in subject.layers
    ]
    title = f"cosine of '{study.rows.word}' in {len(chosen)} sentences · {subject.name}"
    figures = [figure_files(folder, "cosines")]
    note = draw_similarity(panels, [_excerpt(study, k) for k in chosen], senses, title, figures[0])
    if len(study.raw) > 1:
        figures.append(figure_files(folder, "by-layer"))
        draw_by_layer(_panels(study), f"'{study.rows.word}' by layer · {subject.name}", figures[-1])
    return figures, [note] if note else []


def _excerpt(study: WordStudy, row: int) -> str:
    """The sentence from a few characters before its word."""
    sentence, (start, _) = study.rows.sentences[row], study.rows.spans[row]
    return sentence if start <= BEFORE else f"…{sentence[start - BEFORE :]}"


def _panels(study: WordStudy) -> list[LayerPanel]:
    lines = [LayerLine(label="mean cosine", values=tuple(one.mean for one in study.raw))]
    if study.rows.senses is not None:
        parts = {"one sense": [one.within for one in study.raw], "two senses": [one.across for one in study.raw]}
        lines = [
            LayerLine(label=label, values=tuple(value or 0.0 for value in values), marked=_sure(study))
            for label, values in parts.items()
        ]
    if study.anisotropy is not None:
        lines.append(LayerLine(label="random tokens", values=study.anisotropy, dashed=True))
    sure = f" (filled: p ≤ {SURE:g})" if study.rows.senses is not None else ""
    panels = [LayerPanel(title=f"mean cosine of two sentences{sure}", unit="cosine", lines=tuple(lines))]
    if study.rows.senses is not None:
        kinds = {"raw": study.raw, "centred": study.centred or ()}
        accuracy = [_scores_line(name, [one.nearest for one in found]) for name, found in kinds.items() if found]
        common = max(study.rows.counts.values()) / len(study.rows.sentences)
        panels.append(
            LayerPanel(
                title="nearest other sentence has the same sense", unit="% of sentences", lines=tuple(accuracy),
                levels=(("commonest", common),), percent=True,
            )
        )  # fmt: skip
    if study.draws is not None:
        drawn = [LayerLine(label=name, values=values) for name, values in study.draws.significant.items()]
        title = f"samples of {study.draws.each} a sense with p ≤ {SURE:g}"
        panels.append(LayerPanel(title=title, unit=f"% of {study.draws.count}", lines=tuple(drawn), percent=True))
    return panels


def _sure(study: WordStudy) -> tuple[bool, ...]:
    return tuple(one.p is not None and one.p <= SURE for one in study.raw)


def _scores_line(label: str, scores: Sequence[Score | None]) -> LayerLine:
    there = [score for score in scores if score is not None]
    return LayerLine(
        label=label, values=tuple(score.value for score in there), low=tuple(score.low for score in there),
        high=tuple(score.high for score in there),
    )  # fmt: skip


def score_lines(scores: SetScores) -> list[str]:
    """What the scores on a set say, in sentences."""
    chosen, common = scores.accuracy[scores.best], scores.commonest
    where = f"layer {scores.best}, which is best on train: " if len(scores.accuracy) > 1 else ""
    gain = scores.gain[scores.best]
    told = "above" if gain.low > 0 else "below" if gain.high < 0 else "within noise of"
    lines = [
        f"{where}{chosen.percent}, {told} the commonest answer of train ({100 * common.value:.1f} %): "
        f"{gain.points} points on the same rows, over words"
    ]
    if scores.absent:
        lines.append(
            f"{scores.absent:,} of {scores.rows:,} rows have a word without a vector, and the commonest answer"
        )
    return lines


def draw_scores(scores: SetScores, name: str, folder: Path) -> Figures:
    """Write the figure of accuracy on a set: by layer, or of vectors that have no layers as bars."""
    files = figure_files(folder, scores.name)
    title = f"{TITLES[scores.name]} {scores.split}, {scores.rows:,} rows"
    if len(scores.accuracy) == 1:
        named = (("static", scores.accuracy[0]), ("commonest", scores.commonest))
        bars = tuple(
            Bar(label=label, value=one.value, low=one.low, high=one.high, other=label == "commonest")
            for label, one in named
        )
        draw_bars([BarPanel(title=title, unit="% right", percent=True, bars=bars)], name, files)
        return [files]
    panel = LayerPanel(
        title=title, unit="% right", percent=True,
        lines=(_scores_line("accuracy", scores.accuracy),), levels=(("commonest", scores.commonest.value),),
    )  # fmt: skip
    draw_by_layer([panel], name, files)
    return [files]
