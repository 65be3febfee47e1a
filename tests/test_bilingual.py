"""Parallel texts and dictionaries: every layout, what repeats, and where words stand in texts."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from files import write

from bertkit.data.bilingual import Pairs, read_dictionary, read_parallel, read_texts
from bertkit.data.occurrences import Occurrence, occurrences
from bertkit.errors import DataError, RequestError


def pairs_of(read: Pairs) -> list[tuple[str, str]]:
    return [(read.texts[0][a], read.texts[1][b]) for a, b in read.links]


def file(folder: Path, name: str, *lines: str) -> Path:
    return write(folder / name, "".join(f"{line}\n" for line in lines))


BOTH = [("Hi.", "嗨。"), ("Run!", "跑！")]


def test_line_n_of_one_file_translates_line_n_of_the_other(tmp_path: Path) -> None:
    files = [file(tmp_path, "a.en", "Hi.", "Run!"), file(tmp_path, "a.zh", "嗨。", "跑！")]
    assert pairs_of(read_parallel(files, None)) == BOTH


@pytest.mark.parametrize(
    ("name", "lines", "columns"),
    [
        ("a.tsv", ("Hi.\t嗨。", "Run!\t跑！"), None),
        ("a.txt", ("Hi.\t嗨。\tTom", "Run!\t跑！\tMary"), ["1", "2"]),
        ("a.tsv", ("doc\ten\tzh", "0\tHi.\t嗨。", "0\tRun!\t跑！"), ["en", "zh"]),
        ("a.csv", ("zh,en", "嗨。,Hi.", '跑！,"Run!"'), ["en", "zh"]),
        ("a.csv", ("zh,en", "嗨。,Hi.", "跑！,Run!"), ["2", "1"]),
    ],
)
def test_one_file_has_a_language_in_each_of_two_columns(
    tmp_path: Path, name: str, lines: tuple[str, ...], columns: list[str] | None
) -> None:
    assert pairs_of(read_parallel([file(tmp_path, name, *lines)], columns)) == BOTH


def test_of_two_tables_the_first_columns_are_read_or_those_that_are_named(tmp_path: Path) -> None:
    files = [
        file(tmp_path, f"dev-{name}.tsv", f"{a}\t{b}\tneutral")
        for name, a, b in (("en", "Hi.", "Run!"), ("zh", "嗨。", "跑！"))
    ]
    assert pairs_of(read_parallel(files, None)) == BOTH[:1]
    assert pairs_of(read_parallel(files, ["2", "2"])) == BOTH[1:]


def test_a_text_with_two_translations_is_one_text_and_what_repeats_or_is_empty_is_counted(tmp_path: Path) -> None:
    read = read_parallel(
        [file(tmp_path, "a.tsv", "Hi.\t嗨。", "Hi.\t你好。", "Hi.\t嗨。", "\t", "Oh.\t ", "A\tB")], None
    )
    assert read.texts == (("Hi.", "A"), ("嗨。", "你好。", "B"))
    assert read.links.tolist() == [[0, 0], [0, 1], [1, 2]]
    assert read.skipped == {"with an empty side": 2, "that were there before": 1}
    assert pairs_of(read.one_to_one()) == [("Hi.", "嗨。"), ("A", "B")]


def test_an_empty_line_in_one_of_two_tables_moves_no_other(tmp_path: Path) -> None:
    files = [file(tmp_path, "a.tsv", "a\tx", "", "c\tx"), file(tmp_path, "b.tsv", "A\tx", "B\tx", "C\tx")]
    assert pairs_of(read_parallel(files, ["1", "1"])) == [("a", "A"), ("c", "C")]


def numbered(count: int) -> Pairs:
    texts = tuple(map(str, range(count)))
    return Pairs(texts=(texts, texts), links=np.stack([np.arange(count)] * 2, axis=1), skipped={})


def test_a_sample_keeps_the_order() -> None:
    drawn = [int(text) for text in numbered(100).sampled(10, 3).texts[1]]
    assert drawn == sorted(drawn)
    assert len(drawn) == 10
    assert numbered(5).sampled(10, 3).texts[0] == ("0", "1", "2", "3", "4")


@pytest.mark.parametrize(
    ("lines", "columns", "said"),
    [
        ([["a", "b"], ["A"]], None, r"1\.txt has 2 lines and .*2\.txt 1: line n of one must translate"),
        ([["a"], [""]], None, r"2\.txt is empty"),
        ([["a\tb\tc"]], None, r"it has 3 columns: name the two with --columns"),
        ([["a"]], None, r"it has 1 column: name the two"),
        ([["en\tzh", "a\tb"]], ["en", "de"], r"has no column de: it has en, zh"),
        ([["a\tb"]], ["1", "3"], r"has no column 3: it has 2 columns"),
        ([["a\tb", "a"]], ["1", "2"], r"line 2: it has 1 columns, and column 2 is read"),
        ([["", ""]], None, r"1\.txt is empty: two columns of text"),
        ([["a\t", "b\t"]], None, r"1\.txt: each of the 2 pairs has an empty side"),
    ],
)
def test_files_that_are_not_parallel_are_refused(
    tmp_path: Path, lines: list[list[str]], columns: list[str] | None, said: str
) -> None:
    files = [file(tmp_path, f"{k}.txt", *one) for k, one in enumerate(lines, 1)]
    with pytest.raises(DataError, match=said):
        read_parallel(files, columns)


def test_three_files_or_one_column_are_refused(tmp_path: Path) -> None:
    path = file(tmp_path, "a.tsv", "a\tb")
    with pytest.raises(RequestError, match="--parallel is given 3 times"):
        read_parallel([path] * 3, None)
    with pytest.raises(RequestError, match=re.escape("--columns en: name two")):
        read_parallel([path], ["en"])


def test_a_dictionary_is_a_pair_a_line_with_a_space_or_a_tab_between(tmp_path: Path) -> None:
    read = read_dictionary(file(tmp_path, "d.txt", "you 你", "New York\t纽约", "", "you 您"))
    assert pairs_of(read) == [("you", "你"), ("New York", "纽约"), ("you", "您")]
    with pytest.raises(DataError, match=r"d\.txt, line 1: a word and its translation are expected"):
        read_dictionary(file(tmp_path, "d.txt", "a long line"))
    with pytest.raises(DataError, match=r"d\.txt is empty"):
        read_dictionary(file(tmp_path, "d.txt", ""))


def test_texts_are_lines_that_are_not_blank(tmp_path: Path) -> None:
    assert read_texts(file(tmp_path, "a.txt", "Hi.", "", " Run! ")) == ("Hi.", "Run!")
    with pytest.raises(DataError, match="is empty"):
        read_texts(file(tmp_path, "a.txt", "", ""))


def words(text: str, *wanted: str) -> dict[str, list[str]]:
    return {
        word: [text[one.start : one.end] for one in found] for word, found in occurrences(wanted, [text], 9).items()
    }


def test_words_are_found_whole_and_without_case() -> None:
    assert words("The art of Art, and a part.", "art", "the", "cat") == {"the": ["The"], "art": ["art", "Art"]}
    assert words("Don't, well-known", "don't", "known") == {"don't": ["Don't"]}
    assert words("Polish it", "Polish", "polish") == {"Polish": ["Polish"], "polish": ["Polish"]}


def test_several_words_are_found_as_one_and_not_across_punctuation() -> None:
    assert words("I like ice\tcream, an ice and cream.", "ice cream", "ice", "cream") == {
        "ice cream": ["ice\tcream"], "ice": ["ice"], "cream": ["cream"],
    }  # fmt: skip
    assert words("Ice, cream; New York New", "ice cream", "new york") == {"new york": ["New York"]}


def test_a_chinese_word_is_not_found_in_a_longer_one() -> None:
    assert words("苹果和果", "苹果", "果") == {"苹果": ["苹果"], "果": ["果"]}
    assert words("用Linux系统", "linux", "系统") == {"linux": ["Linux"], "系统": ["系统"]}


def test_the_first_occurrences_are_kept() -> None:
    assert occurrences(["a"], ["b a", "a a"], 2) == {
        "a": [Occurrence(text=0, start=2, end=3), Occurrence(text=1, start=0, end=1)]
    }
