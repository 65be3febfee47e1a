"""Findings: oddities in rows that are no error, counted by reason and cached with the rows. Light."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from bertkit.errors import DataError

MOST_BAD = 0.05
"""The share of bad rows that may be skipped."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One reason and how often it occurred.

    count  rows (or whatever `unit` is) with it; 0 for a remark about a whole file
    file   the index of the first one's file among those read, and `place` its place in that file
    why    the first one's own reason, where `reason` leaves values out that rows differ in
    """

    reason: str
    count: int = 0
    unit: str = "row"
    file: int | None = None
    place: str = ""
    why: str = ""

    def line(self, files: Sequence[str]) -> str:
        """The finding in one line; `files` are the names of the files read."""
        name = "" if self.file is None else files[self.file] if self.file < len(files) else ""
        first = ", ".join(part for part in (name, self.place) if part)
        if not self.count:
            return f"{name}: {self.reason}" if name else self.reason
        reason = self.reason
        if self.why and self.count == 1:
            reason = f"{reason.partition(', ')[0]}, {self.why}"
        elif self.why:
            first += f": {self.why}"
        counted = f"{self.count:,} {self.unit}{'' if self.count == 1 else 's'}: {reason}"
        return f"{counted} (first: {first})" if first else counted


@dataclass(frozen=True, kw_only=True, slots=True)
class SkippedRow:
    """A skipped row: the index of its file, its place there, and why."""

    file: int | None
    place: str
    why: str


class Findings:
    """Collects findings while files are read. `files` are the names that a row's `where` may begin with.

    Names are not saved, only their indices: cached rows are found by content, and files get renamed and moved.

    skips        whether a bad row is skipped and counted, not an error
    drops_broken whether a line with another number of columns is always skipped: the data set is known for them
    """

    def __init__(self, files: Sequence[str | Path] = (), skips: bool = False, drops_broken: bool = False) -> None:
        self.skips = skips
        self.drops_broken = drops_broken
        self.skipped: list[SkippedRow] = []
        self._bad = 0
        self._files = [str(file) for file in files]
        self._found: dict[tuple[str, str], Finding] = {}

    def bad_row(self, where: str, error: DataError, broken: bool = False) -> None:
        """Skip a bad row, or raise its error; `broken`: its line has another number of columns."""
        documented = broken and self.drops_broken
        if not (self.skips or documented):
            raise error
        self._bad += not documented
        why = str(error).removeprefix(where).partition(": ")[2] or str(error)
        file, place = self._placed(where)
        self.skipped.append(SkippedRow(file=file, place=place, why=why))
        if documented:
            self.count("broken line left out", where)
        else:
            self.count_alike("skipped", why, where)

    def drop(self, where: str, reason: str) -> None:
        """Skip a row that the data set's own documentation excludes."""
        file, place = self._placed(where)
        self.skipped.append(SkippedRow(file=file, place=place, why=reason))
        self.count(f"left out, {reason}", where)

    def check_share(self, rows: int) -> None:
        """Raise DataError if of `rows` good ones and the bad ones more than MOST_BAD are bad."""
        if self._bad > MOST_BAD * (rows + self._bad):
            first = self.skipped[0]
            name = "" if first.file is None else f"{self._files[first.file]}, "
            raise DataError(
                f"{name}{first.place}: {first.why}; {self._bad:,} of {rows + self._bad:,} rows are bad, more than "
                f"{MOST_BAD:.0%}, which --on-bad-row skip does not pass over"
            )

    def count_alike(self, what: str, why: str, where: str) -> None:
        """One more row that was, say, "skipped"; rows whose `why` differs in values alone are of one kind."""
        alike = _without_values(why)
        self.count(f"{what}, {alike}", where, why="" if alike == why else why)

    def count(self, reason: str, where: str, unit: str = "row", times: int = 1, why: str = "") -> None:
        """One more `unit` with this reason, or several; `where` is "FILE, line N", as rows come with it."""
        known = self._found.get((reason, unit))
        if known is None:
            file, place = self._placed(where)
            known = Finding(reason=reason, unit=unit, file=file, place=place, why=why)
        self._found[reason, unit] = replace(known, count=known.count + times)

    def remark(self, line: str, file: str | Path) -> None:
        """A remark about a file as a whole, without a count."""
        index, _ = self._placed(str(file))
        self._found.setdefault((line, str(file)), Finding(reason=line, file=index))

    @property
    def found(self) -> tuple[Finding, ...]:
        """The findings in order of first occurrence."""
        return tuple(self._found.values())

    def save(self, path: Path) -> None:
        """Write them as JSON."""
        plain = {"found": [asdict(one) for one in self.found], "skipped": [asdict(one) for one in self.skipped]}
        path.write_text(json.dumps(plain, ensure_ascii=False), "utf-8")

    def _placed(self, where: str) -> tuple[int | None, str]:
        for index, name in enumerate(self._files):
            if where == name or where.startswith(f"{name}, "):
                return index, where[len(name) + 2 :]
        return None, where


def saved_findings(path: Path) -> tuple[tuple[Finding, ...], tuple[SkippedRow, ...]]:
    """Read what `Findings.save` wrote. Raises ValueError or OSError."""
    plain = json.loads(path.read_text("utf-8"))
    return tuple(Finding(**one) for one in plain["found"]), tuple(SkippedRow(**one) for one in plain["skipped"])


def _without_values(why: str) -> str:
    """A reason that rows share: the values of each, which are quoted, and numbers are left out."""
    return re.sub(r"\d[\d,.]*", "N", re.sub(r"'[^']*'", "'...'", why))[:100]
