"""CLUE's tasks: the official layout, FewCLUE's, and the Hub's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from door import Refused, refused
from files import json_lines, write
from test_superglue import on_hub, read, rows_of

from bertkit import registry

__all__ = ["refused"]

SAID = {
    "target": {"span2_index": 9, "span1_index": 1, "span1_text": "手机", "span2_text": "它"},
    "idx": 5, "label": "true", "text": "把手机放在桌上，让它响着。",
}  # fmt: skip


def test_noun_and_pronoun_of_cluewsc_are_marked_by_their_characters(tmp_path: Path) -> None:
    write(tmp_path / "cluewsc2020_public/dev.json", json_lines(SAID, {**SAID, "label": "false"}))
    assert read("cluewsc", tmp_path)["text"] == ["把_手机_放在桌上，让[它]响着。"] * 2
    assert read("cluewsc", tmp_path)["label"] == ["true", "false"]


def test_a_pronoun_that_stands_before_its_noun_is_marked_too(tmp_path: Path) -> None:
    target = {"span2_index": 0, "span1_index": 4, "span1_text": "小王", "span2_text": "他"}
    write(tmp_path / "cluewsc/dev.json", json_lines(*[{**SAID, "text": "他笑了，小王。", "target": target}] * 2))
    assert read("cluewsc", tmp_path)["text"][0] == "[他]笑了，_小王_。"


def test_the_keywords_of_csl_are_a_text_before_the_abstract(tmp_path: Path) -> None:
    row = {"id": 1, "abst": "本文研究水声信道。", "keyword": ["水声通信", "信道"], "label": "0"}
    write(tmp_path / "csl_public/dev.json", json_lines(row, {**row, "id": 2, "label": 1}))
    found = read("csl", tmp_path)
    assert (found["text"][0], found["text_pair"][0]) == ("水声通信 信道", "本文研究水声信道。")
    assert found["label"] == ["some_false", "all_true"]


@pytest.mark.parametrize(
    ("task", "folder", "split", "row", "label"),
    [
        ("afqmc", "afqmc_public", "dev", {"sentence1": "甲", "sentence2": "乙", "label": "1"}, "same"),
        ("tnews", "tnews_public", "dev", {"label": "102", "label_desc": "news_entertainment", "sentence": "甲",
                                          "keywords": ""}, "entertainment"),
        ("tnews", "tnews", "dev_few_all", {"label": 115, "label_desc": "news_agriculture", "sentence": "甲",
                                           "keywords": "", "id": 55}, "agriculture"),
        ("iflytek", "iflytek_public", "dev", {"label": "110", "label_des": "社区超市", "sentence": "甲"}, "110"),
        ("cmnli", "cmnli_public", "dev", {"sentence1": "甲", "sentence2": "乙", "label": "neutral"}, "neutral"),
        ("ocnli", "ocnli_public", "dev", {"level": "easy", "sentence1": "甲", "sentence2": "乙", "label": "entailment",
                                          "label0": None, "id": 0}, "entailment"),
    ],
)  # fmt: skip
def test_a_row_of_the_official_files_and_of_fewclue_s(
    task: str, folder: str, split: str, row: dict[str, Any], label: str, tmp_path: Path
) -> None:
    write(tmp_path / folder / f"{split}.json", json_lines(row, row))
    assert read(task, tmp_path)["label"] == [label] * 2


def test_the_hub_gives_labels_by_name_and_spans_below_target() -> None:
    (found,) = on_hub("cluewsc", {"idx": 0, "text": SAID["text"], "label": "true", "target": SAID["target"]})
    assert (found["text"], found["label"]) == ("把_手机_放在桌上，让[它]响着。", "true")
    (topic,) = on_hub("tnews", {"sentence": "甲", "label": "116", "idx": 0})
    assert topic["label"] == "game"


def test_rows_without_a_consensus_label_are_left_out(tmp_path: Path) -> None:
    rows = [{"sentence1": "甲", "sentence2": "乙", "label": label} for label in ("neutral", "-", "entailment")]
    write(tmp_path / "cmnli_public/dev.json", json_lines(*rows))
    found = rows_of(registry.find("cmnli"), tmp_path, "dev")
    assert (len(found), "no consensus label" in found.notes[0]) == (2, True)


@pytest.mark.parametrize(
    ("task", "row", "words"),
    [
        (
            "cluewsc",
            {**SAID, "target": {**SAID["target"], "span1_index": 2}},
            "'手机' is not in its text at characters 2",
        ),  # type: ignore[dict-item]
        ("tnews", {"sentence": "甲", "label": "105"}, "unknown label '105'"),
        ("csl", {"abst": "甲", "keyword": [], "label": "1"}, "the text is empty"),
        ("csl", {"abst": "甲", "keyword": [3], "label": "1"}, "the text is a int, not text"),
    ],
)
def test_what_is_wrong_in_a_row_is_one_line_that_names_it(
    task: str, row: dict[str, Any], words: str, refused: Refused, tmp_path: Path
) -> None:
    for split in ("train", "dev"):
        write(tmp_path / f"{split}.json", json_lines(row, row))
    assert words in refused("finetune", task, "--data", str(tmp_path), "--model", "sample", "--device", "cpu")


REAL = {
    "afqmc": ("afqmc", "dev_part_a", {"dev": 3_316}),
    "ocnli": ("ocnli", "", {"train": 8_988, "dev": 2_950}),
    "tnews": ("tnews_fewclue", "", {"train": 1_185, "dev": 1_098}),
    "cluewsc": ("own/clue/cluewsc", "", {"train": 160, "dev": 159}),
    "csl": ("own/clue/csl", "", {"train": 160, "dev": 160}),
}


@pytest.mark.parametrize("task", REAL)
def test_the_published_files_are_read_whole(task: str, real_data: Path, tmp_path: Path) -> None:
    place, renamed, counts = REAL[task]
    folder = real_data / place
    if renamed:  # a part of dev under another name
        (tmp_path / "dev.json").symlink_to(folder / f"{renamed}.json")
        folder = tmp_path
    for split, count in counts.items():
        assert len(rows_of(registry.find(task), folder, split)) == count


def test_the_kinds_of_iflytek_are_its_numbers(real_data: Path, tmp_path: Path) -> None:
    (tmp_path / "dev.json").symlink_to(real_data / "own/clue/iflytek/test_public.json")  # of FewCLUE, with labels
    assert set(read("iflytek", tmp_path)["label"]) <= set(registry.find("iflytek").head.label_names)
