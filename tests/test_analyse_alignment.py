"""`bertkit analyse alignment`: by hand-made vectors, on a toy of two languages, from Python, and what is refused."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import get_type_hints

import numpy as np
import pytest
from door import Refused, refused
from files import write
from toy_languages import toy

import bertkit
from bertkit.analysis.alignment import Side, align
from bertkit.analysis.places import digest_of
from bertkit.cli import main
from bertkit.errors import DataError
from bertkit.progress import Progress
from bertkit.reports import alignment
from bertkit.request.alignment_flags import AlignmentFlags, AlignmentOptions
from bertkit.request.language_vector_flags import LanguageVectorFlags, LanguageVectorOptions

__all__ = ["refused"]


def side(vectors: np.ndarray, there: list[bool] | None = None) -> Side:
    """Texts with these (N, H) vectors at both of two layers."""
    flags = np.array(there) if there else np.ones(len(vectors), np.bool_)
    return Side(vectors=np.stack([vectors] * 2, axis=1).astype(np.float32), there=flags, cut=0, unknown=0.0)


def own(count: int) -> np.ndarray:
    return np.stack([np.arange(count)] * 2, axis=1)


def test_identical_spaces_give_one_and_random_ones_what_chance_gives() -> None:
    x, y = (np.random.default_rng(seed).normal(size=(300, 16)) for seed in (1, 2))
    for way in align((side(x), side(x)), own(300), Progress()):
        assert [one.mrr.value for one in way.layers] == [1, 1]
        assert way.layers[0].centred_top.value == 1
    for way in align((side(x), side(y)), own(300), Progress()):
        assert way.chance == pytest.approx((sum(1 / k for k in range(1, 301)) / 300, 1 / 300))
        assert way.layers[1].mrr.low < way.chance[0] < way.layers[1].mrr.high
        assert way.layers[1].centred_mrr.low < way.chance[0] < way.layers[1].centred_mrr.high


def test_texts_without_a_vector_are_neither_asked_nor_candidates() -> None:
    x = np.eye(5)
    forward, back = align((side(x, [True, True, True, True, False]), side(x)), own(5), Progress())
    assert (forward.queries, forward.candidates, back.queries, back.candidates) == (4, 4, 4, 4)
    with pytest.raises(DataError, match="fewer than two pairs"):
        align((side(x, [True, False, False, False, False]), side(x)), own(5), Progress())


def lines(folder: Path, name: str, *texts: str) -> str:
    return str(write(folder / name, "".join(f"{text}\n" for text in texts)))


WORDS = [("a0 a1", "b0 b1"), ("a1 a2", "b1 b2"), ("a3 a4 a5", "b3 b4 b5"), ("a5 a0", "b5 b0")]


def parallel(folder: Path) -> list[str]:
    return [lines(folder, name, *(pair[k] for pair in WORDS)) for k, name in ((0, "en.txt"), (1, "zh.txt"))]


def test_languages_that_differ_by_a_code_align_wholly_once_centred(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    toy(tmp_path / "model")
    one, other = parallel(tmp_path)
    with pytest.raises(SystemExit) as leaving:
        main(["analyse", "alignment", str(tmp_path / "model"), "--parallel", one, "--parallel", other,
              "--out", str(tmp_path / "out")])  # fmt: skip
    assert leaving.value.code == 0
    printed = capsys.readouterr().out
    table = printed[printed.index("LAYER") : printed.index("centred: without")]
    assert max(len(line.rstrip()) for line in table.splitlines()) <= 80
    assert "en → zh: 4 queries, 4 candidates" in printed
    (folder,) = (tmp_path / "out").iterdir()
    assert {path.name for path in folder.iterdir()} == {"alignment.json", "alignment.png", "alignment.svg"}
    found = json.loads((folder / "alignment.json").read_text("utf-8"))
    assert [one["centred_mrr"]["value"] for one in found["directions"]["forward"]["layers"]] == [1, 1, 1]
    assert found["directions"]["back"]["chance"] == {"mrr": pytest.approx((1 + 1 / 2 + 1 / 3 + 1 / 4) / 4), "top": 0.25}


def test_words_are_aligned_by_their_occurrences_and_what_the_texts_lack_is_counted(tmp_path: Path) -> None:
    toy(tmp_path / "model")
    dictionary = lines(tmp_path, "d.txt", "a0 b0", "a1 b1", "a2 b2", "a3 b3", "a3 b4", "a9 b9")
    found = bertkit.analyse(
        "alignment", tmp_path / "model", dictionary=dictionary, text=parallel(tmp_path), source="en", target="zh",
        out=tmp_path / "out",
    )  # fmt: skip
    assert found.unit == "words"
    assert found.notes == ("1 of the dictionary's 6 pairs do not occur in both texts",)
    forward, back = found.directions
    assert (forward.queries, forward.candidates) == (4, 5)
    assert (back.queries, back.candidates) == (5, 4)
    assert forward.layers[-1].centred_mrr.value == 1
    assert found.sentence.startswith("The words align best at layer 0: en → zh MRR ")


def test_the_folder_is_named_by_digests_of_the_texts_not_by_the_texts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy(tmp_path / "model")
    seen, folder = [], alignment.analysis_folder
    monkeypatch.setattr(alignment, "analysis_folder", lambda *given: seen.append(given[-1]) or folder(*given))
    dictionary = lines(tmp_path, "d.txt", "a0 b0", "a1 b1")
    one, other = parallel(tmp_path)
    for text in (other, lines(tmp_path, "more.txt", "b0 b1", "b1", "a long line that no word is in")):
        bertkit.analyse("alignment", tmp_path / "model", dictionary=dictionary, text=[one, text], out=tmp_path / "out")
    assert "long line" not in json.dumps(seen)
    assert len(list((tmp_path / "out").iterdir())) == 2


def test_a_digest_of_texts_tells_where_one_ends_and_takes_one_at_a_time() -> None:
    assert digest_of(["ab", "c"]) == digest_of(iter(["ab", "c"])) != digest_of(["a", "bc"])
    assert digest_of([]) != digest_of([""]) and digest_of(["\ud800"])


def test_the_keywords_of_type_checkers_are_the_flags() -> None:
    for keywords, group in ((AlignmentOptions, AlignmentFlags), (LanguageVectorOptions, LanguageVectorFlags)):
        assert set(get_type_hints(keywords)) == {field.name for field in fields(group)}


def test_languages_are_called_as_typed_or_by_columns_or_by_files(tmp_path: Path) -> None:
    table = lines(tmp_path, "a.tsv", "en\tzh", "a\tb")
    assert AlignmentFlags(parallel=[table], source="en", target="zh").column_names == ["en", "zh"]
    assert AlignmentFlags(parallel=[table], columns="zh,en").languages == ("zh", "en")
    assert AlignmentFlags(parallel=[table], columns="1,2").languages == ("first", "second")
    assert AlignmentFlags(parallel=["x/en.txt", "x/zh.txt"]).languages == ("en", "zh")
    assert AlignmentFlags(parallel=["x/en.txt", "x/zh.txt"], target="b").languages == ("en", "b")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "alignment: give sentences with --parallel, or words with --dictionary and --text"),
        ("--parallel en.txt --parallel en.txt", "first and second have the same texts (4 of 4): name a file of each"),
        ("--parallel none.txt", "there is no file none.txt"),
        ("--parallel en.txt --parallel short.txt", "en.txt has 4 lines and short.txt 1"),
        ("--parallel en.txt --parallel empty.txt", "empty.txt is empty"),
        ("--parallel table.tsv --columns en,de", "table.tsv has no column de: it has en, zh"),
        ("--parallel en.txt --parallel zh.txt --pairs 1", "--pairs 1: it must be at least 2"),
        ("--parallel en.txt --parallel zh.txt --layers 9", "--layers 9: this encoder has 2 layers"),
        ("--parallel en.txt --parallel zh.txt --max-length 600", "--max-length 600: this model sees 32 tokens"),
        ("--parallel en.txt --parallel unknown.txt", "unknown: 100 % of its tokens are unknown"),
        ("--dictionary d.txt", "--dictionary: name the texts its words are looked up in"),
        ("--dictionary d.txt --text en.txt", "--text: 1 given: give two files"),
        ("--dictionary other.txt --text en.txt --text zh.txt", "other.txt: none of its 1 pairs occurs in the texts"),
        ("--dictionary d.txt --text en.txt --text zh.txt --occurrences 0", "--occurrences 0: it must be at least 1"),
        ("--text en.txt --text zh.txt --parallel table.tsv", "--text: a dictionary's words are looked up in it"),
    ],
)
def test_what_cannot_be_aligned_is_refused_in_a_line(refused: Refused, tmp_path: Path, typed: str, said: str) -> None:
    toy(tmp_path / "model")
    parallel(tmp_path)
    lines(tmp_path, "short.txt", "b0")
    lines(tmp_path, "empty.txt")
    lines(tmp_path, "unknown.txt", "q", "q", "q", "q")
    lines(tmp_path, "table.tsv", "en\tzh", "a0\tb0")
    lines(tmp_path, "d.txt", "a0 b0", "a1 b1")
    lines(tmp_path, "other.txt", "x y")
    assert said in refused("analyse", "alignment", "model", *typed.split())
    assert not (tmp_path / "runs").exists()
