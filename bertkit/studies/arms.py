"""The arms of a comparison: a run, or a folder of the runs of a spec's seeds, with their answers on each evaluation."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from bertkit.errors import RequestError
from bertkit.evaluation.intervals import Measures
from bertkit.evaluation.metrics import METRICS, Metric
from bertkit.heads import Head
from bertkit.pretraining import PRETRAINING
from bertkit.result import Failure, Result
from bertkit.runs.answered import Predicted, labels_of, predictions_of
from bertkit.runs.folder import SPEC, read_result, read_spec
from bertkit.spec import SAMPLE, Spec, to_plain

OF_SECOND_LABEL = "f1"
"""The metric of the second label alone, the positive one where a task has two."""


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What one run or file answers on an evaluation: row id -> answer, and -> gold ({} where a file has none)."""

    source: Path
    seed: int | None
    values: Mapping[str, Any]
    golds: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Part:
    """One evaluation of an arm: the answers of each of its runs, by seed, and how they are scored.

    metrics  names; the first is the headline
    labels   the names of the head's labels in its order; () where there are none
    scheme   the scheme of chunk tags, if labels are chunk tags
    rows     what rows these are besides their ids: task, split, whether they are the sample
    """

    arm: str
    task: str
    evaluation: str
    metrics: tuple[str, ...]
    labels: tuple[str, ...]
    scheme: str | None
    rows: Mapping[str, str]
    runs: tuple[Answers, ...]

    @property
    def seeds(self) -> tuple[int | None, ...]:
        """The seeds of its runs."""
        return tuple(run.seed for run in self.runs)

    @property
    def has_same_rows(self) -> bool:
        """Whether all runs answered the same rows in the same order: not so where each seed held out its own."""
        return all(list(run.values) == list(self.runs[0].values) for run in self.runs)

    def metric(self, name: str) -> Metric:
        """The metric of this name, for the arm's labels."""
        return METRICS[name].under(self.scheme)


def measured(parts: Sequence[Part], name: str, golds: Mapping[str, Any]) -> list[list[Measures]]:
    """(R, k) what the metric `name` measures of each run's answers to the rows of `golds`, by part.

    All at once, so that the k columns are of the same labels for all.
    """
    runs = [run for part in parts for run in part.runs]
    values = [run.values[one] for run in runs for one in golds]
    table = parts[0].metric(name).measure(list(golds.values()) * len(runs), values, parts[0].labels)
    tables = iter(np.split(table, len(runs)))
    return [list(islice(tables, len(part.runs))) for part in parts]


@dataclass(frozen=True, kw_only=True)
class Arm:
    """What is compared: its name, its parts by (task, evaluation), and the spec of each task (of a file none).

    failures  of the runs that failed, by task and seed; they are in the means and in the tests all the same
    """

    name: str
    parts: Mapping[tuple[str, str], Part]
    specs: Mapping[str, Spec]
    failures: Mapping[tuple[str, int], tuple[Failure, ...]] = field(default_factory=dict)


def arm_of_runs(path: Path, name: str, all_seeds: bool = False) -> Arm:
    """The arm of a run's folder, or of a folder of runs, each with one spec a task.

    `all_seeds` takes the other seeds of a run's spec that stand in the same folder too. Raises RequestError where a run
    is not finished or damaged, where there is none, and where the runs of a task differ in more than their seeds.
    """
    if (path / SPEC).is_file():
        folders = [path, *(_siblings(path) if all_seeds else ())]
    else:
        folders = [one for one in _children(path) if _is_finetuning(one)]
    if not folders:
        raise RequestError(f"{path} is no run's folder, and holds none")
    results = {folder: read_result(folder) for folder in folders}
    if unfinished := [str(folder) for folder, result in results.items() if result is None]:
        raise RequestError(f"not finished: {', '.join(unfinished)}; resume each with `bertkit resume`")
    found = sorted(((folder, one) for folder, one in results.items() if one), key=lambda pair: pair[1].spec.seed)
    return arm_of(name, found)


def arm_of(name: str, runs: Sequence[tuple[Path, Result]]) -> Arm:
    """The arm of these finished runs. Raises RequestError where those of a task differ in more than their seeds."""
    tasks: dict[str, list[tuple[Path, Result]]] = {}
    for folder, result in runs:
        tasks.setdefault(result.spec.task.name, []).append((folder, result))
    for task, group in tasks.items():
        _check_alike(name, task, group)
    parts = {(part.task, part.evaluation): part for group in tasks.values() for part in _parts(name, group)}
    specs = {task: group[0][1].spec for task, group in tasks.items()}
    failed = {(one.spec.task.name, one.spec.seed): one.failures for _, one in runs if one.failures}
    return Arm(name=name, parts=parts, specs=specs, failures=failed)


