"""The files of a run's folder: spec, log, result; and backing up an old folder."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from bertkit.encoders import locate_encoder
from bertkit.errors import RequestError, one_line
from bertkit.files import expanded, write_json
from bertkit.request.saved_spec import saved_spec
from bertkit.result import SCHEMA, Result
from bertkit.sources import Source
from bertkit.spec import HUB, MODEL_FOLDER, RESULT_FILE, SAMPLE, SPEC_FILE, Spec, to_plain

SPEC, LOG, MODEL, PREDICTIONS, RESULT = SPEC_FILE, "log.jsonl", MODEL_FOLDER, "predictions.jsonl", RESULT_FILE
FAILED, BEST, SKIPPED, ADAPTER = "failed.json", "best", "skipped.jsonl", "adapter"
WORKING_FOLDER, COMMITS, OPTIONS, UPDATES = "begun_in", "commits", "options", "updates"
"""Keys of spec.json besides the spec's own."""

R = TypeVar("R")


def start_id(folder: Path) -> int | None:
    """An id of the run that was started in the folder, another for each start; None if there is none."""
    spec = folder / SPEC
    return spec.stat().st_ino if spec.is_file() else None


def back_up(folder: Path) -> Path:
    """Rename a folder to its name with .before, or .before-2 and so on; returns the new path."""
    for k in range(1, 10_000):
        backup = folder.with_name(f"{folder.name}.before{f'-{k}' if k > 1 else ''}")
        if not backup.exists():
            folder.rename(backup)
            return backup
    raise RequestError(f"{folder}.before and 9,998 more exist: remove some")


class Log:
    """log.jsonl while it is written, a JSON object a line; only the main process writes."""

    def __init__(self, path: Path, writes: bool, kept: int = 0) -> None:
        """Append after the first `kept` bytes of the file; the rest is cut off."""
        self.file = None
        if writes:
            path.touch()
            self.file = path.open("r+", encoding="utf-8")
            self.file.truncate(min(kept, path.stat().st_size))
            self.file.seek(0, os.SEEK_END)

    def write(self, line: dict[str, Any]) -> None:
        """Append a line; a non-finite number, such as of a skipped fp16 update, is null."""
        if self.file:
            finite = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in line.items()}
            self.file.write(json.dumps(finite, allow_nan=False) + "\n")
            self.file.flush()

    def flushed(self) -> int:
        """Flush to the disk; returns the file's size in bytes."""
        if self.file is None:
            return 0
        os.fsync(self.file.fileno())
        return self.file.tell()

    def __enter__(self) -> Log:
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        if self.file:
            if kind is None:
                self.flushed()  # before the result is there, which makes the run a finished one
            self.file.close()


def read_result(folder: Path) -> Result | None:
    """The result of a finished run; None if the folder holds none. Raises RequestError if it is damaged."""
    return read_result_by(folder, result_from_plain)


def read_result_by(folder: Path, read: Callable[[Any], R]) -> R | None:
    """As `read_result`, of a run of any kind, whose result `read` makes of JSON."""
    path = folder / RESULT
    if not path.is_file():
        return None
    with damage_named(path):
        plain = json.loads(path.read_text("utf-8"))
        schema = plain["schema_number"]
    if schema != SCHEMA:
        raise RequestError(f"{path} was written by another version: schema {schema}, not {SCHEMA}")
    with damage_named(path):
        return read(plain)
    raise AssertionError


def result_from_plain(plain: Any) -> Result:
    """What `to_plain` made of a Result. Raises pydantic's ValidationError (a ValueError)."""
    from pydantic import TypeAdapter

    return TypeAdapter(Result).validate_python(plain)


