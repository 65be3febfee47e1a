"""A run, in order: finished already? - seed - accelerator - rows - features - model - train - evaluate - write."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import accelerate
import torch
import transformers
from accelerate import Accelerator

from bertkit import __version__, evaluate
from bertkit import model as models
from bertkit.devices import accelerator as make_accelerator
from bertkit.devices import describe, first_says, settled
from bertkit.encoders import locate_encoder
from bertkit.encoding import Encoded, Worker, rows_cut
from bertkit.errors import RequestError
from bertkit.heads import Head, Window
from bertkit.layouts import Laid, laid
from bertkit.result import (
    LOG,
    MODEL,
    PREDICTIONS,
    RESULT,
    SPEC,
    Result,
    Scored,
    read_result,
    write_json,
    write_lines,
    write_result,
)
from bertkit.rows import Rows
from bertkit.spec import SAMPLE, Spec, to_plain
from bertkit.splits import TRAIN, Splits, read_splits
from bertkit.task import Recipe, check_window
from bertkit.train import train
from bertkit.watch import Watch


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A run's folder and its result; `before` if it was finished before and nothing was done now."""

    folder: Path
    result: Result
    before: bool


def run(spec: Spec, out: Path, watch: Watch | None = None, force: bool = False) -> Finished:
    """Do what `spec` says, in a folder below `out` named after it; a finished run is returned as it is.

    A finished run counts only if rows and encoder are still the same bytes: RequestError names what changed.
    With `force` it is done anew, and the old folder kept under another name until the new one is finished.
    """
    watch = watch or Watch()
    check_out(out)
    spec = settled(spec)
    folder = out / spec.folder_name
    splits = read_splits(spec)
    make_accelerator(spec.device, spec.precision)  # several processes decide as the first of them does
    result = None if force else first_says(read_result(folder))
    if result is not None:
        check_unchanged(result, splits, folder)
        return Finished(folder=folder, result=result, before=True)
    try:
        return Finished(folder=folder, result=_Run.of(spec, folder, splits, watch).do(), before=False)
    finally:
        watch.close()


def check_out(out: Path) -> None:
    """Raise RequestError if no folder can be made at `out`, because something on its way is a file."""
    there = next((path for path in (out, *out.parents) if path.exists()), None)
    if there is not None and not there.is_dir():
        raise RequestError(f"--out {out}: {there} is a file, not a folder")


def check_unchanged(result: Result, splits: Splits, folder: Path) -> None:
    """Raise RequestError if the rows, or an encoder on this machine, are others than those of the run."""
    for name, count in splits.counts({}).items():
        before = result.rows.get(name)
        if before is None or (before.digest, before.used) != (count.digest, count.used):
            raise RequestError(
                f"{folder} was finished with other rows: its {name} split has changed since; give --force to do it anew"
            )
    encoder = locate_encoder(result.spec.model, result.spec.revision, weights=not result.spec.scratch)
    weights = result.encoder.get("weights")
    if encoder.folder and weights and models.weights_digest(encoder.folder) != weights:
        raise RequestError(f"{folder} was finished with other weights of {encoder.name}; give --force to do it anew")


def marks_of(spec: Spec, splits: Splits) -> tuple[str, ...]:
    """What this run's numbers are not, in words."""
    if spec.data == SAMPLE:
        return ("sample: shipped rows, not benchmark scores",)
    parts = {TRAIN: splits.train, **splits.evaluations}
    marks = [f"{n}: {r.origin}" for n, r in parts.items() if isinstance(r, Rows) and r.carved]
    for name, count in splits.counts({}).items():
        if count.published is not None and not count.whole:
            marks.append(f"{name}: {count.used:,} of {count.published:,} rows")
        elif count.used != count.there:
            marks.append(f"{name}: the first {count.used:,} of {count.there:,} rows")
    marks += [f"{name}: {reason}" for name, reason in splits.evaluations.items() if isinstance(reason, str)]
    return tuple(marks)