def differences(first: Spec, second: Spec) -> list[str]:
    """The fields in which two specs differ, each with both values, without the seed."""
    plains = [dict(_leaves(to_plain(spec))) for spec in (first, second)]
    names = dict.fromkeys([*plains[0], *plains[1]])
    differing = [name for name in names if name != "seed" and plains[0].get(name) != plains[1].get(name)]
    return [f"{name} {_short(plains[0].get(name))} and {_short(plains[1].get(name))}" for name in differing]


def _check_alike(name: str, task: str, group: Sequence[tuple[Path, Result]]) -> None:
    (first, result), seeds = group[0], set[int]()
    for folder, other in group:
        if differing := differences(result.spec, other.spec):
            raise RequestError(
                f"{name}: {first.name} and {folder.name} are runs on {task} that differ in {'; '.join(differing[:4])}: "
                "name one run of each arm, with --all-seeds for its other seeds"
            )
        if other.spec.seed in seeds:
            raise RequestError(f"{name}: two runs on {task} have seed {other.spec.seed}: {folder.name} and another")
        seeds.add(other.spec.seed)


def _parts(name: str, group: Sequence[tuple[Path, Result]]) -> Iterator[Part]:
    folder, result = group[0]
    spec = result.spec
    head = spec.task.head
    read = [(one, other.spec.seed, predictions_of(one)) for one, other in group]
    labels = labels_of(folder, head) or _labels_in(head, read[0][2].values())
    for evaluation in spec.task.scored:
        if any(one.name == evaluation.name and one.missing for one in result.evaluations):
            continue
        runs = (answers_of(one, seed, lines.get(evaluation.name, Predicted())) for one, seed, lines in read)
        yield Part(
            arm=name,
            task=spec.task.name,
            evaluation=evaluation.name,
            metrics=evaluation.metrics,
            labels=labels,
            scheme=head.chunk_scheme,
            rows={
                "task": spec.task.name,
                "split": evaluation.split,
                "rows": "the sample's" if spec.data == SAMPLE else "the data set's",
            },
            runs=tuple(runs),
        )


def _labels_in(head: Head, predicted: Iterable[Predicted]) -> tuple[str, ...]:
    """The labels of golds and answers, in the order in which train rows would give them; () of a head without."""
    return head.resolved([gold for part in predicted for gold in (*part.golds, *part.answers) if gold]).label_names


def answers_of(folder: Path, seed: int, predicted: Predicted) -> Answers:
    """What a run with this seed, in `folder`, answered on an evaluation; rows that share an id are told apart."""
    keys = _distinct(predicted.ids)
    values = dict(zip(keys, predicted.answers, strict=True))
    return Answers(source=folder, seed=seed, values=values, golds=dict(zip(keys, predicted.golds, strict=True)))


def _distinct(ids: Sequence[str]) -> list[str]:
    """The ids of rows; where rows share one, with which of them it is."""
    seen, found = Counter[str](), []
    for one in ids:
        seen[one] += 1
        found.append(one if seen[one] == 1 else f"{one} (row {seen[one]} of this id)")
    return found


def _children(folder: Path) -> list[Path]:
    return sorted(one for one in folder.iterdir() if (one / SPEC).is_file()) if folder.is_dir() else []


def _is_finetuning(folder: Path) -> bool:
    """Whether a folder is of a run on a task, and not of pretraining."""
    try:
        plain = json.loads((folder / SPEC).read_text("utf-8"))
    except (OSError, ValueError):
        return True  # reading it says what is wrong
    return not isinstance(plain, dict) or PRETRAINING not in plain


def _siblings(run: Path) -> list[Path]:
    """The other finished runs in the same folder whose specs differ from this one's in the seed alone."""
    spec = read_spec(run)
    others = [
        one for one in _children(run.absolute().parent) if one.name != run.absolute().name and _is_finetuning(one)
    ]
    return [one for one in others if not differences(spec, read_spec(one)) and read_result(one) is not None]


def _leaves(plain: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(plain, dict) and plain:
        for key, value in plain.items():
            yield from _leaves(value, f"{name}.{key}" if name else str(key))
    else:
        yield name, plain


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else text[:37] + "..."
