"""What a language's vector does to an encoder's sentences and filled tokens: numbers, JSON, a sentence, and a figure.

n pairs of a half, L layers (0 is the embeddings), S strengths, H hidden size.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bertkit.analysis.bodies import Body, load_body
from bertkit.analysis.language_vector import Cell, Place, best_cell, grid, random_like
from bertkit.analysis.places import analysis_folder, figure_files, write_numbers
from bertkit.encoders import Encoder
from bertkit.plots.by_layer import LayerLine, LayerPanel, draw_by_layer
from bertkit.progress import Progress
from bertkit.reports.filled_tokens import FilledStudy, fill_study, load_head, show_sentences
from bertkit.reports.two_languages import Encoded, Shown, read_study
from bertkit.request.analyse_flags import chosen_layers
from bertkit.request.language_vector_flags import LanguageVectorFlags
from bertkit.result import Score

WHAT = "language-vector"
PLACES: tuple[Place, ...] = ("behind", "here")


@dataclass(frozen=True, kw_only=True)
class LanguageVector:
    """What was found on the measured half.

    halves    pairs on which layer and strength were chosen, and pairs that were measured
    paired    whether the texts are translations; if not, only the language of the nearest is known
    cells     a cell for each layer and strength, of the measured half
    chosen    for each place the cell of the layer and strength that were best there on the other half
    controls  for each place the cell of a random vector as long as the language's, of that layer and strength
    shown     sentences, and what is nearest to them (and filled in) at each strength
    filled    what the language-model head fills in; None of a model without one
    """

    model: str
    languages: tuple[str, str]
    halves: tuple[int, int]
    paired: bool
    strengths: tuple[float, ...]
    layers: tuple[int, ...]
    cells: tuple[Cell, ...]
    chosen: Mapping[Place, Cell]
    controls: Mapping[Place, Cell]
    shown: tuple[Shown, ...]
    filled: FilledStudy | None
    notes: tuple[str, ...]
    folder: Path

    @property
    def figure(self) -> tuple[Path, Path]:
        """The figure, as PNG and SVG."""
        return figure_files(self.folder, WHAT)

    @property
    def numbers(self) -> Path:
        """The JSON."""
        return self.folder / f"{WHAT}.json"

    def at(self, layer: int, strength: float) -> Cell:
        """The cell of a layer and a strength."""
        return next(one for one in self.cells if (one.layer, one.strength) == (layer, strength))

    def finding(self, place: Place) -> str:
        """What was found at a place, in one sentence."""
        one, other = self.languages
        chosen = self.chosen[place]
        target, translation, _ = chosen.of(place).scores
        before = self.at(chosen.layer, 0.0).of(place).scores[0]
        where = "at that layer" if place == "here" else "at the last layer"
        translated = f", {translation.percent} its translation" if self.paired else ""
        return (
            f"{chosen.strength:g} × ({other} − {one}) at layer {chosen.layer}, chosen on the other half: {where} "
            f"{target.percent} of the nearest sentences are {other}{translated}; "
            f"{before.percent} are {other} without it, "
            f"{self.controls[place].of(place).scores[0].percent} with a random vector as long."
        )

    def plain(self) -> dict[str, Any]:
        """It, for JSON."""
        return {
            "model": self.model, "languages": list(self.languages), "paired": self.paired,
            "chosen_on": self.halves[0], "measured_on": self.halves[1], "strengths": list(self.strengths),
            "layers": list(self.layers), "cells": [self._plain(one) for one in self.cells],
            "chosen": {place: {"layer": one.layer, "strength": one.strength} for place, one in self.chosen.items()},
            "controls": {place: self._plain(one) for place, one in self.controls.items()},
            "shown": [asdict(one) for one in self.shown],
            "filled": None if self.filled is None else self.filled.plain(),
            "sentences": [self.finding(place) for place in self.chosen],
            "notes": list(self.notes),
        }  # fmt: skip

    def _plain(self, cell: Cell) -> dict[str, Any]:
        names = ("target", "translation", "retrieved")[: 3 if self.paired else 1]
        scores = {place: zip(names, cell.of(place).scores, strict=False) for place in PLACES}
        plain: dict[str, Any] = {
            place: {name: asdict(score) for name, score in found} for place, found in scores.items()
        }
        return {"layer": cell.layer, "strength": cell.strength, **plain}


def language_vector(encoder: Encoder, flags: LanguageVectorFlags, show: Callable[[str], Progress]) -> LanguageVector:
    """Add the vector, and write the numbers and the figure. Raises DataError, EncoderError, RequestError."""
    study = read_study(flags)
    with closing(show(f"language vector of {encoder.name}")) as progress:
        body = load_body(encoder, flags.device, flags.max_length)
        layers = tuple(range(body.layers + 1)) if flags.layers is None else chosen_layers(flags.layers, body.layers)
        over = (layers, flags.factors)
        head, lacking = load_head(encoder, flags, body)
        encoded = study.encoded(body, progress)
        cells, chosen, controls = _turned(body, encoded, over, flags.seed, progress)
        filled = fill_study(head, body, (study, encoded), over, progress) if head else None
        layer = chosen["behind"].layer
        points = (layer, filled.chosen.layer if filled else layer)
        shown = show_sentences(
            body, head, (flags.sentences or study.measured_texts[0][:1], study.measured_texts), encoded,
            [(points, factor) for factor in flags.factors],
        )  # fmt: skip
    asked = [
        body.digest, body.window, flags.languages, study.key, flags.factors, layers, flags.seed, flags.sentences
    ]  # fmt: skip
    found = LanguageVector(
        model=encoder.name, languages=flags.languages, halves=(len(encoded.choosing), len(encoded.measured)),
        paired=study.paired, strengths=flags.factors, layers=layers, cells=tuple(cells), chosen=chosen,
        controls=controls, shown=shown, filled=filled, notes=(*study.notes, *encoded.notes, *lacking),
        folder=analysis_folder(flags.out, WHAT, encoder.name, asked),
    )  # fmt: skip
    _draw(found)
    write_numbers(found.folder, WHAT, found.plain())
    return found


def _turned(
    body: Body, encoded: Encoded, over: tuple[Sequence[int], Sequence[float]], seed: int, progress: Progress
) -> tuple[list[Cell], dict[Place, Cell], dict[Place, Cell]]:
    """The cells of the measured half, those that the other half chooses, and a random vector's like these."""
    sizes = len(encoded.choosing) + len(encoded.measured)
    progress.phase("adding the vector", len(over[0]) * len(over[1]) * sizes + len(PLACES) * len(encoded.measured))
    tried, cells = (grid(body, half, encoded.vectors, over, progress) for half in (encoded.choosing, encoded.measured))
    drawn = random_like(encoded.vectors, seed)
    chosen: dict[Place, Cell] = {}
    controls: dict[Place, Cell] = {}
    for place in PLACES:
        best = best_cell(tried, body.layers, place, encoded.paired)
        chosen[place] = next(one for one in cells if (one.layer, one.strength) == (best.layer, best.strength))
        (controls[place],) = grid(body, encoded.measured, drawn, ([best.layer], [best.strength]), progress)
    return cells, chosen, controls


