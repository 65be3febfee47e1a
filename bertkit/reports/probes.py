"""What linear probes tell from each layer of an encoder, as numbers, JSON, a sentence, and a figure by layer."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bertkit.analysis.bodies import Body, load_body
from bertkit.analysis.layer_probes import Part, Probed, probe_layers
from bertkit.analysis.places import analysis_folder, figure_files, write_numbers
from bertkit.analysis.probe_items import code_of, for_words, items_of
from bertkit.data.rows import Rows
from bertkit.data.splits import Splits, marks_of, read_splits
from bertkit.encoders import Encoder
from bertkit.errors import DataError
from bertkit.evaluation import two_way
from bertkit.evaluation.floors import floors_of
from bertkit.evaluation.intervals import wilson
from bertkit.evaluation.metrics import METRICS
from bertkit.heads import Head
from bertkit.plots.by_layer import LayerLine, LayerPanel, draw_by_layer
from bertkit.progress import Progress
from bertkit.request.analyse_flags import chosen_layers
from bertkit.request.probe_flags import ProbeFlags
from bertkit.result import Floor, Score
from bertkit.spec import Spec
from bertkit.task import Evaluation

WHAT = "probes"


@dataclass(frozen=True, kw_only=True)
class ProbedLayer:
    """The accuracy of one layer's probes on the scored rows.

    accuracy     of the task's labels; `untrained` that from the same architecture with random weights
    control      of random labels, one for each word (or text); `fitted` how many of them the probe gives in train
    selectivity  accuracy minus control (Hewitt and Liang 2019), with an interval over the rows
    """

    layer: int
    accuracy: Score
    untrained: Score
    control: Score
    fitted: float
    selectivity: Score


@dataclass(frozen=True, kw_only=True)
class Probes:
    """What probes tell, layer by layer.

    unit    "words" or "texts"
    items   how many are scored, and how many train the probes
    floors  accuracy of simple models on the same rows, by name; the first always gives the commonest label
    """

    model: str
    task: str
    evaluation: str
    unit: str
    labels: int
    items: tuple[int, int]
    rows: tuple[int, int]
    layers: tuple[ProbedLayer, ...]
    floors: dict[str, float]
    notes: tuple[str, ...]
    folder: Path

    @property
    def best(self) -> ProbedLayer:
        """The layer of the greatest accuracy on these rows."""
        return max(self.layers, key=lambda one: one.accuracy.value)

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
        floor = max(self.floors, key=lambda name: self.floors[name])
        return (
            f"Labels of {self.unit} are told best from layer {best.layer} (by these rows): {_percent(best.accuracy)}; "
            f"untrained {_percent(best.untrained)}, control task {_percent(best.control)}, so selectivity "
            f"{_percent(best.selectivity)}; {floor} {100 * self.floors[floor]:.1f} %."
        )

    def plain(self) -> dict[str, Any]:
        """It, for JSON."""
        return {
            "model": self.model, "task": self.task, "evaluation": self.evaluation, "unit": self.unit,
            "labels": self.labels, "items": {"scored": self.items[0], "train": self.items[1]},
            "rows": {"scored": self.rows[0], "train": self.rows[1]}, "floors": self.floors,
            "layers": [asdict(one) for one in self.layers], "best": self.best.layer, "sentence": self.sentence,
            "notes": list(self.notes),
        }  # fmt: skip


def _percent(score: Score) -> str:
    return f"{100 * score.value:.1f} % [{100 * score.low:.1f}, {100 * score.high:.1f}]"


def probes(encoder: Encoder, spec: Spec, flags: ProbeFlags, show: Callable[[str], Progress]) -> Probes:
    """Probe, and write the numbers and the figure. Raises DataError, EncoderError, RequestError."""
    splits = read_splits(spec)
    evaluation, scored, train = _rows(spec, splits, flags)
    with closing(show(f"probes of {encoder.name}")) as progress:
        body = load_body(encoder, flags.device, flags.max_length)
        layers = tuple(range(body.layers + 1)) if flags.layers is None else chosen_layers(flags.layers, body.layers)
        part = _part(body, encoder, splits.head, (train, scored), progress)
        bare = load_body(encoder, flags.device, flags.max_length, untrained=flags.seed)
        other = _part(bare, encoder, splits.head, (train, scored), progress)
        progress.phase("probing layers", 2 * len(layers))
        told, control = probe_layers(part, layers, (None, flags.seed), progress)
        (untrained,) = probe_layers(other, layers, (None,), progress)
        floors = _floors(splits.head, evaluation, (train, scored), progress)
    items = (len(part.scored.items.label), len(part.train.items.label))
    name = f"{encoder.name}-{spec.task.name}"
    asked = [body.digest, body.window, train.digest, scored.digest, list(layers), flags.seed]
    found = Probes(
        model=encoder.name, task=spec.task.name, evaluation=evaluation.name,
        unit="words" if splits.head.reads_words else "texts", labels=len(np.unique(part.train.items.label)),
        items=items, rows=(len(scored), len(train)), floors=floors,
        layers=tuple(_layer(*one) for one in zip(layers, told, control, untrained, strict=True)),
        notes=_notes(spec, splits, part), folder=analysis_folder(flags.out, WHAT, name, asked),
    )  # fmt: skip
    _draw(found)
    write_numbers(found.folder, WHAT, found.plain())
    return found


def _rows(spec: Spec, splits: Splits, flags: ProbeFlags) -> tuple[Evaluation, Rows, Rows]:
    """The evaluation, its rows, and the train rows, drawn from all of them by the seed."""
    assert splits.train
    there = [one for one in spec.task.scored if isinstance(splits.evaluations[one.name], Rows)]
    evaluation = next((one for one in there if not one.at_end), there[0])
    scored = splits.evaluations[evaluation.name]
    assert isinstance(scored, Rows)
    return evaluation, _drawn(scored, flags.rows, flags.seed), _drawn(splits.train, flags.train_rows, flags.seed)


def _drawn(rows: Rows, most: int, seed: int) -> Rows:
    """At most so many of the rows, in their order."""
    if most >= len(rows):
        return rows
    picked = np.sort(np.random.default_rng(seed).permutation(len(rows))[:most])
    digest = hashlib.sha256(f"{rows.digest} {len(rows)} {most} {seed}".encode()).hexdigest()
    return replace(rows, table=rows.table.select(picked), digest=digest)


def _part(body: Body, encoder: Encoder, head: Head, rows: tuple[Rows, Rows], progress: Progress) -> Part:
    body = for_words(body, encoder, head)
    columns = [one.table[:] for one in rows]
    golds = [gold for one in columns for gold in one[head.roles[-1]]]
    flat = [tag for tags in golds for tag in tags if tag is not None] if head.reads_words else golds
    codes = code_of(head.label_names, flat)
    train, scored = (items_of(body, one, codes, head, progress) for one in columns)
    for name, one in (("train", train), ("scored", scored)):
        if not len(one.items.label):
            raise DataError(f"{encoder.name}: the tokenizer reads no token in the {name} rows that has a label")
    return Part(digest=body.digest, train=train, scored=scored)


def _floors(head: Head, evaluation: Evaluation, rows: tuple[Rows, Rows], progress: Progress) -> dict[str, float]:
    train, scored = rows
    metric = "tag_accuracy" if head.reads_words else "accuracy"
    asked = replace(evaluation, metrics=(metric,))
    found: tuple[Floor, ...] = floors_of(head, train, {evaluation.name: (asked, scored)}, progress)[evaluation.name]
    return {one.name: one.metrics[metric] for one in found}


def _layer(layer: int, told: Probed, control: Probed, untrained: Probed) -> ProbedLayer:
    gap = two_way.difference(METRICS["tag_accuracy"], [told.table], [control.table])
    return ProbedLayer(
        layer=layer, accuracy=_score(told), untrained=_score(untrained), control=_score(control),
        fitted=control.fitted,
        selectivity=Score(value=gap.value, low=gap.low, high=gap.high, interval="bootstrap"),
    )  # fmt: skip


def _score(probed: Probed) -> Score:
    """Right items among all, with Wilson's interval over rows."""
    metric = METRICS["tag_accuracy"]
    interval = wilson(probed.table, metric.score)
    return Score(value=metric.score(probed.table), low=interval.low, high=interval.high, interval=interval.name)


def _notes(spec: Spec, splits: Splits, part: Part) -> tuple[str, ...]:
    notes = [*marks_of(spec, splits)]
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
    lines = tuple(
        LayerLine(
            label=name, values=tuple(one.value for one in scores), low=tuple(one.low for one in scores),
            high=tuple(one.high for one in scores), dashed=name != "probe",
        )
        for name, scores in (
            ("probe", [one.accuracy for one in found.layers]),
            ("untrained", [one.untrained for one in found.layers]),
            ("control task", [one.control for one in found.layers]),
        )
    )  # fmt: skip
    panel = LayerPanel(
        title=f"{found.items[0]:,} {found.unit} of {found.task}, {found.labels:,} labels", unit=f"% of {found.unit}",
        percent=True, lines=lines, levels=tuple(found.floors.items()),
        layers=tuple(one.layer for one in found.layers),
    )  # fmt: skip
    draw_by_layer([panel], f"{Path(found.model).name}: linear probes", found.figure)
