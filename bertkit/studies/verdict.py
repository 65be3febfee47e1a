"""Verdicts on arms that were scored on the same rows: better, worse, or within noise; by how much, and how sure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, Literal

import numpy as np

from bertkit.errors import RequestError
from bertkit.evaluation import paired_tests, two_way
from bertkit.evaluation.intervals import Measures
from bertkit.evaluation.metrics import METRICS, Metric
from bertkit.evaluation.stats import Spread, difference, spread
from bertkit.result import Finished
from bertkit.runs.folder import PREDICTIONS
from bertkit.spec import to_plain
from bertkit.studies.arms import OF_SECOND_LABEL, Answers, Arm, Part, arm_of, measured

LEVEL = 0.05
"""The p, adjusted for as many tests as there are, below which a difference is no noise."""
POWER, POWERED = 0.8, 2.8
"""A power, and the standard errors of a difference that has it at the 5 % level where they are known: 1.96 + 0.84."""
PLAIN = ("task", "evaluation", "metric", "rows", "outcome", "adjusted", "count")
"""Fields of a verdict that are in its JSON as they are."""

OVER_ROWS = "permutation over rows"

Outcome = Literal["better", "worse", "within noise"]


@dataclass(frozen=True, kw_only=True)
class Scores:
    """An arm's scores on one evaluation: their mean with its interval over seeds and rows, and their spread."""

    name: str
    seeds: tuple[int | None, ...]
    scores: tuple[float, ...]
    mean: two_way.Mean

    @property
    def spread(self) -> Spread:
        """Over the seeds alone."""
        return spread(self.scores)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether the first arm is better than the second, worse, or within noise, by one metric of one evaluation.

    tests     p by name of further tests, each of which holds either the seeds or the rows as they are
    adjusted  the p of the difference, adjusted for the `count` verdicts that were given together (Holm 1979)
    """

    task: str
    evaluation: str
    metric: str
    rows: int
    arms: tuple[Scores, Scores]
    difference: two_way.Difference
    tests: Mapping[str, float]
    adjusted: float
    count: int = 1

    @property
    def outcome(self) -> Outcome:
        """Of the first arm against the second."""
        if self.adjusted >= LEVEL:
            return "within noise"
        return "better" if self.difference.value > 0 else "worse"

    @property
    def seeds_to_tell(self) -> int | None:
        """About how many seeds an arm would detect a difference of this size with a power of 80 %; None if none.

        two_way.MOST_SEEDS + 1 for more than that. Both arms' seeds vary as they do here, and the test is this one, with
        Student's t and the level that was left by other verdicts. None too where an arm has one seed, whose variation
        is not known.
        """
        gap = self.difference
        if gap.doubt.over != two_way.SEEDS_AND_ROWS or not gap.value:
            return None
        each = gap.doubt.seeds * 2 / sum(1 / len(arm.scores) for arm in self.arms)
        level = LEVEL * min(1.0, gap.p / self.adjusted) if self.adjusted > 0 else LEVEL
        power = two_way.power_by_seeds(abs(gap.value), gap.doubt.rows, each, gap.paired, level)
        enough = np.flatnonzero(power >= POWER)
        if len(enough):
            return int(enough[0]) + 2
        return None if gap.doubt.rows >= (gap.value / POWERED) ** 2 else two_way.MOST_SEEDS + 1

    @property
    def rows_to_tell(self) -> int:
        """About how many rows would tell it with a power of 80 %, if seeds varied no more."""
        rows = self.difference.doubt.rows * (POWERED / self.difference.value) ** 2 if self.difference.value else 0.0
        return int(self.rows * rows)

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return {
            **{name: getattr(self, name) for name in PLAIN},
            "difference": to_plain(self.difference),
            "tests": dict(self.tests),
            "seeds to tell": self.seeds_to_tell,
            "arms": [
                {"arm": arm.name, "seeds": list(arm.seeds), "scores": list(arm.scores), "mean": to_plain(arm.mean)}
                for arm in self.arms
            ],
        }


def verdicts(arms: Sequence[Arm], metric: str | None = None, evaluation: str | None = None) -> list[Verdict]:
    """A verdict for every pair of arms on every evaluation that both have, by its first metric, or by `metric`.

    p is adjusted for all of them together. Raises RequestError where rows, golds, splits or metrics differ, or no
    evaluation is common.
    """
    golds, found = _golds_of(arms), []
    for first, second in combinations(arms, 2):
        common = [key for key in first.parts if key in second.parts and evaluation in (None, key[1])]
        if not common:
            raise RequestError(_nothing_common(first, second, evaluation))
        if lacking := [key for key in common if key not in golds]:
            raise RequestError(f"{', '.join(lacking[0])}: no arm has golds for it")
        found += [_verdict(first.parts[key], second.parts[key], golds[key], metric) for key in common]
    return together(found)


def together(found: Sequence[Verdict]) -> list[Verdict]:
    """Verdicts that are given together: p is adjusted for all of them (Holm 1979)."""
    adjusted = paired_tests.holm([one.difference.p for one in found])
    return [replace(one, adjusted=p, count=len(found)) for one, p in zip(found, adjusted, strict=True)]


def _golds_of(arms: Sequence[Arm]) -> dict[tuple[str, str], Answers]:
    """For each task and evaluation the first run, or file, of any arm that has golds."""
    runs = [(key, run) for arm in arms for key, part in arm.parts.items() for run in part.runs if run.golds]
    return dict(reversed(runs))


def means_of(runs: Sequence[Finished]) -> dict[tuple[str, str], two_way.Mean]:
    """The mean over one spec's seeds, with its interval over seeds and rows, by evaluation and metric.

    Only of evaluations on which all seeds answered the same rows; {} where a run's predictions are gone.
    """
    found = dict[tuple[str, str], two_way.Mean]()
    if not all((run.folder / PREDICTIONS).is_file() for run in runs):
        return found
    for part in arm_of("", [(one.folder, one.result) for one in runs]).parts.values():
        golds = part.runs[0].golds
        for name in part.metrics if part.has_same_rows else ():
            (tables,) = measured([part], name, golds)
            found[part.evaluation, name] = two_way.mean(part.metric(name), tables)
    return found


def scores_of(arm: Arm, evaluation: str) -> Scores:
    """An arm's scores on an evaluation by its first metric, with their mean over seeds and rows."""
    part = next(part for part in arm.parts.values() if part.evaluation == evaluation)
    (tables,) = measured([part], part.metrics[0], part.runs[0].golds)
    return _scores(part, part.metric(part.metrics[0]), tables)


