"""What a command is asked for: a task by its name, or a file or folder of one's own. Light."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from bertkit import registry
from bertkit.encoders import locate_encoder
from bertkit.errors import RequestError
from bertkit.request.flags import Flags
from bertkit.request.own_files import looks_like_path
from bertkit.request.own_flags import OwnFlags
from bertkit.request.own_task import own_task
from bertkit.request.specs import spec_of
from bertkit.spec import Spec
from bertkit.task import Task


@dataclass(frozen=True, kw_only=True)
class Target:
    """A task, the folder of its rows if a path says it, and notes on what the files hold."""

    task: Task
    data: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        """What the files were taken for, and the notes."""
        return (*self.task.understood, *self.notes)

    def spec(self, flags: Flags) -> Spec:
        """The spec of the task with these flags. Raises RequestError."""
        if self.data is None:
            return spec_of(self.task, flags)
        if flags.data is not None:
            raise RequestError(f"--data {flags.data}: {self.task.name} is a path, which says where its rows are")
        if flags.sample:
            raise RequestError(
                "--sample is for bertkit's own tasks; with your own files take its encoder by --model sample"
            )
        return spec_of(self.task, replace(flags, data=self.data))


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
        return Target(task=task)
    found = own_task(typed, own, scored)
    return Target(task=found.task, data=found.data, notes=found.notes)


def target_scored(typed: str, own: OwnFlags, model: str) -> Target:
    """The rows of a path, to be scored with a checkpoint, whose label names count. Raises RequestError or DataError."""
    found = own_task(typed, own, scored=True)
    names = checkpoint_labels(model)
    head: Any = found.task.head
    if names and head.label_names and set(head.label_names) != set(names):
        known = {name.strip().casefold() for name in names}
        unknown = [name for name in head.label_names if name.strip().casefold() not in known]
        if unknown:
            raise RequestError(
                f"{typed} has label{'s' * (len(unknown) > 1)} {', '.join(unknown[:5])}, which {model} does not have: "
                f"its labels are {', '.join(names[:10])}{', ...' if len(names) > 10 else ''}"
            )
        return Target(task=replace(found.task, head=replace(head, labels=names)), data=found.data, notes=found.notes)
    return Target(task=found.task, data=found.data, notes=found.notes)


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
    key = typed.lower().replace("-", "_")
    return key in {task.name for task in registry.tasks()}
