"""Bad rows: an error by default, skipped and counted if asked, left out where the data set says so."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tiny
from datasets import ClassLabel, Dataset, Features, Value
from files import json_lines, write

from bertkit import registry
from bertkit.data.rows import Rows, read_files
from bertkit.errors import DataError
from bertkit.heads.labels import read_label
from bertkit.request.flags import Flags
from bertkit.request.specs import spec_of
from bertkit.runs.run import run
from bertkit.sources import locate
from bertkit.spec import RunOptions

QQP = "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n"
PAIRS = "".join(f"{k}\t1\t2\tHow far is it?\tHow far?\t{k % 2}\n" for k in range(9))
REVIEW = {"sentence": "Fine.", "label": 1}


def read(task: str, folder: Path, split: str = "train", skips: bool = False) -> Rows:
    found = registry.find(task)
    located = locate(found.source, folder, split)
    assert located
    return read_files(located, found.source, found.head, skips=skips)


def test_broken_lines_of_qqp_are_left_out_and_counted(tmp_path: Path) -> None:
    write(tmp_path / "QQP" / "train.tsv", QQP + PAIRS + "9\t1\t2\tHow\n" + "10\tso\n")
    rows = read("qqp", tmp_path)
    assert len(rows) == 9
    assert rows.notes == ("2 rows: broken line left out (first: train.tsv, line 11)",)
    assert [(one.file, one.place) for one in rows.skipped] == [(0, "line 11"), (0, "line 12")]


def test_pairs_without_a_consensus_are_left_out_of_mnli_and_counted(tmp_path: Path) -> None:
    labels = ("entailment", "-", "neutral", "contradictory", "-")
    write(tmp_path / "train.jsonl", json_lines(*({"premise": "A", "hypothesis": "B", "label": one} for one in labels)))
    rows = read("mnli", tmp_path)
    assert list(rows.table["label"]) == ["entailment", "neutral", "contradiction"]
    assert rows.notes == ("2 rows: left out, no consensus label (first: train.jsonl, line 2)",)


@pytest.mark.parametrize("classes", [True, False])
def test_pairs_without_a_consensus_are_left_out_of_parquet_too(tmp_path: Path, classes: bool) -> None:
    label = ClassLabel(names=["entailment", "neutral", "contradiction"]) if classes else Value("int64")
    features = Features({"premise": Value("string"), "hypothesis": Value("string"), "label": label})
    for name, labels in (("train", [0, -1, 2]), ("dev_matched", [-1, -1])):
        columns = {"premise": ["A"] * len(labels), "hypothesis": ["B"] * len(labels), "label": labels}
        Dataset.from_dict(columns, features=features).to_parquet(tmp_path / f"{name}.parquet")
    rows = read("mnli", tmp_path)
    assert list(rows.table["label"]) == ["entailment", "contradiction"]
    assert rows.notes == ("1 row: left out, no consensus label (first: train.parquet, row 2)",)
    with pytest.raises(DataError, match=r"dev_matched\.parquet: all 2 rows are left out \(first: no consensus label\)"):
        read("mnli", tmp_path, "dev_matched")


def test_a_broken_line_of_another_task_is_an_error(tmp_path: Path) -> None:
    write(tmp_path / "train.tsv", "sentence\tlabel\nFine.\t1\nDull.\n")
    with pytest.raises(DataError, match=r"train\.tsv, line 3: 1 columns, expected 2"):
        read("sst2", tmp_path)


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        (
            "train.tsv",
            "sentence\tlabel\n" + "Fine.\t1\n" * 30 + "Dull.\n",
            "skipped, 1 columns, expected 2",
        ),
        (
            "train.csv",
            "sentence,label\n" + "Fine.,1\n" * 30 + "a,b,c\n",
            "skipped, 3 columns, expected 2",
        ),
        ("train.csv", "sentence,label\n" + "Fine.,1\n" * 30 + "Dull.,7\n", "skipped, unknown label '7'"),
        ("train.jsonl", json_lines(*[REVIEW] * 30) + "{\n", "skipped, not JSON"),
        ("train.jsonl", json_lines(*[REVIEW] * 30, {"sentence": " ", "label": 1}), "skipped, the text is empty"),
        ("train.json", json.dumps([REVIEW] * 30 + [7]), "skipped, expected a JSON object, found int"),
    ],
)
def test_a_bad_row_is_skipped_if_asked_and_counted_by_its_reason(
    tmp_path: Path, name: str, text: str, why: str
) -> None:
    write(tmp_path / name, text)
    with pytest.raises(DataError):
        read("sst2", tmp_path)
    rows = read("sst2", tmp_path, skips=True)
    assert len(rows) == 30
    assert rows.notes[0].startswith(f"1 row: {why}")
    assert read("sst2", tmp_path, skips=True).skipped == rows.skipped  # from the cache


def test_bad_rows_of_one_kind_are_counted_together_with_the_first_one_s_own_reason(tmp_path: Path) -> None:
    write(tmp_path / "train.csv", "sentence,label\n" + "Fine.,1\n" * 60 + "Dull.,7\nDull.,8\n")
    (note, *others) = read("sst2", tmp_path, skips=True).notes
    assert note.startswith("2 rows: skipped, unknown label '...'")
    assert "(first: train.csv, line 62: unknown label '7'" in note and not others


def test_more_than_one_in_twenty_bad_rows_are_an_error_all_the_same(tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", json_lines(*[REVIEW] * 37, *[{"sentence": "Dull.", "label": 7}] * 2))
    with pytest.raises(DataError, match=r"line 38: unknown label '7'.*; 2 of 39 rows are bad, more than 5%"):
        read("sst2", tmp_path, skips=True)
    write(tmp_path / "train.jsonl", json_lines(*[REVIEW] * 38, *[{"sentence": "Dull.", "label": 7}] * 2))
    assert len(read("sst2", tmp_path, skips=True)) == 38  # 2 of 40 is 5 %


def test_a_split_without_labels_is_not_skipped_whole(tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", json_lines(*[{"sentence": "Fine.", "label": -1}] * 20))
    with pytest.raises(DataError, match="no label: a split without labels can be predicted"):
        read("sst2", tmp_path, skips=True)


def test_skipped_rows_are_listed_in_the_run(tmp_path: Path) -> None:
    rows = [{"sentence": text, "label": k % 2} for k, (text, _) in enumerate(tiny.REVIEWS * 4)]
    for split in ("train", "dev"):
        write(tmp_path / "data" / f"{split}.jsonl", json_lines(*rows, {"sentence": "", "label": 1}))
    model = str(tiny.make("bert", tmp_path / "tiny"))
    asked = Flags(model=model, data=str(tmp_path / "data"), max_steps=1, device="cpu", on_bad_row="skip")
    done = run(spec_of(registry.find("sst2"), asked), RunOptions(out=tmp_path / "runs"))
    listed = [json.loads(line) for line in (done.folder / "skipped.jsonl").read_text().splitlines()]
    place = f"line {len(rows) + 1}"
    assert listed == [{"split": s, "file": 0, "place": place, "why": "the text is empty"} for s in ("train", "dev")]
    assert done.result.rows["train"].notes == (f"1 row: skipped, the text is empty (first: train.jsonl, {place})",)
    with pytest.raises(DataError, match="the text is empty"):
        run(spec_of(registry.find("sst2"), replace(asked, on_bad_row="error")), RunOptions(out=tmp_path / "runs"))


NLI = ("entailment", "neutral", "contradiction")
IDS = {"0": "entailment", "1": "neutral", "2": "contradiction"}
TWO = ("negative", "positive")
BITS = {"0": "negative", "1": "positive"}


@pytest.mark.parametrize(
    ("raw", "names", "spellings", "label"),
    [
        (True, TWO, BITS, "positive"),
        (False, TWO, BITS, "negative"),
        ("TRUE", TWO, BITS, "positive"),
        ("true", ("false", "true"), {}, "true"),
        (1.0, TWO, BITS, "positive"),
        ("0.0", TWO, BITS, "negative"),
        ("1.5", TWO, BITS, None),
        (" Positive ", TWO, BITS, "positive"),
        ("pos", TWO, BITS, "positive"),
        ("ne", TWO, BITS, None),
        ("Not Entailment", ("entailment", "not_entailment"), {}, "not_entailment"),
        ("ent", ("entailment", "entails_not"), {}, None),  # two labels begin so
        ("contra", NLI, IDS, "contradiction"),
        ("3", NLI, IDS, None),
        (True, NLI, {}, None),
        (None, TWO, BITS, None),
        ("-", NLI, IDS, None),
    ],
)
def test_a_label_is_read_where_only_one_reading_is_possible(
    raw: Any, names: tuple[str, ...], spellings: dict[str, str], label: str | None
) -> None:
    assert read_label(raw, names, spellings) == label


def test_an_unknown_label_is_shown_as_the_file_has_it_with_every_spelling(tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", json_lines(REVIEW, {"sentence": "Dull.", "label": [True]}))
    with pytest.raises(DataError, match=r"line 2: unknown label '\[true\]'; expected one of 0, 1, negative, positive"):
        read("sst2", tmp_path)