def _verdict(first: Part, second: Part, known: Answers, wanted: str | None) -> Verdict:
    golds = _common_golds(first, second, known)
    name = _metric_of(first, second, wanted)
    metric = first.metric(name)
    ours, theirs = measured([first, second], name, golds)
    paired = first.seeds == second.seeds and None not in first.seeds
    gap, tests = two_way.difference(metric, ours, theirs, paired), _tests(metric, ours, theirs)
    if len(ours) == len(theirs) == 1 or not gap.doubt.error:  # few rows make no normal distribution
        gap = replace(gap, p=tests.get(OVER_ROWS, 1.0))
    arms = _scores(first, metric, ours), _scores(second, metric, theirs)
    return Verdict(
        task=first.task, evaluation=first.evaluation, metric=name, rows=len(golds), arms=arms, difference=gap,
        tests=tests, adjusted=gap.p,
    )  # fmt: skip


def _scores(part: Part, metric: Metric, tables: Sequence[Measures]) -> Scores:
    scores = tuple(metric.score(table) for table in tables)
    return Scores(name=part.arm, seeds=part.seeds, scores=scores, mean=two_way.mean(metric, tables))


def _tests(metric: Metric, ours: Sequence[Measures], theirs: Sequence[Measures]) -> dict[str, float]:
    """The p of tests that hold either the seeds or the rows as they are."""
    tests = {}
    if len(ours) == len(theirs):
        tests[OVER_ROWS] = paired_tests.over_rows(metric, ours, theirs)
    if len(ours) == len(theirs) == 1 and _are_right_or_wrong(ours[0]):
        tests["McNemar"] = paired_tests.mcnemar(*(table[:, 0] == 1 for table in (ours[0], theirs[0])))
    if len(ours) > 1 and len(theirs) > 1:
        scores = ([metric.score(table) for table in tables] for tables in (ours, theirs))
        tests["permutation over seeds"] = difference(*scores)[1]
    return tests


