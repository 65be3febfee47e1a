"""What linear probes tell from each layer of an encoder, as numbers, JSON, a sentence, and a figure by layer."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bertkit.analysis.bodies import Body, load_body
from bertkit.analysis.layer_probes import Part, Probed, Table, best_of, probe_layers
from bertkit.analysis.places import analysis_folder, figure_files, write_numbers
from bertkit.analysis.probe_items import code_of, for_words, items_of
from bertkit.analysis.probe_rows import ProbedRows, probed_rows, right_by_floors
from bertkit.data.splits import Splits, marks_of, read_splits
from bertkit.encoders import Encoder
from bertkit.errors import DataError
from bertkit.evaluation import two_way
from bertkit.evaluation.intervals import wilson
from bertkit.evaluation.metrics import METRICS
from bertkit.heads import Head
from bertkit.plots.by_layer import LayerLine, LayerPanel, draw_by_layer
from bertkit.progress import Progress
from bertkit.request.analyse_flags import chosen_layers
from bertkit.request.probe_flags import ProbeFlags
from bertkit.result import Score
from bertkit.spec import Spec

WHAT = "probes"


@dataclass(frozen=True, kw_only=True)
class ProbedLayer:
    """The accuracy of one layer's probes on the scored rows.

    accuracy        of the task's labels; `untrained` that from the same architecture with random weights
    control         of random labels, one for each word (or text); `fitted` how many of them the probe gives in train
    selectivity     accuracy minus control (Hewitt and Liang 2019), with an interval over the rows
    held            accuracy on the held-out train rows, by which a layer is chosen; `untrained_held` likewise
    """

    layer: int
    accuracy: Score
    untrained: Score
    control: Score
    fitted: float
    selectivity: Score
    held: float
    untrained_held: float


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """What a simple model scores, or the best untrained layer; and by how much the best layer exceeds it."""

    name: str
    accuracy: Score
    gain: Score


@dataclass(frozen=True, kw_only=True)
class Probes:
    """What probes tell, layer by layer.

    unit       "words" or "texts"
    items      how many are scored, and how many train the probes
    rows       of how many rows they are
    untrained  the best layer of the untrained body, chosen on held-out train rows too
    floors     simple models of the same train rows; the first always gives the commonest label
    """

    model: str
    task: str
    evaluation: str
    unit: str
    labels: int
    items: tuple[int, int]
    rows: tuple[int, int]
    layers: tuple[ProbedLayer, ...]
    untrained: Baseline
    floors: tuple[Baseline, ...]
    notes: tuple[str, ...]
    folder: Path

    @property
    def best(self) -> ProbedLayer:
        """The layer of the greatest accuracy on held-out train rows; of equal ones the lowest."""
        return max(self.layers, key=lambda one: one.held)

    @property
    def figure(self) -> tuple[Path, Path]:
        """The figure, as PNG and SVG."""
        return figure_files(self.folder, WHAT)

    @property
    def numbers(self) -> Path:
        """The JSON."""
        return self.folder / f"{WHAT}.json"

    @property
    def sentence(self) -> str:
        """What was found, in one sentence."""
        best = self.best
        gains = ", ".join(f"{one.gain.points} over {one.name}" for one in (self.untrained, *self.floors))
        told = f"; selectivity {best.selectivity.points}" if self.is_selective else ""
        return (
            f"Labels of {self.unit} are told best from layer {best.layer}, chosen on train rows: "
            f"{best.accuracy.percent}; in points {gains}{told}."
        )

    @property
    def is_selective(self) -> bool:
        """Whether control labels can be known at all: a text is there once, so that of others' labels none can be."""
        return self.unit == "words"

    def plain(self) -> dict[str, Any]:
        """It, for JSON."""
        return {
            "model": self.model, "task": self.task, "evaluation": self.evaluation, "unit": self.unit,
            "labels": self.labels, "items": {"scored": self.items[0], "train": self.items[1]},
            "rows": {"scored": self.rows[0], "train": self.rows[1]}, "untrained": asdict(self.untrained),
            "floors": [asdict(one) for one in self.floors],
            "layers": [asdict(one) for one in self.layers], "best": self.best.layer, "sentence": self.sentence,
            "notes": list(self.notes),
        }  # fmt: skip


