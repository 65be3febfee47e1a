"""Words with combining marks and joiners are whole wherever words are cut out of texts."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from unicodedata import category, normalize

import pytest
from files import write

from bertkit.analysis.cbow import unspaced, words_of
from bertkit.analysis.sense_rows import places_of, read_sense_rows
from bertkit.data.detect import detect
from bertkit.data.occurrences import occurrences
from bertkit.data.word_characters import MARKS, SPACED_WORD, UNSPACED
from bertkit.deploy.text_row import Words
from bertkit.deploy.words import split_words
from bertkit.evaluation.floor_words import words_of as words_of_floors

CAFE = normalize("NFD", "café")
HINDI, PERSIAN, SINHALA = "मैं हिन्दी बोलता हूँ", "او می\u200cخواهد برود", "ශ්\u200dරී ලංකා"
NIQQUD, CONJUNCT = "שָׁלוֹם רַב", "क्\u200dष त्र"
WHOLE = [HINDI, PERSIAN, SINHALA, NIQQUD, CONJUNCT, f"un {CAFE} noir", "தமிழ் மொழி", "বাংলা ভাষা", "Việt Nam"]


def test_every_combining_mark_of_unicode_is_one() -> None:
    mark = re.compile(f"[{MARKS}]")
    every = [chr(code) for code in range(sys.maxunicode + 1) if category(chr(code))[0] == "M"]
    assert [char for char in every if not mark.match(char) and not UNSPACED.match(char)] == []
    assert {category(char)[0] for char in map(chr, range(sys.maxunicode + 1)) if mark.match(char)} == {"M"}


@pytest.mark.parametrize("text", WHOLE)
def test_words_are_cut_at_spaces_alone(text: str) -> None:
    assert re.findall(SPACED_WORD, text) == text.split()
    assert words_of(f"«{text}।»") == normalize("NFC", text.lower()).split()
    assert words_of_floors(f"«{text}।»") == set(text.lower().split())
    found = occurrences(text.split(), [f"«{text}।»"], 9)
    assert {word: len(places) for word, places in found.items()} == dict.fromkeys(text.split(), 1)


def test_a_joiner_belongs_to_a_word_between_its_letters_alone() -> None:
    assert re.findall(SPACED_WORD, "می\u200cرود\u200c \u200dfoo\u200d, 👩\u200d💻") == ["می\u200cرود", "foo"]


def test_a_word_is_found_composed_and_decomposed() -> None:
    assert [len(places) for places in occurrences(["café"], [f"A {CAFE}, a Café."], 9).values()] == [2]
    assert [len(places) for places in occurrences([CAFE], [f"A {CAFE}, a café."], 9).values()] == [2]
    assert [len(places) for places in occurrences(["がく"], [normalize("NFD", "がく")], 9).values()] == [1]
    assert places_of("café", f"a {CAFE} noir") == [(2, 7)]
    assert words_of(CAFE) == words_of("Café") == ["café"]
    assert unspaced([normalize("NFD", "がく")]) == ("がく",)


@pytest.mark.parametrize(
    ("word", "sentence", "places"),
    [
        ("बैंक", "बैंकों में और बैंक में", [(14, 18)]),
        ("cafe", f"{CAFE} cafe", [(6, 10)]),
        ("می", "می\u200cرود و می", [(9, 11)]),
        ("رود", "می\u200cرود و رود", [(9, 12)]),
        ("iPhone", "我用iPhone吃", [(2, 8)]),
    ],
)
def test_a_word_is_not_found_in_a_longer_one(word: str, sentence: str, places: list[tuple[int, int]]) -> None:
    assert places_of(word, sentence) == places


def test_a_span_has_the_sentences_own_characters(tmp_path: Path) -> None:
    rows = read_sense_rows(write(tmp_path / "rows.txt", f"un {CAFE} noir\nle café\n"), "café")
    assert rows.spans == ((3, 8), (3, 7))


def test_chinese_is_still_cut_at_characters_and_by_the_longest_word() -> None:
    assert words_of("我吃苹果 iPhone吃") == ["我", "吃", "苹", "果", "iphone", "吃"]
    assert words_of_floors("我吃iPhone") == {"我", "吃", "iphone"}
    assert sorted(occurrences(["苹果", "果"], ["苹果和果"], 9)) == ["果", "苹果"]


def test_a_hindi_abbreviation_keeps_its_full_stop() -> None:
    assert split_words("(बी.ए.)") == ["(", "बी.ए.", ")"]


def test_moved_words_that_end_in_a_vowel_sign_stay_apart() -> None:
    words = Words("यही नदी बहती।")
    first = words.row.tokens[0]
    assert words.text([first + 1, first, first + 2]) == "नदी यही बहती"


def test_a_header_of_words_with_marks_is_taken_for_one(tmp_path: Path) -> None:
    long = "यह एक बहुत लंबी फिल्म है जिसे किसी ने नहीं देखा"
    content = "वाक्य,भाव\n" + f"{long},a\n{long} b,b\n" * 10
    assert detect(write(tmp_path / "a.csv", content)).header
