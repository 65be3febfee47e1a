"""Typed text is split into words at spaces and punctuation; what belongs together stays whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from bertkit.deploy.words import split_words, unsplit


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hello, world.", "Hello|,|world|."),
        ("“Quoted,” he said...", "“|Quoted|,|”|he|said|..."),
        ("¿Qué? (a, b) — ¡No!", "¿|Qué|?|(|a|,|b|)|—|¡|No|!"),
        ("你好，世界。", "你好|，|世界|。"),
        ("नमस्ते, दुनिया।", "नमस्ते|,|दुनिया|।"),
        ("one—two and/or three:four", "one|—|two|and|/|or|three|:|four"),
        ("$5.00 is 50%", "$|5.00|is|50|%"),
        ("what?! No!!", "what|?|!|No|!!"),
        ("dogs' 'hello'", "dogs|'|'|hello|'"),
    ],
)
def test_punctuation_is_split_off(text: str, words: str) -> None:
    assert split_words(text) == words.split("|")


@pytest.mark.parametrize(
    "text",
    [
        *("don't it's O’Neill l'homme rock'n'roll 'tis", "Anna 's do n't", "well-known e-mail צה״ל"),
        *("3.14 1,000 10:30 24/12/2025 -5 .5", "U.S. e.g. a.m.", "#tag @name snake_case AT&T C++", ":-) ... -- ?!"),
        *("https://a.org/x_(y)?q=1,2 www.a.org/ a.b+c@d.org", "我爱北京", "ฉันรักคุณ", "great😀"),
    ],
)
def test_what_belongs_together_stays_whole(text: str) -> None:
    assert split_words(text) == text.split()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("(see https://a.org/x, U.S., or me@a.org.)", "(|see|https://a.org/x|,|U.S.|,|or|me@a.org|.|)"),
        ("It is 3.14.", "It|is|3.14|."),
    ],
)
def test_a_sentences_own_marks_are_split_off_what_stays_whole(text: str, words: str) -> None:
    assert split_words(text) == words.split("|")


def test_text_in_a_script_without_spaces_is_found() -> None:
    assert unsplit(split_words("Hello, 我爱北京。")) == "我爱北京"
    assert unsplit(split_words("나는 서울을 사랑해 我")) is None


@given(some.text(max_size=40))
def test_no_character_is_lost(text: str) -> None:
    assert "".join(split_words(text)) == "".join(text.split())
    assert all(split_words(text))
