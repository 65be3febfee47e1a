"""Proteins and music as rows for `bertkit compare token-maps`: JSON lines with text, label and group, in a folder.

`python -m benchmarks.sequences OUT [DATA]`; DATA has deeploc/ (FASTA) and kern/ (scores), ../shared/data/lm2/seq by
default. Proteins are amino acids, without white space, and the place in the cell; of music it is 128 pitches in the
order in which they begin, and the composer. Chunks of the same composition are one group, which stays on one side of a
held-out split (`--group-column group`).
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

DATA = Path("../shared/data/lm2/seq")
PROTEINS, MUSIC = "deeploc.jsonl", "composers.jsonl"
TWO_PLACES = "Cytoplasm-Nucleus"
"""Left out: the data set's ten places are each by themselves."""
CHUNK, LEAST = 128, 32
"""Pitches of a row (Kao and Lee 2021: chunks of 128 notes), and of a piece's last row at least."""
NOTE = re.compile(r"([A-G]+|[a-g]+)(#+|-+|n)?")
"""A pitch of **kern: C is below middle C, c above it, and each further letter an octave away."""

Row = dict[str, str]


def proteins(path: Path) -> Iterator[Row]:
    """The sequences of a FASTA file with headers `>id place-M`, the M for membrane, soluble or unknown left out."""
    for entry in path.read_text("utf-8").split(">")[1:]:
        header, *lines = entry.splitlines()
        name, place = header.split()[:2]
        label = place.rpartition("-")[0]
        if label != TWO_PLACES:
            yield {"text": "".join(lines), "label": label, "group": name}


def scores(path: Path) -> Iterator[Row]:
    """The pitches of each score of a file, in chunks."""
    for line in path.read_text("utf-8").splitlines():
        piece = json.loads(line)
        found = pitches(piece["kern"])
        for start in range(0, len(found), CHUNK):
            part = found[start : start + CHUNK]
            if len(part) >= LEAST or not start:
                yield {"text": " ".join(part), "label": piece["composer"], "group": piece["file"]}


def pitches(kern: str) -> list[str]:
    """The pitches of a score in **kern, in the order in which notes begin; of equal times the left column first.

    Comments, interpretations and bar lines are left out, and so are notes that are held (`_`, `]`), grace notes and
    other spines, whose tokens have no duration. A natural sign is left out: it says no other pitch than none.

    >>> pitches("**kern\\t**dynam\\n*M4/4\\t*\\n=1\\t=1\\n4C 4E-\\tf\\n8c#L]\\t.\\n8ffJ\\t.")
    ['C', 'E-', 'ff']
    """
    tokens = (
        token
        for line in kern.splitlines()
        if line and line[0] not in "!*="
        for cell in line.split("\t")
        for token in cell.split(" ")
    )
    notes = (NOTE.search(one) for one in tokens if re.search(r"\d", one) and not re.search(r"[_\]]", one))
    return [note[0].rstrip("n") for note in notes if note]


def write(out: Path, data: Path) -> dict[str, int]:
    """Write both files; returns their rows."""
    music = [row for path in sorted((data / "kern").glob("*.jsonl")) for row in scores(path)]
    found = {PROTEINS: list(proteins(data / "deeploc/deeploc_our_val_set.fasta")), MUSIC: music}
    out.mkdir(parents=True, exist_ok=True)
    for name, rows in found.items():
        (out / name).write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return {name: len(rows) for name, rows in found.items()}


if __name__ == "__main__":
    for name, rows in write(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else DATA).items():
        print(f"{name}: {rows:,} rows")
