"""One arm's part of a report: its scores, what is wrong, its curves, answers and rows, and how it was made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from bertkit.evaluation.calibration import ece_by_chance
from bertkit.reports.alerts import Alert, alerts_of
from bertkit.reports.answers import Answers, answers_of
from bertkit.reports.charts import Chart, Series, chart
from bertkit.reports.curves import Curves, curve_of, loss_chart, score_chart
from bertkit.reports.found import Arm
from bertkit.reports.health import Bar, Health, bars_of, health_of, numbers_of
from bertkit.reports.scores import ScoreLine, score_lines
from bertkit.reports.slices import Slices, slices_of
from bertkit.request.typed_command import commands_of
from bertkit.result import Calibration, Finished, Scored, selected_lines
from bertkit.spec import SAMPLE, Spec

CURVES = 3
"""Evaluations whose scores in training are drawn."""


@dataclass(frozen=True, kw_only=True)
class ArmPart:
    """What a report shows of an arm.

    number       of the arm on the page
    differs      in what its spec differs from those of the task's other arms
    answers      of its first sound run, with what follows; () in a report of several arms
    seeds        of its runs, and whether each failed
    reliability  of its probabilities, by evaluation
    """

    number: int
    name: str
    about: str
    differs: str
    lines: tuple[ScoreLine, ...]
    alerts: tuple[Alert, ...]
    charts: tuple[Chart, ...]
    selected: tuple[str, ...]
    command: str
    facts: tuple[tuple[str, str], ...]
    numbers: tuple[tuple[str, str], ...] = ()
    bars: tuple[tuple[str, tuple[Bar, ...]], ...] = ()
    reliability: tuple[Chart, ...] = ()
    answers: tuple[Answers, ...] = ()
    slices: Slices | None = None
    health: Health | None = None
    seeds: tuple[tuple[int, bool], ...] = ()

    @property
    def full_name(self) -> str:
        """The task, and in what the arm differs from the task's others."""
        return f"{self.name} ({self.differs})" if self.differs else self.name

    @property
    def several(self) -> bool:
        """Whether it was scored on more than one set of rows."""
        return len({line.evaluation for line in self.lines}) > 1


def arm_part(arm: Arm, number: int, differs: Mapping[str, str], worst: int | None = None) -> ArmPart:
    """The arm; with `worst` also the answers of one run, as many of its worst errors, and its rows."""
    lines = score_lines(arm)
    run = shown_run(arm)
    curves = [one for one in map(curve_of, [each.folder for each in arm.runs]) if one]
    wanted = list(dict.fromkeys((e.name, e.metrics[0]) for e in arm.spec.task.scored if not e.at_end))[:CURVES]
    every = [Curves(name="mean of the seeds" if len(curves) > 1 else "loss", runs=tuple(curves))]
    charts = [loss_chart(every), score_chart(every, wanted)] if curves else []
    whole = worst is not None and run is not None
    scored = run.result.evaluations if run and whole else ()
    return ArmPart(
        number=number,
        name=arm.spec.task.name,
        about=about(arm),
        differs=", ".join(f"{name} {value}" for name, value in differs.items()),
        lines=tuple(lines),
        alerts=tuple(alerts_of(arm, lines)),
        charts=tuple(one for one in charts if one),
        selected=tuple(selected_lines(run.result.selected)) if run else (),
        command="\n".join(commands_of([(one.result.spec, one.folder) for one in arm.runs])),
        facts=tuple(facts_of(run, len(arm.runs))) if run else (),
        numbers=tuple(pair for one in scored for pair in _numbers(one, len(scored) > 1)),
        bars=tuple((one.name, tuple(bars)) for one in scored if (bars := bars_of(one))),
        reliability=tuple(found for one in scored if (found := reliability_of(one))),
        answers=tuple(answers_of(run, worst or 0)) if run and whole else (),
        slices=slices_of(run.folder) if run and whole else None,
        health=health_of(run.folder, run.result) if run and whole else None,
        seeds=tuple((one.result.spec.seed, bool(one.result.failures)) for one in arm.runs),
    )


def shown_run(arm: Arm) -> Finished | None:
    """The run whose answers are shown: the first that is not taken for a failed one, else the first."""
    sound = [run for run in arm.runs if not run.result.failures]
    return next(iter([*sound, *arm.runs]), None)


def model_of(spec: Spec) -> str:
    """The encoder's name as it is shown."""
    name = "MiniLM-L6 (the sample's encoder)" if spec.model == SAMPLE else spec.model
    return f"random weights in the shape of {name}" if spec.scratch else name


