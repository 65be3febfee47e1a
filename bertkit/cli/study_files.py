"""What a study leaves: compare.json and its figure, in a folder that is named after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bertkit.cli import screen

if TYPE_CHECKING:
    from bertkit.plots.bands import BandPanel


def write_study(name: str, plain: Mapping[str, Any], panels: Sequence[BandPanel], title: str, out: Path) -> Path:
    """Write compare.json, curves.png and curves.svg into a folder below `out` named after the study and what it found.

    plain  whose digest ends the name: another request, or runs that say something else, get a folder of their own
    """
    from hashlib import sha256

    from bertkit.files import write_json
    from bertkit.plots.bands import draw_bands

    folder = out / f"{name[:80]}-{sha256(repr(plain).encode()).hexdigest()[:8]}"
    folder.mkdir(parents=True, exist_ok=True)
    draw_bands(panels, title, (folder / "curves.png", folder / "curves.svg"))
    write_json(folder / "compare.json", plain)
    return folder


def print_files(folder: Path) -> None:
    """Print where the study's figure (PNG and SVG) and numbers are."""
    for label, file in (("curves: ", "curves.png"), ("        ", "curves.svg"), ("numbers: ", "compare.json")):
        screen.console().print(f"{label}{folder / file}", soft_wrap=True)
