"""What a command is asked for: a task by its name, or a user's own file or folder. Light."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from bertkit import registry
from bertkit.encoders import locate_encoder
from bertkit.errors import RequestError
from bertkit.files import expanded
from bertkit.heads import MultipleChoice
from bertkit.heads.labels import is_made_up
from bertkit.request.choices_guess import AS_IN_RUN, FROM_1_MAYBE
from bertkit.request.flags import Flags
from bertkit.request.label_map import label_map_of
from bertkit.request.own_files import looks_like_path
from bertkit.request.own_flags import OwnFlags
from bertkit.request.own_task import own_task
from bertkit.request.saved_spec import again, is_saved_spec, saved_spec
from bertkit.request.specs import spec_of
from bertkit.request.task_file import check_place, save_task, saved_task
from bertkit.spec import HUB, SPEC_FILE, Spec
from bertkit.task import Recipe, Task

TASK_FILE = ".toml"


@dataclass(frozen=True, kw_only=True)
class Target:
    """A task, the folder of its rows if a path says it, and notes on what the files hold.

    saved  the spec of a run, if its spec.json was named
    is_own  whether it was understood from files, so that it can be saved
    """

    task: Task
    data: str | None = None
    notes: tuple[str, ...] = ()
    saved: Spec | None = None
    is_own: bool = False

    @property
    def lines(self) -> tuple[str, ...]:
        """What the files were taken for, and the notes."""
        return (*self.task.understood, *self.notes)

    def spec(self, flags: Flags) -> Spec:
        """The spec of the task with these flags. Raises RequestError."""
        if self.saved is not None:
            return again(self.saved, flags)
        if not self.is_own:
            return spec_of(self.task, flags)
        if flags.data is not None:
            place = "a path" if self.data is not None else "on the Hub"
            raise RequestError(f"--data {flags.data}: {self.task.name} is {place}, which says where its rows are")
        if flags.sample:
            raise RequestError(
                "--sample is for bertkit's own tasks; with your own files take its encoder by --model sample"
            )
        return spec_of(self.task, replace(flags, data=self.data))

    def arm(self, flags: Flags) -> Spec:
        """The spec of a comparison's first arm: with the encoder's own weights, whatever a saved run began with."""
        return replace(self.spec(flags), redraw=None, fast_start=False)


def target_of(typed: str | None, own: OwnFlags, scored: bool = False) -> Target:
    """What `typed` stands for: the task of that name, else the files there. Raises RequestError or DataError.

    `scored` takes files for rows to score with a model that is there already.
    """
    if typed is None and not own.files:
        raise RequestError("name a task (`bertkit tasks` lists them), a file, or a folder; or give --train-file")
    if typed is not None and (_is_task(typed) or not looks_like_path(typed)):
        task = registry.find(typed)
        if own.typed:
            raise RequestError(
                f"{', '.join(own.typed)}: {task.name} has its own columns and files; these are for your own"
            )
        here = (f"{typed} is taken for bertkit's task; ./{typed} names the path",) if _is_there(typed) else ()
        return Target(task=task, notes=here)
    if typed is not None and (typed.endswith(TASK_FILE) or is_saved_spec(typed)):
        if own.typed:
            raise RequestError(f"{', '.join(own.typed)}: {typed} says how its files are read; edit it there")
        return _saved(typed)
    found = own_task(typed, own, scored)
    data = None if found.files.hub else found.data
    return Target(task=found.task, data=data, notes=found.notes, is_own=True)


def targets_of(typed: str | Iterable[str], own: OwnFlags) -> list[Target]:
    """What names separated by commas, or several, stand for, each once. Raises RequestError or DataError."""
    parts = ([typed] if _is_there(typed) else typed.split(",")) if isinstance(typed, str) else typed
    names = [name.strip() for name in parts if name.strip()]
    targets = [target_of(name, own) for name in dict.fromkeys(names)]
    if not targets:
        raise RequestError("--tasks: name at least one task")
    return targets


def _is_there(typed: str) -> bool:
    return bool(typed) and looks_like_path(typed) and expanded(typed).exists()


def _saved(typed: str) -> Target:
    """The target of a task file, or of a run's spec.json."""
    if is_saved_spec(typed):
        spec = saved_spec(expanded(typed))
        return Target(task=spec.task, saved=spec)
    task, data = saved_task(expanded(typed), typed)
    return Target(task=task, data=data, is_own=True)


