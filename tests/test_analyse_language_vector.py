"""`bertkit analyse language-vector`: a toy of two languages turns wholly, from the door and Python; what is refused."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import pytest
import tiny
from door import Refused, refused
from files import write
from toy_languages import CONCEPTS, toy

import bertkit
from bertkit.cli import main
from bertkit.reports.language_vector import LanguageVector

__all__ = ["refused"]

PAIRS = [(f"a{i} a{j}", f"b{i} b{j}") for i, j in combinations(range(CONCEPTS), 2)]


def lines(folder: Path, name: str, *texts: str) -> str:
    return str(write(folder / name, "".join(f"{text}\n" for text in texts)))


def parallel(folder: Path) -> list[str]:
    return [lines(folder, name, *(pair[k] for pair in PAIRS)) for k, name in ((0, "a.txt"), (1, "b.txt"))]


def test_the_vector_turns_sentences_and_filled_tokens_of_a_toy_into_the_other_language(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    toy(tmp_path / "model")
    one, other = parallel(tmp_path)
    words = lines(tmp_path, "d.txt", *(f"a{k} b{k}" for k in range(CONCEPTS)))
    with pytest.raises(SystemExit) as leaving:
        main(["analyse", "language-vector", str(tmp_path / "model"), "--from", "a", "--to", "b", "--parallel", one,
              "--parallel", other, "--dictionary", words, "--sentence", "a0 a5",
              "--out", str(tmp_path / "out")])  # fmt: skip
    assert leaving.value.code == 0
    printed = capsys.readouterr().out
    assert "…" not in printed  # every cell fits into 80 columns
    assert "α = 0  nearest: a" in printed
    assert "filled: a0 a5" in printed
    assert "filled: b0 b5" in printed
    (folder,) = (tmp_path / "out").iterdir()
    assert {path.suffix for path in folder.iterdir()} == {".json", ".png", ".svg"}
    found = json.loads((folder / "language-vector.json").read_text("utf-8"))
    assert (found["chosen_on"], found["measured_on"]) == (7, 8)
    shares = {(one["layer"], one["strength"]): one["behind"] for one in found["cells"]}
    assert [shares[layer, 0.0]["target"]["value"] for layer in (0, 1, 2)] == [0, 0, 0]
    assert [shares[layer, 1.0]["target"]["value"] for layer in (0, 1, 2)] == [1, 1, 1]
    filled = {(one["layer"], one["strength"]): one for one in found["filled"]["cells"]}
    assert filled[1, 0.0]["translated"]["value"] == 0
    assert filled[1, 1.0]["translated"]["value"] == 1
    assert filled[1, 1.0]["target"]["value"] == 1
    assert found["filled"]["words"] == 16
    assert "at the last layer 100.0 %" in found["sentences"][0]


def test_an_encoder_without_a_head_has_nearest_sentences_alone(tmp_path: Path) -> None:
    tiny.make("bert", tmp_path / "model")
    said = tiny.texts()
    files = [lines(tmp_path, "one.txt", *said[:20]), lines(tmp_path, "two.txt", *said[20:44])]
    found = bertkit.analyse(
        "language-vector", tmp_path / "model", source="one", target="two", text=files, layers="1", strengths="-1,2",
        out=tmp_path / "out",
    )  # fmt: skip
    assert not found.paired
    assert found.filled is None
    assert found.strengths == (0, -1, 2)
    assert found.halves == (10, 10)
    assert "no masked-language-model head" in found.notes[-1]
    assert set(found.plain()["cells"][0]["behind"]) == {"target"}
    assert found.shown[0].filled is None


def test_long_texts_are_cut_and_said(tmp_path: Path) -> None:
    toy(tmp_path / "model")
    one, other = (lines(tmp_path, f"{lang}.txt", *([f"{lang}1 " * 40] + [f"{lang}{k % 6} {lang}2 " * (k + 1)
                  for k in range(9)])) for lang in "ab")  # fmt: skip
    found = bertkit.analyse(
        "language-vector", tmp_path / "model", source="a", target="b", parallel=[one, other], layers="1",
        out=tmp_path / "out",
    )  # fmt: skip
    assert "a: 1 texts are longer than the window: their end is not read" in found.notes


def test_texts_of_the_pairs_are_not_in_the_means(tmp_path: Path) -> None:
    toy(tmp_path / "model")
    both = [lines(tmp_path, f"{lang}.txt", *(pair[k] for pair in PAIRS[:9])) for k, lang in enumerate("ab")]

    def found(name: str, first: int) -> LanguageVector:
        texts = [lines(tmp_path, f"{name}-{lang}.txt", *(pair[k] for pair in PAIRS[first:]))
                 for k, lang in enumerate("ab")]  # fmt: skip
        study = bertkit.analyse(
            "language-vector", tmp_path / "model", source="a", target="b", parallel=both, text=texts,
            out=tmp_path / name,
        )  # fmt: skip
        assert isinstance(study, LanguageVector)
        return study

    all_of_them, others = found("all", 0), found("others", 9)
    assert "9 texts of a are in the pairs, and left out of its mean" in all_of_them.notes
    assert others.plain()["cells"] == all_of_them.plain()["cells"]
    assert not any("left out" in note for note in others.notes)


BOTH = "--from a --to b --parallel a.txt --parallel b.txt"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("--parallel a.txt --parallel b.txt", "name the languages with --from and --to"),
        ("--from a --to a --parallel a.txt --parallel b.txt", "--from a --to a: these are one language"),
        ("--from a --to b", "language-vector: give sentences with --parallel, or a text of each language with --text"),
        ("--from a --to b --parallel a.txt --parallel a.txt", "a and b have the same texts (15 of 15)"),
        ("--from a --to b --text a.txt --text a.txt", "a and b have the same texts (15 of 15)"),
        ("--from a --to b --parallel a.txt --parallel few.txt", "a.txt has 15 lines and few.txt 1"),
        ("--from a --to b --parallel a.txt --parallel empty.txt", "empty.txt is empty"),
        ("--from a --to b --text a.txt --text few.txt", "1 pair of texts: 8 are needed"),
        ("--from a --to b --text a.txt --text unknown.txt", "b: 100 % of its tokens are unknown"),
        ("--from a --to c --parallel table.tsv --columns a,c", "table.tsv has no column c: it has a, b"),
        (f"{BOTH} --text a.txt --text b.txt", "--text: each text of a is one of the pairs"),
        (f"{BOTH} --layers 9", "--layers 9: this encoder has 2 layers"),
        (f"{BOTH} --strengths 0", "--strengths 0: nothing is added"),
        (f"{BOTH} --strengths x", "--strengths x: give numbers"),
        (
            f"{BOTH} --strengths 1e39",
            "--strengths 1e39: give numbers up to 1,000 with commas between",
        ),
        (f"{BOTH} --sentence \u200b", "the tokenizer makes no token of it"),
        (f"{BOTH} --pairs 4", "--pairs 4: it must be at least 8"),
        (f"{BOTH} --dictionary other.txt", "other.txt: none of its 1 words of a occurs in the texts"),
    ],
)
def test_what_has_no_vector_is_refused_in_a_line(refused: Refused, tmp_path: Path, typed: str, said: str) -> None:
    toy(tmp_path / "model")
    parallel(tmp_path)
    lines(tmp_path, "few.txt", "b0")
    lines(tmp_path, "empty.txt", "")
    lines(tmp_path, "unknown.txt", *(f"q{k}" for k in range(20)))
    lines(tmp_path, "table.tsv", "a\tb", *("\t".join(pair) for pair in PAIRS))
    lines(tmp_path, "other.txt", "x y")
    assert said in refused("analyse", "language-vector", "model", *typed.split())
    assert not (tmp_path / "runs").exists()


def test_a_dictionary_needs_a_language_model_head(refused: Refused, tmp_path: Path) -> None:
    tiny.make("bert", tmp_path / "model")
    parallel(tmp_path)
    lines(tmp_path, "d.txt", "a0 b0")
    said = refused("analyse", "language-vector", "model", *BOTH.split(), "--dictionary", "d.txt")
    assert "--dictionary: it says which filled tokens are right, but model has no masked-language-model head" in said
