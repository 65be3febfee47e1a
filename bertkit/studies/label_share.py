"""Score against the number of labels: the same task learnt from nested shares of its train rows, by several arms.

The semi-supervised view of pretraining: labels that the others need for a score which a pretrained encoder has with
few. Every arm of a seed learns from the same rows (data/train_share.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bertkit.data.sampler import Order, Schedule
from bertkit.data.splits import Splits, read_splits
from bertkit.data.train_share import share_rows, size_of_share
from bertkit.errors import RequestError
from bertkit.evaluation.two_way import Mean
from bertkit.machine.sync import run_on_first
from bertkit.plots.bands import BandLine, BandPanel
from bertkit.progress import Progress
from bertkit.result import Finished
from bertkit.spec import RunOptions, Spec, to_plain
from bertkit.studies.arms import Arm
from bertkit.studies.comparison_json import made_of, plain_verdict
from bertkit.studies.group import marks_of_runs, run_group
from bertkit.studies.label_lines import labels_for, lines
from bertkit.studies.named_parts import arm_of_each, scored_evaluation
from bertkit.studies.simple_arm import simple_arm
from bertkit.studies.verdict import Verdict, scores_of, together, verdicts
from bertkit.task import Recipe, Task

PRETRAINED, SCRATCH, FROZEN, TFIDF = "pretrained", "scratch", "frozen", "tfidf"
ARMS = (PRETRAINED, SCRATCH, FROZEN, TFIDF)
"""All but the last are trained."""


@dataclass(frozen=True, kw_only=True)
class LabelShares:
    """What is asked for.

    spec         of the pretrained arm on all train rows, with the first seed
    shares       of the train rows, ascending
    reach        the score for which the labels are counted; None is the least of the arms' last scores
    least_steps  updates of a run at least: of few rows so many epochs are made
    rates        learning rates of arms, where they are not the spec's
    """

    spec: Spec
    shares: tuple[float, ...]
    arms: tuple[str, ...]
    seeds: int
    least_steps: int
    reach: float | None = None
    rates: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Point:
    """An arm's score with so many labels: rows of the train split. One score for each seed; the mean, over both."""

    arm: str
    share: float
    labels: int
    scores: tuple[float, ...]
    mean: Mean


