"""What a study of transfer found: a matrix of models and test sets, verdicts, and published scores beside it.

S seeds of a model, R rows of a test set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bertkit import registry
from bertkit.evaluation import two_way
from bertkit.evaluation.titles import METRIC_TITLES
from bertkit.plots.transfer import Matrix, MatrixRow
from bertkit.result import Finished
from bertkit.spec import to_plain
from bertkit.studies.comparison_json import made_of, plain_verdict
from bertkit.studies.transfer_lines import Ahead, Compared, sentence, sets_ahead
from bertkit.task import PublishedTransfer, Task


@dataclass(frozen=True, kw_only=True)
class ScoredSet:
    """A column of the matrix: an evaluation of a test task.

    rows     R; 0 where no model was scored on it
    is_other whether its rows are in another language than those that were trained on, as far as that is known
    """

    task: Task
    evaluation: str
    metrics: tuple[str, ...]
    rows: int
    language: str | None
    is_other: bool

    @property
    def key(self) -> tuple[str, str]:
        """Task and evaluation."""
        return self.task.name, self.evaluation

    @property
    def title(self) -> str:
        """`xquad.zh test`."""
        return " ".join(self.key)


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One model on one test set.

    means    by metric the mean over S seeds with its interval over seeds and rows
    unknown  the share of tokens that the tokenizer does not know; None where it is not known
    missing  why it was not scored, if it was not
    """

    means: Mapping[str, two_way.Mean] = field(default_factory=dict)
    scores: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    unknown: float | None = None
    missing: str | None = None


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """What a study of transfer found.

    cells     by (model, task, evaluation)
    verdicts  of the first model on each other one, a list a model: an entry a test set, p adjusted for them together
    published models that were fine-tuned on all rows of the same task, with their scores on the test sets' tasks
    """

    train: Task
    models: tuple[str, ...]
    runs: Mapping[str, tuple[Finished, ...]]
    sets: tuple[ScoredSet, ...]
    cells: Mapping[tuple[str, str, str], Cell]
    verdicts: Mapping[str, tuple[Compared, ...]]
    published: tuple[PublishedTransfer, ...]
    marks: tuple[str, ...]

    @property
    def ahead(self) -> list[Ahead]:
        """On how many test sets in other languages the first model is ahead of each other one."""
        others = {one.key for one in self.sets if one.is_other}
        return [sets_ahead(name, found, others) for name, found in self.verdicts.items()]

    @property
    def lines(self) -> list[str]:
        """The finding, a sentence a model."""
        return [sentence(self.models[0], one) for one in self.ahead]

    @property
    def matrix(self) -> Matrix:
        """What the figure shows: headline scores, and beside them others where the published ones are by these."""
        columns = [(one, metric) for one in self.sets for metric in self._metrics_drawn(one)]
        titles = {metric: METRIC_TITLES.get(metric, metric) for _, metric in columns}
        ours = [
            MatrixRow(name=model, values=tuple(_value(self.cells[model, *one.key], metric) for one, metric in columns))
            for model in self.models
        ]
        theirs = [
            MatrixRow(name=f"{name}, published", values=tuple(self._published(name, *one) for one in columns))
            for name in self.published_names
        ]
        names = (one.title + f"\n{titles[by]}" * (by != one.metrics[0]) for one, by in columns)
        return Matrix(columns=tuple(names), rows=(*ours, *theirs))

    @property
    def published_names(self) -> tuple[str, ...]:
        """The published models, each once."""
        return tuple(dict.fromkeys(one.name for one in self.published))

    def published_of(self, name: str, found: ScoredSet, metric: str) -> tuple[str, float] | None:
        """A published model's score by this metric on a test set's task, and the evaluation that it is on.

        The same evaluation where there is one, else another of the task.
        """
        there = {
            evaluation: value
            for one in self.published
            if one.name == name
            for (task, evaluation, by), value in one.scores.items()
            if (task, by) == (found.task.name, metric)
        }
        evaluation = found.evaluation if found.evaluation in there else next(iter(there), None)
        return None if evaluation is None else (evaluation, there[evaluation])

    def _published(self, name: str, found: ScoredSet, metric: str) -> float | None:
        score = self.published_of(name, found, metric)
        return score and score[1]

    def _metrics_drawn(self, found: ScoredSet) -> list[str]:
        """The headline, and the first published metric where the headline is not published."""
        shown = [by for by in found.metrics if any(self.published_of(name, found, by) for name in self.published_names)]
        return [found.metrics[0], *(shown[:1] if found.metrics[0] not in shown else [])]

    def plain(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return {
            "train": self.train.name,
            "language": registry.language(self.train.name),
            "models": list(self.models),
            "marks": list(self.marks),
            "sets": [
                {"task": one.task.name, "evaluation": one.evaluation, "metrics": list(one.metrics), "rows": one.rows,
                 "language": one.language, "is other": one.is_other,
                 "models": {model: _plain(self.cells[model, *one.key]) for model in self.models}}
                for one in self.sets
            ],
            "verdicts": {
                name: [{**plain_verdict(one.verdict), "over rows": {"low": one.low, "high": one.high}} for one in found]
                for name, found in self.verdicts.items()
            },
            "ahead": [to_plain(one) for one in self.ahead],
            "lines": self.lines,
            "published": [
                {"model": one.name, "source": one.source, "trained on": f"all of {one.train}",
                 "scores": [[*key, value] for key, value in one.scores.items()]}
                for one in self.published
            ],
            "made": [made_of(name, self.train.name, [one.folder for one in runs]) for name, runs in self.runs.items()],
        }  # fmt: skip


def beside(published: Sequence[PublishedTransfer], sets: Sequence[ScoredSet]) -> tuple[PublishedTransfer, ...]:
    """Those of the published models that have a score on the tasks of the test sets, with these scores alone."""
    asked = {(one.task.name, metric) for one in sets for metric in one.metrics}
    kept = [
        replace(one, scores={key: value for key, value in one.scores.items() if (key[0], key[2]) in asked})
        for one in published
    ]
    return tuple(one for one in kept if one.scores)


def _value(cell: Cell, metric: str) -> float | None:
    mean = cell.means.get(metric)
    return mean.value if mean else None


def _plain(cell: Cell) -> dict[str, Any]:
    return {
        "scores": {name: list(scores) for name, scores in cell.scores.items()},
        "means": {name: to_plain(mean) for name, mean in cell.means.items()},
        "unknown": cell.unknown,
        "missing": cell.missing,
    }
