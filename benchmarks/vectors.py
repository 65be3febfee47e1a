"""Digits and speech as rows of vectors for `bertkit finetune`: Parquet files with vectors and label, in two folders.

`python -m benchmarks.vectors OUT [AEON]`. OUT/digits has scikit-learn's 1,797 digits, each as eight vectors, the rows
of eight pixels: a fifth, drawn once, is dev. OUT/vowels has Japanese Vowels as aeon ships it (`pip download --no-deps
aeon==1.6.0`; AEON is the wheel, or a folder with its .ts files): 640 utterances of nine speakers, 7 to 29 frames of
12 LPC cepstrum coefficients, in the published split of 270 to train on and 370 to score.

Kudo, Toyama and Shimbo 1999, Pattern Recognition Letters 20; its description at the UCI repository asks to inform the
donors of published work, and for their permission of commercial use.
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

FILES = {"train": "JapaneseVowels_TRAIN.ts", "dev": "JapaneseVowels_TEST.ts"}
FOLDER = "aeon/datasets/data/JapaneseVowels"
DEV_SHARE, SEED = 0.2, 0

Row = dict[str, Any]


def digits() -> dict[str, list[Row]]:
    """The rows of both splits; the draw follows from SEED."""
    from sklearn.datasets import load_digits

    found = load_digits()
    rows = [
        {"vectors": image.tolist(), "label": int(label)}
        for image, label in zip(found.images, found.target, strict=True)
    ]
    order = np.random.default_rng(SEED).permutation(len(rows))
    held = round(DEV_SHARE * len(rows))
    return {"dev": [rows[k] for k in order[:held]], "train": [rows[k] for k in order[held:]]}


def series(text: str) -> list[Row]:
    """The rows of a .ts file: a series a line, its dimensions separated by colons, the label last.

    >>> series("@dimensions 2\\n@data\\n1,2,3:4,5,6:b\\n")
    [{'vectors': [[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]], 'label': 'b'}]
    """
    rows = []
    for line in text.partition("@data")[2].split("\n"):
        if line.strip():
            *dimensions, label = line.strip().split(":")
            columns = [[float(number) for number in one.split(",")] for one in dimensions]
            rows.append({"vectors": [list(frame) for frame in zip(*columns, strict=True)], "label": label})
    return rows


def vowels(aeon: Path) -> dict[str, list[Row]]:
    """The rows of both splits, from aeon's wheel or a folder."""
    if aeon.is_dir():
        return {split: series((aeon / name).read_text("utf-8")) for split, name in FILES.items()}
    with zipfile.ZipFile(aeon) as wheel:
        return {split: series(wheel.read(f"{FOLDER}/{name}").decode()) for split, name in FILES.items()}


def write(rows: dict[str, list[Row]], folder: Path) -> None:
    """A Parquet file for each split."""
    import pyarrow as pa
    from pyarrow import parquet

    folder.mkdir(parents=True, exist_ok=True)
    for split, several in rows.items():
        parquet.write_table(pa.Table.from_pylist(several), folder / f"{split}.parquet")


def main(out: Path, aeon: Path | None) -> None:
    """Write both data sets, or digits alone."""
    write(digits(), out / "digits")
    if aeon is not None:
        write(vowels(aeon), out / "vowels")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
