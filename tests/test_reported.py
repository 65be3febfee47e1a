"""Folders as people hand them over that are not bertkit's layout, and requests typed in haste: one line each."""

from __future__ import annotations

from pathlib import Path

import pytest
from door import Refused, refused, shape
from files import write

__all__ = ["refused"]

CONLL_2003 = "-DOCSTART- -X- -X- O\n\nAnna NNP B-NP B-PER\ncame VBD B-VP O\n. . O O\n\n"


@pytest.mark.parametrize("names", [("train.txt", "dev.txt"), ("eng.train", "eng.testa"), ("a.conll", "b.conll")])
def test_the_columns_of_conll_2003_are_refused_with_the_way_to_give_them(
    refused: Refused, tmp_path: Path, names: tuple[str, str]
) -> None:
    for name in names:
        write(tmp_path / "ner" / name, CONLL_2003)
    line = refused("finetune", "ud_xpos", "--data", str(tmp_path / "ner"))
    assert f"it has {', '.join(sorted(names))}; give words and tags as JSON Lines" in line
    assert '{"words": [...], "xpos": [...]}' in line
    train = next((name for name in names if "train" in name), names[0])
    assert line.endswith(f"as it is (bertkit finetune {tmp_path / 'ner' / train})\n")


@pytest.mark.parametrize("separator", [" ", "\t"])
def test_the_columns_of_conll_2003_renamed_to_conllu_are_refused_with_the_way_to_give_them(
    refused: Refused, tmp_path: Path, separator: str
) -> None:
    for split in ("train", "dev"):
        write(tmp_path / "ner" / f"{split}.conllu", CONLL_2003.replace(" ", separator))
    model = ("--model", shape(tmp_path / "shape"), "--scratch")
    line = refused("finetune", "ud_xpos", "--data", str(tmp_path / "ner"), *model)
    assert "train.conllu, line 1: " in line
    assert 'give words and tags as JSON Lines, a sentence a line: {"words": [...], "tags": [...]}' in line


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ((), "it is empty"),
        ((".DS_Store",), "it is empty"),
        (("reviews.csv",), "it has reviews.csv\n"),
        (("train.csv/part.csv",), "it has train.csv/\n"),
        (tuple("abcdefg"), "it has a, b, c, d, e and 2 more\n"),
    ],
)
def test_a_folder_without_a_split_is_refused_with_what_it_has(
    refused: Refused, tmp_path: Path, names: tuple[str, ...], said: str
) -> None:
    (tmp_path / "rows").mkdir()
    for name in names:
        write(tmp_path / "rows" / name, "sentence,label\nFine.,1\n")
    line = refused("finetune", "sst2", "--data", str(tmp_path / "rows"))
    assert said in line
    assert "JSON Lines" not in line