def _draw(found: LanguageVector) -> None:
    other = found.languages[1]
    panels = [_panel(found, f"nearest at that layer is {other}", lambda cell: cell.here.scores[0])]
    if found.paired:
        panels.append(_panel(found, "nearest at that layer is the translation", lambda cell: cell.here.scores[1]))
        panels.append(_panel(found, "nearest at the last layer is the translation", lambda cell: cell.behind.scores[1]))
    else:
        panels.append(_panel(found, f"nearest at the last layer is {other}", lambda cell: cell.behind.scores[0]))
    if found.filled:
        panels.append(_panel(found, f"filled tokens are {other}", lambda cell: cell.shares[0], found.filled.cells))
    title = f"{found.model}: α × ({other} − {found.languages[0]}) added at a layer"
    draw_by_layer(panels, title, found.figure)


def _panel(
    found: LanguageVector, title: str, of: Callable[[Any], Score], cells: Sequence[Any] | None = None
) -> LayerPanel:
    lines = []
    for strength in found.strengths:
        scores = [of(one) for one in (cells or found.cells) if one.strength == strength]
        lines.append(
            LayerLine(
                label=f"α = {strength:g}", values=tuple(one.value for one in scores),
                low=tuple(one.low for one in scores), high=tuple(one.high for one in scores), dashed=strength == 0,
            )
        )  # fmt: skip
    return LayerPanel(title=title, unit="%", lines=tuple(lines), percent=True, layers=found.layers)
