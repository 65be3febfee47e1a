"""Three user files, each with a recipe, and samples of their rows written out for both sides."""

from __future__ import annotations

import csv
import random
from dataclasses import dataclass, replace
from pathlib import Path

SAMPLE = 20_190
"""The seed of the samples."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A user file: where its rows are, what is predicted, and the recipe of both sides.

    flags   bertkit's, beside those of the recipe
    script_flags  the script's
    rows    train rows that are taken
    metric  the name of bertkit's metric, and its title
    """

    head: str
    train: str
    dev: str
    metric: tuple[str, str]
    epochs: float
    learning_rate: float
    flags: tuple[str, ...] = ()
    script_flags: tuple[str, ...] = ()
    rows: int = 2_000
    batch_size: int = 32
    max_length: int = 128
    warmup: float = 0.1
    weight_decay: float = 0.01

    @property
    def suffix(self) -> str:
        """Of its files: the layout."""
        return Path(self.train).suffix


_EMOTIONS = Case(
    head="multi-label", train="own/goemotions/train.tsv", dev="own/goemotions/dev.tsv", rows=12_000,
    metric=("multilabel_f1_micro", "micro-F1"), epochs=1, learning_rate=1e-4, flags=("--head", "multi-label"),
)  # fmt: skip
CASES = {
    "goemotions": replace(_EMOTIONS, script_flags=("--biases", "shares")),
    "goemotions_biases_0": _EMOTIONS,
    "wnut17": Case(
        head="chunk-tagging", train="own/wnut17/train.conll", dev="own/wnut17/dev.conll",
        metric=("entity_f1", "entity F1"), epochs=4, learning_rate=2e-4,
    ),
    "banking77": Case(
        head="classification", train="own/banking77/train.csv", dev="own/banking77/test.csv",
        metric=("accuracy", "accuracy"), epochs=5, learning_rate=2e-4,
    ),
}  # fmt: skip
"""By name; bertkit's multi-label head starts with biases from the labels' shares, and the first script too. The
learning rate is of few updates with a small encoder; nothing was searched for."""


def write_files(case: Case, data: Path, folder: Path, rows: int, dev_rows: int) -> dict[str, int]:
    """Write `rows` train rows at random, every label among them first, and dev rows with those labels alone."""
    folder.mkdir(parents=True)
    train, dev = (_rows(data / path) for path in (case.train, case.dev))
    for some in (train, dev):
        random.Random(SAMPLE).shuffle(some)
    known: set[str] = set()
    fresh: list[tuple[str, set[str]]] = []
    others: list[tuple[str, set[str]]] = []
    for row, labels in train:
        (others if labels <= known else fresh).append((row, labels))
        known |= labels
    train = [*fresh, *others][:rows]
    known = set().union(*(labels for _, labels in train))
    dev = [(row, labels) for row, labels in dev if labels <= known][:dev_rows]
    for split, some in (("train", train), ("dev", dev)):
        text = _JOINED[case.suffix].join(row for row, _ in some) + "\n"
        header = "text,category\n" if case.suffix == ".csv" else ""
        (folder / f"{split}{case.suffix}").write_text(header + text, "utf-8")
    return {"train": len(train), "dev": len(dev)}


_JOINED = {".tsv": "\n", ".csv": "\n", ".conll": "\n\n"}


def _rows(path: Path) -> list[tuple[str, set[str]]]:
    """A row's text in its file, and its labels."""
    lines = path.read_text("utf-8").split("\n")
    if path.suffix == ".tsv":
        return [(line, set(line.split("\t")[1].split(","))) for line in lines if line]
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as opened:
            cells = [(row["text"], row["category"]) for row in csv.DictReader(opened)]
        return [(",".join('"' + cell.replace('"', '""') + '"' for cell in row), {row[1]}) for row in cells]
    blocks: list[list[str]] = [[]]
    for line in lines:
        if line.strip():
            blocks[-1].append(line)
        elif blocks[-1]:
            blocks.append([])
    return [("\n".join(block), {line.split("\t")[1] for line in block}) for block in blocks if block]
