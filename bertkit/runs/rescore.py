"""Score a trained model without training: a run's, or any fine-tuned checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bertkit.data.encoding import blocks_of
from bertkit.data.locate import TRAIN, SplitFiles, held_out_for, is_carved, locate_splits
from bertkit.data.rows import Rows
from bertkit.data.splits import Splits, marks_of, read_located_splits
from bertkit.data.table import Table
from bertkit.encoders import locate_encoder
from bertkit.errors import EncoderError, RequestError, RunError
from bertkit.evaluation.inference import Tally, in_blocks
from bertkit.evaluation.score import Answered, score
from bertkit.heads.temperature import temperature_in
from bertkit.machine.devices import accelerator, is_available
from bertkit.models.labels import head_scored, in_task_order
from bertkit.models.load import fetch, load_trained
from bertkit.models.task_model import TaskModel, task_model
from bertkit.progress import Progress
from bertkit.request.label_map import typed_label_map
from bertkit.result import Result, RowCount, Scored
from bertkit.runs.floors import with_known
from bertkit.runs.folder import MODEL, located, pinned_to, read_result, read_spec, recorded_commits
from bertkit.spec import Spec
from bertkit.task import Evaluation


@dataclass(frozen=True, kw_only=True)
class Scores:
    """A trained model's scores on a task's evaluations.

    assumed  the task's label for each of the model's, where its names say nothing: the task's order
    """

    spec: Spec
    evaluations: tuple[Scored, ...]
    marks: tuple[str, ...]
    assumed: Mapping[str, str] | None = None


def score_run(folder: Path, progress: Progress) -> Scores:
    """Score the model in a run's folder on the rows it was scored on. Raises RequestError if it is no run.

    Where its device is not available, it is scored on the CPU. Raises RequestError too if those rows were held out of
    train rows that changed since: it may have been trained on some that would be held out now.
    """
    spec = located(folder, read_spec(folder))
    spec = pinned_to(spec, {"datasets": recorded_commits(folder).get("datasets", {})})  # it scores its own model
    spec = replace(spec, device=spec.device if is_available(spec.device) else "cpu", precision="fp32")
    files = locate_splits(spec.task, spec.data, training=False)
    held_out = held_out_for(spec.task, files)
    before = read_result(folder) if held_out else _result_if_sound(folder)
    counts: dict[str, RowCount] = {}

    def check(splits: Splits) -> None:
        counts.update(splits.counts({}))
        if before and held_out and before.rows[held_out].digest != splits.rows[held_out].digest:
            raise RequestError(
                f"the {TRAIN} rows changed since {folder} finished: other rows would be held out now, and it may have "
                "been trained on some of them"
            )

    scores = _score(spec, folder / MODEL, progress, files, is_carved(spec.task, files), check)
    return replace(scores, evaluations=tuple(with_known(scores.evaluations, before, counts)))


def _result_if_sound(folder: Path) -> Result | None:
    """The run's result; None if it has none, or a damaged one, without which its model can be scored all the same."""
    with suppress(RequestError):
        return read_result(folder)
    return None


def score_checkpoint(spec: Spec, progress: Progress, write: Callable[[list[Any]], None] | None = None) -> Scores:
    """Score the fine-tuned checkpoint that `spec.model` names; labels are matched by name, or by `spec.label_map`.

    Where its names say nothing (LABEL_0) they are taken in the task's order. Each block of answers is passed to
    `write`, if given, as lines of predictions.jsonl. Raises EncoderError if the answers then show that the labels
    stand in another order.
    """
    folder, _ = fetch(locate_encoder(spec.model, spec.revision), weights=True)
    return _score(spec, folder, progress, locate_splits(spec.task, spec.data, training=False), write=write)


def _score(
    spec: Spec,
    folder: Path,
    progress: Progress,
    files: SplitFiles | None,
    carved: bool = False,
    check: Callable[[Splits], None] = lambda splits: None,
    write: Callable[[list[Any]], None] | None = None,
) -> Scores:
    """Predict and score every evaluation of the spec's task with the model in `folder`, once `check` passed its rows.

    `carved` leaves out the documents that the model was trained on, where dev replaced train.
    """
    loaded = load_trained(folder, spec.task.head)
    head, assumed = head_scored(loaded, spec.task.head, spec.label_map)
    splits = read_located_splits(spec, files, training=carved, labels=head.label_names)
    check(splits)
    device = accelerator(spec.device, "fp32")
    model = task_model(loaded, head, spec, device)
    scored = []
    for evaluation in spec.task.evaluations:
        rows = splits.evaluations[evaluation.name]
        if not isinstance(rows, Rows):
            scored.append(Scored(name=evaluation.name, split=evaluation.split, missing=rows))
            continue
        try:
            part, lines = _answered(model, evaluation, rows.table, progress, write)
        except RunError as error:
            raise RunError(f"evaluation {evaluation.name}: {error}") from error
        for line in lines:
            progress.note(f"{evaluation.name}: {line}")
        scored.append(score(in_task_order(head, spec.task.head), part))
        if assumed:
            _refuse_permuted(scored[-1], assumed, spec.model)
    return Scores(spec=spec, evaluations=tuple(scored), marks=marks_of(spec, splits), assumed=assumed)


def _refuse_permuted(scored: Scored, assumed: Mapping[str, str], model: str) -> None:
    """Raise EncoderError if the answers show that the model's labels stand in another order than was assumed."""
    found = scored.details.get("permuted")
    if found:
        label_map = {theirs: found["names"][ours] for theirs, ours in assumed.items()}
        raise EncoderError(
            f"{model}: its labels have no names ({', '.join(assumed)}); in the task's order accuracy on {scored.name} "
            f"is {100 * found['accuracy']:.1f}, in another {100 * found['permuted']:.1f}: "
            f"{typed_label_map(label_map)}"
        )


def _answered(
    model: TaskModel,
    evaluation: Evaluation,
    table: Table,
    progress: Progress,
    write: Callable[[list[Any]], None] | None,
) -> tuple[Answered, list[str]]:
    """The answers to an evaluation's rows, with their golds, and notes on the rows."""
    read = [*model.head.roles[:-1], "row_id"]
    blocks = ((columns, {name: columns[name] for name in read}) for columns in blocks_of(table))
    progress.phase("predicting", len(table))
    temperature = temperature_in(vars(model.network.config))
    answered, tally = Answered(model.head, evaluation, temperature), Tally()
    for columns, found in in_blocks(model, blocks, progress, tally):
        lines = answered.add(columns, found)
        if write:
            write(lines)
    return answered, tally.lines
