"""Texts in files, in one folder for each class. Light."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bertkit.data.decoding import lines
from bertkit.sources import FileFormat

SPLITS = {"train": ("train", "training"), "dev": ("dev", "validation", "valid", "val"), "test": ("test", "testing")}
"""Names of the sub-folders that hold a split."""
UNLABELLED = "unsup"
"""The folder of texts without a class beside those of the classes (Maas et al. 2011, aclImdb)."""
FEWEST = 2
"""Classes below which a folder is none of classes."""


def class_folders(folder: Path) -> dict[str, tuple[str, ...]]:
    """For each split the patterns of its files below `folder`, one a class; empty if it is no folder of classes.

    The classes lie in the folder itself (all of them `train`), or in its sub-folders train, test and so on.
    """
    found = {}
    for split, names in SPLITS.items():
        below = next((folder / name for name in names if (folder / name).is_dir()), None)
        if below is not None and (patterns := _classes(below)):
            found[split] = tuple(f"{glob.escape(below.name)}/{pattern}" for pattern in patterns)
    if found:
        return found
    patterns = _classes(folder)
    return {"train": patterns} if patterns else {}


def read_text(path: Path, form: FileFormat) -> Iterator[tuple[int, dict[str, Any]]]:
    """One row: the file's `text`, its folder's name as the `label`, and its path from the folder of classes as `id`."""
    text = "\n".join(line for _, line in lines(path, encoding=form.encoding)) if path.stat().st_size else ""
    yield 1, {"text": text, "label": path.parent.name, "id": f"{path.parent.name}/{path.name}"}


def _classes(folder: Path) -> tuple[str, ...]:
    below = [path for path in sorted(folder.iterdir()) if path.is_dir() and path.name[0] not in "._"]
    below = [path for path in below if path.name != UNLABELLED] if len(below) > FEWEST else below
    patterns = [_pattern(path) for path in below]
    return tuple(p for p in patterns if p) if len(patterns) >= FEWEST and all(patterns) else ()


def _pattern(folder: Path) -> str | None:
    """The pattern of a class's texts: `pos/*.txt`, or `pos/*` where they have no suffix; None for anything else."""
    names = [path.name for path in folder.iterdir() if path.name[0] != "."]
    suffixes = {Path(name).suffix.lower() for name in names}
    if not names or any((folder / name).is_dir() for name in names):
        return None
    if ".txt" in suffixes:
        return f"{glob.escape(folder.name)}/*.txt"
    if all(suffix in ("", ".text") or suffix[1:].isdigit() for suffix in suffixes):
        return f"{glob.escape(folder.name)}/*"
    return None
