"""A model's embryology: what its kept models know of words, layers and tasks, as numbers, JSON and two figures.

K kept models.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertkit.analysis.checkpoints import PARTS, KeptRun
from bertkit.analysis.embryology import Measured, Sizes, Words, measure
from bertkit.analysis.emergence import Answers, Curve, Order
from bertkit.analysis.treebank import CONTENT, FUNCTION
from bertkit.files import write_json
from bertkit.plots.emergence import EmergenceLine, EmergencePanel, draw_emergence
from bertkit.plots.learning import LearningLine, LearningPanel, draw_learning
from bertkit.progress import Progress
from bertkit.result import Score
from bertkit.spec import RunOptions, Spec, to_plain
from bertkit.studies.downstream import Downstream, KeptStart, fine_tune_each, spaced

RESULT = "embryology.json"
FILL, WHOLE = "fill", "whole"
TITLES = {FILL: "filling in a masked word", WHOLE: "giving back a word unmasked"}
GROUPS = {"function words": FUNCTION, "content words": CONTENT}


@dataclass(frozen=True, kw_only=True)
class EmbryologyRequest:
    """What is to be measured of a run: words and layers on a treebank, and tasks it is fine-tuned on."""

    run: KeptRun
    treebank: Spec
    sizes: Sizes
    downstream: Sequence[Spec] = ()
    seeds: int = 3
    points: int | None = None
    options: RunOptions


@dataclass(frozen=True, kw_only=True)
class Embryology:
    """What was found, and the files that hold it."""

    run: KeptRun
    measured: Measured
    downstream: tuple[Downstream, ...]

    @property
    def folder(self) -> Path:
        """The run's."""
        return self.run.folder

    @property
    def tokens(self) -> NDArray[np.float64]:
        """(K,) that each kept model had seen."""
        return np.array([model.tokens for model in self.run.models], float)

    @cached_property
    def answers(self) -> dict[str, Answers]:
        """The right words by part of speech, of FILL and of WHOLE."""
        words = self.measured.words
        return {kind: words.answers(right, self.tokens) for kind, right in ((FILL, words.fill), (WHOLE, words.whole))}

    @cached_property
    def curves(self) -> dict[str, dict[str, Curve]]:
        """For FILL and WHOLE, the curve of each part of speech that the treebank has."""
        return {
            kind: {name: answers.curve(name, [name]) for name in answers.names}
            for kind, answers in self.answers.items()
        }

    @cached_property
    def orders(self) -> dict[str, Order | None]:
        """For FILL and WHOLE, function words against content words; None where the treebank lacks one of them."""
        return {kind: self._order(answers) for kind, answers in self.answers.items()}

    @cached_property
    def orders_of_rise(self) -> dict[str, Order | None]:
        """As `orders`, by half of the rise from the untrained model."""
        return {kind: self._order(answers, rise=True) for kind, answers in self.answers.items()}

    def _order(self, answers: Answers, rise: bool = False) -> Order | None:
        (first, later) = [(name, [one for one in of if one in answers.names]) for name, of in GROUPS.items()]
        return answers.order(first, later, rise) if first[1] and later[1] else None

    @cached_property
    def probes(self) -> list[Curve]:
        """The curve of each layer's probe, the embeddings' first."""
        if self.measured.probes is None:
            return []
        answers = self.measured.probes.answers(self.tokens)
        return [answers.curve(name, [name]) for name in answers.names]

    def plain(self) -> dict[str, Any]:
        """Everything, for JSON."""
        words, treebank = self.measured.words, self.measured.treebank
        return {
            "run": str(self.folder),
            "marks": list(self.run.marks),
            "steps": [model.step for model in self.run.models],
            "tokens": [model.tokens for model in self.run.models],
            "treebank": {
                "task": treebank.name, "rows": treebank.scored.origin, "digest": treebank.scored.digest,
                "words": dict(words.sampled.there), "asked": len(words.sampled),
                "sentences": len(words.sampled.sentences), "cannot be right": dict(words.tokens.lost),
            },
            "constant": _plain_constant(words, words.best),
            "untrained model's constant": _plain_constant(words, words.said[0][0]),
            "own constant": {name: {"token": token, "accuracy": share} for name, (token, share) in words.own.items()},
            "commonest answer": [{"token": words.named(token), "share": share} for token, share in words.said],
            **{kind: self._plain(kind) for kind in TITLES},
            "probes": [_plain_curve(curve) for curve in self.probes],
            "probes' majority": self.measured.probes.majority if self.measured.probes else None,
            "downstream": [one.plain() for one in self.downstream],
        }  # fmt: skip

    def _plain(self, kind: str) -> dict[str, Any]:
        order, of_rise = self.orders[kind], self.orders_of_rise[kind]
        return {
            "what": TITLES[kind],
            "parts of speech": [_plain_curve(curve) for curve in self.curves[kind].values()],
            "groups": [_plain_curve(curve) for curve in (order.first, order.later)] if order else [],
            "function before content words": {"half": _plain_order(order), "half of rise": _plain_order(of_rise)},
        }


def _plain_constant(words: Words, token: int) -> dict[str, Any]:
    return {"token": words.named(token), "accuracy": words.constant(token)}


