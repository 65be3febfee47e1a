"""What a run came to: the run's folder, and the values written there."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bertkit.errors import RequestError
from bertkit.sources import expanded
from bertkit.spec import HUB, SAMPLE, Spec, spec_from_plain, to_plain

SCHEMA = 1
SPEC, LOG, MODEL, PREDICTIONS, RESULT = "spec.json", "log.jsonl", "model", "predictions.jsonl", "result.json"
FAILED, BEST = "failed.json", "best"
BEGUN_IN, COMMITS = "begun_in", "commits"


@dataclass(frozen=True, kw_only=True)
class Score:
    """A metric's value as a fraction (or a correlation), with what a second look would give.

    low, high  the 95 % percentile interval over 1,000 bootstrap samples of the rows (Efron 1979): how far
               another dev set of the same size might move it. It does not hold the seed's share.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Scored:
    """One evaluation: `rows` rows of `split`, each metric's Score, and more numbers in `details`.

    missing  why there is nothing, if there is nothing
    """

    name: str
    split: str
    rows: int = 0
    metrics: Mapping[str, Score] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    missing: str | None = None


@dataclass(frozen=True, kw_only=True)
class RowCount:
    """How many rows of a split were used, of how many published, and from where."""

    used: int
    there: int
    published: int | None = None
    origin: str = ""
    digest: str = ""
    notes: tuple[str, ...] = ()
    cut: int = 0

    @property
    def whole(self) -> bool:
        """Whether this is the published split, whole."""
        return self.published is not None and self.used == self.published


@dataclass(frozen=True, kw_only=True)
class Training:
    """What training did: updates, rows and real tokens seen, its seconds, the last update's loss.

    layout, order  how batches lay in memory, and in which order they came
    dropout        "fast" or "torch": what drew it
    """

    steps: int
    examples: int
    tokens: int
    seconds: float
    loss: float
    layout: str = "bucketed"
    order: str = "length"
    dropout: str = "torch"


@dataclass(frozen=True, kw_only=True)
class Result:
    """A finished run. `marks` say what the numbers are not: the sample, a partial split, a slice."""

    spec: Spec
    evaluations: tuple[Scored, ...]
    rows: Mapping[str, RowCount]
    training: Training
    device: str
    precision: str
    encoder: Mapping[str, Any]
    versions: Mapping[str, str]
    marks: tuple[str, ...] = ()
    seconds: float = 0.0
    schema_number: int = SCHEMA

    @property
    def headline(self) -> tuple[str, Score] | None:
        """The first metric of the first evaluation that was scored."""
        for scored in self.evaluations:
            for name, score in scored.metrics.items():
                return name, score
        return None


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A run's folder and its result; `before` if it was finished before and nothing was done now."""

    folder: Path
    result: Result
    before: bool


def write_json(path: Path, value: Any) -> None:
    """Write JSON whole or not at all: to a temporary name, flushed, renamed."""
    write_text(path, json.dumps(value, indent=1, allow_nan=False) + "\n")


def write_lines(path: Path, values: Iterable[Any]) -> None:
    """Write one JSON value a line, whole or not at all."""
    write_text(path, "".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values))


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    with whole_file(path) as beside:
        beside.write_text(text, encoding="utf-8")


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A name beside `path` to write to; afterwards `path` is what was written there, or what it was before."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield beside
        flush(beside)
        beside.replace(path)
        flush(path.parent)
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """A folder beside `path` to write to, which becomes `path` when all its files are on the disk."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    beside.mkdir(parents=True)
    try:
        yield beside
        for file in beside.iterdir():
            flush(file)
        flush(beside)
        beside.rename(path)
        flush(path.parent)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def flush(path: Path) -> None:
    """Have a file, or a folder's entries, on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_result(folder: Path) -> Result | None:
    """The result of a finished run; None if the folder holds none. Raises RequestError if it is damaged."""
    path = folder / RESULT
    if not path.is_file():
        return None
    with _damage_named(path):
        plain = json.loads(path.read_text("utf-8"))
        schema = plain["schema_number"]
    if schema != SCHEMA:
        raise RequestError(f"{path} was written by another version: schema {schema}, not {SCHEMA}")
    with _damage_named(path):
        return result_from_plain(plain)
    raise AssertionError


def result_from_plain(plain: Any) -> Result:
    """What `to_plain` made of a Result. Raises pydantic's ValidationError (a ValueError)."""
    from pydantic import TypeAdapter

    return TypeAdapter(Result).validate_python(plain)


def write_spec(folder: Path, spec: Spec, commits: Mapping[str, Any]) -> None:
    """Write a run's spec, with the folder from which its relative paths count and the Hub's commits that it is made of.

    commits  of the "model", and of the "datasets" by their ids
    """
    plain = {**to_plain(spec), COMMITS: commits}
    with suppress(FileNotFoundError):
        plain[BEGUN_IN] = str(Path.cwd())
    write_json(folder / SPEC, plain)


def read_spec(folder: Path) -> Spec:
    """The spec of a run's folder. Raises RequestError if it is not one."""
    path = folder / SPEC
    if not path.is_file():
        raise RequestError(f"{folder} is not a run's folder: it has no {SPEC}")
    with _damage_named(path):
        return spec_from_plain(json.loads(path.read_text("utf-8")))
    raise AssertionError


def begun_commits(folder: Path) -> Any:
    """The Hub's commits that a run was begun with; {} if none was. Raises RequestError if they are damaged."""
    commits = _written(folder, COMMITS) or {}
    with _damage_named(folder / SPEC):
        if not isinstance(commits.get("datasets", {}), dict):
            raise ValueError("its commits are none")
    return commits


def _written(folder: Path, name: str) -> Any:
    """What stands beside the spec; None if nothing does."""
    path = folder / SPEC
    with _damage_named(path):
        return json.loads(path.read_text("utf-8")).get(name) if path.is_file() else None


def located(folder: Path, spec: Spec) -> Spec:
    """The `spec` of a run's folder, its relative paths counted from where it was begun, where there is such a folder.

    `spec` itself says what the run is: this one, where to look.
    """
    begun_in = _written(folder, BEGUN_IN)

    def at(typed: str) -> str:
        path = Path(begun_in if isinstance(begun_in, str) else "") / expanded(typed)
        with suppress(OSError):  # a folder of somebody else's
            if typed not in (HUB, SAMPLE) and path.is_dir():
                return str(path)
        return typed

    return replace(spec, data=at(spec.data), model=at(spec.model))


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    """What cannot be read there becomes one line that names the file."""
    try:
        yield
    except (ValueError, KeyError, TypeError, AttributeError, RequestError) as error:
        raise RequestError(f"{path} is damaged: {_one_line(error)}") from error


def write_result(folder: Path, result: Result) -> None:
    """Make `folder` a finished run: this is the last file that is written."""
    write_json(folder / RESULT, to_plain(result))


def read_log(folder: Path) -> list[dict[str, Any]]:
    """The lines of a run's log: updates ("loss") and scorings on the way ("score")."""
    return [json.loads(line) for line in (folder / LOG).read_text("utf-8").splitlines() if line]


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
