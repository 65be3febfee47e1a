"""`bertkit analyse cbow`: words, vectors that a seed gives again, and tests that a static vector cannot pass."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from door import Refused, refused
from files import write

import bertkit
from bertkit.analysis.cbow import unspaced, words_of

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
    assert unspaced(["苹果", "果", "King"]) == ("苹果",)


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
