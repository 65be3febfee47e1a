"""Texts in one folder a class: found, split, read, and their names part of what is read."""

from __future__ import annotations

from pathlib import Path

import pytest
from files import write

from bertkit import registry
from bertkit.data.detect import detect
from bertkit.data.read_folders import class_folders
from bertkit.data.rows import Rows, read_files
from bertkit.errors import DataError
from bertkit.sources import FileFormat, Source, locate

FORM = FileFormat(kind="folders")


def reviews(folder: Path) -> Path:
    write(folder / "neg" / "2.txt", "Dull.\r\nToo long.\n")
    write(folder / "neg" / "10.txt", "\ufeffNo.")
    write(folder / "pos" / "1.txt", "Fine.\n")
    return folder


def read(folder: Path, split: str = "train", encoding: str = "utf-8") -> Rows:
    form = FileFormat(kind="folders", encoding=encoding)
    names = dict.fromkeys(class_folders(folder), form)
    columns = {"text": ("text",), "label": ("label",), "id": ("id",)}
    source = Source(
        files=class_folders(folder), formats=names, columns=columns, labels={"neg": "negative", "pos": "positive"}
    )
    located = locate(source, folder, split)
    assert located
    return read_files(located, source, registry.find("sst2").head)


def test_each_file_is_a_row_with_its_folder_as_the_label_and_its_path_as_the_id(tmp_path: Path) -> None:
    assert detect(reviews(tmp_path)) == FORM
    table = read(tmp_path).table
    assert table["row_id"] == ["neg/10.txt", "neg/2.txt", "pos/1.txt"]
    assert table["text"] == ["No.", "Dull.\nToo long.", "Fine."]
    assert table["label"] == ["negative", "negative", "positive"]


def test_a_folder_of_class_folders_is_all_train(tmp_path: Path) -> None:
    assert class_folders(reviews(tmp_path)) == {"train": ("neg/*.txt", "pos/*.txt")}


def test_class_folders_in_folders_of_splits_are_those_splits_and_texts_without_a_class_are_left_out(
    tmp_path: Path,
) -> None:
    for split in ("train", "test", "valid"):
        reviews(tmp_path / split)
    write(tmp_path / "train" / "unsup" / "0.txt", "So?")
    write(tmp_path / "train" / "labeledBow.feat", "1:1")
    write(tmp_path / "imdb.vocab", "the")
    patterns = ("neg/*.txt", "pos/*.txt")
    assert class_folders(tmp_path) == {
        split: tuple(f"{folder}/{pattern}" for pattern in patterns)
        for split, folder in (("train", "train"), ("dev", "valid"), ("test", "test"))
    }
    assert read(tmp_path, "dev").table["row_id"] == ["neg/10.txt", "neg/2.txt", "pos/1.txt"]


def test_files_without_a_suffix_or_with_a_number_are_texts_and_hidden_ones_are_not(tmp_path: Path) -> None:
    for name in ("49960", "103.7"):
        write(tmp_path / "alt.atheism" / name, "So.")
        write(tmp_path / "[sci]" / name, "So.")
    write(tmp_path / "alt.atheism" / ".DS_Store", b"\0\xff")
    assert class_folders(tmp_path) == {"train": ("[[]sci]/*", "alt.atheism/*")}
    source = Source(files=class_folders(tmp_path), formats={"train": FORM})
    located = locate(source, tmp_path, "train")
    assert located
    assert [path.name for path in located.files] == ["103.7", "49960", "103.7", "49960"]


def test_one_folder_pictures_or_folders_below_make_no_classes(tmp_path: Path) -> None:
    write(tmp_path / "one" / "pos" / "1.txt", "Fine.")
    write(tmp_path / "pictures" / "cat" / "1.jpg", "x")
    write(tmp_path / "pictures" / "dog" / "1.jpg", "x")
    write(tmp_path / "deep" / "a" / "b" / "1.txt", "x")
    write(tmp_path / "deep" / "c" / "1.txt", "x")
    write(tmp_path / "tables" / "a" / "train.csv", "text,label\n")
    write(tmp_path / "tables" / "b" / "train.csv", "text,label\n")
    for name in ("one", "pictures", "deep", "tables"):
        assert class_folders(tmp_path / name) == {}
        with pytest.raises(DataError, match="is a folder, and holds no folder of texts for each class"):
            detect(tmp_path / name)


def test_another_encoding_is_refused_with_the_file_and_line_and_read_by_its_name(tmp_path: Path) -> None:
    path = write(reviews(tmp_path) / "pos" / "9.txt", "Fine.\ncaf\xe9, voil\xe0".encode("latin-1"))
    with pytest.raises(DataError, match="byte 0xe9 is not UTF-8") as caught:
        read(tmp_path)
    assert str(caught.value).startswith(f"{path}, line 2: ")
    assert "--encoding cp1252" in str(caught.value)
    assert read(tmp_path, encoding="iso8859-1").table["text"][-1] == "Fine.\ncafé, voilà"


def test_an_empty_text_is_a_bad_row_with_its_file(tmp_path: Path) -> None:
    path = write(reviews(tmp_path) / "pos" / "9.txt", "")
    with pytest.raises(DataError, match=r"9\.txt, line 1") as caught:
        read(tmp_path)
    assert str(caught.value).startswith(f"{path}, line 1")


def test_a_file_moved_to_another_class_gives_other_rows_though_no_byte_changed(tmp_path: Path) -> None:
    before = read(reviews(tmp_path))
    (tmp_path / "neg" / "2.txt").rename(tmp_path / "pos" / "2.txt")
    after = read(tmp_path)
    assert before.digest != after.digest
    assert after.table["label"] == ["negative", "positive", "positive"]


def test_a_folder_that_is_renamed_gives_other_rows_though_no_byte_changed(tmp_path: Path) -> None:
    before = read(reviews(tmp_path))
    (tmp_path / "neg").rename(tmp_path / "negative")
    after = read(tmp_path)
    assert before.digest != after.digest
    assert after.table["row_id"][0] == "negative/10.txt"


def test_a_split_of_many_files_is_not_named_by_each_of_them(tmp_path: Path) -> None:
    for number in range(150):
        write(tmp_path / "neg" / f"{number:03}.txt", "Dull.")
    write(tmp_path / "pos" / "1.txt", "Fine.")
    assert read(tmp_path).origin == "151 files, 000.txt the first"


def test_the_real_folders_have_fifteen_texts_each(real_data: Path) -> None:
    folder = real_data / "own" / "movie_reviews" / "folders"
    if not folder.exists():
        pytest.skip("movie_reviews is not among the data here")
    table = read(folder).table
    assert table["label"] == ["negative"] * 15 + ["positive"] * 15
    assert all(len(text) > 1_000 for text in table["text"])
