"""The flags of `bertkit compare transfer`, checked: models, a task to train on, and tasks to score them on. Light."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any

from bertkit import registry
from bertkit.errors import DataError, HubError, RequestError
from bertkit.heads import Head, Window
from bertkit.request.check import check, check_rows
from bertkit.request.flags import Flags
from bertkit.request.option import DATA, Option
from bertkit.request.specs import seeds_of, spec_of
from bertkit.spec import Spec
from bertkit.task import Task

SCRATCH = "scratch:"
"""Before a model's name: random weights in its shape."""
TRANSFER = "Transfer"
"""The panel of --help."""
NOT_OF_TRANSFER = ("model", "revision", "processes", "per_device_train_batch_size")
"""Flags of fine-tuning that it does not have: --models names several models, and it runs in one process."""


@dataclass(frozen=True, kw_only=True)
class TransferFlags:
    """The flags of a study of transfer, as given."""

    train: Annotated[str, Option("--train", TRANSFER, "The task to fine-tune on, such as squad.")]
    test: Annotated[
        str, Option("--test", TRANSFER, "The tasks to score on, separated by commas; cmrc:500 is its first 500 rows.")
    ]
    models: Annotated[
        str, Option("--models", TRANSFER, "Hub ids, folders or 'sample', separated by commas; scratch:A is untrained.")
    ]
    test_limit: Annotated[
        int | None, Option("--test-limit", DATA, "Score on the first N rows of each test task. [default: all]")
    ] = None


@dataclass(frozen=True, kw_only=True)
class TransferRequest:
    """What is trained and scored.

    arms   by short name, the specs of each seed
    tests  the task of each column group with its spec, or why its rows are not found
    """

    train: Task
    arms: Mapping[str, tuple[Spec, ...]]
    tests: Mapping[str, Spec | str]


def requested(asked: TransferFlags, flags: Flags, seeds: int) -> TransferRequest:
    """What these flags ask for. Raises RequestError, DataError, EncoderError or HubError.

    A test task whose rows are not found is no error, unless that is so of all of them.
    """
    train = registry.find(asked.train)
    tasks = _tests(asked)
    for name in tasks:
        _check_heads(train, registry.find(name))
    specs = {
        name: tuple(seeds_of(replace(spec_of(train, replace(flags, model=model)), scratch=scratch), seeds))
        for name, (model, scratch) in _models(asked.models).items()
    }
    tests = {name: _located(spec_of(registry.find(name), _for_scoring(flags, limit))) for name, limit in tasks.items()}
    reasons = [reason for reason in tests.values() if isinstance(reason, str)]
    if len(reasons) == len(tests):
        raise DataError(reasons[0])
    check([spec for group in specs.values() for spec in group])
    return TransferRequest(train=train, arms=specs, tests=tests)


def _tests(asked: TransferFlags) -> dict[str, int | None]:
    """By test task the number of rows to score on. Raises RequestError for a wrong number, or two of one task."""
    if asked.test_limit is not None and asked.test_limit < 1:
        raise RequestError(f"--test-limit {asked.test_limit}: it must be at least 1")
    found = dict[str, int | None]()
    for typed in _listed("--test", asked.test):
        name, _, count = typed.partition(":")
        if ":" in typed and not (count.isdecimal() and int(count)):
            raise RequestError(f"--test {typed}: write a number of rows behind the colon, such as {name}:500")
        task = registry.find(name).name
        if task in found:
            raise RequestError(f"--test {typed}: {task} is named twice")
        found[task] = int(count) if count else asked.test_limit
    return found


def _for_scoring(flags: Flags, limit: int | None) -> Flags:
    """The flags that count for a test task: where its rows are, how they are read, and the window."""
    kept = ("data", "sample", "on_bad_row", "device", *(one.name for one in fields(Window)))
    return Flags(limit=limit, **{name: getattr(flags, name) for name in kept})


def _located(spec: Spec) -> Spec | str:
    try:
        check_rows(spec)
    except (DataError, HubError) as error:
        return str(error)
    return spec


def _listed(flag: str, typed: str) -> list[str]:
    names = list(dict.fromkeys(name.strip() for name in typed.split(",") if name.strip()))
    if not names:
        raise RequestError(f"{flag}: name at least one")
    return names


def _models(typed: str) -> dict[str, tuple[str, bool]]:
    """By short name each model, and whether its weights are random."""
    named = _listed("--models", typed)
    found = [(one.removeprefix(SCRATCH), one.startswith(SCRATCH)) for one in named]
    if empty := next((one for one, (model, _) in zip(named, found, strict=True) if not model), None):
        raise RequestError(f"--models {empty}: name a model behind it")
    short = [f"{SCRATCH * scratch}{Path(model).name or model}" for model, scratch in found]
    names: Sequence[str] = short if len(set(short)) == len(short) else named
    return dict(zip(names, found, strict=True))


def _check_heads(train: Task, test: Task) -> None:
    """Raise RequestError unless a model of one can answer the other's rows, its labels matched by name."""
    ours, theirs = train.head, test.head
    if not (ours.is_resolved and theirs.is_resolved):
        open_one = train if not ours.is_resolved else test
        raise RequestError(f"{train.name} and {test.name}: the labels of {open_one.name} are read from its train rows")
    if _shape(ours) != _shape(theirs):
        raise RequestError(f"{train.name} and {test.name} are unlike tasks: {_said(ours)}, and {_said(theirs)}")
    if set(ours.label_names) != set(theirs.label_names) or (not ours.label_names and ours.labels != theirs.labels):
        names = [", ".join(head.label_names) or str(head.labels) for head in (ours, theirs)]
        raise RequestError(f"{train.name} and {test.name} differ in their labels: {names[0]}; {names[1]}")


def _shape(head: Any) -> dict[str, Any]:
    return {field.name: getattr(head, field.name) for field in fields(head) if field.name != "labels"}


def _said(head: Head) -> str:
    more = " with questions that have no answer" if getattr(head, "no_answer", False) else ""
    return f"{head.kind} of {', '.join(head.roles[:-1])}{more}"
