"""Bytes -> lines: what is not UTF-8, and lines that end in CR alone, are refused by the name of what they are."""

from __future__ import annotations

from pathlib import Path

import pytest
from files import word, write
from test_readers import refusal, rows

HEADER = "sentence\tlabel\n"
FRENCH = HEADER + "un film très drôle – à voir\t1\nça n’a pas marché\t0\n"
RUSSIAN = HEADER + "Это очень хороший фильм, советую всем\t1\nЭто плохой фильм\t0\n"
CZECH = HEADER + "Příliš žluťoučký kůň pěl ďábelské ódy\t1\nDobrý film, ale dlouhý\t0\n"
JAPANESE = HEADER + "この映画はとても良かったです。音楽も好きです\t1\nひどい映画でした\t0\n"
TRADITIONAL = HEADER + "這是一部好電影，我很喜歡它的音樂和故事\t1\n糟糕的電影\t0\n"
CHINESE = HEADER + "这是一部很好的电影，我非常喜欢它的音乐\t1\n我们都觉得时间太长了\t0\n"


@pytest.mark.parametrize(
    ("text", "encoding", "command"),
    [
        (FRENCH, "cp1252", "iconv -f CP1252 -t UTF-8"),
        (HEADER + "café\t1\n", "cp1252", "iconv -f CP1252 -t UTF-8"),
        (RUSSIAN, "cp1251", "iconv -f CP1251 -t UTF-8"),
        (RUSSIAN, "koi8_r", "iconv -f KOI8-R -t UTF-8"),
        (CZECH, "cp1250", "iconv -f CP1250 -t UTF-8"),
        (CHINESE, "gb18030", "iconv -f GB18030 -t UTF-8"),
        (TRADITIONAL, "big5", "iconv -f BIG5 -t UTF-8"),
        (JAPANESE, "shift_jis", "iconv -f SHIFT-JIS -t UTF-8"),
    ],
)
def test_a_file_in_another_encoding_is_refused_by_the_encodings_name(
    tmp_path: Path, text: str, encoding: str, command: str
) -> None:
    path = write(tmp_path / "train.tsv", text.encode(encoding))
    message = refusal(path)
    assert message.startswith(f"{path}, line 2: byte 0x")
    assert message.endswith(f"is not UTF-8; the file is most likely {encoding}: save it as UTF-8 ({command})")


@pytest.mark.parametrize("content", [b"\xf5\xee\xf0\xee\xf8\xee\t1\n", b"\xff\x81\x8d\t1\n", JAPANESE.encode("euc_jp")])
def test_where_too_little_tells_the_encoding_apart_none_is_named(tmp_path: Path, content: bytes) -> None:
    path = write(tmp_path / "train.tsv", HEADER.encode() + content)
    assert refusal(path).endswith("is not UTF-8; save the file as UTF-8 (iconv -f ENCODING -t UTF-8)")


def test_one_damaged_line_among_lines_of_utf8_is_not_taken_for_another_encoding(tmp_path: Path) -> None:
    path = write(tmp_path / "train.tsv", FRENCH.encode() + b"caf\xe9\t1\n")
    assert refusal(path) == f"{path}, line 4: byte 0xe9 is not UTF-8; other lines are UTF-8: correct this one"


@pytest.mark.parametrize("suffix", ["tsv", "csv", "jsonl", "json", "conllu"])
@pytest.mark.parametrize("text", [FRENCH, RUSSIAN, CHINESE], ids=["French", "Russian", "Chinese"])
@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("utf-16", "UTF-16"),
        ("utf-16-le", "UTF-16LE"),
        ("utf-16-be", "UTF-16BE"),
        ("utf-32", "UTF-32"),
        ("utf-32-be", "UTF-32BE"),
    ],
)
def test_utf16_and_utf32_are_refused_by_name_with_a_mark_or_without(
    tmp_path: Path, suffix: str, text: str, encoding: str, name: str
) -> None:
    path = write(tmp_path / f"train.{suffix}", text.encode(encoding))
    assert refusal(path) == f"{path}, line 1: the file is {name}: save it as UTF-8 (iconv -f {name} -t UTF-8)"


def test_zero_bytes_in_a_text_are_text(tmp_path: Path) -> None:
    path = write(tmp_path / "train.tsv", HEADER + "a\0b\0c d\0\t1\n\0\0\0\0\t0\n")
    assert [row["sentence"] for row in rows(path)] == ["a\0b\0c d\0", "\0\0\0\0"]


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        ("tsv", "sentence\tlabel\nfine\t1\ndull\t0"),
        ("csv", "sentence,label\nfine,1\ndull,0\n"),
        ("csv", 'sentence,label\n"fine, really",1\ndull,0\n'),
        ("jsonl", '{"sentence": "fine"}\n{"sentence": "dull"}\n'),
        ("json", '{"sentence": "fine"}\n{"sentence": "dull"}\n'),
        ("conllu", f"{word(1, 'Go', 'VERB')}\n{word(2, '!', 'PUNCT')}\n\n"),
    ],
)
def test_lines_that_end_in_cr_alone_are_refused_by_name(tmp_path: Path, suffix: str, text: str) -> None:
    path = write(tmp_path / f"train.{suffix}", text.replace("\n", "\r"))
    assert refusal(path) == (
        f"{path}, line 1: the lines end in CR alone (old Mac): save the file with LF line ends (tr '\\r' '\\n')"
    )


def test_mixed_line_ends_are_read(tmp_path: Path) -> None:
    path = write(tmp_path / "train.tsv", "sentence\tlabel\r\nfine\t1\nod\rd\t0\r\n")
    assert rows(path) == [{"sentence": "fine", "label": "1"}, {"sentence": "od\rd", "label": "0"}]


def test_a_cr_that_splits_no_line_is_named_where_columns_are_too_many(tmp_path: Path) -> None:
    path = write(tmp_path / "train.tsv", "sentence\tlabel\nfine\t1\rdull\t0\ngood\t1\n")
    assert refusal(path).startswith(f"{path}, line 2: 3 columns, expected 2")
    assert refusal(path).endswith("it holds a CR, which ends no line here")
    path = write(tmp_path / "train.csv", "sentence,label\nfine,1\rdull,0\ngood,1\n")
    assert refusal(path) == f"{path}, line 2: not CSV: a CR in a cell without quotes: save the file with LF line ends"


def test_a_json_document_may_break_its_lines_with_cr(tmp_path: Path) -> None:
    assert rows(write(tmp_path / "train.json", '[{"a": 1},\r{"a": 2}]')) == [{"a": 1}, {"a": 2}]
