"""Where a report is written. Light."""

from __future__ import annotations

from pathlib import Path

from bertkit.errors import RequestError

NAME = "report.html"
SUFFIXES = (".html", ".htm")


def place_of(folder: Path, out: Path | None) -> Path:
    """Where the report is written: `out`, else into the folder. Raises RequestError if it cannot be there."""
    path = folder / NAME if out is None else out
    if path.is_dir():
        raise RequestError(f"-o {path} is a folder: name a file in it, such as {path / NAME}")
    if path.suffix.lower() not in SUFFIXES:
        raise RequestError(f"-o {path}: a report is HTML, its name must end in .html")
    if not path.parent.is_dir():
        raise RequestError(f"-o {path}: there is no folder {path.parent}")
    return path