def write_spec(
    folder: Path, spec: Spec, commits: Mapping[str, Any], options: Mapping[str, Any], updates: int | None = None
) -> None:
    """Write a run's spec, the working folder that its relative paths start from, and the Hub commits it uses.

    commits  of the "model", and of the "datasets" by their ids
    options  that decide which files it leaves, so that it is resumed with them before its first checkpoint too
    updates  that fit into its budget
    """
    plain = {**to_plain(spec), COMMITS: commits, OPTIONS: options}
    if updates is not None:
        plain[UPDATES] = updates
    with suppress(FileNotFoundError):
        plain[WORKING_FOLDER] = str(Path.cwd())
    write_json(folder / SPEC, plain)


def read_spec(folder: Path) -> Spec:
    """The spec of a run's folder. Raises RequestError if it is not one."""
    path = folder / SPEC
    if not path.is_file():
        raise RequestError(f"{folder} is not a run's folder: it has no {SPEC}")
    return saved_spec(path)


def recorded_commits(folder: Path) -> Any:
    """The Hub commits that the run was started with; {} if there is none. Raises RequestError if they are damaged."""
    commits = _written(folder, COMMITS) or {}
    with damage_named(folder / SPEC):
        if not isinstance(commits.get("datasets", {}), dict):
            raise ValueError("its commits are not a mapping")
    return commits


def recorded_options(folder: Path) -> Any:
    """The options that the run was started with, by name; {} where it does not say."""
    return _written(folder, OPTIONS) or {}


def recorded_updates(folder: Path) -> int | None:
    """The number of updates that the run was started with; None if it was not started, or has no budget."""
    updates = _written(folder, UPDATES)
    with damage_named(folder / SPEC):
        return None if updates is None else int(updates)
    raise AssertionError


def pinned_to(spec: Spec, commits: Mapping[str, Any]) -> Spec:
    """`spec` at the Hub's `commits` of a run, whatever was pushed since."""
    datasets = commits.get("datasets", {})

    def at(source: Source) -> Source:
        if source.hub is None or source.hub.id not in datasets:
            return source
        return replace(source, hub=replace(source.hub, revision=datasets[source.hub.id]))

    evaluations = tuple(replace(one, source=at(one.source)) if one.source else one for one in spec.task.evaluations)
    task = replace(spec.task, source=at(spec.task.source), evaluations=evaluations)
    revision = commits.get("model")
    if revision is None or locate_encoder(spec.model, spec.revision, weights=False).kind != "hub":
        revision = spec.revision  # a folder of that name may be here now
    return replace(spec, task=task, revision=revision)


def _written(folder: Path, name: str) -> Any:
    """A value that spec.json holds besides the spec; None if it lacks it."""
    path = folder / SPEC
    with damage_named(path):
        return json.loads(path.read_text("utf-8")).get(name) if path.is_file() else None


def located(folder: Path, spec: Spec) -> Spec:
    """The `spec` of a run's folder, its relative paths resolved from the folder it was started in, if they exist.

    `spec` identifies the run; the result says where to read.
    """
    working = _written(folder, WORKING_FOLDER)

    def at(typed: str) -> str:
        path = Path(working if isinstance(working, str) else "") / expanded(typed)
        with suppress(OSError):  # not readable by this user
            if typed not in (HUB, SAMPLE) and path.is_dir():
                return str(path)
        return typed

    return replace(spec, data=at(spec.data), model=at(spec.model))


@contextmanager
def damage_named(path: Path) -> Iterator[None]:
    """Turn an error of reading inside the block into a RequestError that names the file."""
    try:
        yield
    except (ValueError, KeyError, TypeError, AttributeError, RequestError) as error:
        raise RequestError(f"{path} is damaged: {one_line(error, 200)}") from error


def write_result(folder: Path, result: Result) -> None:
    """Write the result, the last file of a run: with it the run is finished."""
    write_json(folder / RESULT, to_plain(result))


def read_log(folder: Path) -> list[dict[str, Any]]:
    """The lines of a run's log: updates ("loss") and evaluations during training ("score")."""
    return [json.loads(line) for line in (folder / LOG).read_text("utf-8").splitlines() if line]
