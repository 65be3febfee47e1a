"""`bertkit analyse word`: what it prints and writes, and each request that it refuses."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any, get_type_hints

import pytest
import tiny
from door import Refused, refused, shape
from files import json_lines, write

import bertkit
from bertkit.analysis.sense_rows import places_of, read_sense_rows
from bertkit.analysis.sense_sets import read_set
from bertkit.cli import main
from bertkit.errors import DataError, RequestError
from bertkit.request.analyse_flags import AnalyseFlags
from bertkit.request.sense_flags import CbowFlags, CbowOptions, SenseFlags, WordOptions

__all__ = ["refused"]

RIVER = ["A bank of mud.", "The bank was wet.", "He sat on a bank."]
MONEY = ["The bank is shut.", "My bank lends.", "A bank failed."]
TABLE = "sentence,sense\n" + "".join(
    f"{text},{sense}\n" for sense, texts in (("river", RIVER), ("money", MONEY)) for text in texts
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny.make("bert", tmp_path_factory.mktemp("model") / "bert"))


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as leaving:
        main(["analyse", "word", *arguments])
    printed = capsys.readouterr()
    assert leaving.value.code == 0, printed.err
    return printed.out


def test_the_table_the_verdict_and_the_files_are_there(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path / "bank.csv", TABLE)
    asked = (model, "bank", "--sentences", str(file), "--draws", "2", "--per-sense", "2", "--quiet")
    text = said(capsys, *asked, "--out", str(tmp_path / "out"))
    assert max(map(len, text.splitlines()[:14])) <= 80
    assert "senses: 3 river and 3 money" in text
    assert "all 10 splits of the labels" in text
    assert "2 random samples of 2 sentences a sense" in text
    (folder,) = (tmp_path / "out").iterdir()
    names = {"by-layer.png", "by-layer.svg", "cosines.png", "cosines.svg", "word.json"}
    assert ({path.name for path in folder.iterdir()}, folder.name.startswith("word-bank-")) == (names, True)
    before = {name: (folder / name).read_bytes() for name in names}
    found = json.loads(said(capsys, *asked, "--json", "--out", str(tmp_path / "out")))
    assert {name: (folder / name).read_bytes() for name in names} == before
    assert found["word"] == json.loads(before["word.json"])["word"]
    assert [len(found["word"][name]) for name in ("raw", "centred", "anisotropy", "cosines")] == [3, 3, 3, 3]


def test_python_gives_what_the_command_prints(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = write(tmp_path / "bank.txt", "".join(f"{text}\n\n" for text in RIVER))
    found = bertkit.analyse("word", model, "bank", sentences=lines, out=tmp_path / "out")
    assert found.study.rows.senses is None
    text = said(capsys, model, "bank", "--sentences", str(lines), "--out", str(tmp_path / "out"))
    assert text.splitlines()[2].split()[:2] == ["0", f"{found.study.raw[0].mean:.3f}"]
    assert "no senses are marked" in text
    with pytest.raises(RequestError, match="no analysis is called 'wrod'; did you mean word"):
        bertkit.analyse("wrod", model)
    with pytest.raises(RequestError, match="no option of analyse word is called 'sentence'; did you mean sentences"):
        bertkit.analyse("word", model, "bank", sentence=lines)


def test_the_keywords_of_type_checkers_are_the_flags() -> None:
    for keywords, groups in ((WordOptions, (SenseFlags, AnalyseFlags)), (CbowOptions, (SenseFlags, CbowFlags))):
        assert set(get_type_hints(keywords)) == {field.name for group in groups for field in fields(group)}


@pytest.mark.parametrize(
    ("word", "sentence", "places"),
    [
        ("bank", "Bank, embank, banks, bank-note and bank", [0, 21, 35]),
        ("苹果", "我吃苹果，他用苹果手机", [2, 7]),
        ("はし", "はしをわたる", [0]),
        ("C++", "C++ or C++11", [0]),
    ],
)
def test_a_word_is_found_whole_where_there_are_spaces(word: str, sentence: str, places: list[int]) -> None:
    assert [start for start, _ in places_of(word, sentence)] == places


def test_a_start_says_which_of_two_places_is_meant_and_senses_stand_together(tmp_path: Path) -> None:
    rows = [("苹果和苹果", "b", 3), ("吃苹果", "a", None), ("买苹果", "b", "")]
    lines = json_lines(*({"text": text, "label": sense, "position": at} for text, sense, at in rows))
    found = read_sense_rows(write(tmp_path / "rows.jsonl", lines), "苹果")
    assert found.sentences == ("苹果和苹果", "买苹果", "吃苹果")
    assert (found.spans, dict(found.counts)) == (((3, 5), (1, 3), (1, 3)), {"b": 2, "a": 1})


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (TABLE.replace("My bank", "My back"), "bank.csv, line 6: 'bank' is not in its sentence: My back lends."),
        (TABLE.replace("My bank", "bank bank"), "line 6: 'bank' is in its sentence 2 times (from characters 0, 5)"),
        (TABLE.replace("money", "river"), "bank.csv: all 6 sentences have one sense, 'river'"),
        (TABLE.replace("wet.,river", "wet.,"), "bank.csv, line 3: no sense, and other lines have one"),
        (TABLE.replace("sentence,", "phrase,"), "bank.csv, line 2: no column 'sentence'; there is phrase, sense"),
        ("", "bank.csv is empty"),
        ("sentence,sense\nA bank.,river\nOur bank.,money\n", "each sentence has a sense of its own"),
        ("sentence,sense\nA bank.,river\n", "bank.csv: one sentence; at least two are compared"),
        ("sentence,start\nA bank.,3\nA bank.,2\n", "line 2: 'bank' does not begin at character 3"),
        ("sentence,start\nA bank.,x\nA bank.,2\n", "line 2: start is 'x', and no number of characters"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_tested_is_refused_by_its_line(
    refused: Refused, tmp_path: Path, content: str, line: str
) -> None:
    write(tmp_path / "bank.csv", content)
    assert line in refused("analyse", "word", "sample", "bank", "--sentences", "bank.csv")


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("sample", "give a word with --sentences FILE, or a --set with its --data"),
        ("sample bank", "give both a word and the --sentences it is in"),
        ("sample bank --sentences nowhere.csv", "--sentences nowhere.csv: there is no such file"),
        ("sample --set wic", "--set wic: say with --data where its files are"),
        ("sample --set wic --data .", "--data .: WiC is not there (WiC/train.jsonl and WiC/val.jsonl)"),
        ("sample --set wik --data .", "'wik' is not one of wic, coarsewsd; did you mean wic?"),
        ("sample bank --sentences bank.csv --set wic --data .", "--set wic: leave out the word and --sentences"),
        ("sample bank --sentences bank.csv --data .", "--data: it is for --set"),
        ("sample --set wic --data . --draws 3", "--draws: it is for --sentences"),
        ("sample bank --sentences bank.csv --draws 2", "--per-sense 5: the sense 'river' has 3 sentences"),
        ("sample bank --sentences bank.csv --per-sense 1", "--per-sense 1: it must be at least 2"),
        ("sample bank --sentences bank.csv --layers 0,x", "--layers 0,x: give numbers with commas between"),
        ("sample bank --sentences bank.csv --layers 9", "--layers 9: this encoder has 6 layers"),
        ("sample bank --sentences bank.csv --out bank.csv", "--out bank.csv: it is no folder"),
        ("sample bank --sentences bank.csv --out bank.csv/far/off", "--out bank.csv/far/off: bank.csv is no folder"),
        ("sample bank --sentences bank.csv --max-length 2", "--max-length 2: it must be at least 8"),
        ("sample bank --sentences long.csv --max-length 8", "long.csv, line 2: longer than the 8 tokens"),
        ("./nowhere bank --sentences bank.csv", "nowhere"),
    ],
)  # fmt: skip
def test_a_request_that_cannot_be_is_refused(refused: Refused, tmp_path: Path, typed: str, line: str) -> None:
    write(tmp_path / "bank.csv", TABLE)
    write(tmp_path / "long.csv", TABLE.replace("A bank of mud.", "A bank of mud and of mud and of mud and mud."))
    assert line in refused("analyse", "word", *typed.split())


def test_a_model_without_weights_is_refused(refused: Refused, tmp_path: Path) -> None:
    write(tmp_path / "bank.csv", TABLE)
    assert "has no model.safetensors" in refused(
        "analyse", "word", shape(tmp_path / "m"), "bank", "--sentences", "bank.csv"
    )


def wic(label: object = True, **more: Any) -> dict[str, Any]:
    return {"word": "bank", "sentence1": "A bank.", "sentence2": "The bank.", "start1": 2, "end1": 6, "start2": 4,
            "end2": 8, "label": label, **more}  # fmt: skip


def test_the_sets_are_read_where_they_are(tmp_path: Path) -> None:
    for name in ("train", "val"):
        write(tmp_path / f"wsd/WiC/{name}.jsonl", json_lines(wic(), wic(label=False)))
        columns = "word\tsense\tlabel\tposition\tsentence\n"
        split = "train" if name == "train" else "test"
        rows = "".join(f"bank\t{sense}\tx\t2\ta wet bank .\n" for sense in (1, 1, 0, 0))
        write(tmp_path / f"coarsewsd-20.{split}.tsv", f"{columns}{rows}")
    found = read_set("wic", tmp_path, limit=1)
    assert (found.answers.tolist(), found.scored.spans, len(found.marks)) == ([1], [(2, 6), (4, 8)], 1)
    coarse = read_set("coarsewsd", tmp_path)
    (start, end), sentence = coarse.scored.spans[0], coarse.scored.sentences[0]
    assert (sentence[start:end], coarse.answers.tolist()) == ("bank", [1, 1, 0, 0])
    assert read_set("coarsewsd", tmp_path, limit=2).answers.tolist() == [1, 0]
    write(tmp_path / "wsd/WiC/val.jsonl", json_lines(wic(label="maybe")))
    with pytest.raises(DataError, match="line 1: no row of WiC"):
        read_set("wic", tmp_path)


def test_a_set_is_scored_by_the_command(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("train", "val"):
        write(tmp_path / f"WiC/{name}.jsonl", json_lines(wic(), wic(sentence2="The mud.", label=False)))
    asked = (model, "--set", "wic", "--data", str(tmp_path), "--out", str(tmp_path / "out"), "--quiet")
    text = said(capsys, *asked)
    assert "WiC dev, 2 rows, by cosine above a threshold chosen on train" in text
    assert "100.0 [34.2, 100.0]" in text


def test_the_senses_of_bank_separate_in_minilm_and_not_at_layer_0(tmp_path: Path) -> None:
    more = [("A boat lay by the muddy bank.", "river"), ("Reeds grew on the left bank.", "river"),
            ("She opened an account at the bank.", "money"), ("The bank raised its interest rates.", "money"),
            ("He owes the bank a large sum.", "money"), ("The river rose above its bank.", "river")]  # fmt: skip
    file = write(tmp_path / "bank.jsonl", json_lines(*({"sentence": a, "sense": b} for a, b in more)))
    found = bertkit.analyse("word", "sample", "bank", sentences=file, out=tmp_path / "out").study
    assert found.raw[0].p > 0.05
    assert found.raw[6].p == found.least == 1 / 10
    assert found.raw[6].nearest.value == 1
    assert found.anisotropy[6] < found.raw[6].mean
