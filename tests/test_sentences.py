"""Splitting text into sentences: cases by hand, and nothing is lost."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bertkit.data.sentences import LONGEST, sentences

CASES = {
    "plain": ["He came.", "She left!", "Why?", "No."],
    "titles": ["Mr. and Mrs. Bly saw Dr. Hu on St. Ives.", "Then they left."],
    "latin": ["See e.g. Darwin, i.e. The Origin, cf. Huxley.", "It is long."],
    "initials": ["J. R. R. Tolkien and Ursula K. Le Guin wrote.", "He slept."],
    "after me": ["It is you and I.", "He knows."],
    "states": ["The U.S. Senate met in Washington, D.C.", "It voted at 3 p.m.", "The vote was 5.1 to 4.9."],
    "companies": ["Apples, pears, etc. are sold by Bly Inc. and Hu & Co. of York.", "They grow."],
    "numbers": ["It cost 3.50 in 1999.", "In No. 5 lived Jan. 3 of them.", "No.", "See Fig. 2."],
    "items": ["1. In Chancery", "IV. The Law", "A. First"],
    "quotes": ["“Go!”", "“Why?” she said.", '"Never."', "(He went.)", "‘So?’"],
    "ellipsis": ["He … and then… left.", "The end…", "Or not..."],
    "lower case": ["Oh! said he, and so? perhaps not."],
    "set apart": ["It is a lobster .", "It grows to 60 cm .", "H. americanus is red ."],
    "chinese": ["他来了。", "“走吧！”", "我们……走了？", "好!", "（完。）"],
    "japanese": ["「行きますか？」", "はい。", "そう…"],
    "mixed": ["他用 Python 3.11。", "It works.", "好。"],
    "none": ["no end at all"],
}


@pytest.mark.parametrize("name", CASES)
def test_sentences_end_where_a_reader_ends_them(name: str) -> None:
    wide = name in ("chinese", "japanese")
    for expected in [[one] for one in CASES[name]] if name == "items" else [CASES[name]]:
        assert sentences(("" if wide else " ").join(expected)) == expected


@settings(max_examples=300, deadline=None)
@given(st.text(st.one_of(st.sampled_from(list(' .!?…。！”"(aZ1好.\u3000')), st.characters(codec="utf-8"))))
def test_the_sentences_are_the_text_but_for_white_space(text: str) -> None:
    found = sentences(text)
    assert "".join("".join(found).split()) == "".join(text.split())
    assert all(one == one.strip() and one for one in found)


@pytest.mark.timeout(20)
def test_a_long_run_of_stops_takes_no_longer_than_its_length() -> None:
    for run in ("!" * 300_000, "." * 300_000 + "a", "A. " * 60_000):
        assert "".join(sentences(run)).replace(" ", "") == run.replace(" ", "")


def test_white_space_alone_has_no_sentence() -> None:
    assert sentences(" \t\u3000") == sentences("") == []


def test_text_without_punctuation_is_cut_between_words() -> None:
    text = "seven77 " * (3 * LONGEST // 8)
    found = sentences(text)
    assert max(map(len, found)) <= LONGEST
    assert len(found) == 3
    assert " ".join(found) == text.strip()
    assert sentences("7" * (LONGEST + 1)) == ["7" * LONGEST, "7"]
