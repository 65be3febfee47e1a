"""Where an analysis is written: a folder of its own, named after what is analysed and by a digest of what was asked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bertkit.files import write_json
from bertkit.request.own_files import safe_name


def analysis_path(out: Path, what: str, name: str, asked: Any) -> Path:
    """`out`/WHAT-NAME-DIGEST, there or not; the digest is of what was asked, as JSON."""
    digest = hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()[:8]
    return out / f"{safe_name(f'{what}-{name}')}-{digest}"


def digest_of(texts: Iterable[str]) -> str:
    """SHA-256 of texts in their order, of which one is in memory at a time."""
    found = hashlib.sha256()
    for text in texts:
        content = text.encode("utf-8", "surrogatepass")
        found.update(len(content).to_bytes(8, "big") + content)
    return found.hexdigest()


def analysis_folder(out: Path, what: str, name: str, asked: Any) -> Path:
    """`analysis_path`, made if it is not there."""
    folder = analysis_path(out, what, name, asked)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def figure_files(folder: Path, name: str) -> tuple[Path, Path]:
    """The PNG and the SVG of a figure of this name."""
    return folder / f"{name}.png", folder / f"{name}.svg"


def write_numbers(folder: Path, what: str, plain: Any) -> Path:
    """Write WHAT.json into the folder; returns its path."""
    path = folder / f"{what}.json"
    write_json(path, plain)
    return path