def save(target: Target, recipe: Recipe, typed: str) -> None:
    """Write the target's task with this recipe to a task file, which `check_save` has passed."""
    save_task(replace(target.task, recipe=recipe), target.data or HUB, expanded(typed), typed)


def check_save(target: Target, typed: str, force: bool) -> None:
    """Raise RequestError if the target cannot be saved there."""
    if not target.is_own:
        raise RequestError(f"--save {typed}: it is for files of your own; {target.task.name} is a task that has a name")
    check_place(expanded(typed), typed, force)


def target_scored(typed: str, own: OwnFlags, model: str, label_map: str | None = None) -> Target:
    """What is to be scored with a checkpoint, whose label names (or those of --label-map) count for a path's rows.

    Names that say nothing, such as LABEL_0, do not count: the file's labels are taken as they are. Where a file's rows
    leave open whether choices are counted from 0 or from 1, they are counted as in the run that made the model.

    Raises RequestError or DataError.
    """
    found = _counted_as_in(target_of(typed, own, scored=True), model)
    given = label_map_of(label_map) or {}
    names = tuple(given.get(name, name) for name in checkpoint_labels(model))
    if all(map(is_made_up, names)):
        return found
    head: Any = found.task.head
    if found.is_own and names and head.label_names and set(head.label_names) != set(names):
        known = {name.strip().casefold(): name for name in names}
        unknown = [name for name in head.label_names if name.strip().casefold() not in known]
        if unknown:
            raise RequestError(
                f"{typed} has label{'s' * (len(unknown) > 1)} {', '.join(unknown[:5])}, which {model} does not have: "
                f"its labels are {', '.join(names[:10])}{', ...' if len(names) > 10 else ''}"
            )
        source = found.task.source
        spelt = {text: known[name.strip().casefold()] for text, name in source.labels.items()}
        task = replace(found.task, head=replace(head, labels=names), source=replace(source, labels=spelt))
        return replace(found, task=task)
    return found


def _counted_as_in(found: Target, model: str) -> Target:
    folder = locate_encoder(model).folder
    if folder is None or not any(FROM_1_MAYBE in line for line in found.task.understood):
        return found
    made = next((place / SPEC_FILE for place in (folder, folder.parent) if (place / SPEC_FILE).is_file()), None)
    task = saved_spec(made).task if made else None
    if task is None or not isinstance(task.head, MultipleChoice) or task.head.by_text:
        return found
    if not all(map(str.isdecimal, task.source.labels)):
        return found
    why = tuple(line.replace(FROM_1_MAYBE, AS_IN_RUN) for line in found.task.understood)
    source = replace(found.task.source, labels=task.source.labels)
    return replace(found, task=replace(found.task, source=source, understood=why))


def checkpoint_labels(model: str) -> tuple[str, ...]:
    """The label names in a checkpoint's folder, in its order; () if it is on the Hub, or names none."""
    folder = locate_encoder(model).folder
    if folder is None:
        return ()
    try:
        names = json.loads((folder / "config.json").read_text("utf-8")).get("id2label") or {}
        return tuple(str(names[place]) for place in sorted(names, key=int))
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise RequestError(f"{folder / 'config.json'} cannot be read: {error}") from error


def _is_task(typed: str) -> bool:
    """Whether it is a task's name, or that of a data set with a task for each language, before another language."""
    key = typed.lower().replace("-", "_")
    family, _, language = key.partition(".")
    unknown_language = bool(language) and not _is_there(typed) and bool(registry.languages_of(family))
    return key in {task.name for task in registry.tasks()} or unknown_language
