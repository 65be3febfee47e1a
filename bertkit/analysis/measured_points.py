"""Numbers that were measured point by point, in a file: a measurement that was stopped continues where it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from bertkit.progress import Progress


@dataclass(frozen=True)
class MeasuredPoints:
    """A JSON object a line, {"point": name, "found": value}, appended as it is measured.

    path  its name has a digest of all that the values depend on
    """

    path: Path

    @cached_property
    def _found(self) -> dict[str, Any]:
        """What the file holds; a line that a killed process left unfinished does not count."""
        found = {}
        with suppress(OSError):
            for line in self.path.read_text("utf-8").splitlines():
                with suppress(ValueError, KeyError, TypeError):
                    one = json.loads(line)
                    found[one["point"]] = one["found"]
        return found

    def of(self, point: str, make: Callable[[], Any], progress: Progress) -> Any:
        """What `make` finds at the point, if it is not in the file yet; a step of the progress."""
        if point not in self._found:
            self._found[point] = make()
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                # a line break first: it ends a line that was left unfinished
                file.write("\n" + json.dumps({"point": point, "found": self._found[point]}) + "\n")
        progress.advance()
        return self._found[point]
