"""The profile of files, cached by their bytes and by how they are read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bertkit.data.cache import cached
from bertkit.data.count_cells import profile
from bertkit.data.profile import MOST_VALUES, PROFILER, Profile, save_profile, saved_profile
from bertkit.data.readers import read_located
from bertkit.data.rows import READER
from bertkit.errors import DataError
from bertkit.files import sha256_once
from bertkit.findings import Findings
from bertkit.sources import FileFormat, HubRows

PROFILE = "profile.json"


def profiled(paths: Sequence[Path], form: FileFormat) -> Profile:
    """The profile of all rows of these files, bad ones left out. Raises DataError if there are none."""
    import hashlib

    names = [f"{path.parent.name}/{path.name}" if form.kind == "folders" else "" for path in paths]
    digest = hashlib.sha256(repr([PROFILER, READER, MOST_VALUES, form, names]).encode())
    for path in paths:
        digest.update(bytes.fromhex(sha256_once(path)))

    def rows() -> Iterator[dict[str, Any]]:
        for path in paths:
            findings = Findings([str(path)], skips=True)
            for _, row in read_located(path, None, findings, form):
                yield row

    def make(folder: Path) -> None:
        save_profile(profile(rows()), folder / PROFILE)

    found = cached("profiles", digest.hexdigest(), make, lambda folder: saved_profile(folder / PROFILE))
    if not found.rows:
        raise DataError(f"{paths[0]} has no rows")
    return found


def profiled_hub(hub: HubRows, split: str) -> Profile:
    """The profile of all rows of a split on the Hub, class ids by their names. Raises DataError or HubError."""
    import hashlib

    from bertkit.data.hf_datasets import named_rows
    from bertkit.hub.fetch import fetch_rows

    dataset, commit = fetch_rows(hub, split)
    key = repr([PROFILER, READER, MOST_VALUES, hub.id, hub.config, hub.splits.get(split), commit])

    def make(folder: Path) -> None:
        save_profile(profile(row for _, row in named_rows(dataset)), folder / PROFILE)

    digest = hashlib.sha256(key.encode()).hexdigest()
    found = cached("profiles", digest, make, lambda folder: saved_profile(folder / PROFILE))
    if not found.rows:
        raise DataError(f"{hub.id}, {split} has no rows")
    return found
