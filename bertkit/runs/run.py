"""A run, in order: finished already? - seed - accelerator - rows - features - model - train - evaluate - write."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import transformers
from accelerate import Accelerator

from bertkit.data.encoding import Encoded, Worker, counted, key_of, rows_cut
from bertkit.data.rows import Rows
from bertkit.data.splits import TRAIN, Splits, marks_of, read_splits
from bertkit.encoders import locate_encoder
from bertkit.errors import RunError
from bertkit.files import whole_folder, write_json
from bertkit.heads import Window
from bertkit.machine.devices import accelerator as make_accelerator
from bertkit.machine.devices import describe, processor, settled
from bertkit.machine.memory import Guard
from bertkit.machine.signals import Stop
from bertkit.machine.sync import all_do, first_does, first_says
from bertkit.models.forward import fit_window
from bertkit.models.layout import Laid, laid
from bertkit.models.load import Loaded, load, save
from bertkit.progress import Watch
from bertkit.result import Finished, Result, Scored, Training
from bertkit.runs.best_model import Best, stale
from bertkit.runs.failures import check_room, in_words, way_on
from bertkit.runs.folder import (
    FAILED,
    LOG,
    MODEL,
    Log,
    begun,
    begun_commits,
    located,
    put_aside,
    read_result,
    write_result,
    write_spec,
)
from bertkit.runs.lock import check_out, one_writer
from bertkit.runs.provenance import (
    begun_with,
    carried,
    check_peers,
    check_same,
    check_unchanged,
    facts_of,
    lasting,
    versions,
)
from bertkit.runs.scoring import Scoring, headlines
from bertkit.spec import Means, Spec
from bertkit.task import Recipe, check_window
from bertkit.training import checkpoint
from bertkit.training.checkpoint import State
from bertkit.training.checkpointer import Keeper, Writer
from bertkit.training.train import NotFiniteError, train


def run(
    spec: Spec,
    out: Path,
    watch: Watch | None = None,
    force: bool = False,
    means: Means | None = None,
    folder: Path | None = None,
    commits: Mapping[str, Any] | None = None,
) -> Finished:
    """Do what `spec` says, in a folder below `out` named after it; what was begun there goes on, and in `folder` too.

    It is made of the Hub's commits that it was begun with, of `commits`, or of the newest. A finished run is returned
    as it is. Both count only if rows and encoder are still the same bytes: RequestError names what changed. With
    `force` it is done anew, and the old folder kept under another name. Raises StoppedError if a signal asked for an
    end, and RequestError if another process writes the folder.
    """
    watch = watch or Watch()
    check_out(out)
    spec = settled(spec)
    source = located(folder, spec) if folder else spec
    folder = folder or out / spec.folder_name
    accelerator = make_accelerator(spec.device, spec.precision)
    with ExitStack() as stack:
        stack.callback(watch.close)
        way = partial(way_on, folder, force, begun(folder) if force else None)
        stop = stack.enter_context(Stop(way))
        first_does(lambda: stack.enter_context(one_writer(folder)))
        made_of = first_does(lambda: (not force and begun_commits(folder)) or commits or {})
        source = all_do(lambda: begun_with(source, made_of))
        result = None if force else first_does(lambda: read_result(folder))
        if result is not None:
            all_do(lambda: check_unchanged(result, read_splits(source), source, folder))
            first_does(lambda: checkpoint.remove(folder))  # if it was killed when all else was done
            return Finished(folder=folder, result=result, before=True)
        state = None if force else first_does(lambda: checkpoint.newest(folder, watch.note))
        one = _Run(
            spec=spec, source=source, folder=folder, splits=all_do(lambda: read_splits(source)), watch=watch,
            accelerator=accelerator, stop=stop, state=state, means=carried(means or Means(), state), force=force,
        )  # fmt: skip
        with in_words(folder, way):
            return Finished(folder=folder, result=one.do(), before=False)


@dataclass(frozen=True, kw_only=True)
class _Run:
    """One run under way, from `state` on if it was begun before; `source` says where its rows and encoder are."""

    spec: Spec
    source: Spec
    folder: Path
    splits: Splits
    watch: Watch
    accelerator: Accelerator
    stop: Stop
    state: State | None
    means: Means
    force: bool

    def do(self) -> Result:
        """Train, score and write."""
        began = time.perf_counter()
        counts = self.splits.counts({})
        notes = [f"{name}: {note}" for name, count in counts.items() for note in count.notes]
        for line in dict.fromkeys([*marks_of(self.spec, self.splits), *notes]):
            self.watch.note(line)
        loaded = all_do(self._load)
        facts = self._facts(loaded)
        first = first_says(facts)
        all_do(lambda: check_peers(first, facts))
        window = fit_window(self.spec.recipe.window, loaded.model.config, self._typed_length)
        check_window(self.splits.head, window)
        recipe = replace(self.spec.recipe, window=window)
        layout = laid(loaded.model, self.spec.layout, recipe, self.accelerator.device)
        self._start(loaded, facts)
        with Worker() as worker:
            return self._do(loaded, recipe, layout, self._features(loaded, window, worker), began)

    def _do(self, loaded: Loaded, recipe: Recipe, layout: Laid, features: dict[str, Encoded], began: float) -> Result:
        window = recipe.window
        main = self.accelerator.is_main_process
        with ExitStack() as stack:
            log = stack.enter_context(Log(self.folder / LOG, main, int(self.state.facts["log"]) if self.state else 0))
            writer = Writer(self.folder, self.watch.note) if main else None
            if writer:
                stack.callback(writer.close)
            facts = self._facts(loaded)
            best = Best(self.folder, self.state.facts["best"] if self.state else None)
            keeper = Keeper(
                self.stop, self.state, writer,
                lambda: {**facts, "log": log.kept(), "best": best.kept, **lasting(self.means)},
                self.means.save_every,
            )  # fmt: skip
            transformers.set_seed(self.spec.seed + 1_000_003 * self.accelerator.process_index)
            self.watch.phase("tokenising", 1)
            scoring = Scoring(
                task=self.spec.task, splits=self.splits, features=features, loaded=loaded, laid=layout, window=window,
                accelerator=self.accelerator,
            )  # fmt: skip

            def on_the_way(step: int) -> None:
                scored = scoring.on_the_way()
                log.write({"step": step, "score": headlines(scored)})
                self._keep_best(best, step, scored, loaded)

            try:
                training = train(
                    loaded, self.splits.head, features[TRAIN], recipe, layout, self.spec.seed, self.accelerator,
                    log.write, self.watch,
                    on_the_way,
                    self.spec.eval_every, self.spec.fast_dropout, keeper, Guard(self.means.max_memory),
                )  # fmt: skip
                evaluations = scoring.at_the_end(self.folder, self.watch)
            except NotFiniteError as error:
                raise self._failed(error) from error
            log.write({"step": training.steps, "score": headlines(evaluations)})
            self._keep_best(best, training.steps, evaluations, loaded)
        result = self._result(loaded, features, training, evaluations, began)
        if main:
            self._finish(loaded, result)
        self.accelerator.wait_for_everyone()
        return result

    def _result(
        self, loaded: Loaded, features: dict[str, Encoded], training: Training, evaluations: list[Scored], began: float
    ) -> Result:
        return Result(
            spec=self.spec,
            evaluations=tuple(evaluations),
            rows=self.splits.counts(
                {name: rows_cut(part.whole) for name, part in features.items()},
                {name: counted(part.whole) for name, part in features.items()},
            ),
            training=training,
            device=describe(self.accelerator.device),
            precision=self.accelerator.mixed_precision.replace("no", "fp32"),
            encoder=loaded.record,
            versions=versions(),
            marks=marks_of(self.spec, self.splits),
            seconds=round(time.perf_counter() - began, 3),
        )

    def _finish(self, loaded: Loaded, result: Result) -> None:
        """Write model and result, each whole or not at all; what was kept to go on from is not needed any more."""
        with whole_folder(self.folder / MODEL) as beside:
            save(loaded, beside)
        write_result(self.folder, result)
        checkpoint.remove(self.folder)

    def _facts(self, loaded: Loaded) -> dict[str, Any]:
        device = f"{describe(self.accelerator.device)}{processor()}"
        return facts_of(self.spec, self.splits, loaded.record, versions(), device)

    def _failed(self, error: NotFiniteError) -> RunError:
        """Mark the run as failed, with its rows by name; the error that says so."""
        rows = self.splits.train
        assert rows
        names = rows.table[error.rows]["row_id"]
        if self.accelerator.is_main_process:
            write_json(self.folder / FAILED, {**error.plain, "rows": names})
        return RunError(f"{error}; its rows are in {self.folder / FAILED}")

    @property
    def _typed_length(self) -> bool:
        """Whether --max-length was given: a recipe's own gives way to a model that sees less."""
        recipes = (self.spec.task.recipe, self.spec.task.sample_recipe)
        return self.spec.recipe.window.max_length not in {recipe.window.max_length for recipe in recipes}

    def _features(self, loaded: Loaded, window: Window, worker: Worker) -> dict[str, Encoded]:
        """Every split's features: the train rows first, and the others behind them."""
        head = self.splits.head

        def encoded(rows: Rows, then: tuple[Encoded, ...] = ()) -> Encoded:
            key = key_of(head, rows, loaded.record["tokenizer"], window)
            return Encoded(head, rows.table, loaded.tokenizer, window, worker, then, key)

        scored = {name: encoded(rows) for name, rows in self.splits.evaluations.items() if isinstance(rows, Rows)}
        assert self.splits.train
        return {TRAIN: encoded(self.splits.train, tuple(scored.values())), **scored}

    def _load(self) -> Loaded:
        encoder = locate_encoder(self.source.model, self.source.revision, weights=not self.spec.scratch)
        return load(encoder, self.splits.head, self.spec.scratch, self.spec.seed)

    def _start(self, loaded: Loaded, facts: dict[str, Any]) -> None:
        """Make the folder with its spec, or see that what was begun there can go on; see that there is room."""
        if self.state:
            for line in check_same(self.state.facts, facts, self.folder):
                self.watch.note(line)
            self.watch.note(f"going on after update {self.state.step:,}")
        first_does(lambda: self._prepare(loaded))

    def _prepare(self, loaded: Loaded) -> None:
        for left in self.folder.glob(f"{checkpoint.CHECKPOINTS}/.*.tmp"):  # by a process that was killed
            shutil.rmtree(left)
        kept = () if self.force else self.folder.glob(f"{checkpoint.CHECKPOINTS}/*/*")
        weights = 4 * loaded.record["parameters"]
        self.watch.note(check_room(self.folder, weights, sum(file.stat().st_size for file in kept)))
        if self.force and self.folder.exists():
            self.watch.note(f"what was there is kept as {put_aside(self.folder)}")
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / FAILED).unlink(missing_ok=True)
        best = stale(self.folder, self.state.facts["best"] if self.state else None)
        for left in (self.folder / MODEL, *best, *self.folder.glob(".*.tmp")):
            shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)
        if (self.source.data, self.source.model) == (self.spec.data, self.spec.model):  # else it was begun elsewhere
            write_spec(self.folder, self.spec, {"model": loaded.record["commit"], "datasets": self.splits.commits})

    def _keep_best(self, best: Best, step: int, scored: list[Scored], loaded: Loaded) -> None:
        if self.means.keep_best and self.accelerator.is_main_process:
            best.offer(step, scored, lambda folder: save(loaded, folder))
