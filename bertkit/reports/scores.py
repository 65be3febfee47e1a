"""The scores of an arm, a line each: its interval or its seeds, its floors, the human score, and the strip of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from bertkit.evaluation.stats import Spread, spread
from bertkit.evaluation.titles import METRIC_TITLES
from bertkit.evaluation.warned import mean_floors
from bertkit.reports.charts import Strip, aligned
from bertkit.reports.found import Arm
from bertkit.result import Finished, Floor, Score, Scored
from bertkit.spec import SAMPLE

Intervals = Mapping[tuple[str, str], tuple[float, float]]
"""By evaluation and metric."""


@dataclass(frozen=True, kw_only=True)
class ScoreLine:
    """One metric of one evaluation.

    value     the score of the one run, or the mean over the sound ones; a fraction
    interval  its 95 % interval, None where there is none
    uncertainty  what the interval or the standard deviation is over: rows, seeds, or both
    seeds     (seed, score, whether the run failed)
    without   the score without the rows that are train rows too, None where there are none
    """

    evaluation: str
    rows: int
    metric: str
    value: float
    interval: tuple[float, float] | None
    uncertainty: str
    seeds: tuple[tuple[int, float, bool], ...]
    floors: tuple[tuple[str, float], ...]
    human: float | None
    without: float | None
    strip: Strip
    sd: float = 0.0

    @property
    def sound(self) -> list[float]:
        """The scores that the mean is of: of the seeds that did not fail, or of all where every one did."""
        return [value for _, value, failed in self.seeds if not failed] or [value for _, value, _ in self.seeds]

    def of_seed(self, seed: int) -> float | None:
        """The score of one seed, None where it was not scored."""
        return next((value for own, value, _ in self.seeds if own == seed), None)

    @property
    def floor(self) -> float:
        """The highest floor."""
        return max(value for _, value in self.floors)


def score_lines(arm: Arm) -> list[ScoreLine]:
    """A line for each metric of each evaluation that a run was scored on, in the task's order."""
    if not arm.runs:
        return []
    intervals = _over_seeds_and_rows(arm) if len(arm.runs) > 1 else {}
    scored = {one.name: one for run in reversed(arm.runs) for one in run.result.evaluations if one.metrics}
    order = [one.name for one in arm.spec.task.evaluations if one.name in scored]
    return [_line(arm, scored[name], metric, intervals) for name in order for metric in scored[name].metrics]


def sound_runs(arm: Arm) -> Sequence[Finished]:
    """The runs that did not fail, or all where every one did."""
    return [run for run in arm.runs if not run.result.failures] or arm.runs


def score_without(runs: Sequence[Finished], evaluation: str, metric: str) -> float | None:
    """The mean of the runs' scores without the rows that are train rows too; None where there are none, or none else.

    A run without such rows counts with its score of all rows.
    """
    scored = [one for run in runs for one in run.result.evaluations if one.name == evaluation and one.metrics]
    if not any(one.leaked for one in scored):
        return None
    found = [(one.leaked or one).metrics.get(metric) for one in scored]
    scores = [score.value for score in found if score]
    return fmean(scores) if scores and len(scores) == len(found) else None


def metric_of(run: Finished, evaluation: str, metric: str) -> Score | None:
    """A run's score, None where it was not scored."""
    scored = next((one for one in run.result.evaluations if one.name == evaluation), None)
    return scored.metrics.get(metric) if scored else None


def _line(arm: Arm, scored: Scored, metric: str, intervals: Intervals) -> ScoreLine:
    scores = [(run, metric_of(run, scored.name, metric)) for run in arm.runs]
    seeds = tuple((run.result.spec.seed, one.value, bool(run.result.failures)) for run, one in scores if one)
    over = spread([value for _, value, failed in seeds if not failed] or [value for _, value, _ in seeds])
    one = len(seeds) == 1
    first, without = scored.metrics[metric], score_without(sound_runs(arm), scored.name, metric)
    interval = (first.low, first.high) if one else intervals.get((scored.name, metric))
    human = next((e.human.get(metric) for e in arm.spec.task.evaluations if e.name == scored.name), None)
    human = None if arm.spec.data == SAMPLE else human
    floors = tuple((floor.name, floor.metrics[metric]) for floor in _floors(arm, scored) if metric in floor.metrics)
    title = METRIC_TITLES.get(metric, metric)
    uncertainty = (
        f"95 % over {scored.rows:,} rows ({first.interval})" if one else _spread_text(over, seeds, interval is not None)
    )
    return ScoreLine(
        evaluation=scored.name,
        rows=scored.rows,
        metric=title,
        value=over.mean,
        interval=interval,
        uncertainty=uncertainty,
        seeds=seeds,
        floors=floors,
        human=human,
        without=without,
        sd=over.sd,
        strip=Strip(
            about=_about(f"{scored.name} {title}", over.mean, interval, floors, human),
            value=over.mean,
            interval=interval,
            seeds=() if one else tuple((value, failed) for _, value, failed in seeds),
            floors=tuple(floor for _, floor in floors),
            human=human,
        ),
    )


def _over_seeds_and_rows(arm: Arm) -> dict[tuple[str, str], tuple[float, float]]:
    """The 95 % intervals of the means over sound seeds, for seeds and rows, where these can be had."""
    from bertkit.studies.verdict import means_of

    return {name: (mean.low, mean.high) for name, mean in means_of(sound_runs(arm)).items()}


def _floors(arm: Arm, scored: Scored) -> Sequence[Floor]:
    """The floors, their means over the sound runs; where there are none the commonest label's accuracy."""
    same = [one for run in sound_runs(arm) for one in run.result.evaluations if one.name == scored.name and one.metrics]
    floors = mean_floors(same or [scored])
    majority = scored.details.get("majority")
    if floors or majority is None or "accuracy" not in scored.metrics:
        return floors
    return (Floor(name="commonest label", metrics={"accuracy": float(majority)}),)


def _spread_text(over: Spread, seeds: Sequence[tuple[int, float, bool]], bounded: bool) -> str:
    failed = sum(one for _, _, one in seeds)
    of = f"{over.n} of {len(seeds)} seeds, {failed} failed" if failed and over.n < len(seeds) else f"{over.n} seeds"
    if over.n == 1:
        return f"95 % over rows; {of}" if bounded else of
    over_both = "95 % over seeds and rows; " if bounded else ""
    return f"{over_both}± standard deviation over {of} ({100 * over.low:.1f}–{100 * over.high:.1f})"


def _about(
    name: str,
    value: float,
    interval: tuple[float, float] | None,
    floors: Sequence[tuple[str, float]],
    human: float | None,
) -> str:
    """The text alternative of the strip: its values."""
    parts = [f"{name} {100 * value:.1f}"]
    if interval:
        parts.append(f"95 % interval {100 * interval[0]:.1f} to {100 * interval[1]:.1f}")
    parts += [f"{floor} {100 * score:.1f}" for floor, score in floors]
    return ", ".join([*parts, *([] if human is None else [f"human {100 * human:.1f}"])])


def on_one_axis(lines: Sequence[ScoreLine]) -> list[ScoreLine]:
    """The lines, their strips with the same axis."""
    strips = aligned([line.strip for line in lines])
    return [replace(line, strip=one) for line, one in zip(lines, strips, strict=True)]
