"""Transfer: encoders that are fine-tuned on one task, and scored on others, of other languages; as a matrix.

S seeds of a model, R rows of a test set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

from bertkit import registry
from bertkit.errors import DataError, HubError
from bertkit.evaluation import two_way
from bertkit.evaluation.paired_tests import interval_over_rows
from bertkit.progress import Progress
from bertkit.request.transfer_flags import TransferRequest
from bertkit.result import Finished
from bertkit.runs.transferred import Transferred, read_tested, transferred
from bertkit.spec import RunOptions, Spec
from bertkit.studies.arms import Arm, Part, answers_of, measured
from bertkit.studies.group import marks_of_runs, run_group
from bertkit.studies.transfer_found import Cell, ScoredSet, Transfer, beside
from bertkit.studies.transfer_lines import Compared
from bertkit.studies.verdict import Verdict, verdicts

Key: TypeAlias = tuple[str, str]
"""A task and its evaluation."""
Scored: TypeAlias = Mapping[str, Sequence[Transferred] | str]
"""By test task what a model's seeds answered, or why there is no answer."""


def transfer(asked: TransferRequest, options: RunOptions, progress: Callable[[Spec], Progress]) -> Transfer:
    """Fine-tune every model with every seed, and score each run on every test task; what is finished is reused.

    A test task whose rows cannot be read is a missing cell. Raises DataError before anything is trained if that is so
    of all of them, and what a run raises.
    """
    tests = _readable(asked.tests)
    done = iter(run_group([spec for group in asked.arms.values() for spec in group], options, progress))
    runs = {name: tuple(next(done) for _ in group) for name, group in asked.arms.items()}
    scored = {name: _scored(group, tests, progress) for name, group in runs.items()}
    arms = [_arm(name, group, scored[name]) for name, group in runs.items()]
    sets = tuple(_sets(asked, arms))
    cells = {(arm.name, *one.key): _cell(arm, one.key, scored[arm.name][one.task.name]) for arm in arms for one in sets}
    return Transfer(
        train=asked.train, models=tuple(runs), runs=runs, sets=sets, cells=cells,
        verdicts={other.name: _compared(arms[0], other) for other in arms[1:]},
        published=beside(registry.transfers(asked.train.name), sets), marks=_marks(runs, scored),
    )  # fmt: skip


def _readable(tests: Mapping[str, Spec | str]) -> Mapping[str, Spec | str]:
    """The spec of each test task, or why its rows cannot be read. Raises DataError if none can be."""
    found = {task: spec if isinstance(spec, str) else _unreadable(spec) or spec for task, spec in tests.items()}
    if all(isinstance(one, str) for one in found.values()):
        raise DataError(str(next(iter(found.values()))))
    return found


def _unreadable(spec: Spec) -> str | None:
    try:
        read_tested(spec)
    except (DataError, HubError) as error:  # the other test tasks are scored all the same
        return str(error)
    return None


def _scored(runs: Sequence[Finished], tests: Mapping[str, Spec | str], progress: Callable[[Spec], Progress]) -> Scored:
    return {
        task: spec if isinstance(spec, str) else [transferred(run.folder, spec, progress(spec)) for run in runs]
        for task, spec in tests.items()
    }


def _arm(name: str, runs: Sequence[Finished], scored: Scored) -> Arm:
    """The model as an arm of a comparison: what its runs answered on every test set that has rows."""
    parts = {
        part_key: part
        for task, found in scored.items()
        if not isinstance(found, str)
        for part_key, part in _parts(name, task, runs, found)
    }
    return Arm(name=name, parts=parts, specs={})


def _parts(name: str, task: str, runs: Sequence[Finished], found: Sequence[Transferred]) -> Iterator[tuple[Key, Part]]:
    tested = registry.find(task)
    for evaluation in tested.scored:
        if evaluation.name not in found[0].predicted:
            continue
        answers = (
            answers_of(one.folder, run.result.spec.seed, one.predicted[evaluation.name])
            for run, one in zip(runs, found, strict=True)
        )
        yield (
            (task, evaluation.name),
            Part(
                arm=name, task=task, evaluation=evaluation.name, metrics=evaluation.metrics,
                labels=tested.head.label_names, scheme=tested.head.chunk_scheme,
                rows={"task": task, "split": evaluation.split}, runs=tuple(answers),
            ),
        )  # fmt: skip


def _sets(asked: TransferRequest, arms: Sequence[Arm]) -> Iterator[ScoredSet]:
    """The test sets in the order of their tasks; of a task without rows its first."""
    trained_in = registry.language(asked.train.name)
    for name in asked.tests:
        task = registry.find(name)
        there = [one for one in task.scored if any((name, one.name) in arm.parts for arm in arms)]
        language = registry.language(name)
        for evaluation in there or task.scored[:1]:
            parts = [arm.parts[name, evaluation.name] for arm in arms if (name, evaluation.name) in arm.parts]
            yield ScoredSet(
                task=task, evaluation=evaluation.name, metrics=evaluation.metrics,
                rows=len(parts[0].runs[0].values) if parts else 0, language=language,
                is_other=None not in (language, trained_in) and language != trained_in,
            )  # fmt: skip


def _cell(arm: Arm, key: Key, found: Sequence[Transferred] | str) -> Cell:
    part = arm.parts.get(key)
    if part is None or isinstance(found, str):
        return Cell(missing=found if isinstance(found, str) else found[0].missing.get(key[1], "no rows"))
    means, scores = dict[str, two_way.Mean](), dict[str, tuple[float, ...]]()
    for name in part.metrics:
        metric = part.metric(name)
        (tables,) = measured([part], name, part.runs[0].golds)
        means[name] = two_way.mean(metric, tables)
        scores[name] = tuple(metric.score(table) for table in tables)
    return Cell(means=means, scores=scores, unknown=found[0].unknown.get(key[1]))


def _compared(first: Arm, other: Arm) -> tuple[Compared, ...]:
    """The first model against another on every test set that both answered; none where there is none."""
    found = verdicts([first, other]) if first.parts.keys() & other.parts.keys() else []
    return tuple(_with_rows(one, first, other) for one in found)


def _with_rows(found: Verdict, first: Arm, other: Arm) -> Compared:
    parts = [arm.parts[found.task, found.evaluation] for arm in (first, other)]
    tables = measured(parts, found.metric, parts[0].runs[0].golds)
    low, high = interval_over_rows(parts[0].metric(found.metric), *tables)
    return Compared(verdict=found, low=low, high=high)


def _marks(runs: Mapping[str, Sequence[Finished]], scored: Mapping[str, Scored]) -> tuple[str, ...]:
    """Why the scores are not of all published rows, a line each, and of train only once for all models."""
    groups = list(runs.values())
    trained = [mark for group in groups for mark in (*group[0].result.marks, *marks_of_runs(group))]
    tested = [
        f"{task}, {mark}"
        for one in scored.values()
        for task, found in one.items()
        if not isinstance(found, str)
        for mark in found[0].marks
        if mark not in trained  # such as that they are the sample
    ]
    return tuple(dict.fromkeys([*trained, *tested]))
