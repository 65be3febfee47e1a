"""The flags of `bertkit eval` that ask for a run's scores by parts of its rows. Light."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from bertkit.errors import RequestError
from bertkit.request.option import OUTPUT, Option
from bertkit.spec import SPEC_FILE


@dataclass(frozen=True, kw_only=True)
class SliceFlags:
    """Whether scores are given by parts of the rows, and by which columns of their file too."""

    slices: Annotated[
        bool,
        Option(
            "--slices",
            OUTPUT,
            "A run: its scores by parts of the rows (length, gold label, unknown tokens, agreement of annotators), by "
            "the answers that it saved.",
        ),
    ] = False
    slice_by: Annotated[
        list[str] | None,
        Option("--slice-by", OUTPUT, "A run: also by this column of the rows' file. Several: repeat it."),
    ] = None

    @property
    def asked(self) -> bool:
        """Whether slices are asked for."""
        return self.slices or bool(self.slice_by)

    def check(self, target: str) -> None:
        """Raise RequestError if slices of something else than a run are asked for."""
        if self.asked and not (Path(target) / SPEC_FILE).is_file():
            raise RequestError(f"{'--slices' if self.slices else '--slice-by'}: name a run's folder, not {target}")
