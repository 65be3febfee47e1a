"""Which files a path stands for: one file, or those of a folder for train, dev and test, by their names. Light."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bertkit.data.detect import detect
from bertkit.data.read_folders import class_folders
from bertkit.errors import RequestError
from bertkit.files import expanded
from bertkit.request.own_flags import OwnFlags
from bertkit.sources import FileFormat, HubRows, check_shards

SPLITS = {
    "train": ("train", "training", "trn"),
    "dev": ("dev", "development", "validation", "validate", "valid", "val", "testa"),
    "test": ("test", "testing", "tst", "testb"),
}
"""What a file's name has for its split, as a word of its own."""
NO_STEMS: Mapping[str, tuple[str, ...]] = dict.fromkeys(SPLITS, ())
"""For Source.stems: no other file of the folder is read."""
PACKED = ("gz", "bz2", "xz", "zip")
NO_ROWS = re.compile(
    r"(readme|licen[cs]e|labels?|classes|categories|manifest|citation|changelog|notice|dataset_infos?|stats)([._-].*)?"
    r"|.*\.(md|rst|pdf|docx?|html?|py|ipynb|sh|ya?ml|toml|png|jpe?g|svg|bib|cfg|ini|log|lock|sha256|pt|bin|safetensors)",
    re.I,
)
"""Names of files that hold no rows."""
SHARD = re.compile(r"(.*?)(\d{4,5})-of-(\d{4,5})(.*)")
SHOWN = 6


@dataclass(frozen=True, kw_only=True)
class OwnFiles:
    """The files of a user's own task.

    name     of the task, safe for a folder's
    data     the folder they are in, as it was typed
    files    for each split the patterns of its files, relative to that folder
    paths    for each split the files
    formats  for each split how they are read
    hub      the dataset of the Hub that is read in place of files
    """

    name: str
    data: str
    files: dict[str, tuple[str, ...]]
    paths: dict[str, tuple[Path, ...]]
    formats: dict[str, FileFormat]
    hub: HubRows | None = None

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that are there."""
        return tuple(self.hub.splits if self.hub else self.paths)

    def called(self, split: str) -> str:
        """How messages call the rows of a split."""
        if self.hub:
            return f"{self.hub.id} {self.hub.splits[split]}"
        several = self.paths[split]
        return several[0].name if len(several) == 1 else f"{len(several):,} files"


def looks_like_path(typed: str) -> bool:
    """Whether what was typed for a task is a path: there is such a file, or it has a slash or a suffix."""
    try:
        there = expanded(typed).exists()
    except (OSError, ValueError):
        there = False
    return (
        there
        or typed.startswith("hub:")
        or "/" in typed
        or os.sep in typed
        or bool(re.fullmatch(r".+\.[A-Za-z][A-Za-z0-9]{1,7}", typed))
    )


def files_of(typed: str | None, flags: OwnFlags, scored: bool = False) -> OwnFiles:
    """The files that a path and --train-file, --dev-file and --test-file stand for. Raises RequestError or DataError.

    `scored` takes a file, and all files of a folder, for rows to score.
    """
    if flags.subset is not None or flags.split_names is not None:
        raise RequestError("--subset and --split-names are for a dataset of the Hub, hub:OWNER/NAME")
    if typed is not None and typed.strip() == "":
        raise RequestError("'': an empty name; name a task, a file or a folder")
    named = {split: expanded(file) for split, file in flags.files.items()}
    if typed is not None and flags.train_file is not None:
        raise RequestError(f"{typed} and --train-file: give one of them")
    for split, path in named.items():
        _check_there(path, f"--{split}-file {path}")
    if typed is None:
        if "train" not in named:
            raise RequestError(f"{', '.join(flags.typed)}: give the train rows too, with --train-file or as a path")
        return _made(named["train"].stem, {split: (path,) for split, path in named.items()}, flags)
    path = expanded(typed)
    _check_there(path, typed)
    if path.is_file():
        split = "test" if scored else "train"
        return _made(path.name, {split: (path,), **{s: (p,) for s, p in named.items()}}, flags)
    return _classes(path, flags) or _in_folder(path, typed, flags, scored)


def _check_there(path: Path, shown: str) -> None:
    """Raise RequestError if there is no such file, with the nearest name in its folder."""
    if path.exists():
        return
    from difflib import get_close_matches

    folder = path.parent
    names = [one.name for one in folder.iterdir()] if folder.is_dir() else []
    near = get_close_matches(path.name, names, n=1)
    guess = (
        f"; did you mean {folder / near[0]}?" if near else "" if folder.is_dir() else f": there is no folder {folder}"
    )
    raise RequestError(f"{shown}: there is no such file or folder{guess}")


def _in_folder(folder: Path, typed: str, flags: OwnFlags, scored: bool) -> OwnFiles:
    """The files of a folder that are called after a split; or its one file of rows.

    Where it has no rows itself they are those of its folder `data`, as in a dataset's repository of the Hub.
    """
    there = _row_files(folder) or _row_files(folder / "data")
    found = {split: _of_split(folder, split, there) for split in SPLITS}
    paths = {split: files for split, files in found.items() if files}
    paths |= {split: (expanded(file),) for split, file in flags.files.items()}
    if scored and (paths or len(there) == 1):
        others = {split: files for split, files in paths.items() if split != "train"}
        return _made(folder.resolve().name, others or {"test": paths.get("train", tuple(there))}, flags)
    if "train" not in paths and not any(found.values()) and len(there) == 1:
        paths["train"] = (there[0],)
    if "train" not in paths:
        shown = ", ".join(one.name for one in there[:SHOWN]) or "no file of rows"
        more = f" and {len(there) - SHOWN} more" if len(there) > SHOWN else ""
        split, flagged = (
            ("dev or test", "") if scored else ("train", ", or say --train-file, --dev-file and --test-file")
        )
        raise RequestError(
            f"{typed}: no file called {split}.* and not one file alone; it has {shown}{more}: name the file{flagged}"
        )
    return _made(folder.resolve().name, paths, flags)


def _row_files(folder: Path) -> list[Path]:
    """Files that hold rows by their names; none if there is no such folder."""
    files = [one for one in sorted(folder.iterdir()) if one.is_file()] if folder.is_dir() else []
    return [one for one in files if one.name[0] not in "._" and not NO_ROWS.fullmatch(_unpacked(one.name))]


def _of_split(folder: Path, split: str, there: list[Path]) -> tuple[Path, ...]:
    """The one file that is called after the split, or all shards of one.

    Raises RequestError for several, and DataError if a shard is missing.
    """
    named = [one for one in there if set(words_of(one.name)) & set(SPLITS[split])]
    if split == "dev":
        named = [one for one in named if not set(words_of(one.name)) & set(SPLITS["train"])]
    shards = {(found[1], found[3], found[4]) for one in named if (found := SHARD.fullmatch(one.name))}
    if len(shards) == 1 and all(SHARD.fullmatch(one.name) for one in named):
        check_shards(named)
        return tuple(named)
    plain = [one for one in named if words_of(one.name)[0] in SPLITS[split] and len(words_of(one.name)) == 2]
    if len(named) > 1 and len(plain) == 1:
        return (plain[0],)
    if len(named) > 1:
        shown = ", ".join(one.name for one in named[:SHOWN])
        raise RequestError(
            f"{folder}: {len(named)} files are called after {split}: {shown}; say which with --{split}-file"
        )
    return tuple(named)


def words_of(name: str) -> list[str]:
    """The words of a file's name: en, ewt, ud, train, conllu."""
    return [word for word in re.split(r"[^a-z0-9]+", _unpacked(name).lower()) if word]


