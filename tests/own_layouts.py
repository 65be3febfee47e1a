"""Small files in the layouts that people have, and what each is to be taken for."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from files import json_lines, write

from bertkit.cli import main

SUBJECTS = ["food", "room", "staff", "view", "price", "film", "song", "match", "road", "garden", "teacher", "report"]
ENDS = (
    *("was better than we had hoped", "could not have been worse", "is much as last year", "made us come back at once"),
    *("kept everyone waiting for an hour", "has been changed since the spring", "will do for a short stay"),
)


def sentence(k: int) -> str:
    """The k-th of many different sentences."""
    return f"The {SUBJECTS[k % len(SUBJECTS)]} {ENDS[k % len(ENDS)]}, number {k}."


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Files below a folder, what is typed, and what they are to be taken for.

    files    path -> text
    typed    the path and options after `bertkit check`
    columns  role -> column, or columns
    labels   their names in order; None where there are none
    more     what else `check --json` is to say
    """

    name: str
    files: Mapping[str, str]
    typed: str
    head: str
    columns: Mapping[str, Any]
    labels: Sequence[str] | None = None
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def expected(self) -> dict[str, Any]:
        """What `check --json` is to say of it."""
        labels = [] if self.labels is None else list(self.labels)
        return {"head": self.head, "columns": dict(self.columns), "labels": labels, **self.more}

    def seen(self, said: Mapping[str, Any]) -> dict[str, Any]:
        """What `check --json` said, of what is expected."""
        columns = {role: names for role, names in said["columns"].items() if role not in ("group", "answer_start")}
        return {**{key: said[key] for key in self.expected}, "columns": columns}

    def write(self, folder: Path) -> None:
        """The files, below the folder."""
        for path, text in self.files.items():
            write(folder / path, text)


def quoted(cell: str, delimiter: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if any(mark in cell for mark in (delimiter, '"', "\n")) else cell


def table(header: str | None, row: Callable[[int], Sequence[Any]], rows: int = 24, delimiter: str = ",") -> str:
    """A table; the header's names are separated by commas."""
    lines = [] if header is None else [header.split(",")]
    lines += [[str(cell) for cell in row(k)] for k in range(rows)]
    return "".join(delimiter.join(quoted(cell, delimiter) for cell in line) + "\n" for line in lines)


def jsonl(row: Callable[[int], dict[str, Any]], rows: int = 24) -> str:
    return json_lines(*(row(k) for k in range(rows)))


def pick(names: str, k: int) -> str:
    several = names.split()
    return several[k % len(several)]


def words(k: int) -> list[str]:
    return ["Anna", "Berg", "met", pick("Paul Lena Omar", k), "in", pick("Oslo Riga", k), "."]


NER = {
    "BIO": "B-PER I-PER O B-PER O B-LOC O",
    "IOB1": "I-PER I-PER O I-PER O I-LOC O",
    "BIOES": "B-PER E-PER O S-PER O S-LOC O",
    "BILOU": "B-PER L-PER O U-PER O U-LOC O",
}
POS = "PROPN PROPN VERB PROPN ADP PROPN PUNCT"


def conll(tags: str, delimiter: str = " ", rows: int = 24, between: str = "") -> str:
    blocks = []
    for k in range(rows):
        pairs = zip(words(k), tags.split(), strict=True)
        blocks.append("".join(f"{word}{between}{delimiter}{tag}\n" for word, tag in pairs))
    return "\n".join(blocks)


def conllu(rows: int = 24) -> str:
    blocks = []
    for k in range(rows):
        lines = [f"# sent_id = {k}"]
        for place, (word, tag) in enumerate(zip(words(k), POS.split(), strict=True), 1):
            lines.append("\t".join([str(place), word, word.lower(), tag, "X" + tag[:1], "_", "0", "root", "_", "_"]))
        blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks)


def squad(silent: bool = False, rows: int = 24) -> str:
    asked = []
    for k in range(rows):
        context = sentence(k)
        start = context.index("number")
        answers = [] if silent and k % 3 == 0 else [{"text": f"number {k}", "answer_start": start}]
        one: dict[str, Any] = {"id": f"q{k}", "question": f"Which one is it, of {k}?", "answers": answers}
        if silent:
            one["is_impossible"] = not answers
        asked.append({"context": context, "qas": [one]})
    return json.dumps({"version": "1.1", "data": [{"title": "Notes", "paragraphs": asked}]})


def three(rows: Callable[[int], str]) -> dict[str, str]:
    return {"mine/train.csv": rows(24), "mine/dev.csv": rows(12), "mine/test.csv": rows(12)}


def checked(capsys: pytest.CaptureFixture[str], typed: str) -> Any:
    """What `bertkit check TYPED --json` says."""
    with pytest.raises(SystemExit) as leaving:
        main(["check", *shlex.split(typed), "--json"])
    printed = capsys.readouterr()
    assert leaving.value.code == 0, printed.err
    return json.loads(printed.out)
