"""Which column of a file is which: as the flags say, by the names people use, or by what is in them. Light."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from bertkit.data.profile import Column, Profile
from bertkit.errors import RequestError
from bertkit.request.own_flags import OwnFlags, several

CANDIDATES = 8
"""Columns that a refusal names."""


@dataclass(frozen=True, kw_only=True)
class Roles:
    """The columns of each role; () for a role that no column has.

    text, pair  the columns of the first text, and of the second; several are joined
    label       the label's column, or a column of 0 and 1 for each label
    choices     the column with lists of choices, or a column for each choice
    vectors     the column with sequences of vectors
    start       where an answer begins in its document
    why         for each role why it is that column
    """

    text: tuple[str, ...] = ()
    pair: tuple[str, ...] = ()
    label: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    vectors: str | None = None
    words: str | None = None
    tags: str | None = None
    question: str | None = None
    context: str | None = None
    answers: str | None = None
    start: str | None = None
    id: str | None = None
    group: str | None = None
    why: Mapping[str, str] = field(default_factory=dict)

    @property
    def columns(self) -> dict[str, tuple[str, ...]]:
        """The columns of every role that has some, by role."""
        single = ("vectors", "words", "tags", "question", "context", "answers", "start", "id", "group")
        found = {"text": self.text, "text_pair": self.pair, "choices": self.choices, "label": self.label}
        found |= {role: (name,) for role in single if (name := getattr(self, role)) is not None}
        return {role: names for role, names in found.items() if names}


@dataclass(frozen=True, kw_only=True)
class File:
    """What is known of a file: how messages call it, its profile, whether its columns have names, and the flags.

    scored  whether a model that is there already is scored on it, so that nothing is learnt from its labels
    """

    name: str
    profile: Profile
    named: bool
    flags: OwnFlags
    scored: bool = False

    def column(self, flag: str, name: str) -> Column:
        """The column that a flag names, whatever its case. Raises RequestError, with the nearest name."""
        known = {one.name.strip().casefold(): one for one in reversed(self.profile.columns)}
        found = self.profile.by_name.get(name) or known.get(name.strip().casefold())
        if found is None:
            near = get_close_matches(name.casefold(), known, n=1)
            guess = f"; did you mean {known[near[0]].name}?" if near else f"; it has {self.has}"
            raise RequestError(f"{flag} {name}: {self.name} has no such column{guess}")
        return found

    def columns(self, flag: str, typed: list[str] | None) -> tuple[str, ...]:
        """The columns that a flag names. Raises RequestError."""
        return tuple(self.column(flag, name).name for name in several(typed, self.profile.by_name))

    @property
    def has(self) -> str:
        """The names of its columns, for a message."""
        names = [
            repr(one.name) if "," in one.name or not one.name.strip() else one.name for one in self.profile.columns
        ]
        more = f" and {len(names) - 20} more" if len(names) > 20 else ""
        return ", ".join(names[:20]) + more

    def ambiguous(self, what: str, candidates: Sequence[Column], flags: str) -> RequestError:
        """The error for several columns that could be `what`: each with a sample value, and the flags to type."""
        shown = "; ".join(f"{one.name or repr(one.name)} ('{one.first}')" for one in candidates[:CANDIDATES])
        more = f"; and {len(candidates) - CANDIDATES} more" if len(candidates) > CANDIDATES else ""
        return RequestError(
            f"{self.name}: {len(candidates)} columns could be {what}: {shown}{more}; say which with {flags}"
        )

    def lacking(self, what: str, flags: str) -> RequestError:
        """The error for a file without a column that could be `what`."""
        shown = "; ".join(f"{one.name or repr(one.name)} ('{one.first}')" for one in self.profile.columns[:CANDIDATES])
        return RequestError(f"{self.name}: no column could be {what}; it has {shown}; say which it is with {flags}")
