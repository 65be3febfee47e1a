"""Search for a recipe: every trial is scored on rows of train that none trains on; only the best is scored on dev."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from bertkit.data.splits import read_splits
from bertkit.errors import DivergedError, RunError, StoppedError
from bertkit.evaluation.expected_best import ExpectedBest, expected_best
from bertkit.machine.devices import resolved
from bertkit.plots.expected_best import BestCurve
from bertkit.progress import Progress
from bertkit.request.search_space import Space, chosen, flags_of
from bertkit.result import Finished
from bertkit.runs.folder import back_up, pinned_to, read_result, recorded_commits
from bertkit.runs.lock import check_out, one_writer
from bertkit.runs.provenance import check_unchanged
from bertkit.runs.run import run
from bertkit.spec import RunOptions, Spec, to_plain
from bertkit.studies.search_study import MEDIAN_OF, RANDOM, Study, Trial
from bertkit.training import checkpoint
from bertkit.training.pruning import PARTS

DATABASE, TRIALS = "study.db", "trials"
"""In a search's folder: Optuna's study, and the folders of its trials."""
VERSION = 1
"""Of how trials are chosen, scored and pruned; increase it when that changes."""


@dataclass(frozen=True, kw_only=True)
class Search:
    """A search as requested: a spec, what is chosen in its recipe, how many trials there are, whether bad ones end.

    seeds  of the best recipe's runs, counting up from the spec's
    """

    spec: Spec
    space: Space
    trials: int
    seeds: int
    prune: bool

    def trial(self, choice: Mapping[str, Any]) -> Spec:
        """The spec of a trial."""
        return replace(self.spec, recipe=chosen(self.spec.recipe, choice), trial=True, eval_every=None)

    def final(self, choice: Mapping[str, Any]) -> list[Spec]:
        """The specs of the best recipe's runs, on all train rows."""
        best = replace(self.trial(choice), trial=False)
        return [replace(best, seed=best.seed + k) for k in range(self.seeds)]

    @property
    def folder_name(self) -> str:
        """A name for the search's folder, ending in a digest of all that decides its trials, but for how many."""
        base = self.trial(self.space.first)
        made_of = [to_plain(self.space), self.prune, PARTS, RANDOM, MEDIAN_OF, VERSION, base.digest]
        digest = hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:8]
        return f"search-{base.folder_name.rpartition('-')[0]}-{digest}"