def _are_right_or_wrong(table: Measures) -> bool:
    return table.shape[1] == 1 and bool(((table == 0) | (table == 1)).all())


def _metric_of(first: Part, second: Part, wanted: str | None) -> str:
    where = f"{first.task}, {first.evaluation}"
    if first.labels != second.labels:
        raise RequestError(f"{where}: the labels of {first.arm} and {second.arm} differ or stand in another order")
    if wanted is not None:
        if METRICS[wanted].kind != first.metric(first.metrics[0]).kind:
            raise RequestError(f"{where} is not scored by {wanted}: its metrics are {', '.join(first.metrics)}")
        if wanted == OF_SECOND_LABEL and len(first.labels) != 2:
            raise RequestError(
                f"--metric {wanted}: it is of the second of two labels, and {where} has {len(first.labels):,}; "
                "take --metric f1_macro"
            )
        if METRICS[wanted].of_scheme is not None and first.scheme is None:
            raise RequestError(
                f"--metric {wanted}: the labels of {where} are no chunk tags; take --metric tag_accuracy"
            )
        return wanted
    if first.metrics[0] != second.metrics[0]:
        raise RequestError(
            f"{where}: {first.arm} is scored by {first.metrics[0]}, {second.arm} by {second.metrics[0]}; "
            "name one with --metric"
        )
    return first.metrics[0]


def _common_golds(first: Part, second: Part, known: Answers) -> dict[str, Any]:
    """The gold of each row, as `known`, the same for all runs. Raises RequestError where rows or golds differ."""
    where = f"{first.task}, {first.evaluation}"
    for name in first.rows.keys() & second.rows.keys():
        if first.rows[name] != second.rows[name]:
            raise RequestError(
                f"{where}: {first.arm} and {second.arm} differ in their {name}: "
                f"{first.rows[name]} and {second.rows[name]}"
            )
    for run in (*first.runs, *second.runs):
        _check_rows(where, known, run)
        if changed := [key for key, gold in run.golds.items() if gold != known.golds[key]]:
            raise RequestError(
                f"{where}: the golds of {run.source} and {known.source} differ in {len(changed):,} rows, such as "
                f"{changed[0]!r}"
            )
    return dict(known.golds)


def _check_rows(where: str, first: Answers, second: Answers) -> None:
    """Raise RequestError where two runs did not answer the same rows."""
    parts = []
    for one, other in ((first, second), (second, first)):
        if lacking := [key for key in one.values if key not in other.values]:
            parts.append(f"{len(lacking):,} rows of {one.source} are not in {other.source}, such as {lacking[0]!r}")
    if parts:
        raise RequestError(f"{where}: not the same rows: {'; '.join(parts)}")


def _nothing_common(first: Arm, second: Arm, evaluation: str | None) -> str:
    shown = [", ".join(f"{task} ({name})" for task, name in arm.parts) or "nothing" for arm in (first, second)]
    wanted = f" of the name {evaluation}" if evaluation else ""
    return f"{first.name} and {second.name} have no evaluation{wanted} in common: {shown[0]}; {shown[1]}"
