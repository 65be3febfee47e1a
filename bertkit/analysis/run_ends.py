"""Both ends of a run's training: its initial weights, rebuilt from the spec, and its trained ones.

R train rows of a slice, E rows of an evaluation.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from bertkit.analysis.finished_runs import FinishedRun
from bertkit.analysis.row_losses import Slice, slice_of
from bertkit.analysis.weights import Weights, put, unlike, weights_of
from bertkit.data.encoding import encode, key_of
from bertkit.data.rows import Rows
from bertkit.data.splits import Splits, marks_of, read_splits
from bertkit.errors import RequestError
from bertkit.evaluation.inference import blocks, check_finite, predict
from bertkit.heads.features import Features
from bertkit.machine.devices import accelerator, is_available
from bertkit.models.load import load_trained
from bertkit.models.output_layer import rescale
from bertkit.models.task_model import TaskModel, task_model
from bertkit.progress import Progress
from bertkit.runs.folder import MODEL, located, pinned_to, recorded_commits
from bertkit.runs.initial import initial
from bertkit.runs.provenance import check_unchanged, versions
from bertkit.spec import Device
from bertkit.task import Evaluation

DRAWING = ("torch", "transformers")
"""Packages by whose versions random weights may be drawn otherwise."""


@dataclass(frozen=True, kw_only=True)
class Scoring:
    """The E rows on which a run was scored first, and their features."""

    evaluation: Evaluation
    rows: Rows
    features: Features

    def answers(self, model: TaskModel) -> list[Any]:
        """What the model answers, in the rows' order. Raises DivergedError if its logits are not finite."""
        logits = predict(model, self.features, Progress())
        check_finite(self.features, logits, self.rows.table.column("row_id"), self.evaluation.name)
        parts = blocks(self.rows.table, self.features, logits)
        return [one.value for part in parts for one in model.head.decode(*part, model.window)]

    def golds(self, model: TaskModel) -> list[Any]:
        """What is right, in the rows' order."""
        return [model.head.gold(row) for row in self.rows.table]


@dataclass(frozen=True, kw_only=True)
class RunEnds:
    """A run before and after its training.

    model    with the trained weights at first; its head and their unit are those of training
    slice    the train rows on which losses are measured
    scoring  the run's first scored evaluation; None if there is none with rows
    marks    what a reader of its numbers must know
    """

    model: TaskModel
    start: Weights
    end: Weights
    slice: Slice
    scoring: Scoring | None
    train_rows: int
    marks: tuple[str, ...]

    def at(self, weights: Weights) -> TaskModel:
        """The model, which has these weights from now on."""
        put(self.model.network, weights)
        return self.model


def run_ends(run: FinishedRun, rows: int, seed: int, device: Device) -> RunEnds:
    """Read a run's rows again, rebuild the weights that it started with, and load its trained ones.

    LoRA is left out of the initial model, whose weights it changes by nothing before the first update. Raises
    RequestError if rows or encoder changed since, or if the trained model has other weights than the initial one;
    DataError or EncoderError for what cannot be read.
    """
    source = pinned_to(located(run.folder, run.spec), recorded_commits(run.folder))
    recipe = replace(source.recipe, lora=None, lora_alpha=None)
    source = replace(source, recipe=recipe, device=device if is_available(device) else "cpu", precision="fp32")
    splits = read_splits(source)
    check_unchanged(run.result, splits, source, run.folder, f"train it again to measure {run.folder}")
    start = weights_of(initial(source, splits.head).model)
    trained = load_trained(run.folder / MODEL, splits.head)
    mean, sd = splits.head.scale
    rescale(trained.model, -mean / sd, 1 / sd)
    end = weights_of(trained.model)
    if differing := unlike(start, end):
        raise RequestError(
            f"{run.folder}: its trained model has not the weights that it started with: {len(differing):,} differ in "
            f"name or shape, such as {differing[0]}"
        )
    model = task_model(
        trained, splits.head.with_config(trained.model.config), source, accelerator(source.device, "fp32")
    )
    assert splits.train
    return RunEnds(
        model=model, start=start, end=end, slice=slice_of(model, splits.train.table, rows, seed),
        scoring=_scoring(run, splits, model), train_rows=len(splits.train.table),
        marks=(*marks_of(source, splits), *_versions(run)),
    )  # fmt: skip


def _scoring(run: FinishedRun, splits: Splits, model: TaskModel) -> Scoring | None:
    for evaluation in run.spec.task.scored:
        rows = splits.evaluations[evaluation.name]
        if isinstance(rows, Rows) and len(rows.table):
            key = key_of(model.head, rows, model.loaded.record["tokenizer"], model.window)
            features = encode(model.head, rows.table, model.loaded.tokenizer, model.window, key=key)
            return Scoring(evaluation=evaluation, rows=rows, features=features)
    return None


def _versions(run: FinishedRun) -> tuple[str, ...]:
    """A mark where the weights of another version may have been drawn otherwise."""
    now = versions()
    changed = [name for name in DRAWING if run.result.versions.get(name) != now[name]]
    named = ", ".join(f"{name} {run.result.versions.get(name)} (here {now[name]})" for name in changed)
    return (f"{run.label}: trained with {named}: its random initial weights may have been others",) if named else ()
