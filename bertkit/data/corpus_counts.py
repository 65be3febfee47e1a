"""What was read of a corpus, left out and held out, counted. Light."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class CorpusCounts:
    """Counts of a corpus.

    files               files that were read, and datasets of the Hub
    documents           kept ones, held-out ones among them, and the characters in them
    duplicates          documents that were left out, as another has their text
    books               texts of Project Gutenberg, and the characters of boilerplate left out
    held_out            held-out documents, their characters, and the share asked for; None for files of their own
    left_out            files in folders that were not read, by suffix
    """

    files: int
    documents: int
    characters: int
    duplicates: int
    books: int
    boilerplate: int
    held_out: int
    held_out_characters: int
    asked: float | None
    left_out: Mapping[str, int] = field(default_factory=dict)

    @property
    def share(self) -> float:
        """The share of the characters that is held out."""
        return self.held_out_characters / self.characters

    @property
    def lines(self) -> tuple[str, ...]:
        """The counts for the user."""
        said = [f"{_many(self.files, 'file')}, {_many(self.documents, 'document')}, {self.characters:,} characters"]
        if self.left_out:
            suffixes = sorted(self.left_out, key=lambda suffix: (-self.left_out[suffix], suffix))
            named = ", ".join(suffix or "no suffix" for suffix in suffixes[:SHOWN]) + ", ..." * (len(suffixes) > SHOWN)
            said.append(f"{_many(sum(self.left_out.values()), 'other file')} of the folders not read ({named})")
        if self.boilerplate:
            books = _many(self.books, "Project Gutenberg book")
            said.append(f"boilerplate of {books} left out: {self.boilerplate:,} characters")
        if self.duplicates:
            said.append(f"{_many(self.duplicates, 'document')} left out: exact duplicates of others")
        if self.held_out:
            said.append(
                f"held out: {_many(self.held_out, 'document')}, {self.share:.1%} of the characters{self._asked}"
            )
        return tuple(said)

    @property
    def _asked(self) -> str:
        """The share asked for, where the one that documents came to is another."""
        near = self.asked is None or abs(self.share - self.asked) < 0.1 * self.asked
        return "" if near else f" ({self.asked:.1%} was asked for; documents are held out whole)"

    def save(self, path: Path) -> None:
        """Write them as JSON."""
        path.write_text(json.dumps(asdict(self)), "utf-8")

    def with_left_out(self, left_out: Mapping[str, int]) -> CorpusCounts:
        """The counts with files in folders that were not read."""
        return replace(self, left_out=left_out)


def saved_counts(path: Path) -> CorpusCounts:
    """Read what `CorpusCounts.save` wrote. Raises ValueError or OSError."""
    return CorpusCounts(**json.loads(path.read_text("utf-8")))


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
