"""Which files hold a split: found by names and sizes, without opening one."""

from __future__ import annotations

from pathlib import Path

import pytest
from files import write

from bertkit.errors import DataError
from bertkit.sources import Located, Source, locate

SOURCE = Source(
    folders=("SST-2", "sst2"),
    files={"train": ("train.tsv", "*-official-train.tsv"), "dev": ("dev.tsv",)},
    stems={"train": ("train",), "dev": ("dev", "validation")},
)


def found(data: Path, split: str = "train") -> Located:
    located = locate(SOURCE, data, split)
    assert located
    return located


def names(located: Located) -> list[str]:
    return [path.name for path in located.files]


# The folder.


@pytest.mark.parametrize("folder", ["SST-2", "glue/SST-2", "ud/SST-2", "sst2", "glue/sst2", "."])
def test_rows_lie_in_a_named_folder_of_data_of_data_glue_or_of_data_ud_or_in_data_itself(
    tmp_path: Path, folder: str
) -> None:
    path = write(tmp_path / folder / "train.tsv", "x")
    assert found(tmp_path).files == (path,)


def test_a_named_folder_comes_before_data_itself(tmp_path: Path) -> None:
    write(tmp_path / "train.tsv", "the larger file of the two")
    path = write(tmp_path / "glue" / "SST-2" / "train.tsv", "x")
    assert found(tmp_path).files == (path,)


def test_a_named_folder_that_lacks_the_split_does_not_hide_another_that_has_it(tmp_path: Path) -> None:
    write(tmp_path / "SST-2" / "dev.tsv", "x")
    path = write(tmp_path / "glue" / "SST-2" / "train.tsv", "x")
    assert found(tmp_path).files == (path,)


def test_the_official_name_in_any_folder_comes_before_other_names(tmp_path: Path) -> None:
    source = Source(folders=("RTE",), files={"train": ("train.jsonl",)}, columns={"text": ("text",)})
    write(tmp_path / "glue" / "RTE" / "train.tsv", "another benchmark's")
    path = write(tmp_path / "superglue" / "RTE" / "train.jsonl", "x")
    located = locate(source, tmp_path, "train")
    assert located and located.files == (path,)


def test_a_folder_without_the_split_has_none(tmp_path: Path) -> None:
    write(tmp_path / "SST-2" / "dev.tsv", "x")
    assert locate(SOURCE, tmp_path, "train") is None


def test_a_place_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere: there is no such folder"):
        locate(SOURCE, tmp_path / "nowhere", "train")


def test_a_file_in_place_of_the_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"train\.tsv: not a folder"):
        locate(SOURCE, write(tmp_path / "train.tsv", "x"), "train")


# The file.


def test_the_exact_official_name_comes_before_a_larger_file(tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", "the larger file of the two")
    path = write(tmp_path / "train.tsv", "x")
    assert found(tmp_path) == Located(split="train", files=(path,), official=True)


def test_of_two_official_names_the_first_comes_before_a_larger_file(tmp_path: Path) -> None:
    write(tmp_path / "en-official-train.tsv", "the larger file of the two")
    path = write(tmp_path / "train.tsv", "x")
    assert found(tmp_path).files == (path,)


@pytest.mark.parametrize(
    ("smaller", "larger", "official"),
    [
        ("train.official-layout.tsv", "train.jsonl", False),
        ("train.jsonl", "train.official-layout.tsv", False),
        ("b-official-train.tsv", "a-official-train.tsv", True),
        ("a-official-train.tsv", "b-official-train.tsv", True),
    ],
)
def test_of_other_files_the_larger_is_read_and_the_note_says_so(
    tmp_path: Path, smaller: str, larger: str, official: bool
) -> None:
    write(tmp_path / smaller, "x")
    path = write(tmp_path / larger, "xx")
    located = found(tmp_path)
    assert (located.files, located.official) == ((path,), official)
    assert located.note is not None
    assert located.note.index(larger) < located.note.index(smaller)


def test_a_choice_of_one_needs_no_note(tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", "x")
    assert found(tmp_path).note is None


@pytest.mark.parametrize(
    "name",
    [
        *("train.parquet", "train.jsonl", "train.csv", "train.tsv", "train.json", "train.conllu"),
        *("train-part-v1.1.json", "Train.jsonl", "train.official-layout.tsv"),
    ],
)
def test_a_file_whose_name_begins_with_the_split_is_read(tmp_path: Path, name: str) -> None:
    write(tmp_path / name, "x")
    assert names(found(tmp_path)) == [name]


@pytest.mark.parametrize(
    "name",
    ["train.txt", "train.tsv.gz", "train.tsv~", "training.tsv", "train_ids.tsv", "train2.tsv", "my-train.tsv"],
)
def test_a_file_that_only_looks_like_the_split_is_left_alone(tmp_path: Path, name: str) -> None:
    write(tmp_path / name, "x")
    assert locate(SOURCE, tmp_path, "train") is None


def test_dev_matched_is_no_dev(tmp_path: Path) -> None:
    write(tmp_path / "dev_matched.jsonl", "x")
    assert locate(SOURCE, tmp_path, "dev") is None


def test_a_split_goes_by_every_stem_of_its_source(tmp_path: Path) -> None:
    write(tmp_path / "validation-00000-of-00001.parquet", "x")
    assert names(found(tmp_path, "dev")) == ["validation-00000-of-00001.parquet"]


def test_a_folder_called_like_the_file_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "train.tsv").mkdir()
    assert locate(SOURCE, tmp_path, "train") is None


def test_names_and_sizes_decide_and_no_file_is_opened(tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", b"\xff\xfe no JSON")
    assert names(found(tmp_path)) == ["train.jsonl"]


# Shards.


def test_the_shards_of_a_set_are_read_together_in_order(tmp_path: Path) -> None:
    for number in (2, 0, 1):
        write(tmp_path / f"train-0000{number}-of-00003.parquet", "x")
    located = found(tmp_path)
    assert names(located) == [f"train-0000{number}-of-00003.parquet" for number in range(3)]
    assert located.note is None


def test_a_set_of_shards_is_as_large_as_all_of_them(tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", "xxx")
    for number in range(2):
        write(tmp_path / f"train-0000{number}-of-00002.parquet", "xx")
    located = found(tmp_path)
    assert names(located) == ["train-00000-of-00002.parquet", "train-00001-of-00002.parquet"]
    assert located.note is not None
    assert "train.jsonl" in located.note


def test_a_set_that_lacks_a_shard_is_refused(tmp_path: Path) -> None:
    for number in (0, 2):
        write(tmp_path / f"train-0000{number}-of-00003.parquet", "x")
    with pytest.raises(DataError, match="train-00001-of-00003"):
        locate(SOURCE, tmp_path, "train")
