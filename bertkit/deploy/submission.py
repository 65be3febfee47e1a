"""A suite's submission: each run's answers to its test rows, in the files that the server wants."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bertkit.data.encoding import blocks_of
from bertkit.data.locate import TRAIN, folder_of
from bertkit.data.rows import Rows
from bertkit.data.splits import read_located_splits
from bertkit.deploy.submission_check import check_submission
from bertkit.deploy.submission_lines import TestAnswer, constant_lines, constant_of, lines_of
from bertkit.errors import DataError, RequestError
from bertkit.evaluation.inference import Tally, in_blocks
from bertkit.files import atomic_file
from bertkit.machine.devices import accelerator, is_available
from bertkit.models.labels import head_of
from bertkit.models.load import load_trained
from bertkit.models.task_model import TaskModel, task_model
from bertkit.pretraining import PRETRAINING
from bertkit.progress import Progress
from bertkit.runs.folder import MODEL, SPEC, damage_named, located, read_result, read_spec
from bertkit.sources import locate
from bertkit.spec import Spec
from bertkit.task import Evaluation, Sheet, Suite

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The date of every file in the zip, so that the same answers are the same bytes."""


@dataclass(frozen=True, kw_only=True)
class Filled:
    """A file of the submission: from which run its answers are, or why they are all the same, or it is left out."""

    sheet: Sheet
    run: Path | None = None
    missing: str | None = None

    @property
    def is_left_out(self) -> bool:
        """Whether there is no such file, as no constant can fill it."""
        return self.missing is not None and constant_lines(self.sheet) is None

    @property
    def line(self) -> str:
        """What is said of it."""
        rows = f"{self.sheet.file}: {self.sheet.rows:,} rows"
        if self.missing is None:
            return f"{rows}, {self.run}"
        if self.is_left_out:
            return f"{self.sheet.file}: left out: {self.missing}"
        return f"{rows}, all {constant_of(self.sheet) or 'empty'}: {self.missing}"


def runs_for(suite: Suite, below: Path, named: Mapping[str, Path]) -> dict[str, Path]:
    """The finished run of each member: the `named` one, else the only one in the folder `below`.

    Raises RequestError where a task has several or an unfinished one alone, a named run is unfinished or of another
    task, a spec or result is damaged, and where there is none at all.
    """
    found: dict[str, list[Path]] = {}
    unfinished: dict[str, Path] = {}
    children = sorted(one for one in below.iterdir() if (one / SPEC).is_file()) if below.is_dir() else []
    for folder in children:
        task = _task_of(folder)
        if task not in suite.members or task in named:
            continue
        read_spec(folder)  # it is not damaged
        if read_result(folder):
            found.setdefault(task, []).append(folder)
        else:
            unfinished[task] = folder
    if alone := [str(folder) for task, folder in unfinished.items() if task not in found]:
        raise RequestError(f"not finished: {', '.join(alone)}; resume each with `bertkit resume`")
    for task, folders in found.items():
        if len(folders) > 1:
            shown = ", ".join(one.name for one in folders[:3]) + (" and more" if len(folders) > 3 else "")
            raise RequestError(f"{below} has several runs on {task}: {shown}; choose one with --run {task}=FOLDER")
    for task, folder in named.items():
        if task not in suite.members:
            raise RequestError(f"--run {task}={folder}: {suite.name} has no such task")
        if read_spec(folder).task.name != task:
            raise RequestError(f"--run {task}={folder}: it is a run on {read_spec(folder).task.name}")
        if read_result(folder) is None:
            raise RequestError(f"--run {task}={folder}: it is not finished; `bertkit resume {folder}` resumes it")
    runs = {**{task: folders[0] for task, folders in found.items()}, **named}
    if not runs:
        raise RequestError(f"{below} holds no finished run on a task of {suite.name}")
    return runs


def submit(suite: Suite, runs: Mapping[str, Path], data: str | None, out: Path, progress: Progress) -> list[Filled]:
    """Write the submission into the zip `out`, checked; returns where each file's answers are from.

    Test rows are read from `data`, else from where each run's rows came from. A task without a run or without test
    rows is answered by a constant. Raises DataError where test rows are not as many as the server counts.
    """
    texts: dict[str, list[str]] = {}
    filled = []
    models: dict[Path, tuple[TaskModel, Spec]] = {}
    for sheet in suite.sheets:
        run, answered, missing = runs.get(sheet.task), None, "no run"
        if run is not None:
            if run not in models:
                models = {run: _loaded(run, data)}
            answered, missing = _answers(*models[run], sheet, progress)
        filled.append(Filled(sheet=sheet, run=run, missing=missing if answered is None else None))
        lines = constant_lines(sheet) if answered is None else lines_of(sheet, answered)
        if lines is not None:
            texts[sheet.file] = lines
    with atomic_file(out) as temporary:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, written in texts.items():
                archive.writestr(zipfile.ZipInfo(name, EPOCH), "\n".join(written) + "\n", zipfile.ZIP_DEFLATED)
        check_submission(temporary, [sheet for sheet in suite.sheets if sheet.file in texts])
    return filled


def _task_of(folder: Path) -> str:
    """The name of a run's task, whether it is installed or not; "" for a run of pretraining. Raises RequestError."""
    path = folder / SPEC
    with damage_named(path):
        plain = json.loads(path.read_text("utf-8"))
        return "" if PRETRAINING in plain else str(plain["task"]["name"])


def _loaded(run: Path, data: str | None) -> tuple[TaskModel, Spec]:
    spec = located(run, read_spec(run))
    spec = replace(spec, data=data if data is not None else spec.data, limit=None)
    device = spec.device if is_available(spec.device) else "cpu"
    loaded = load_trained(run / MODEL, spec.task.head)
    return task_model(loaded, head_of(loaded, spec.task.head), spec, accelerator(device, "fp32")), spec


def _answers(model: TaskModel, spec: Spec, sheet: Sheet, progress: Progress) -> tuple[list[TestAnswer] | None, str]:
    """The answers to a sheet's rows; or None, and why there are none."""
    asked = Evaluation(name=sheet.file, split=sheet.split, source=sheet.source, scored=False)
    task = replace(spec.task, evaluations=(asked,), source=replace(spec.task.source, hold_out=None))
    folder = folder_of(spec.task, spec.data)
    source = sheet.source or spec.task.source
    files = None if folder is None else {asked.name: locate(source, folder, sheet.split), TRAIN: None}
    if files and files[asked.name] is None:
        return None, f"no {sheet.split} split in {folder}"
    spec = replace(spec, task=task)
    rows = read_located_splits(spec, files, training=False, labels=model.head.label_names).evaluations[asked.name]
    if not isinstance(rows, Rows):
        return None, rows
    read = [*model.head.roles[:-1], "row_id"]
    blocks = ((columns, {name: columns[name] for name in read}) for columns in blocks_of(rows.table))
    progress.phase(f"predicting {sheet.file}", len(rows))
    answered = [
        TestAnswer(ident=ident, group=group, answer=answer)
        for columns, found in in_blocks(model, blocks, progress, Tally())
        for ident, group, answer in zip(columns["row_id"], columns["group"], found, strict=True)
    ]
    told = sum(len(one.answer.scores) for one in answered) if sheet.answers == "several" else len(answered)
    if told != sheet.rows:
        what = "answers to choose from" if sheet.answers == "several" else "test rows"
        raise DataError(f"{sheet.file}: {told:,} {what} in {spec.data}, but the server counts {sheet.rows:,}")
    return answered, ""
