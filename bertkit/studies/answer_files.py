"""Files of answers as arms of a comparison: `id, answer[, gold]`, in any format that rows are read from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bertkit.data.detect import detect
from bertkit.data.readers import read_located
from bertkit.data.written import items
from bertkit.errors import RequestError
from bertkit.evaluation.metrics import METRICS
from bertkit.heads.schemes import is_tag_of, recognise
from bertkit.studies.arms import OF_SECOND_LABEL, Answers, Arm, Part

ID, ANSWER, GOLD = "id", "answer", "gold"
SPELLINGS = {"row_id": ID, "index": ID, "idx": ID, "prediction": ANSWER, "label": GOLD}
"""Other names of the columns, which are read where a file lacks the first one."""
FILE = "file"


def read_answers(path: Path) -> Answers:
    """The answers of a file as they stand in it, and its golds where it has that column.

    Raises RequestError for a file without these columns, an empty cell, and an id that stands in it twice.
    """
    values: dict[str, Any] = {}
    golds: dict[str, Any] = {}
    for where, raw in read_located(path, form=detect(path)):
        row = _named(raw)
        if missing := [name for name in (ID, ANSWER) if name not in row]:
            raise RequestError(f"{path}: no column {' and none '.join(missing)}; its columns are {', '.join(raw)}")
        if row[ID] in (None, ""):
            raise RequestError(f"{where}: no id")
        ident = str(row[ID])
        if ident in values:
            raise RequestError(f"{where}: id {ident!r} stands in this file twice")
        values[ident] = "" if row[ANSWER] is None else row[ANSWER]
        if row.get(GOLD) not in (None, ""):
            golds[ident] = row[GOLD]
    if not values:
        raise RequestError(f"{path} holds no answers")
    if golds and len(golds) < len(values):
        raise RequestError(f"{path}: {len(values) - len(golds):,} of {len(values):,} rows have no gold")
    return Answers(source=path, seed=None, values=values, golds=golds)


def arms_of_files(files: Mapping[str, Answers], like: Part | None, metric: str | None) -> dict[str, Arm]:
    """The arms of files, by their names, each answering the evaluation of `like`, a run's; or that of the files' golds.

    Without a run the labels are those in the files, in alphabetical order, and the metric is accuracy, or `metric`.
    Raises RequestError where there are no golds, an answer is none of the labels, no number, or not as many tags as its
    gold or of another scheme, and where `metric` needs to know which label is the positive one.
    """
    if like is None:
        like = _part_of_files(files, metric)
    kind, right = like.metric(metric or like.metrics[0]).kind, dict(like.runs[0].golds) if like.runs else {}
    found, runs = {}, list[Answers]()
    for name, answers in files.items():
        values = {key: _read(value, kind, like.labels, answers, key) for key, value in answers.values.items()}
        golds = {key: _gold(value, kind, like.labels, answers, key) for key, value in answers.golds.items()}
        right = {**golds, **right}
        run = Answers(source=answers.source, seed=None, values=values, golds=golds)
        part = Part(arm=name, task=like.task, evaluation=like.evaluation, metrics=like.metrics, labels=like.labels,
                    scheme=like.scheme, rows={}, runs=(run,))  # fmt: skip
        found[name] = Arm(name=name, parts={(like.task, like.evaluation): part}, specs={})
        runs.append(run)
    if kind == "tags":
        strict = METRICS[metric or like.metrics[0]].of_scheme is not None
        _check_tags(runs, right, like.scheme if strict else None)
    return found


def unanswered(arms: Sequence[Arm]) -> list[str]:
    """A line for each file in which rows have no answer, where that is none: an answer of QA may be empty."""
    lines = []
    for arm in arms:
        for part in arm.parts.values():
            for run in part.runs if part.metric(part.metrics[0]).kind != "text" else ():
                empty = sum(value in ("", []) for value in run.values.values())
                if empty and run.source.is_file():
                    lines.append(
                        f"{arm.name}: {empty:,} of {len(run.values):,} rows have no answer, and count as wrong"
                    )
    return lines


def _part_of_files(files: Mapping[str, Answers], metric: str | None) -> Part:
    if not any(answers.golds for answers in files.values()):
        raise RequestError("no file has a gold column, and there is no run to take golds from: add one")
    name = metric or "accuracy"
    if metric is None and all(map(_has_decimals, (value for one in files.values() for value in one.golds.values()))):
        raise RequestError("the golds are numbers with decimals: say --metric pearson or spearman (or accuracy)")
    if name == OF_SECOND_LABEL:
        raise RequestError(
            f"--metric {name}: files do not say which label is the positive one; name a run of the task too, "
            "or take --metric f1_macro or accuracy"
        )
    kind, every = METRICS[name].kind, files.values()
    golds = [_names(value, kind) for one in every for value in one.golds.values()]
    given = [_names(value, kind) for one in every for value in one.values.values()]
    labels = tuple(sorted({label for names in (*golds, *given) for label in names}))
    scheme = None
    if METRICS[name].of_scheme is not None:
        scheme = recognise([tag for tags in golds for tag in (*tags, None)]) or recognise(set(labels)) or "BIO"
    return Part(arm=FILE, task=FILE, evaluation=FILE, metrics=(name,), labels=labels, scheme=scheme, rows={}, runs=())


def _has_decimals(value: Any) -> bool:
    """Whether this is a number that is written with decimals: a score, and no label."""
    text = str(value).strip()
    return "." in text and text.removeprefix("-").replace(".", "", 1).isdecimal()


def _check_tags(runs: Sequence[Answers], golds: Mapping[str, Any], scheme: str | None) -> None:
    """Raise RequestError where a row has more tags than its gold, or fewer, or one that is none of the `scheme`."""
    for run in runs:
        for key, tags in (*run.values.items(), *run.golds.items()):
            where = f"{run.source}, id {key!r}"
            if key in golds and len(tags) != len(golds[key]):
                raise RequestError(f"{where}: {len(tags):,} tags, but its gold has {len(golds[key]):,}")
            if odd := [tag for tag in tags if scheme is not None and not is_tag_of(tag, scheme)]:
                raise RequestError(f"{where}: {odd[0]!r} is no tag of the scheme {scheme}; take --metric tag_accuracy")


def _named(raw: Mapping[str, Any]) -> dict[str, Any]:
    lower = {str(name).strip().lower(): value for name, value in raw.items()}
    for other, name in SPELLINGS.items():
        if name not in lower and other in lower:
            lower[name] = lower[other]
    return lower


def _read(value: Any, kind: str, labels: Sequence[str], answers: Answers, key: str) -> Any:
    """An answer as the metrics of this kind take it."""
    where = f"{answers.source}, id {key!r}"
    if kind == "label":
        if str(value) not in labels:
            raise RequestError(f"{where}: {value!r} is none of the labels: {', '.join(labels)}")
        return str(value)
    if kind == "number":
        return _number(where, value)
    return str(value) if kind == "text" else _names(value, kind)


def _names(value: Any, kind: str) -> list[str]:
    """The labels of a cell: one, several, or a tag for each word; [] where answers of this kind have none."""
    if kind in ("number", "text"):
        return []
    if kind == "label":
        return [str(value)]
    if kind == "labels" and isinstance(value, str) and not value.startswith("["):
        return [one for one in value.split("|") if one]
    return items(value)


def _gold(value: Any, kind: str, labels: Sequence[str], answers: Answers, key: str) -> Any:
    if kind == "text":
        return [str(one) for one in (value if isinstance(value, list) else [value])]
    return _read(value, kind, labels, answers, key)


def _number(where: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise RequestError(f"{where}: {value!r} is no number")
    return number
