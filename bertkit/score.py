"""Scores of a model that was trained before: a run's, or anyone's checkpoint. Nothing is trained here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from bertkit import evaluate
from bertkit import model as models
from bertkit.devices import accelerator, is_there
from bertkit.encoders import locate_encoder
from bertkit.errors import EncoderError
from bertkit.heads import FROM_TRAIN, Head, Number, Span
from bertkit.layouts import laid
from bertkit.result import MODEL, Scored, begun_commits, located, read_spec
from bertkit.rows import Rows
from bertkit.same import begun_with
from bertkit.spec import Spec
from bertkit.splits import is_carved, marks_of, read_splits
from bertkit.watch import Watch


@dataclass(frozen=True, kw_only=True)
class Scores:
    """What a trained model gets on a task's evaluations."""

    spec: Spec
    evaluations: tuple[Scored, ...]
    marks: tuple[str, ...]


def score_run(folder: Path, watch: Watch) -> Scores:
    """Score the model in a run's folder on the rows it was scored on. Raises RequestError if it is no run.

    It may have been trained on a device that is not here.
    """
    spec = located(folder, read_spec(folder))
    spec = begun_with(spec, {"datasets": begun_commits(folder).get("datasets", {})})  # its own model is what is scored
    spec = replace(spec, device=spec.device if is_there(spec.device) else "cpu", precision="fp32")
    return score_model(spec, folder / MODEL, watch, carved=is_carved(spec))


def score_checkpoint(spec: Spec, watch: Watch) -> Scores:
    """Score the fine-tuned checkpoint that `spec.model` names; labels are matched by name."""
    folder, _ = models.fetch(locate_encoder(spec.model, spec.revision), weights=True)
    return score_model(spec, folder, watch, carved=False)


def score_model(spec: Spec, folder: Path, watch: Watch, carved: bool) -> Scores:
    """Predict and score every evaluation of the spec's task with the model in `folder`.

    `carved` leaves out the documents that the model was trained on, where dev stood in for train.
    """
    loaded = models.load_trained(folder, spec.task.head)
    head = head_of(loaded, spec.task.head)
    splits = read_splits(spec, training=carved)
    device = accelerator(spec.device, "fp32")
    window = models.fit_window(spec.recipe.window, loaded.model.config, typed=False)
    layout = laid(loaded.model, spec.layout, spec.recipe, device.device)
    scored = []
    for evaluation in spec.task.evaluations:
        rows = splits.evaluations[evaluation.name]
        if not isinstance(rows, Rows):
            scored.append(Scored(name=evaluation.name, split=evaluation.split, missing=rows))
            continue
        answers = evaluate.answers(loaded, head, rows.table, device, watch, layout, window)
        answered = evaluate.answered(head, evaluation, rows.table, answers)
        scored.append(evaluate.score(in_task_order(head, spec.task.head), answered))
    return Scores(spec=spec, evaluations=tuple(scored), marks=marks_of(spec, splits))


def head_of(loaded: models.Loaded, head: Head) -> Head:
    """The head with its labels in the model's own order and the task's own names.

    Names are matched without regard to case, `_`, `-` and spaces. Raises EncoderError if they are not the
    same set, as with LABEL_0: an order that nobody wrote down cannot be known.
    """
    if isinstance(head, Span):
        return head
    config = loaded.model.config
    if isinstance(head.labels, Number):
        if config.num_labels != 1:
            raise EncoderError(f"{loaded.record['name']} has {config.num_labels} labels; the task asks for a number")
        return head
    theirs = [str(config.id2label[i]) for i in range(config.num_labels)]
    if head.labels == FROM_TRAIN:
        return replace(head, labels=tuple(theirs))
    assert isinstance(head.labels, tuple)
    ours = {_folded(name): name for name in head.labels}
    if {_folded(name) for name in theirs} != set(ours):
        raise EncoderError(
            f"{loaded.record['name']} has the labels {', '.join(theirs)}; the task's are {', '.join(head.labels)}: "
            "name them in its config.json (id2label), for they are matched by name"
        )
    return replace(head, labels=tuple(ours[_folded(name)] for name in theirs))


def in_task_order(head: Head, task_head: Head) -> Head:
    """The head with the task's own order of labels, which metrics and golds go by."""
    if isinstance(head, Span) or task_head.labels == FROM_TRAIN:
        return head
    return task_head


def _folded(name: str) -> str:
    return "".join(ch for ch in name.lower() if ch not in "_- ")
