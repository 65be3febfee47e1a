"""`bertkit check`: what it says of rows, worked out by hand on a few."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import tiny
from files import json_lines, write
from own_layouts import checked, conll, squad

from bertkit.cli import main

TRAIN = [
    ("a fine film", "good"),
    ("A  FINE film", "good"),
    ("a dull film", "bad"),
    ("a dull film", "bad"),
    ("so so", "good"),
    ("so so", "bad"),
    ("an odd one", "mixed"),
]
DEV = [("a fine film", "good"), ("A dull  film", "bad"), ("a new one", "awful"), ("another new one", "good")]


@pytest.fixture
def reviews(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the rows above, and one row without a label among twenty more."""
    monkeypatch.chdir(tmp_path)
    more = [(f"the film of day {k}", "good" if k % 2 else "bad") for k in range(20)]
    for split, rows in (("train", [*TRAIN, *more, ("no label", "")]), ("dev", DEV)):
        write(tmp_path / "mine" / f"{split}.jsonl", json_lines(*({"text": t, "label": name} for t, name in rows)))
    return tmp_path / "mine"


def part(said: dict[str, Any], split: str) -> dict[str, Any]:
    return next(one for one in said["splits"] if one["split"] == split)


def test_rows_labels_and_duplicates_are_counted(reviews: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train = part(checked(capsys, "mine"), "train")
    assert train["rows"] == 27
    assert train["labels"] == {"awful": 0, "bad": 13, "good": 13, "mixed": 1}
    assert (train["duplicates"], train["near_duplicates"], train["texts_with_two_labels"]) == (1, 2, 1)
    assert train["bad_rows"] == ["line 28: no label: a split without labels can be predicted, not trained on or scored"]
    assert train["words"] == {"median": 5.0, "p95": 5.0, "max": 5}


def test_labels_of_a_row_have_no_order_and_texts_of_a_pair_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    more = [{"text": f"the film of day {k}", "labels": ["joy", "love"][: 1 + k % 2]} for k in range(20)]
    same = [{"text": "so so", "labels": labels} for labels in (["joy", "love"], ["love", "joy"])]
    write(tmp_path / "felt.jsonl", json_lines(*same, *more))
    found = [part(checked(capsys, "felt.jsonl"), split) for split in ("train", "dev")]
    assert sum(one["duplicates"] for one in found) == 1
    assert sum(one["texts_with_two_labels"] for one in found) == 0
    rows = [
        ("so so", "it is", "yes"),
        ("so", "so it is", "no"),
        *((f"day {k}", f"film {k}", ["yes", "no"][k % 2]) for k in range(20)),
    ]
    write(
        tmp_path / "pairs.jsonl", json_lines(*({"sentence1": a, "sentence2": b, "label": name} for a, b, name in rows))
    )
    found = [part(checked(capsys, "pairs.jsonl"), split) for split in ("train", "dev")]
    assert sum(one["texts_with_two_labels"] + one["near_duplicates"] for one in found) == 0


def test_every_part_of_a_split_is_read_and_none_may_be_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [{"text": f"the film of day {k}", "label": "good" if k % 3 else "bad"} for k in range(40)]
    parts = [tmp_path / "mine" / f"train-0000{k}-of-00002.jsonl" for k in range(2)]
    for path, some in zip(parts, (rows[:25], rows[25:]), strict=True):
        write(path, json_lines(*some))
    said = checked(capsys, "mine --save mine.toml")
    assert "train 2 files (40 rows)" in said["understood"][0]
    assert sum(one["rows"] for one in said["splits"]) == 40
    parts[1].unlink()
    for typed, why in (("mine", "1 of 2 shards"), ("mine.toml", "has no train-00001-of-00002.jsonl")):
        with pytest.raises(SystemExit) as leaving:
            main(["check", typed])
        assert (leaving.value.code, why in capsys.readouterr().err) == (2, True)


def test_the_files_of_a_repository_of_the_hub_are_found_in_its_folder_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [{"text": f"the film of day {k}", "label": "good" if k % 3 else "bad"} for k in range(40)]
    write(tmp_path / "films" / "README.md", "# Films")
    write(tmp_path / "films" / "data" / "train-00000-of-00001.jsonl", json_lines(*rows[:30]))
    write(tmp_path / "films" / "data" / "test-00000-of-00001.jsonl", json_lines(*rows[30:]))
    said = checked(capsys, "films")
    assert (said["task"], part(said, "test")["rows"]) == ("films", 10)


def test_rows_of_dev_that_stand_in_train_are_counted(reviews: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = checked(capsys, "mine")
    assert said["overlaps"] == [{"split": "dev", "other": "train", "exact": 1, "normalised": 2}]


def test_what_is_wrong_is_said_in_lines_and_makes_strict_exit_with_1(
    reviews: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = checked(capsys, "mine")
    assert [line for line in said["wrong"] if "unknown to" not in line] == [
        "train: 1 row left out: line 28: no label: a split without labels can be predicted, not trained on or scored",
        "train: 1 row the same as an earlier one",
        "train: 1 text with different labels",
        "train: 1 label of one row: mixed",
        "dev: train has no row of the label 'awful', dev 1 (row ids 2)",
        "dev: 2 rows stand in train too (1 of them letter by letter)",
    ]
    with pytest.raises(SystemExit) as leaving:
        main(["check", "mine", "--strict"])
    assert leaving.value.code == 1
    out = capsys.readouterr().out
    assert "dev: 2 rows stand in train too" in out
    assert max(map(len, out.splitlines())) <= 80


def test_tokens_and_what_a_maximum_length_cuts_are_those_of_the_models_tokenizer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from transformers import AutoTokenizer

    monkeypatch.chdir(tmp_path)
    model = tiny.make("bert", tmp_path / "tiny")
    texts = [f"the {k} " + "film was fine " * (k % 4) for k in range(24)]
    write(tmp_path / "a.csv", "text,label\n" + "".join(f"{text},{'ab'[k % 2]}\n" for k, text in enumerate(texts)))
    write(tmp_path / "b.csv", "text,label\nthe film,a\n")
    said = checked(capsys, f"--train-file a.csv --dev-file b.csv --model {model} --max-length 10")
    tokenizer = AutoTokenizer.from_pretrained(model)
    whole = [tokenizer(text)["input_ids"] for text in texts]
    tokens = part(said, "train")["tokens"]
    assert tokens["total"] == sum(map(len, whole))
    assert tokens["spread"]["max"] == max(map(len, whole))
    assert tokens["cut"]["rows"] == sum(len(ids) > 10 for ids in whole)
    kept = tokenizer(texts, truncation=True, max_length=10, return_offsets_mapping=True)["offset_mapping"]
    words = [len(text[max(end for _, end in offsets) :].split()) for text, offsets in zip(texts, kept, strict=True)]
    assert tokens["cut"]["words"] == sum(words)
    assert tokens["unknown"] == sum(ids.count(tokenizer.unk_token_id) for ids in whole)


def test_answers_that_are_too_long_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "a.json", squad())
    write(tmp_path / "b.json", squad(rows=3))
    said = checked(capsys, f"--train-file a.json --dev-file b.json --model {tiny.make('bert', tmp_path / 'tiny')}")
    assert part(said, "train")["tokens"]["cut"] == {"rows": 0, "words": 0, "answers": 0}


def test_a_shipped_sample_is_checked_too(capsys: pytest.CaptureFixture[str]) -> None:
    said = checked(capsys, "sst2 --sample")
    assert (said["task"], said["head"], said["labels"]) == ("sst2", "classification", ["negative", "positive"])


def test_check_loads_no_torch_and_a_later_finetune_profiles_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BERTKIT_CACHE", str(tmp_path / "cache"))  # another test may have such a file
    write(tmp_path / "a.txt", conll("B-PER I-PER O B-PER O B-LOC O"))
    code = (
        "import json, sys\n"
        "from bertkit.cli import main\n"
        "from bertkit.data import count_cells, profiled\n"
        "calls, plain = [], profiled.profile\n"
        "profiled.profile = lambda rows: calls.append(1) or plain(rows)\n"
        "try:\n main(['check', 'a.txt', '--json'])\n"
        "except SystemExit:\n pass\n"
        "print(json.dumps([len(calls), sorted({'torch', 'transformers', 'accelerate'} & set(sys.modules))]))\n"
    )
    seen = []
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
        seen.append(json.loads(done.stdout.splitlines()[-1]))
    assert seen == [[1, []], [0, []]]


def test_a_damaged_tokenizer_is_named(reviews: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tiny.make("bert", reviews / "tiny")
    write(model / "tokenizer.json", '{"a":')
    with pytest.raises(SystemExit) as leaving:
        main(["check", "mine", "--model", str(model)])
    said = capsys.readouterr().err
    assert (leaving.value.code, said.count("\n")) == (2, 1)
    assert f"{model}: its tokenizer cannot be read: " in said
