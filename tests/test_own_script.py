"""The benchmark on user files: both sides see the same rows, tokens and labels; and its table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
from files import write

from benchmarks import own_script
from benchmarks.own_rows import Case, write_files
from benchmarks.own_table import interval, table
from bertkit.data.splits import read_splits
from bertkit.heads.features import IGNORED
from bertkit.models.load import load_tokenizer
from bertkit.request.flags import Flags
from bertkit.request.own_flags import OwnFlags
from bertkit.request.target import target_of

TEXTS = ['He said "fine" and left.', "A long film, and dull.", "The staff were polite!", '"', "¡Nobody dared, twice!"]
LABELS = ["4", "27", "0,4,27", "4,27", "0"]
TSV = "".join(f"{TEXTS[k % 5]} Part {k}\t{LABELS[k * 7 // 5 % 5]}\tid{k}\n" for k in range(30))
CSV = 'text,category\n"He said ""fine"", and left.",praise\n"Two lines,\nof one text.",blame\n' + "".join(
    f"A film number {k},{'praise' if k % 2 else 'blame'}\n" for k in range(6)
)
CONLL = "Anna\tB-person\nSmith\tI-person\nleft\tO\nrebuilding\tO\n\t\nIn\tO\nNewfoundland\tB-location\n\nNobody\tO\n"
"""The tiny tokenizer splits names into letters, so that 12 tokens cut the first sentence."""


@pytest.mark.parametrize(
    ("own", "suffix", "text"),
    [
        (OwnFlags(head="multi-label", label_column=["column 2"]), ".tsv", TSV),
        (OwnFlags(head="classification"), ".csv", CSV),
        (OwnFlags(head="chunk-tagging", tags_column="tags"), ".conll", CONLL),
    ],
    ids=["multi-label", "classification", "chunk-tagging"],
)
def test_the_script_sees_the_tokens_and_labels_that_bertkit_does(
    tmp_path: Path, own: OwnFlags, suffix: str, text: str
) -> None:
    head = str(own.head)
    for split in ("train", "dev"):
        write(tmp_path / "mine" / f"{split}{suffix}", text)
    model = tiny.make("bert", tmp_path / "tiny")
    spec = target_of(str(tmp_path / "mine"), own).spec(Flags(model=str(model), max_length=12))
    splits = read_splits(spec)
    tokenizer = load_tokenizer(model, splits.head, own_script.transformers.AutoConfig.from_pretrained(model))
    for split, rows in splits.rows.items():
        read = own_script.read(head, tmp_path / "mine" / f"{split}{suffix}")
        names = own_script.labels_of(head, read)
        theirs = own_script.encoded(head, read, names, tokenizer, 12)
        ours = splits.head.encode(rows.table[:], tokenizer, spec.recipe.window)
        assert ours.targets is not None
        assert len(ours) == len(theirs) > 2
        for k, row in enumerate(theirs):
            assert ours.inputs["input_ids"][k].tolist() == row["input_ids"]
            found = [splits.head.labels[i] if i != IGNORED else None for i in ours.targets[k].tolist()]
            if head == "multi-label":  # bertkit has 4 before 27, the script "27" before "4"
                found.sort()
            assert found == named(head, names, row["labels"])


def named(head: str, names: list[str], labels: Any) -> list[str | None]:
    """The names of a row's labels, as the script's model takes them."""
    if head == "multi-label":
        return [name for name, there in zip(names, labels, strict=True) if there]
    return [None if k == own_script.UNLABELLED else names[k] for k in np.atleast_1d(labels)]


def test_a_sample_of_train_holds_every_label_and_dev_no_other(tmp_path: Path) -> None:
    train = [f"text {k}\t{labels}\tid\n" for k, labels in enumerate(["1"] * 50 + ["2", "3,4"])]
    write(tmp_path / "train.tsv", "".join(train))
    write(tmp_path / "dev.tsv", "a\t1\tid\nb\t5\tid\nc\t2,4\tid\n")
    case = Case(head="multi-label", train="train.tsv", dev="dev.tsv", metric=("", ""), epochs=1, learning_rate=1e-4)
    assert write_files(case, tmp_path, tmp_path / "out", 6, 9) == {"train": 6, "dev": 2}
    rows = own_script.read("multi-label", tmp_path / "out" / "train.tsv")
    assert own_script.labels_of("multi-label", rows) == ["1", "2", "3", "4"]
    assert {row["text"] for row in own_script.read("multi-label", tmp_path / "out" / "dev.tsv")} == {"a", "c"}


def test_an_interval_is_students_over_paired_differences() -> None:
    # mean 2, sd 1, n 3: the half width is 4.3027 / sqrt(3)
    assert interval([1.0, 2.0, 3.0]) == pytest.approx((2.0, 2 - 2.48414, 2 + 2.48414), abs=1e-4)


def test_the_table_has_scores_times_and_their_differences(tmp_path: Path) -> None:
    def side(score: float, training: float, seconds: float) -> dict[str, Any]:
        return {"score": score, "training seconds": training, "seconds": seconds, "updates": 315}

    runs = {str(k): {"bertkit": side(0.5 + k / 100, 10, 20), "script": side(0.5, 15, 40)} for k in (1, 2, 3)}
    asked = {"rows": {"train": 2000, "dev": 1009}, "metric": ["entity_f1", "entity F1"]}
    kept = {"wnut17": {"asked": asked, "runs": runs, "command": "python", "date": "2026-01-01"}}
    write(tmp_path / "own.json", json.dumps(kept))
    cells = [cell.strip() for cell in table(tmp_path / "own.json").splitlines()[2].split("|")[1:-1]]
    assert cells == [
        *("wnut17", "2,000 / 1,009", "entity F1", "3", "52.0 ± 1.0", "50.0 ± 0.0", "+2.0 [-0.5, +4.5]", "315"),
        *("10 / 15", "1.50 [1.50, 1.50]", "20 / 40", "2.00 [2.00, 2.00]"),
    ]
    assert table(tmp_path / "none.json") == ""
