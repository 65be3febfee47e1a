"""Verdicts on arms that were scored on the same rows: better, worse, or within noise; by how much, and how sure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, Literal

from bertkit.errors import RequestError
from bertkit.evaluation import paired_tests, two_way
from bertkit.evaluation.intervals import Measures
from bertkit.evaluation.metrics import METRICS, Metric
from bertkit.evaluation.stats import Spread, difference, spread
from bertkit.result import Finished
from bertkit.runs.folder import PREDICTIONS
from bertkit.spec import to_plain
from bertkit.studies.arms import OF_SECOND_LABEL, Answers, Arm, Part, arm_of

LEVEL = 0.05
"""The p, adjusted for as many tests as there are, below which a difference is no noise."""
POWERED = 2.8
"""Standard errors of a difference that is found with a power of 80 % at the 5 % level: 1.96 + 0.84."""
MOST_SEEDS = 1_000

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
    adjusted  the p of the difference, adjusted for as many verdicts as were given together (Holm 1979)
    """

    task: str
    evaluation: str
    metric: str
    rows: int
    arms: tuple[Scores, Scores]
    difference: two_way.Difference
    tests: Mapping[str, float]
    adjusted: float

    @property
    def outcome(self) -> Outcome:
        """Of the first arm against the second."""
        if self.adjusted >= LEVEL:
            return "within noise"
        return "better" if self.difference.value > 0 else "worse"

    @property
    def seeds_to_tell(self) -> int | None:
        """About how many seeds an arm would tell a difference of this size with a power of 80 %; None where none would.

        Both arms' seeds vary as they do here. None too where an arm has one seed, whose variation is not known.
        """
        doubt, value = self.difference.doubt, self.difference.value
        each = doubt.seeds * 2 / sum(1 / len(arm.scores) for arm in self.arms)
        left = (value / POWERED) ** 2 - doubt.rows
        if doubt.over != two_way.SEEDS_AND_ROWS or left <= 0:
            return None
        return max(2, -int(-each // left))

    @property
    def rows_to_tell(self) -> int:
        """About how many rows would tell it with a power of 80 %, if seeds varied no more."""
        rows = self.difference.doubt.rows * (POWERED / self.difference.value) ** 2 if self.difference.value else 0.0
        return int(self.rows * rows)

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return {
            **{name: getattr(self, name) for name in ("task", "evaluation", "metric", "rows", "outcome", "adjusted")},
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
    found = []
    for first, second in combinations(arms, 2):
        common = [key for key in first.parts if key in second.parts and evaluation in (None, key[1])]
        if not common:
            raise RequestError(_nothing_common(first, second, evaluation))
        found += [_verdict(first.parts[key], second.parts[key], metric) for key in common]
    adjusted = paired_tests.holm([one.difference.p for one in found])
    return [replace(one, adjusted=p) for one, p in zip(found, adjusted, strict=True)]


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
            found[part.evaluation, name] = two_way.mean(part.metric(name), part.measures(name, list(golds), golds))
    return found


def _verdict(first: Part, second: Part, wanted: str | None) -> Verdict:
    golds = _common_golds(first, second)
    name = _metric_of(first, second, wanted)
    metric, ids = first.metric(name), list(golds)
    ours, theirs = first.measures(name, ids, golds), second.measures(name, ids, golds)
    paired = first.seeds == second.seeds and None not in first.seeds
    gap = two_way.difference(metric, ours, theirs, paired)
    arms = _scores(first, metric, ours), _scores(second, metric, theirs)
    return Verdict(
        task=first.task, evaluation=first.evaluation, metric=name, rows=len(ids), arms=arms, difference=gap,
        tests=_tests(metric, ours, theirs), adjusted=gap.p,
    )  # fmt: skip


def _scores(part: Part, metric: Metric, tables: Sequence[Measures]) -> Scores:
    scores = tuple(metric.score(table) for table in tables)
    return Scores(name=part.arm, seeds=part.seeds, scores=scores, mean=two_way.mean(metric, tables))


def _tests(metric: Metric, ours: Sequence[Measures], theirs: Sequence[Measures]) -> dict[str, float]:
    """The p of tests that hold either the seeds or the rows as they are."""
    tests = {}
    if len(ours) == len(theirs):
        tests["permutation over rows"] = paired_tests.over_rows(metric, ours, theirs)
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


def _common_golds(first: Part, second: Part) -> dict[str, Any]:
    """The gold of each row, the same for all runs. Raises RequestError where rows or golds differ."""
    where = f"{first.task}, {first.evaluation}"
    for name in first.rows.keys() & second.rows.keys():
        if first.rows[name] != second.rows[name]:
            raise RequestError(
                f"{where}: {first.arm} and {second.arm} differ in their {name}: "
                f"{first.rows[name]} and {second.rows[name]}"
            )
    runs = [*first.runs, *second.runs]
    one = next(run for run in runs if run.golds)
    for run in runs:
        _check_rows(where, one, run)
        if changed := [key for key, gold in run.golds.items() if gold != one.golds[key]]:
            raise RequestError(
                f"{where}: the golds of {run.source} and {one.source} differ in {len(changed):,} rows, such as "
                f"{changed[0]!r}"
            )
    return dict(one.golds)


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