def probes(encoder: Encoder, spec: Spec, flags: ProbeFlags, show: Callable[[str], Progress]) -> Probes:
    """Probe, and write the numbers and the figure. Raises DataError, EncoderError, RequestError."""
    splits = read_splits(spec)
    rows = probed_rows(spec, splits, (flags.train_rows, flags.rows), flags.seed)
    with closing(show(f"probes of {encoder.name}")) as progress:
        body = load_body(encoder, flags.device, flags.max_length)
        layers = tuple(range(body.layers + 1)) if flags.layers is None else chosen_layers(flags.layers, body.layers)
        part = _part(body, encoder, splits.head, rows, progress)
        bare = load_body(encoder, flags.device, flags.max_length, untrained=flags.seed)
        other = _part(bare, encoder, splits.head, rows, progress)
        progress.phase("probing layers", 2 * len(layers))
        told, control = probe_layers(part, layers, (None, flags.seed), progress)
        (untrained,) = probe_layers(other, layers, (None,), progress)
        floors = right_by_floors(splits.head, rows, progress)
    best, bare_best = told[best_of(told)], untrained[best_of(untrained)]
    name = f"{encoder.name}-{spec.task.name}"
    asked = [body.digest, body.window, *(one.digest for one in rows.parts), list(layers), flags.seed]
    found = Probes(
        model=encoder.name, task=spec.task.name, evaluation=rows.evaluation.name,
        unit="words" if splits.head.reads_words else "texts", labels=len(np.unique(part.train.items.label)),
        items=(len(part.scored.items.label), len(part.train.items.label)), rows=(len(rows.scored), len(rows.train)),
        layers=tuple(_layer(*one) for one in zip(layers, told, control, untrained, strict=True)),
        untrained=_baseline(f"untrained (layer {layers[best_of(untrained)]})", bare_best.table, best),
        floors=tuple(_baseline(name, table, best) for name, table in floors.items()),
        notes=(*marks_of(spec, splits), *rows.notes, *_notes(splits, part)),
        folder=analysis_folder(flags.out, WHAT, name, asked),
    )  # fmt: skip
    _draw(found)
    write_numbers(found.folder, WHAT, found.plain())
    return found


def _part(body: Body, encoder: Encoder, head: Head, rows: ProbedRows, progress: Progress) -> Part:
    body = for_words(body, encoder, head)
    columns = [one.table[:] for one in rows.parts]
    golds = [gold for one in columns for gold in one[head.roles[-1]]]
    flat = [tag for tags in golds for tag in tags if tag is not None] if head.reads_words else golds
    codes = code_of(head.label_names, flat)
    train, held, scored = (items_of(body, one, codes, head, progress) for one in columns)
    for name, one in (("train", train), ("scored", scored)):
        if not len(one.items.label):
            raise DataError(f"{encoder.name}: the tokenizer reads no token in the {name} rows that has a label")
    return Part(digest=body.digest, train=train, held=held, scored=scored)


def _layer(layer: int, told: Probed, control: Probed, untrained: Probed) -> ProbedLayer:
    return ProbedLayer(
        layer=layer, accuracy=_score(told.table), untrained=_score(untrained.table), control=_score(control.table),
        fitted=control.fitted, selectivity=_gap(told.table, control.table), held=told.held,
        untrained_held=untrained.held,
    )  # fmt: skip


def _baseline(name: str, table: Table, best: Probed) -> Baseline:
    return Baseline(name=name, accuracy=_score(table), gain=_gap(best.table, table))


def _gap(first: Table, second: Table) -> Score:
    """By how much more items are right in one table, with the paired bootstrap over rows."""
    gap = two_way.difference(METRICS["tag_accuracy"], [first], [second])
    return Score(value=gap.value, low=gap.low, high=gap.high, interval="bootstrap")


def _score(table: Table) -> Score:
    """Right items among all, with Wilson's interval over rows."""
    metric = METRICS["tag_accuracy"]
    interval = wilson(table, metric.score)
    return Score(value=metric.score(table), low=interval.low, high=interval.high, interval=interval.name)


def _notes(splits: Splits, part: Part) -> tuple[str, ...]:
    notes = []
    for name, one in (("train", part.train.items), ("scored", part.scored.items)):
        if lost := int(one.rows.sum()) - len(one.label):
            wrong = ", and count as wrong" if name == "scored" else ""
            notes.append(f"{name}: {lost:,} without a token in the window{wrong}")
    known = set(part.train.items.content)
    seen = np.mean([content in known for content in part.scored.items.content])
    unit = "words" if splits.head.reads_words else "texts"
    notes.append(f"control task: {100 * seen:.0f} % of the scored {unit} are in train; the labels of others are chance")
    return tuple(notes)


def _draw(found: Probes) -> None:
    lines = (
        _line("probe", [one.accuracy for one in found.layers]),
        _line("untrained", [one.untrained for one in found.layers], dashed=True),
        _line("control task", [one.control for one in found.layers], dashed=True),
    )
    layers = tuple(one.layer for one in found.layers)
    accuracy = LayerPanel(
        title=f"{found.items[0]:,} {found.unit} of {found.task}, {found.labels:,} labels", unit=f"% of {found.unit}",
        percent=True, lines=lines, levels=tuple((one.name, one.accuracy.value) for one in found.floors), layers=layers,
    )  # fmt: skip
    selectivity = LayerPanel(
        title="selectivity: accuracy less that of the control task", unit="points", percent=True, layers=layers,
        lines=(_line("probe", [one.selectivity for one in found.layers]),),
    )  # fmt: skip
    panels = [accuracy, selectivity] if found.is_selective else [accuracy]
    draw_by_layer(panels, f"{Path(found.model).name}: linear probes", found.figure)


def _line(label: str, scores: list[Score], dashed: bool = False) -> LayerLine:
    return LayerLine(
        label=label, values=tuple(one.value for one in scores), low=tuple(one.low for one in scores),
        high=tuple(one.high for one in scores), dashed=dashed,
    )  # fmt: skip