def about(arm: Arm) -> str:
    """What was trained, in one line."""
    seeds = [str(run.result.spec.seed) for run in arm.runs]
    which = f"{len(seeds)} seeds ({', '.join(seeds)})" if len(seeds) > 1 else f"seed {''.join(seeds)}"
    steps = f"{arm.runs[0].result.training.steps:,} updates" if arm.runs else "no finished run"
    return f"{model_of(arm.spec)} · {steps} · {which if seeds else 'no seed'}"


def _numbers(scored: Scored, named: bool) -> list[tuple[str, str]]:
    return [(f"{scored.name}: {name}" if named else name, value) for name, value in numbers_of(scored)]


def reliability_of(scored: Scored) -> Chart | None:
    """How often answers are right against their probability, where the result has it."""
    if scored.calibration is None or not scored.calibration.bins:
        return None
    found, several = scored.calibration, [("accuracy", scored.calibration)]
    if scored.calibrated and scored.calibrated.bins:
        several.append(("with the temperature", scored.calibrated))
    rows = sum(count for count, _, _ in found.bins)
    chance = f"by chance {100 * ece_by_chance(found):.1f}"
    ece = f"expected calibration error {100 * found.ece:.1f} ({chance}), Brier score {found.brier:.3f}"
    about = f"Accuracy against confidence in {len(found.bins)} bins of {rows:,} rows of {scored.name}: {ece}."
    series = [_by_confidence(name, one, place) for place, (name, one) in enumerate(several)]
    drawn = chart(f"{scored.name}: accuracy by confidence", series, "confidence", about, in_percent=True, square=True)
    names = [("as it is",), ("with the temperature",)] if len(several) > 1 else [()]
    return replace(
        drawn,
        columns=(*(("probability",) if len(several) > 1 else ()), "rows", "confidence", "accuracy"),
        rows=tuple(
            (*name, f"{count:,}", f"{100 * confidence:.1f}", f"{100 * accuracy:.1f}")
            for name, (_, one) in zip(names, several, strict=True)
            for count, confidence, accuracy in one.bins
        ),
    )


def _by_confidence(name: str, found: Calibration, colour: int) -> Series:
    counts, confidence, accuracy = (np.array(side, float) for side in zip(*found.bins, strict=True))
    return Series(name=name, x=confidence, y=accuracy, counts=counts, colour=colour)


def facts_of(run: Finished, runs: int) -> list[tuple[str, str]]:
    """How a run was made: encoder, recipe, machine, time, versions, digests."""
    result, recipe = run.result, run.result.spec.recipe
    training, encoder = result.training, result.encoder
    parameters, one = encoder.get("parameters"), " (one seed)" if runs > 1 else ""
    rate = f"{training.examples / training.seconds:,.0f} rows/s" if training.seconds else ""
    size = (
        f"{recipe.batch_tokens:,} tokens"
        if recipe.batch_tokens
        else f"{recipe.batch_size * recipe.gradient_accumulation:,} rows"
    )
    all_of = f", of all that ran on the machine in that time{one}" if result.joules else ""
    known = encoder.get("commit") or encoder.get("weights")
    pairs = [
        ("encoder", model_of(result.spec) + (f", {parameters:,} parameters" if isinstance(parameters, int) else "")),
        ("training", f"{training.steps:,} updates of {size}, {training.tokens:,} tokens"),
        (
            "learning rate",
            f"{recipe.learning_rate:g}, warm-up {100 * recipe.warmup:g} %, weight decay {recipe.weight_decay:g}",
        ),
        ("length", f"{recipe.window.max_length} tokens at most"),
        ("machine", f"{result.device}, {result.precision}, {training.layout}"),
        (
            "time",
            f"{time_text(training.seconds)} of training ({rate}), {time_text(result.seconds)} in all{one}",
        ),
        ("energy", ", ".join(f"{name} {one / 3_600:,.2f} Wh" for name, one in result.joules.items()) + all_of),
        ("versions", ", ".join(f"{name} {version}" for name, version in result.versions.items())),
        ("spec", result.spec.digest),
        ("weights", str(known)[:16] if known else "not recorded"),
        ("folder", str(run.folder)),
    ]
    return [(name, value) for name, value in pairs if value]


def time_text(seconds: float) -> str:
    """Seconds in the unit that fits."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6_000 else f"{seconds / 3_600:.1f} h"
