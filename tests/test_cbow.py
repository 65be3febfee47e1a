"""`bertkit analyse cbow`: words, vectors that a seed gives again, and tests that a static vector cannot pass."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from door import Refused, refused
from files import json_lines, write

import bertkit
from bertkit.analysis.analogies import Analogies
from bertkit.analysis.cbow import unspaced, words_of
from bertkit.analysis.cbow_reports import analogies_line
from bertkit.cli import main

__all__ = ["refused"]
pytest.importorskip("gensim")

ROYAL = "the king rules the land . the queen rules the land . a man walks home . a woman walks home ."
CORPUS = "\n\n".join(f"{ROYAL} number {k}" for k in range(60))
SENTENCES = "sentence,sense\nThe king rules.,a\nA king walks.,a\nNo king came.,b\nOne king left.,b\n"
DIGEST = """
import sys, hashlib, bertkit
found = bertkit.analyse("cbow", sys.argv[1], neighbours="king", size=8, out=sys.argv[2], seed=int(sys.argv[3]))
print(found.plain()["neighbours"])
"""


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("corpus") / "royal.txt", CORPUS)


def test_words_are_lower_case_and_characters_where_there_are_no_spaces() -> None:
    assert words_of("Don't stop, X-ray 4!") == ["don't", "stop", "x", "ray", "4"]
    assert words_of("我吃苹果 iPhone吃") == ["我", "吃", "苹", "果", "iphone", "吃"]
    assert words_of("我吃苹果", ("苹果",)) == ["我", "吃", "苹果"]
    assert unspaced(["苹果", "果", "King", "iPhone 手机"]) == ("苹果",)


def test_a_static_vector_cannot_tell_senses_apart(corpus: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "king.csv", SENTENCES)
    analogies = write(tmp_path / "four.txt", ": royal\nman king woman queen\nman king woman emperor\n")
    found = bertkit.analyse(
        "cbow", corpus, word="king", sentences=file, neighbours="King", analogies=analogies, top_k=2, size=8,
        out=tmp_path / "out",
    )  # fmt: skip
    (static,) = found.study.raw
    assert (static.within, static.across, static.p) == pytest.approx((1, 1, 1))
    assert static.nearest.value == pytest.approx(1 / 3)  # of three others that are as near, one has the sense
    assert [len(near) for near in found.neighbours.values()] == [2]
    assert (len(found.analogies.answered), found.analogies.unknown) == (1, 1)
    assert found.numbers.is_file()
    assert [png.stem for png, _ in found.figures] == ["neighbours", "analogies", "cosines"]


def plain_of(numbers: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(numbers.read_text("utf-8"))
    return read


def test_neighbours_alone_end_in_a_table_a_figure_numbers_and_a_sentence(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["--neighbours", "King, the land", "--top-k", "2", "--size", "8", "--out", str(tmp_path / "out")]
    with pytest.raises(SystemExit) as leaving:
        main(["analyse", "cbow", str(corpus), *asked, "--quiet"])
    assert leaving.value.code == 0
    printed = " ".join(capsys.readouterr().out.split())
    (folder,) = (tmp_path / "out").iterdir()
    assert {path.name for path in folder.iterdir()} == {"cbow.json", "neighbours.png", "neighbours.svg"}
    found = plain_of(folder / "cbow.json")
    (name, value), _ = found["neighbours"]["King"]
    (sentence,) = found["sentences"]
    assert sentence.startswith(f"The nearest word to 'King' is '{name}' (cosine {value:.3f}), to 'the land' is '")
    assert sentence in printed
    drawn = (folder / "neighbours.svg").read_text("utf-8")
    assert [f"<!-- {text} -->" in drawn for text in ("King", name, f"{value:.3f}", "the land")] == [True] * 4


def test_analogies_alone_end_in_a_table_a_figure_numbers_and_a_sentence(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    four = write(
        tmp_path / "four.txt", ": royal\nman king woman queen\nman king woman emperor\n: walk\na the man king\n"
    )
    asked = ["--analogies", str(four), "--size", "8", "--out", str(tmp_path / "out"), "--quiet"]
    with pytest.raises(SystemExit):
        main(["analyse", "cbow", str(corpus), *asked])
    printed = " ".join(capsys.readouterr().out.split())
    (folder,) = (tmp_path / "out").iterdir()
    assert {path.name for path in folder.iterdir()} == {"cbow.json", "analogies.png", "analogies.svg"}
    found = plain_of(folder / "cbow.json")
    (sentence,) = found["sentences"]
    assert sentence.endswith("; 1 has a word without a vector, and no answer.") and sentence in printed
    assert list(found["analogies"]["by_heading"]) == ["royal", "walk"]


def test_the_share_of_analogies_has_wilsons_interval_by_heading_too() -> None:
    row = ("man", "king", "woman", "queen")
    answers = ["queen"] * 3 + ["land"] * 7
    found = Analogies(answered=tuple((*row, answer) for answer in answers), headings=("a",) * 4 + ("b",) * 6, unknown=2)
    assert found.score is not None
    assert (found.right, found.score.value) == (3, 0.3)
    assert (found.score.low, found.score.high) == pytest.approx((0.1078, 0.6032), abs=1e-4)  # 3 of 10 (Wilson 1927)
    assert {name: one.value for name, one in found.by_heading.items()} == {"a": 0.75, "b": 0.0}
    assert analogies_line(found) == (
        "Of 10 analogies 30.0 % [10.8, 60.3] are right (3; 95 % by Wilson); 2 have a word without a vector, "
        "and no answer."
    )
    assert analogies_line(Analogies(answered=(), headings=(), unknown=2)).startswith("No analogy is answered; 2 have")


def test_a_set_ends_in_a_figure_and_a_sentence(corpus: Path, tmp_path: Path) -> None:
    row = {
        "word": "king",
        "sentence1": "the king",
        "sentence2": "a king",
        "start1": 4,
        "end1": 8,
        "start2": 2,
        "end2": 6,
    }
    lines = json_lines({**row, "label": True}, {**row, "sentence2": "a manx", "label": False})
    for name in ("train", "val"):
        write(tmp_path / f"WiC/{name}.jsonl", lines)
    found = bertkit.analyse("cbow", corpus, set="wic", data=tmp_path, size=8, out=tmp_path / "out")
    ((png, svg),) = found.figures
    assert (png.stem, png.is_file()) == ("wic", True)
    assert [f"<!-- {text} -->" in svg.read_text("utf-8") for text in ("static", "commonest")] == [True] * 2
    assert plain_of(found.numbers)["sentences"] == found.sentences != []


def test_a_word_of_several_parts_is_looked_up_by_its_parts(corpus: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "x.txt", "a queen-king rules\nthe Queen-King walks\n")
    found = bertkit.analyse(
        "cbow", corpus, word="queen-king", sentences=file, neighbours="king land", size=8, out=tmp_path / "out"
    )
    assert found.study.raw[0].mean == pytest.approx(1)
    names = [name for name, _ in found.neighbours["king land"]]
    assert len(names) == 8 and not {"king", "land"} & set(names)


def test_a_word_that_the_corpus_lacks_is_refused_before_the_training(
    refused: Refused, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gensim.models import Word2Vec

    write(tmp_path / "royal.txt", CORPUS + "\n\nThey are in two minds.")
    monkeypatch.delattr(Word2Vec, "train")
    said = refused("analyse", "cbow", "royal.txt", "--neighbours", "the minds", "--size", "9", "--quiet")
    assert "'the minds' has no vector: the corpus has 'minds' too rarely (--min-count), or not at all" in said
    assert "'!' has no letter or digit" in refused(
        "analyse", "cbow", "nowhere.txt", "--neighbours", "king,!", "--quiet"
    )


def test_an_analogy_that_no_further_word_can_answer_is_wrong(tmp_path: Path) -> None:
    corpus = write(tmp_path / "three.txt", "man king woman\n" * 20)
    analogies = write(tmp_path / "four.txt", "man king woman woman\n")
    found = bertkit.analyse("cbow", corpus, analogies=analogies, size=2, min_count=1, out=tmp_path / "out")
    assert (found.analogies.answered[0][-1], found.analogies.right) == ("", 0)


def test_the_same_seed_gives_the_same_vectors_in_another_process(corpus: Path, tmp_path: Path) -> None:
    said = []
    for salt, seed in (("1", "5"), ("2", "5"), ("2", "6")):
        cache = tmp_path / f"cache-{salt}-{seed}"
        done = subprocess.run(
            [sys.executable, "-c", DIGEST, str(corpus), str(tmp_path / "out"), seed],
            env={**os.environ, "PYTHONHASHSEED": salt, "BERTKIT_CACHE": str(cache)},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        said.append(done.stdout)
    assert said[0] == said[1] != said[2]


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("royal.txt", "say what to look at: --neighbours, --analogies, --word, or --set"),
        ("royal.txt --neighbours emperor", "'emperor' has no vector"),
        ("royal.txt --word emperor --sentences no.csv", "--sentences no.csv: there is no such file"),
        ("royal.txt --word king", "give both a word and the --sentences it is in"),
        ("royal.txt --neighbours king --min-count 99999", "--min-count 99999: no word of the corpus is so frequent"),
        ("royal.txt --neighbours king --size 0", "--size 0: it must be at least 1"),
        ("royal.txt --neighbours king --out royal.txt", "--out royal.txt: it is no folder"),
        ("royal.txt --neighbours ,", "--neighbours: name words, commas between"),
        ("royal.txt --analogies royal.txt", "royal.txt, line 1: 24 words, not four"),
        ("nowhere.txt --neighbours king", "nowhere.txt: there is no such file or folder"),
    ],
)
def test_a_request_that_cannot_be_is_refused(refused: Refused, tmp_path: Path, typed: str, line: str) -> None:
    write(tmp_path / "royal.txt", CORPUS)
    assert line in refused("analyse", "cbow", *typed.split(), "--quiet")


def test_a_missing_package_is_named_with_what_to_install(
    refused: Refused, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "royal.txt", CORPUS)
    monkeypatch.setattr("bertkit.analysis.cbow.find_spec", lambda name: None)
    assert importlib.util.find_spec("gensim")
    said = refused("analyse", "cbow", "royal.txt", "--neighbours", "king")
    assert said == "Error: analyse cbow needs the package gensim: pip install gensim, or bertkit[cbow]\n"
