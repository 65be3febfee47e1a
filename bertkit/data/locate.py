"""Find the files of a run's splits, once, by looking at names only."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bertkit import registry
from bertkit.data.columns import tagged_lines
from bertkit.errors import DataError
from bertkit.files import expanded
from bertkit.sources import SUFFIXES, Located, locate
from bertkit.spec import HUB, SAMPLE
from bertkit.task import Task

TRAIN, DEV = "train", "dev"
SHOWN = 5
"""Names in an error of what a folder has."""
COLUMNS = (".txt", ".conll", ".bio", ".iob", ".iob2")
"""Suffixes of files with a word and its tags a line."""
CONLL_2003 = ("eng.train", "eng.testa", "eng.testb")
"""The names of its files (clips.uantwerpen.be/conll2003/ner)."""

SplitFiles = Mapping[str, Located | None]
"""The files of train, and of every evaluation by its name; None where there are none."""


def folder_of(task: Task, data: str) -> Path | None:
    """The folder that `data` names; None for the Hub. Raises DataError if the task has no such rows."""
    if data == SAMPLE:
        folder = registry.samples(task)
        if folder is None:
            raise DataError(f"{task.name} has no sample; give its rows with --data FOLDER")
        return folder
    if data == HUB:
        if task.source.hub is None:
            or_sample = ", or take --sample" if registry.samples(task) else ""
            raise DataError(f"{task.name} has no rows on the Hub; give them with --data FOLDER{or_sample}")
        return None
    return expanded(data)


def locate_splits(task: Task, data: str, training: bool = True) -> SplitFiles | None:
    """The files of the splits that `task` needs; None if rows come from the Hub.

    Raises DataError if a scored split is missing, or the train split and no part of dev can replace it.
    """
    folder = folder_of(task, data)
    if training and task.trains_on and TRAIN not in _splits_of(task, folder):
        raise DataError(f"{task.name} has no train rows: {_trained_elsewhere(task)}")
    if folder is None:
        return None
    files = {e.name: locate(task.source_of(e), folder, e.split) for e in task.evaluations}
    files[TRAIN] = locate(task.source, folder, TRAIN)
    held_out = held_out_for(task, files)
    if not held_out and not any(files[e.name] for e in task.scored):
        raise DataError(_lack(task, task.scored[0].split, folder))
    if not files[TRAIN] and (held_out or (training and task.source.carve is None)):
        elsewhere = f"; {_trained_elsewhere(task)}" if task.trains_on else ""
        raise DataError(_lack(task, TRAIN, folder) + elsewhere)
    return files


def _splits_of(task: Task, folder: Path | None) -> Mapping[str, object]:
    """The splits that the data set has, in files or on the Hub."""
    return task.source.files if folder or task.source.hub is None else task.source.hub.splits


def _trained_elsewhere(task: Task) -> str:
    return (
        f"fine-tune on {task.trains_on}, and score it here by `bertkit compare transfer --train {task.trains_on} "
        f"--test {task.name}`"
    )


def held_out_for(task: Task, files: SplitFiles | None) -> str | None:
    """The evaluation for which rows of train are held out, there being no dev split; None if there is none."""
    if task.source.hold_out is None:
        return None
    name = next((e.name for e in task.evaluations if e.split == DEV and e.source is None), None)
    hub = task.source.hub
    missing = name is not None and (files[name] is None if files else hub is not None and DEV not in hub.splits)
    return name if missing else None


def is_carved(task: Task, files: SplitFiles | None) -> bool:
    """Whether documents of dev replace a missing train split."""
    return task.source.carve is not None and files is not None and files[TRAIN] is None


def _lack(task: Task, split: str, folder: Path) -> str:
    source = task.source if split == TRAIN else task.source_of(task.scored[0])
    stems = " or ".join(f"{stem}.*" for stem in source.stems.get(split, (split,)))
    names = ", ".join((*source.files.get(split, ()), f"{stems} ({', '.join(SUFFIXES)})"))
    places = " or ".join((*source.folders, "the folder itself"))
    lack = f"{task.name}: no {split} split in {folder} (looked for {names}, in {places})"
    return lack + _holds(folder) + _sentence_lines(task, folder)


def _holds(folder: Path) -> str:
    """What the folder has instead."""
    names = sorted(f"{path.name}{'/' * path.is_dir()}" for path in folder.iterdir() if path.name[0] != ".")
    if not names:
        return "; it is empty"
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"; it has {', '.join(names[:SHOWN])}{more}"


def _sentence_lines(task: Task, folder: Path) -> str:
    """How words and tags are given that are not in CoNLL-U (CoNLL-2003's columns), if the folder may have some."""
    tags = task.source.columns.get("tags")
    files = sorted(path for path in folder.iterdir() if path.suffix in COLUMNS or path.name in CONLL_2003)
    if tags is None or not files:
        return ""
    first = next((path for path in files if TRAIN in path.name), files[0])
    return f"; {tagged_lines(tags[0])}; or give a file in the task's place, as it is (bertkit finetune {first})"