@dataclass(frozen=True, kw_only=True)
class Searched:
    """What a search found.

    rows    that a trial trains on, that it is scored on, and that the best recipe's runs train on
    best    the complete trial with the highest score, the first of equal ones
    runs    of the best recipe, one for each seed: they alone were scored on the task's evaluations
    """

    folder: Path
    search: Search
    rows: tuple[int, int, int]
    trials: tuple[Trial, ...]
    best: Trial
    importances: Mapping[str, float]
    runs: tuple[Finished, ...]

    @property
    def metric(self) -> str:
        """The metric of the trials."""
        return self.search.spec.task.scored[0].metrics[0]

    def count(self, state: str) -> int:
        """How many trials are complete, pruned or failed."""
        return sum(one.state == state for one in self.trials)

    @cached_property
    def expected(self) -> tuple[ExpectedBest, ...]:
        """The expected best of 1, 2 ... trials; a pruned one has its last score, a failed one the lowest of all."""
        values = [one.value for one in self.trials if one.value is not None]
        return expected_best([min(values) if one.value is None else one.value for one in self.trials])

    @property
    def assumed(self) -> str:
        """What the expected best takes the trials for, and how they are not."""
        parts = ["trials were independent draws"]
        if len(self.trials) > RANDOM:
            parts.append(f"from trial {RANDOM + 1} on TPE chooses by earlier ones")
        for state, score in (("pruned", "its last"), ("failed", "the lowest")):
            if count := self.count(state):
                parts.append(f"{count} {state}, {'each ' if count > 1 else ''}with {score} score")
        return "; ".join(parts)

    @property
    def curve(self) -> BestCurve:
        """For the figure."""
        scores = [None if one.value is None else (one.value, one.state == "pruned") for one in self.trials]
        means, sds = (tuple(getattr(one, name) for one in self.expected) for name in ("mean", "sd"))
        return BestCurve(metric=self.metric, means=means, sds=sds, scores=tuple(scores))

    def plain(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return {
            "search": self.search.spec.task.name,
            "metric": self.metric,
            "rows": dict(zip(("train", "selection", "train of the runs"), self.rows, strict=True)),
            "space": to_plain(self.search.space),
            "counts": {state: self.count(state) for state in ("complete", "pruned", "failed")},
            "trials": [_plain_trial(one) for one in self.trials],
            "best": self.best.number,
            "options": flags_of(self.best.choice),
            "expected best": [{"trials": one.trials, "mean": one.mean, "sd": one.sd} for one in self.expected],
            "expected best is as if": self.assumed,
            "importances": dict(self.importances),
            "runs": [{"folder": str(one.folder), **to_plain(one.result)} for one in self.runs],
        }


def _plain_trial(trial: Trial) -> dict[str, Any]:
    plain = {name: getattr(trial, name) for name in ("number", "state", "value", "run", "why")}
    return {**plain, "choice": dict(trial.choice), "scores": {str(part): one for part, one in trial.scores.items()}}


def search(
    asked: Search,
    options: RunOptions,
    progress: Callable[[str], Progress],
    told: Callable[[str], None] = lambda line: None,
) -> Searched:
    """Run the trials that are missing, then train and score the best recipe; finished trials and runs are kept.

    `told` gets a line for every trial. Raises RequestError if rows or encoder changed since its first trial, DataError
    if no rows of train can be held out, RunError if no trial is complete, and what a run raises.
    """
    asked = replace(asked, spec=resolved(asked.spec))
    check_out(options.out)
    folder = options.out / asked.folder_name
    rows = _checked_rows(asked, folder, options)
    with one_writer(folder):
        if options.force and folder.exists():
            told(f"the old folder was renamed to {back_up(folder)}")
        folder.mkdir(exist_ok=True)
        with closing(Study(folder / DATABASE, folder.name, asked.space, asked.spec.seed)) as study:
            searching = _Searching(search=asked, folder=folder, options=options, study=study)
            searching.run_missing(progress, told)
            trials = study.trials()[: asked.trials]
            best = _best(trials, folder)
            importances = study.importances(asked.trials)
        told(f"the best is trial {best.number}: {flags_of(best.choice)}; it is trained on all train rows")
        runs = tuple(
            run(spec, options, progress(f"{spec.task.name}, seed {spec.seed}"), commits=_commits(folder, trials))
            for spec in asked.final(best.choice)
        )
    counts = (*rows, runs[0].result.rows["train"].used)
    return Searched(
        folder=folder, search=asked, rows=counts, trials=tuple(trials), best=best, importances=importances, runs=runs
    )


@dataclass(frozen=True, kw_only=True)
class _Searching:
    """A search while its trials are run."""

    search: Search
    folder: Path
    options: RunOptions
    study: Study

    def run_missing(self, progress: Callable[[str], Progress], told: Callable[[str], None]) -> None:
        """Run one trial after the other, until there are as many as asked for."""
        options = replace(self.options, out=self.folder / TRIALS, force=False)
        while len(trials := self.study.trials()) < self.search.trials:
            number, choice = self.study.next()
            spec = self.search.trial(choice)
            title = f"{spec.task.name}, trial {number} of {self.search.trials}"
            prune = self.study.pruner() if self.search.prune else lambda scores: False
            try:
                commits = _commits(self.folder, trials)
                done = run(spec, options, progress(title), commits=commits, prune=prune)
                trial = _finished(number, choice, done)
            except DivergedError as error:
                checkpoint.remove(options.out / spec.folder_name)
                trial = Trial(
                    number=number, state="failed", choice=choice, value=None, scores={}, run=spec.folder_name,
                    why=str(error),
                )  # fmt: skip
            except StoppedError as error:
                raise StoppedError(error.number, "; the same command continues the search") from error
            self.study.add(trial)
            told(line_of(trial, self.search.spec.task.scored[0].metrics[0]))


def line_of(trial: Trial, metric: str) -> str:
    """A finished trial in one line."""
    score = f"{metric} {trial.value:.4f}" if trial.value is not None else f"failed: {trial.why}"
    ended = f", pruned after {max(trial.scores)} of {PARTS} parts" if trial.state == "pruned" else ""
    return f"trial {trial.number}: {flags_of(trial.choice)}: {score}{ended}"


def _finished(number: int, choice: Mapping[str, Any], done: Finished) -> Trial:
    found = done.result.selected
    return Trial(
        number=number, state="pruned" if found["pruned"] else "complete", choice=choice,
        value=found.get("value with it", found["value"]),
        scores={int(part): one for part, one in found["scores"].items()}, run=done.folder.name,
    )  # fmt: skip


def _checked_rows(asked: Search, folder: Path, options: RunOptions) -> tuple[int, int]:
    """How many rows a trial trains on and is scored on. Raises RequestError if they, or the encoder, changed."""
    spec = asked.trial(asked.space.first)
    commits: Mapping[str, Any] = {}
    before = None
    if not options.force:
        for place in sorted((folder / TRIALS).glob("*")):
            before = before or read_result(place)
            commits = commits or recorded_commits(place)
    source = pinned_to(spec, commits)
    splits = read_splits(source)
    if before is not None:
        check_unchanged(before, splits, source, folder)
    assert splits.train and splits.selection
    return len(splits.train), len(splits.selection)


def _commits(folder: Path, trials: list[Trial]) -> Any:
    """The Hub commits of the search's first trial; None before there is one."""
    return recorded_commits(folder / TRIALS / trials[0].run) if trials else None


def _best(trials: list[Trial], folder: Path) -> Trial:
    """The complete trial with the highest score. Raises RunError if there is none."""
    complete = [one for one in trials if one.state == "complete"]
    if not complete:
        why = trials[0].why
        raise RunError(
            f"{folder}: none of the {len(trials)} trials gave a score; the first: {why}; try a lower --lr-range"
        )
    return max(complete, key=lambda one: (one.value, -one.number))