@dataclass(frozen=True, kw_only=True)
class _Run:
    """One run under way."""

    spec: Spec
    folder: Path
    splits: Splits
    watch: Watch
    accelerator: Accelerator

    @classmethod
    def of(cls, spec: Spec, folder: Path, splits: Splits, watch: Watch) -> _Run:
        accelerator = make_accelerator(spec.device, spec.precision)
        return cls(spec=spec, folder=folder, splits=splits, watch=watch, accelerator=accelerator)

    def do(self) -> Result:
        """Train, score and write."""
        began = time.perf_counter()
        counts = self.splits.counts({})
        notes = [f"{name}: {note}" for name, count in counts.items() for note in count.notes]
        for line in dict.fromkeys([*marks_of(self.spec, self.splits), *notes]):
            self.watch.note(line)
        encoder = locate_encoder(self.spec.model, self.spec.revision, weights=not self.spec.scratch)
        loaded = models.load(encoder, self.splits.head, self.spec.scratch, self.spec.seed)
        window = models.fit_window(self.spec.recipe.window, loaded.model.config, self._typed_length)
        check_window(self.splits.head, window)
        recipe = replace(self.spec.recipe, window=window)
        layout = laid(loaded.model, self.spec.layout, recipe, self.accelerator.device)
        with Worker() as worker:
            return self._do(loaded, recipe, layout, self._features(loaded, window, worker), began)

    def _do(
        self, loaded: models.Loaded, recipe: Recipe, layout: Laid, features: dict[str, Encoded], began: float
    ) -> Result:
        window = recipe.window
        self._start()
        with _Log(self.folder / LOG, self.accelerator.is_main_process) as log:
            transformers.set_seed(self.spec.seed + 1_000_003 * self.accelerator.process_index)
            self.watch.phase("tokenising", 1)
            training = train(
                loaded, self.splits.head, features[TRAIN], recipe, layout, self.spec.seed, self.accelerator, log.write,
                self.watch, lambda step: self._score_on_the_way(step, loaded, features, layout, window, log),
                self.spec.eval_every, self.spec.fast_dropout,
            )  # fmt: skip
            evaluations = self._evaluate(loaded, features, layout, window)
            log.write({"step": training.steps, "score": _headlines(evaluations)})
        result = Result(
            spec=self.spec,
            evaluations=tuple(evaluations),
            rows=self.splits.counts({name: rows_cut(part.whole) for name, part in features.items()}),
            training=training,
            device=describe(self.accelerator.device),
            precision=self.accelerator.mixed_precision.replace("no", "fp32"),
            encoder=loaded.record,
            versions=versions(),
            marks=marks_of(self.spec, self.splits),
            seconds=round(time.perf_counter() - began, 3),
        )
        if self.accelerator.is_main_process:
            models.save(loaded, self.accelerator.unwrap_model(loaded.model), self.folder / MODEL)
            write_result(self.folder, result)
            shutil.rmtree(self._aside, ignore_errors=True)
        self.accelerator.wait_for_everyone()
        return result

    @property
    def _typed_length(self) -> bool:
        """Whether --max-length was given: a recipe's own gives way to a model that sees less."""
        recipes = (self.spec.task.recipe, self.spec.task.sample_recipe)
        return self.spec.recipe.window.max_length not in {recipe.window.max_length for recipe in recipes}

    def _features(self, loaded: models.Loaded, window: Window, worker: Worker) -> dict[str, Encoded]:
        """Every split's features: the train rows first, and the others behind them."""
        given = self.splits.head, loaded.tokenizer, window, worker
        scored = {
            name: _encoded(rows, *given) for name, rows in self.splits.evaluations.items() if isinstance(rows, Rows)
        }
        assert self.splits.train
        return {TRAIN: _encoded(self.splits.train, *given, tuple(scored.values())), **scored}

    def _start(self) -> None:
        """Make the folder with its spec; a finished run that stands there is put aside until this one is finished."""
        if not self.accelerator.is_main_process:
            return
        if (self.folder / RESULT).is_file():
            shutil.rmtree(self._aside, ignore_errors=True)
            self.folder.rename(self._aside)
        self.folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.folder / MODEL, ignore_errors=True)
        write_json(self.folder / SPEC, to_plain(self.spec))

    @property
    def _aside(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}.before")

    def _evaluate(
        self, loaded: models.Loaded, features: dict[str, Encoded], layout: Laid, window: Window
    ) -> list[Scored]:
        """Predict and score every evaluation; write the predictions."""
        answered = self._answer(loaded, features, layout, window, on_the_way=False)
        if self.accelerator.is_main_process:
            write_lines(self.folder / PREDICTIONS, [line for part in answered.values() for line in part.lines()])
        return [
            evaluate.score(self.splits.head, answered[e.name])
            if e.name in answered
            else Scored(name=e.name, split=e.split, missing=str(self.splits.evaluations[e.name]))
            for e in self.spec.task.evaluations
        ]

    def _answer(
        self, loaded: models.Loaded, features: dict[str, Encoded], layout: Laid, window: Window, on_the_way: bool
    ) -> dict[str, evaluate.Answered]:
        head: Head = self.splits.head
        answered = {}
        watch = Watch() if on_the_way else self.watch  # on the way, training is what is watched
        for evaluation in self.spec.task.evaluations:
            rows = self.splits.evaluations[evaluation.name]
            if isinstance(rows, str) or (on_the_way and not evaluation.scored):
                continue
            part = features[evaluation.name].whole
            logits = evaluate.predict(loaded, head, part, self.accelerator, watch, layout)
            answers = head.decode(rows.table[:], part, logits, window)
            answered[evaluation.name] = evaluate.answered(head, evaluation, rows.table, answers)
        return answered

    def _score_on_the_way(
        self, step: int, loaded: models.Loaded, features: dict[str, Encoded], layout: Laid, window: Window, log: _Log
    ) -> None:
        answered = self._answer(loaded, features, layout, window, on_the_way=True)
        scored = [evaluate.score(self.splits.head, part, sure=False) for part in answered.values()]
        log.write({"step": step, "score": _headlines(scored)})


def _encoded(
    rows: Rows, head: Head, tokenizer: Any, window: Window, worker: Worker, then: tuple[Encoded, ...] = ()
) -> Encoded:
    return Encoded(head, rows.table, tokenizer, window, worker, then)


def _headlines(scored: list[Scored]) -> dict[str, dict[str, float]]:
    return {s.name: {name: score.value for name, score in s.metrics.items()} for s in scored if s.metrics}


class _Log:
    """log.jsonl while it is written, a JSON object a line; only the main process writes."""

    def __init__(self, path: Path, writes: bool) -> None:
        self.file = path.open("w", encoding="utf-8") if writes else None

    def write(self, line: dict[str, Any]) -> None:
        if self.file:
            self.file.write(json.dumps(line) + "\n")
            self.file.flush()

    def __enter__(self) -> _Log:
        return self

    def __exit__(self, *error: object) -> None:
        if self.file:
            self.file.close()


def versions() -> dict[str, str]:
    """Of bertkit and of the libraries that decide a result."""
    return {
        "bertkit": __version__,
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "datasets": version("datasets"),
        "accelerate": accelerate.__version__,
    }