def _plain_curve(curve: Curve) -> dict[str, Any]:
    return {
        "name": curve.name, "words": curve.words, "accuracy": [to_plain(score) for score in curve.scores],
        "tokens until half": _plain_score(curve.half), "tokens until half of rise": _plain_score(curve.half_of_rise),
    }  # fmt: skip


def _plain_order(order: Order | None) -> dict[str, Any] | None:
    if order is None:
        return None
    return {"holds": order.holds, "difference": _plain_score(order.difference), "times": _plain_score(order.times)}


def _plain_score(score: Score | None) -> dict[str, Any] | None:
    return None if score is None else dict(to_plain(score))


def embryology(request: EmbryologyRequest, progress: Callable[[str], Progress]) -> Embryology:
    """Measure what is asked for, but for what was measured before, and write embryology.json and two figures.

    progress  makes one, of a title. Raises DataError, EncoderError, RunError.
    """
    run = request.run
    with closing(progress(f"embryology, {request.treebank.task.name}")) as shown:
        measured = measure(run, request.treebank, request.sizes, request.treebank.device, shown)
    starts = [
        KeptStart(step=model.step, tokens=model.tokens, folder=model.folder.resolve())
        for model in spaced(run.models, request.points)
    ]
    options = replace(request.options, out=run.folder / PARTS / "downstream")
    downstream = tuple(
        fine_tune_each(spec, starts, request.seeds, options, lambda one: progress(_title(one)))
        for spec in request.downstream
    )
    found = Embryology(run=run, measured=measured, downstream=downstream)
    (run.folder / PARTS).mkdir(exist_ok=True)
    draw(found)
    write_json(run.folder / RESULT, found.plain())
    return found


def _title(spec: Spec) -> str:
    start = "bert start" if spec.scratch else Path(spec.model).name
    return f"{spec.task.name}, {start}, seed {spec.seed}"


def figures(found: Embryology) -> list[tuple[Path, Path]]:
    """The PNG and the SVG of each figure that there is: words; layers and tasks."""
    names = ["words", *(["layers"] if found.probes or found.downstream else [])]
    folder = found.folder / PARTS
    return [(folder / f"{name}.png", folder / f"{name}.svg") for name in names]


def draw(found: Embryology) -> None:
    """Write the figures."""
    marks = " · ".join([found.run.folder.name, found.measured.treebank.name, *found.run.marks])
    paths = figures(found)
    draw_emergence([_words_panel(found, kind) for kind in TITLES], found.tokens.tolist(), marks, paths[0])
    if len(paths) > 1:
        panels = [*([_probes_panel(found)] if found.probes else []), *map(_downstream_panel, found.downstream)]
        draw_learning(panels, marks, paths[1])


def _words_panel(found: Embryology, kind: str) -> EmergencePanel:
    own, order = found.measured.words.own, found.orders[kind]

    def line(curve: Curve, group: int, constant: float = 0.0) -> EmergenceLine:
        return EmergenceLine(name=curve.name, group=group, scores=curve.scores, half=curve.half, constant=constant)

    return EmergencePanel(
        title=TITLES[kind],
        lines=tuple(line(c, group_of(c.name), own[c.name][1]) for c in found.curves[kind].values()),
        groups=(line(order.first, 0), line(order.later, 1)) if order else (),
    )


def group_of(tag: str) -> int:
    """0 for function words, 1 for content words, 2 for others."""
    return 0 if tag in FUNCTION else 1 if tag in CONTENT else 2


def _probes_panel(found: Embryology) -> LearningPanel:
    tokens, lines = tuple(found.tokens.tolist()), []
    for curve in found.probes:
        label = "embeddings" if curve.name == "0" else f"layer {curve.name}"
        low, high = (tuple(getattr(score, end) for score in curve.scores) for end in ("low", "high"))
        values = tuple(score.value for score in curve.scores)
        lines.append(LearningLine(label=label, tokens=tokens, values=values, low=low, high=high))
        lines.append(LearningLine(label="", tokens=(), values=values[:1], low=(), high=(), is_level=True))
    title = f"part of speech by a linear probe of each layer, {found.measured.treebank.name}; dashed: untrained"
    return LearningPanel(title=title, score="% of words", lines=tuple(lines))


def _downstream_panel(one: Downstream) -> LearningPanel:
    spreads = [point.spread for point in one.points]
    levels = [
        LearningLine(label=label, tokens=(), values=(arm.spread.mean,), low=(), high=(), is_level=True)
        for label, arm in (("same start", one.points[0]), ("bert start", one.bert))
    ]
    line = LearningLine(
        label="pretrained",
        tokens=tuple(float(point.tokens) for point in one.points),
        values=tuple(each.mean for each in spreads),
        low=tuple(each.low for each in spreads),
        high=tuple(each.high for each in spreads),
    )
    seeds = f"mean, least and greatest of {spreads[0].n} seeds" if spreads[0].n > 1 else "one seed"
    title = f"{one.task.name} after fine-tuning, {seeds}; dashed: untrained"
    return LearningPanel(title=title, score=f"{one.metric} on {one.evaluation}", lines=(line, *levels))
