"""A file that is not UTF-8 is refused with --encoding to type, and read with it."""

from __future__ import annotations

from pathlib import Path

import pytest
from files import json_lines, word, write
from test_decoding import CHINESE, CZECH, FRENCH, JAPANESE, RUSSIAN, TRADITIONAL
from test_detect import refused, rows_of

from bertkit.data.decoding import BLOCK, blocks, codec_of, lines
from bertkit.data.detect import detect
from bertkit.errors import DataError, RequestError

CONTENTS = {
    "tsv": "text\tlabel\ntrès drôle à voir\t1\nça n'a pas marché\t0\n",
    "csv": 'text,label\n"très drôle\nà voir",1\nmarché,0\n',
    "jsonl": json_lines({"text": "très drôle"}, {"text": "marché"}),
    "json": '[{"text": "très drôle"}, {"text": "marché"}]',
    "conll": "Été\tB-X\nà\tO\n\nvoilà\tO\nça\tO\n",
    "conllu": f"{word(1, 'Voilà', 'INTJ')}\n{word(2, '!', 'PUNCT')}\n\n",
}
ENCODINGS = ["latin-1", "cp1252", "utf-16", "utf-16-le", "utf-32", "mac-roman", "utf-8-sig", "cp037"]


@pytest.mark.parametrize("kind", CONTENTS)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_format_of_text_is_read_in_the_encoding_that_is_named(tmp_path: Path, kind: str, encoding: str) -> None:
    plain = rows_of(write(tmp_path / "plain", CONTENTS[kind]))
    path = write(tmp_path / "other", CONTENTS[kind].encode(encoding))
    assert detect(path, encoding).kind == detect(tmp_path / "plain").kind
    assert rows_of(path, encoding=encoding) == plain


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        *((FRENCH, "cp1252"), (RUSSIAN, "cp1251"), (RUSSIAN, "koi8_r"), (CZECH, "cp1250"), (CHINESE, "gb18030")),
        *((TRADITIONAL, "big5"), (JAPANESE, "shift_jis"), (CHINESE, "utf-16"), (RUSSIAN, "utf-32")),
    ],
)
def test_a_file_in_another_encoding_is_refused_with_the_option_that_reads_it(
    tmp_path: Path, text: str, encoding: str
) -> None:
    path = write(tmp_path / "train.tsv", text.encode(encoding))
    message = refused(path)
    assert f": read it with --encoding {encoding}, or save it as UTF-8 (iconv -f " in message
    assert rows_of(path, encoding=encoding) == rows_of(write(tmp_path / "plain.tsv", text))


@pytest.mark.parametrize("encoding", ["gbk", "gb2312", "euc-jp", "iso-2022-jp", "utf-7", "big5hkscs", "euc-kr"])
def test_any_text_encoding_of_python_is_read(tmp_path: Path, encoding: str) -> None:
    text = {"big5hkscs": TRADITIONAL, "euc-kr": "text\tlabel\n좋은 영화\t1\n나쁜\t0\n"}.get(encoding, JAPANESE)
    text = CHINESE if encoding in ("gbk", "gb2312") else text
    path = write(tmp_path / "a.tsv", text.encode(encoding))
    assert rows_of(path, encoding=encoding) == rows_of(write(tmp_path / "plain.tsv", text))


@pytest.mark.parametrize(
    ("content", "encoding", "said"),
    [
        (b"text,label\nfine,1\n" + b"caf\x81,0\n", "cp1252", "line 3: byte 0x81 is not CP1252"),
        ("text,label\nfine,1\n".encode("utf-16") + b"a", "utf-16", "line 3: byte 0x61 is not UTF-16"),
        ("text,label\n好,1\n".encode("gbk") + b"\xff,0\n", "gbk", "line 3: byte 0xff is not GBK"),
        (
            b"text,label\n" + b"a,1\n" * BLOCK + b"caf\x81,0\n",
            "cp1252",
            f"line {BLOCK + 2}: byte 0x81 is not CP1252",
        ),
    ],
)
def test_a_byte_that_is_not_in_the_encoding_named_is_refused_with_its_line(
    tmp_path: Path, content: bytes, encoding: str, said: str
) -> None:
    path = write(tmp_path / "a.csv", content)
    assert refused(path, encoding=encoding) == f"{path}, {said}: give another --encoding, or correct it"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("latin-one", "; did you mean latin-1"),
        ("uft-8", "; did you mean utf-8"),
        ("cp-1252x", "; did you mean "),
        ("nothing like it", ", such as utf-8, cp1252"),
        ("base64", "--encoding base64: it must be a text encoding that Python knows"),
        ("a\0b", "it must be a text encoding"),
        ("", "it must be a text encoding"),
    ],
)
def test_an_encoding_that_does_not_exist_is_refused_with_the_near_name(typed: str, said: str) -> None:
    with pytest.raises(RequestError) as caught:
        codec_of(typed)
    assert said in str(caught.value)


def test_the_spellings_of_utf8_are_one_encoding() -> None:
    assert {codec_of(name) for name in ("utf-8", "UTF8", "u8", "utf_8_sig", "utf-8-sig")} == {"utf-8"}
    assert codec_of("Latin-1") == codec_of("iso-8859-1")


def test_text_in_blocks_is_the_text_in_lines_wherever_the_blocks_end(tmp_path: Path) -> None:
    text = "".join(f"{k} é 好 😀 {'x' * (k % 97)}\r\n" for k in range(3_000))
    for encoding in ("utf-8", "utf-16", "gb18030"):
        path = write(tmp_path / encoding, text.encode(encoding))
        assert "".join(blocks(path, encoding)) == text
        assert [line for _, line in lines(path, carriage_return=True, encoding=encoding)] == text.split("\n")[:-1]


def test_a_damaged_byte_in_a_block_has_the_line_it_has_in_lines(tmp_path: Path) -> None:
    for good in (0, 3, BLOCK, 2 * BLOCK):
        path = write(tmp_path / "a.json", b'[{"a": "\xc3\xa9"},\n' + b" \n" * good + b'{"a": "caf\xe9"}]')
        for read in (blocks, lines):
            with pytest.raises(DataError) as caught:
                list(read(path))
            assert str(caught.value).startswith(f"{path}, line {good + 2}: byte 0xe9 is not UTF-8")


def test_a_line_beyond_all_measure_is_refused_not_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bertkit.data.decoding.LONGEST", 1_000)
    for encoding in ("utf-8", "latin-1"):
        path = write(tmp_path / "a.txt", "fine\n" + "x" * 200_000)
        with pytest.raises(DataError, match="line 2 has more than 1,000 bytes"):
            list(lines(path, encoding=encoding))


@pytest.mark.parametrize(
    ("name", "encoding", "rows"), [("sms_spam/spam.csv", "latin-1", 5_572), ("sms_spam/spam.csv", "cp1252", 5_572)]
)
def test_the_real_file_of_short_messages_is_read_in_its_encoding(
    real_data: Path, name: str, encoding: str, rows: int
) -> None:
    path = real_data / "own" / name
    if not path.exists():
        pytest.skip("sms_spam is not among the data here")
    assert "line 7: byte 0xe5 is not UTF-8; name its encoding with --encoding" in refused(path)
    found = rows_of(path, encoding=encoding)
    assert len(found) == rows
    assert list(found[0]) == ["v1", "v2", "column 3", "column 4", "column 5"]