def _unpacked(name: str) -> str:
    stem, _, last = name.rpartition(".")
    return stem if stem and last.lower() in PACKED else name


def _classes(folder: Path, flags: OwnFlags) -> OwnFiles | None:
    """The texts of a folder for each class; None if it is none of these."""
    patterns = class_folders(folder)
    if not patterns or "train" not in patterns:
        return None
    form = detect(folder, flags.encoding, flags.header)
    paths = {
        split: tuple(sorted({path for pattern in several for path in folder.glob(pattern)}))
        for split, several in patterns.items()
    }
    formats = dict.fromkeys(patterns, form)
    return OwnFiles(
        name=safe_name(folder.resolve().name), data=str(folder), files=dict(patterns), paths=paths, formats=formats
    )


def _made(name: str, paths: dict[str, tuple[Path, ...]], flags: OwnFlags) -> OwnFiles:
    data = _common([path.parent for several in paths.values() for path in several])
    files = {
        split: tuple(glob.escape(os.path.relpath(path, data)) for path in several) for split, several in paths.items()
    }
    formats = {split: detect(several[0], flags.encoding, flags.header) for split, several in paths.items()}
    return OwnFiles(name=safe_name(_stem(name)), data=data, files=files, paths=paths, formats=formats)


def _common(folders: list[Path]) -> str:
    """The folder in which all of them are, as it was typed."""
    mixed = len({folder.is_absolute() for folder in folders}) > 1
    if len(set(folders)) > 1 and (mixed or any(".." in folder.parts for folder in folders)):
        folders = [folder.resolve() for folder in folders]
    return os.path.commonpath(folders) or "."


def _stem(name: str) -> str:
    """A file's name without its suffixes: reviews of reviews.csv.gz, v1.2 of v1.2.csv."""
    name = _unpacked(name)
    stem, _, last = name.rpartition(".")
    return stem if stem and re.fullmatch(r"[A-Za-z][A-Za-z0-9]{1,7}", last) else name


def safe_name(name: str) -> str:
    """A name that a folder may have."""
    return re.sub(r"[^\w.]+", "-", name).strip("-._")[:60] or "rows"