@dataclass(frozen=True, kw_only=True)
class LabelStudy:
    """Scores by arm and share, and verdicts on the first arm against each other one, a share after the other.

    reach  the score for which labels are counted, and whether it was asked for
    made   how the runs were made
    """

    task: Task
    metric: str
    evaluation: str
    rows: int
    points: tuple[Point, ...]
    verdicts: tuple[tuple[float, Verdict], ...]
    reach: float
    reach_asked: bool
    seeds: int
    marks: tuple[str, ...]
    made: tuple[dict[str, Any], ...]
    failures: tuple[dict[str, Any], ...]

    @property
    def arms(self) -> dict[str, list[Point]]:
        """By arm, its points by ascending shares."""
        names = dict.fromkeys(one.arm for one in self.points)
        return {name: [one for one in self.points if one.arm == name] for name in names}

    @property
    def needed(self) -> dict[str, float | None]:
        """By arm, the labels that it needs for the score `reach`; None where it does not reach it."""
        return {
            name: labels_for(self.reach, [one.labels for one in points], [one.mean.value for one in points])
            for name, points in self.arms.items()
        }

    @property
    def lines(self) -> list[str]:
        """What the numbers say, in sentences."""
        counts = {one.share: one.labels for one in self.points}
        return lines([(counts[share], verdict) for share, verdict in self.verdicts])

    @property
    def panel(self) -> BandPanel:
        """The figure: score over labels, with 95 % intervals."""
        bands = [
            BandLine(
                label=name,
                x=tuple(float(one.labels) for one in points),
                mean=tuple(one.mean.value for one in points),
                low=tuple(one.mean.low for one in points),
                high=tuple(one.mean.high for one in points),
            )
            for name, points in self.arms.items()
        ]
        return BandPanel(
            title=f"{self.task.name}: {self.metric} on {self.evaluation}, mean and 95 % interval",
            x="labels (train rows)", y=f"{self.metric}, %", lines=tuple(bands), is_log=True, level=self.reach,
        )  # fmt: skip

    def plain(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return {
            "task": self.task.name, "metric": self.metric, "evaluation": self.evaluation, "train rows": self.rows,
            "seeds": self.seeds, "marks": list(self.marks), "sentences": self.lines,
            "points": [to_plain(one) for one in self.points],
            "labels needed": {"score": self.reach, "asked": self.reach_asked, "labels": self.needed},
            "verdicts": [{"share": share, **plain_verdict(one)} for share, one in self.verdicts],
            "failures": list(self.failures), "made": list(self.made),
        }  # fmt: skip


def compare_shares(asked: LabelShares, options: RunOptions, progress: Callable[[str], Progress]) -> LabelStudy:
    """Train every arm on every share with every seed, and score them; finished runs are reused.

    progress  makes the Progress of a part of the work, by its title

    Raises RequestError, before anything is trained, where a share is below one row of a label.
    """
    spec = asked.spec
    splits = run_on_first(lambda: read_splits(replace(spec, train_share=None)))
    assert splits.train
    run_on_first(lambda: _check(splits, asked))
    rows = len(splits.train)
    trained = {
        (share, arm): [spec_of_arm(asked, arm, share, spec.seed + k, rows) for k in range(asked.seeds)]
        for share in asked.shares
        for arm in asked.arms
        if arm != TFIDF
    }
    titles = {one.digest: f"{spec.task.name}, {arm}, {size_of_share(rows, share):,} labels, seed {one.seed}"
              for (share, arm), group in trained.items() for one in group}  # fmt: skip
    every = [one for group in trained.values() for one in group]
    done = iter(run_group(every, options, lambda one: progress(titles[one.digest])))
    runs = {key: [next(done) for _ in group] for key, group in trained.items()}
    shown = progress("label-share")
    try:
        return run_on_first(lambda: _scored(asked, splits, runs, shown))
    finally:
        shown.close()


def spec_of_arm(asked: LabelShares, arm: str, share: float, seed: int, rows: int) -> Spec:
    """The spec of a run of an arm on a share of so many train rows; with all rows it is that of an ordinary run."""
    spec = asked.spec
    recipe = replace(spec.recipe, learning_rate=asked.rates.get(arm, spec.recipe.learning_rate))
    if arm == FROZEN:
        recipe = replace(recipe, freeze="all")
    return replace(
        spec,
        seed=seed,
        scratch=arm == SCRATCH,
        train_share=share if share < 1 else None,
        recipe=with_least_steps(recipe, size_of_share(rows, share), asked.least_steps),
    )


def with_least_steps(recipe: Recipe, rows: int, least: int) -> Recipe:
    """The recipe with as many epochs over so many rows as make `least` updates, if its own make fewer.

    A recipe with a number of updates of its own (`max_steps`) is left as it is. Rows count as one feature each.
    """
    schedule = Schedule(
        order=Order(size=recipe.batch_size), features=rows, lengths=lambda some: some, epochs=recipe.epochs,
        accumulation=recipe.gradient_accumulation,
    )  # fmt: skip
    if recipe.max_steps is not None or schedule.updates >= least:
        return recipe
    return replace(recipe, epochs=least / schedule.updates_in(0))


def _check(splits: Splits, asked: LabelShares) -> None:
    """Raise RequestError for a share without a row of a label, one as large as another, or an arm that cannot be.

    Nor can each seed have scored rows of its own: the arms' differences would be between different rows.
    """
    assert splits.train
    if splits.train.carved and not asked.spec.task.source.halved_by and asked.seeds > 1:
        name = asked.spec.task.name
        raise RequestError(f"{name} has no train split here: each seed would score other rows; add one, or --seeds 1")
    if TFIDF in asked.arms and splits.head.simple is None:
        raise RequestError(f"a {splits.head.kind} head has no simple model: leave the arm {TFIDF} out of --arms")
    for k in range(asked.seeds):
        share_rows(splits.train, splits.head, asked.shares[0], asked.spec.seed + k)
    counts = [size_of_share(len(splits.train), share) for share in asked.shares]
    for one, other, count in zip(asked.shares, asked.shares[1:], counts[1:], strict=False):
        if counts.count(count) > 1:
            raise RequestError(
                f"--shares {100 * one:g},{100 * other:g}: of {len(splits.train):,} train rows both are {count:,}; "
                "leave one out"
            )


def _scored(
    asked: LabelShares, splits: Splits, runs: Mapping[tuple[float, str], list[Finished]], shown: Progress
) -> LabelStudy:
    every = [one for group in runs.values() for one in group]
    evaluation = scored_evaluation(asked.spec.task, every)
    name, metric = evaluation.name, evaluation.metrics[0]
    points: list[Point] = []
    found: list[tuple[float, Verdict]] = []
    for share in asked.shares:
        arms = {arm: arm_of_each(arm, group, name) for (one, arm), group in runs.items() if one == share}
        if TFIDF in asked.arms:
            seeds = range(asked.spec.seed, asked.spec.seed + asked.seeds)
            given = {seed: share_rows(splits.train, splits.head, share, seed) for seed in seeds if splits.train}
            arms[TFIDF] = simple_arm(TFIDF, next(iter(arms.values())), given, splits, shown)
        ordered = [arms[arm] for arm in asked.arms]
        points += [_point(arm, share, len(splits.train or ()), name) for arm in ordered]
        found += [(share, one) for other in ordered[1:] for one in verdicts([ordered[0], other], evaluation=name)]
    adjusted = together([one for _, one in found])
    last = min(one.mean.value for one in points if one.share == asked.shares[-1])
    return LabelStudy(
        task=asked.spec.task, metric=metric, evaluation=name, rows=len(splits.train or ()), points=tuple(points),
        verdicts=tuple((share, one) for (share, _), one in zip(found, adjusted, strict=True)),
        reach=last if asked.reach is None else asked.reach, reach_asked=asked.reach is not None,
        seeds=asked.seeds, marks=_marks(every, asked),
        made=tuple(made_of(arm, asked.spec.task.name, [one.folder for one in group])
                   | {"share": share} for (share, arm), group in runs.items()),
        failures=tuple({"arm": arm, "share": share, "seed": one.result.spec.seed, **to_plain(failure)}
                       for (share, arm), group in runs.items() for one in group for failure in one.result.failures),
    )  # fmt: skip


def _marks(runs: Sequence[Finished], asked: LabelShares) -> tuple[str, ...]:
    """Why these are no benchmark scores, but for the shares, which are what is compared."""
    marks = [mark for run in runs for mark in run.result.marks if "drawn by seed" not in mark]
    own = [mark for mark in dict.fromkeys(marks) if not mark.startswith("train: ")]
    limit = [f"of each split the first {asked.spec.limit:,} rows"] if asked.spec.limit else []
    return (*limit, *own, *marks_of_runs(runs))


def _point(arm: Arm, share: float, rows: int, evaluation: str) -> Point:
    scores = scores_of(arm, evaluation)
    labels = size_of_share(rows, share)
    return Point(arm=arm.name, share=share, labels=labels, scores=scores.scores, mean=scores.mean)
