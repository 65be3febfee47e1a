"""The installed tasks and suites, from every pack.

A pack is a package with a TASKS tuple, maybe a SUITES tuple and a folder `samples/`, named by an entry point of the
group "bertkit.tasks". It may also have LANGUAGES, the language of a task's rows by its name, TRANSFERS, published
scores of transfer, and MODELS, published models, with the REFERENCES that they are cited from. bertkit's own tasks are
registered the same way. A pack that fails at import is named on stderr and skipped.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, TypeVar

from bertkit.errors import RequestError, UnknownNameError
from bertkit.published import PublishedModel, Reference
from bertkit.task import PublishedTransfer, Suite, Task

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

T = TypeVar("T")
GROUP = "bertkit.tasks"


@dataclass(frozen=True, kw_only=True)
class Pack:
    """The tasks, suites and samples of one entry point.

    Raises ValueError for a fact of its models whose source is not among its references.
    """

    name: str
    tasks: tuple[Task, ...]
    suites: tuple[Suite, ...]
    samples: Path
    languages: Mapping[str, str] = field(default_factory=dict)
    transfers: tuple[PublishedTransfer, ...] = ()
    models: tuple[PublishedModel, ...] = ()
    references: tuple[Reference, ...] = ()

    def __post_init__(self) -> None:
        keys = {one.key for one in self.references}
        for model in self.models:
            for name, cell in model.cells.items():
                if cell and cell.source not in keys:
                    raise ValueError(f"{model.name}: the source '{cell.source}' of its {name} is no reference")


def find(name: str) -> Task:
    """The task of that name, ignoring case, `-` for `_`. Raises UnknownNameError with the nearest names."""
    known = {task.name: task for task in tasks()}
    if name.lower() in {suite.name for suite in suites()} - known.keys():
        raise RequestError(f"{name} is a suite of tasks: `bertkit eval {name.lower()}` trains and scores them all")
    family, _, language = name.lower().replace("-", "_").partition(".")
    if (languages := languages_of(family)) and f"{family}.{language}" not in known:
        asked = (
            f"has no language '{language}'"
            if language
            else f"has a task for each language, such as {family}.{languages[0]}"
        )
        raise RequestError(f"{family} {asked}: there are {', '.join(languages)}")
    near = (
        known
        if language
        else {one: task for one, task in known.items() if "." not in one or one.replace(".", "_") == family}
    )
    return _find("task", name, near)


def languages_of(family: str) -> tuple[str, ...]:
    """The languages of a data set that has a task for each: of "xquad", whose tasks are xquad.ar and so on."""
    return tuple(task.name.partition(".")[2] for task in tasks() if task.name.startswith(f"{family}."))


def language(task: str) -> str | None:
    """The language that a task's rows are in; None where its pack does not say it."""
    return next((pack.languages[task] for pack in packs() if task in pack.languages), None)


def transfers(train: str) -> tuple[PublishedTransfer, ...]:
    """The published models that were fine-tuned on a task and scored on others."""
    return tuple(one for pack in packs() for one in pack.transfers if one.train == train)


def models() -> tuple[PublishedModel, ...]:
    """The published models of every pack."""
    return tuple(one for pack in packs() for one in pack.models)


def references() -> dict[str, Reference]:
    """What they are cited from, by key; of two packs' with one key the first."""
    return {one.key: one for pack in reversed(packs()) for one in pack.references}


def find_suite(name: str) -> Suite:
    """The suite of that name. Raises UnknownNameError."""
    return _find("suite", name, {suite.name: suite for suite in suites()})


def tasks() -> tuple[Task, ...]:
    """Every installed task, in the packs' order."""
    return tuple(task for pack in packs() for task in pack.tasks)


def suites() -> tuple[Suite, ...]:
    """Every installed suite."""
    return tuple(suite for pack in packs() for suite in pack.suites)


def samples(task: Task) -> Path | None:
    """The folder with the shipped sample of `task`, if its pack has one."""
    for pack in packs():
        folders = [pack.samples / name for name in (task.name, *task.source.folders)]
        if any(known.name == task.name for known in pack.tasks) and any(map(Path.is_dir, folders)):
            return pack.samples
    return None


@cache
def packs() -> tuple[Pack, ...]:
    """Every installed pack that can be imported."""
    from importlib.metadata import entry_points

    found = sorted(entry_points(group=GROUP), key=lambda point: (point.name != "builtin", point.name))
    return tuple(pack for point in found if (pack := _load(point)))


def _load(point: EntryPoint) -> Pack | None:
    try:
        module: ModuleType = point.load()
        return Pack(
            name=point.name,
            tasks=tuple(module.TASKS),
            suites=tuple(getattr(module, "SUITES", ())),
            samples=Path(str(module.__file__)).parent / "samples",
            languages=dict(getattr(module, "LANGUAGES", {})),
            transfers=tuple(getattr(module, "TRANSFERS", ())),
            models=tuple(getattr(module, "MODELS", ())),
            references=tuple(getattr(module, "REFERENCES", ())),
        )
    except Exception as error:  # another's code at import: whatever it raises, the other packs still list
        print(f"Warning: the task pack '{point.name}' is left out: {error!r}", file=sys.stderr)
        return None


def _find(what: str, name: str, known: dict[str, T]) -> T:
    key = name.lower().replace("-", "_")
    if key not in known:
        raise UnknownNameError(what, name, known, "bertkit tasks lists them")
    return known[key]
