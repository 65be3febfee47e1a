"""Findings: what was met while rows were read and is no error, counted by reason and cached with the rows. Light."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One reason and how often it was met.

    count  rows (or whatever `unit` is) with it; 0 for a remark about a whole file
    file   the index of the first one's file among those read, and `place` where it stood in that file
    """

    reason: str
    count: int = 0
    unit: str = "row"
    file: int | None = None
    place: str = ""

    def line(self, files: Sequence[str]) -> str:
        """It in one line; `files` are the names of what was read."""
        name = "" if self.file is None else files[self.file] if self.file < len(files) else ""
        first = ", ".join(part for part in (name, self.place) if part)
        if not self.count:
            return f"{name}: {self.reason}" if name else self.reason
        counted = f"{self.count:,} {self.unit}{'' if self.count == 1 else 's'}: {self.reason}"
        return f"{counted} (first: {first})" if first else counted


class Findings:
    """Collects findings while files are read. `files` are the names that a row's `where` may begin with.

    Names are not saved, only their indices: cached rows are found by content, and files get renamed and moved.
    """

    def __init__(self, files: Sequence[str | Path] = ()) -> None:
        self._files = [str(file) for file in files]
        self._found: dict[tuple[str, str], Finding] = {}

    def count(self, reason: str, where: str, unit: str = "row") -> None:
        """One more `unit` with this reason; `where` is "FILE, line N", as rows come with it."""
        known = self._found.get((reason, unit))
        if known is None:
            file, place = self._placed(where)
            known = Finding(reason=reason, unit=unit, file=file, place=place)
        self._found[reason, unit] = replace(known, count=known.count + 1)

    def remark(self, line: str, file: str | Path) -> None:
        """Something about a whole file, which has no count."""
        index, _ = self._placed(str(file))
        self._found.setdefault((line, str(file)), Finding(reason=line, file=index))

    @property
    def found(self) -> tuple[Finding, ...]:
        """Every reason met, in the order in which it was first met."""
        return tuple(self._found.values())

    def save(self, path: Path) -> None:
        """Write them as JSON."""
        path.write_text(json.dumps([asdict(finding) for finding in self.found], ensure_ascii=False), "utf-8")

    def _placed(self, where: str) -> tuple[int | None, str]:
        for index, name in enumerate(self._files):
            if where == name or where.startswith(f"{name}, "):
                return index, where[len(name) + 2 :]
        return None, where


def saved_findings(path: Path) -> tuple[Finding, ...]:
    """What `Findings.save` wrote. Raises ValueError or OSError."""
    return tuple(Finding(**plain) for plain in json.loads(path.read_text("utf-8")))
