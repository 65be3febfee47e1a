"""Decode a file into lines, as UTF-8 or the encoding named; another, and CR line ends, are named in the error."""

from __future__ import annotations

import codecs
import io
import re
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import IO

from bertkit.data.packed import opened
from bertkit.errors import DataError, RequestError

UTF_8 = "utf-8"
BOM = "\ufeff"
BLOCK = 1 << 16
"""Bytes decoded at once of a file that is not UTF-8, or may be one line."""
LONGEST = 1 << 27
"""Bytes from which a line is refused."""

HEAD = 256
"""Bytes read to recognise UTF-16 and UTF-32."""
MARKS = {b"\xff\xfe\0\0": "UTF-32", b"\0\0\xfe\xff": "UTF-32", b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
WIDE = ("UTF-32LE", "UTF-32BE", "UTF-16LE", "UTF-16BE")
SAMPLE = 1 << 20
"""Bytes read to guess an encoding."""
FEW = 20
"""Fewest bytes above ASCII to guess an encoding other than cp1252."""
GUESSED = (
    *("cp1252", "cp1250", "cp1251", "koi8_r", "cp1253", "cp1254", "cp1255", "cp1256"),
    *("gb18030", "big5", "shift_jis", "euc_jp", "euc_kr"),
)
WESTERN = "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜßàáâãäåæçèéêëìíîïñòóôõöøùúûüŒœ"
TYPOGRAPHIC = "‘’“”„‚–—…•€«»¡¿°©®™£§·´\xa0"


def codec_of(name: str) -> str:
    """The encoding as FileFormat names it. Raises RequestError, with the near name, if Python has no such encoding."""
    try:
        with suppress(UnicodeError):
            b"a".decode(name)
        found = codecs.lookup(name).name
    except (LookupError, ValueError) as error:
        from encodings.aliases import aliases

        names = {known.replace("_", "-") for known in (*aliases, *aliases.values())}
        known = sorted(filter(_decodes, names))
        near = get_close_matches(name.lower().replace("_", "-"), known, n=2)
        hint = f"; did you mean {' or '.join(near)}?" if near else ", such as utf-8, cp1252, latin-1, gb18030 or utf-16"
        raise RequestError(f"--encoding {name}: it must be a text encoding that Python knows{hint}") from error
    return UTF_8 if found in (UTF_8, "utf-8-sig") else found


def _decodes(name: str) -> bool:
    """Whether this is an encoding of text."""
    try:
        b"a".decode(name)
    except (LookupError, ValueError):
        return False
    return True


def lines(path: Path, carriage_return: bool = False, encoding: str | None = None) -> Iterator[tuple[int, str]]:
    """Lines split at LF only (some texts hold other line separators), without it and without a BOM.

    A CR before the LF is dropped, unless `carriage_return` is set. Without an `encoding` the file is UTF-8, and no
    option says otherwise. Raises DataError for bytes that are not in the encoding.
    """
    with opened(path) as file:
        if encoding in (None, UTF_8):
            numbered = _utf8_lines(path, file, flagged=encoding is not None)
        else:
            numbered = _decoded_lines(path, file, str(encoding))
        for number, line in numbered:
            line = (line.removeprefix(BOM) if number == 1 else line).removesuffix("\n")
            yield number, line if carriage_return else line.removesuffix("\r")


def prefix(path: Path, size: int, encoding: str) -> tuple[str, bool]:
    """The first `size` bytes as text, to the end of their last line, and whether that is all of the file.

    Raises DataError for bytes that are not in the encoding.
    """
    with opened(path) as file:
        if encoding == UTF_8:
            _check_wide(path, file, flagged=True)
        data, more = file.read(size), file.read(1)
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(data, final=not more)
    except UnicodeDecodeError as error:
        for _ in lines(path, encoding=encoding):  # raises the error that says where
            pass
        raise DataError(f"{path} is not {encoding}: {error.reason}") from error
    except UnicodeError as error:  # of utf-16 without its mark, punycode, idna
        raise DataError(f"{path} is not {encoding}: {error}; give another --encoding") from error
    text = text.removeprefix(BOM)
    if not more or "\n" not in text:
        return text, not more
    return text[: text.rindex("\n") + 1], False


def blocks(path: Path, encoding: str | None = None) -> Iterator[str]:
    """The file's text, a stretch at a time, without a BOM: for what may be one long line.

    Raises DataError for bytes that are not in the encoding, which without a name is UTF-8.
    """
    with opened(path) as file:
        if encoding in (None, UTF_8):
            _check_wide(path, file, flagged=encoding is not None)
        for number, block in enumerate(_decoded(path, file, encoding)):
            yield block if number else block.removeprefix(BOM)


def _utf8_lines(path: Path, file: IO[bytes], flagged: bool) -> Iterator[tuple[int, str]]:
    """Lines with their ends; `flagged`: whether --encoding may say that they are in another encoding."""
    _check_wide(path, file, flagged)
    for number, raw in enumerate(iter(partial(file.readline, LONGEST), b""), 1):
        if len(raw) == LONGEST:
            raise _too_long(path, number)
        try:
            line = raw.decode()
        except UnicodeDecodeError as error:
            found = f"{path}, line {number}: byte {raw[error.start]:#04x} is not UTF-8"
            raise DataError(f"{found}; {_remedy(path, raw, flagged)}") from error
        yield number, line


def _decoded_lines(path: Path, file: IO[bytes], encoding: str) -> Iterator[tuple[int, str]]:
    """Lines with their ends, of a file whose encoding may have other bytes for a line end, or a state."""
    number, parts, size = 1, [""], 0
    for block in _decoded(path, file, encoding):
        first, *others = block.split("\n")
        parts.append(first)
        size += len(first)
        if size > LONGEST:
            raise _too_long(path, number)
        for other in others:
            yield number, "".join(parts) + "\n"
            number, parts, size = number + 1, [other], len(other)
    if size:
        yield number, "".join(parts)


def _decoded(path: Path, file: IO[bytes], encoding: str | None) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding or UTF_8)()
    line, data = 1, b"-"
    while data:
        data = file.read(BLOCK)
        state = decoder.getstate()
        try:
            text = decoder.decode(data, final=not data)
        except UnicodeDecodeError as error:
            decoder.setstate(state)
            new = error.start - (len(error.object) - len(data))
            line += decoder.decode(data[:new]).count("\n") if new > 0 else 0
            raise _undecodable(path, error, line, encoding) from error
        except UnicodeError as error:
            raise DataError(f"{path}, line {line} is not {encoding}: {error}; give another --encoding") from error
        line += text.count("\n")
        if text:
            yield text


def _undecodable(path: Path, error: UnicodeDecodeError, line: int, encoding: str | None) -> DataError:
    where = f"{path}, line {line}: byte {error.object[error.start]:#04x} is not {(encoding or UTF_8).upper()}"
    if encoding in (None, UTF_8):
        start, end = error.object.rfind(b"\n", 0, error.start) + 1, error.object.find(b"\n", error.start)
        bad = error.object[start : end if end > 0 else len(error.object)]
        return DataError(f"{where}; {_remedy(path, bad, flagged=encoding is not None)}")
    return DataError(f"{where}: give another --encoding, or correct it")


def _too_long(path: Path, number: int) -> DataError:
    return DataError(f"{path}, line {number} has more than {LONGEST:,} bytes: break it into shorter lines")


def check_line_ends(path: Path) -> None:
    """Raise DataError if the lines of the file end in CR alone, so that it looks like one line."""
    with opened(path) as file:
        first, more = file.readline(LONGEST), file.read(1)
    if b"\r" in first.rstrip(b"\r\n") and not more:
        raise DataError(
            f"{path}, line 1: the lines end in CR alone (old Mac): save the file with LF line ends (tr '\\r' '\\n')"
        )


def _check_wide(path: Path, file: IO[bytes], flagged: bool) -> None:
    """Raise DataError if the file, at its start, is UTF-16 or UTF-32."""
    assert isinstance(file, io.BufferedReader)
    name = _wide(file.peek(HEAD)[:HEAD])
    if name:
        read = f"read it with --encoding {name.lower()}, or " if flagged else ""
        raise DataError(f"{path}, line 1: the file is {name}: {read}save it as UTF-8 ({_iconv(name)})")


def is_wide(head: bytes) -> bool:
    """Whether the first bytes of a file look like UTF-16 or UTF-32."""
    return _wide(head[:HEAD]) is not None


def _wide(head: bytes) -> str | None:
    """The encoding of two or four bytes a character that the first bytes are in, by their mark or their zero bytes."""
    for mark, name in MARKS.items():
        if head.startswith(mark):
            return name
    if head.count(0) < 4:
        return None
    found = {name: _ascii_in(head[: len(head) // 4 * 4], name) for name in WIDE}
    best = max(found, key=lambda name: found[name])
    return best if found[best] >= 4 else None


def _ascii_in(head: bytes, encoding: str) -> int:
    """How many characters are ASCII if the bytes are in this encoding; 0 if they are not."""
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(head)
    except UnicodeDecodeError:
        return 0
    if any(unicodedata.category(char) in ("Cc", "Cn", "Co", "Cs") and char not in "\t\r\n" for char in text):
        return 0
    return sum(map(str.isascii, text))


def _iconv(encoding: str) -> str:
    return f"iconv -f {encoding.upper().replace('_', '-')} -t UTF-8"


def _remedy(path: Path, bad: bytes, flagged: bool) -> str:
    """How to fix the line `bad`; names the file's most likely encoding, if there is one."""
    with opened(path) as file:
        sample = [line for line in file.read(SAMPLE).split(b"\n")[:-1] if not line.isascii()]
    if sum(map(_is_utf8, sample)) > len(sample) / 2:
        return "other lines are UTF-8: correct this one"
    likely = _likely(b"\n".join([bad.rstrip(b"\n"), *sample])[: 1 << 16])
    if not likely:
        name = "name its encoding with --encoding (latin-1 takes every byte), or " if flagged else ""
        return f"{name}save the file as UTF-8 ({_iconv('encoding')})"
    read = f"read it with --encoding {likely[0]}, or " if flagged else ""
    command = _iconv(likely[0] if len(likely) == 1 else "encoding")
    return f"the file is most likely {' or '.join(likely)}: {read}save it as UTF-8 ({command})"


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _likely(sample: bytes) -> list[str]:
    """The encodings that a sample may have, the likeliest first; none if there is too little text.

    cp1252 where it reads as words of Western Europe (charset-normalizer alone takes short ones for cp1250).
    """
    if _reads_as_western(sample):
        return ["cp1252"]
    if sum(byte > 127 for byte in sample) < FEW:
        return []
    from charset_normalizer import from_bytes

    matches = [m for m in from_bytes(sample, cp_isolation=list(GUESSED)) if not _unlikely(str(m))]
    near = [m for m in matches if m.chaos <= matches[0].chaos + 0.07 and m.coherence >= matches[0].coherence - 0.1]
    names = [match.encoding for match in near if match.encoding != "cp1252"]
    return names if len(names) <= 2 else []


def _unlikely(text: str) -> bool:
    """Whether most letters are capitals (KOI8-R read as cp1251, or the reverse), or many occur in no word.

    These are single Korean jamo (EUC-JP read as EUC-KR) and Japanese half-width kana (Big5 read as Shift JIS).
    """
    letters = [char for char in text if char.isalpha() and not char.isascii()]
    odd = sum("\u3131" <= char <= "\u318e" or "\uff61" <= char <= "\uff9f" for char in letters)
    return sum(map(str.isupper, letters)) > len(letters) / 2 or odd > len(letters) / 10


def _reads_as_western(sample: bytes) -> bool:
    """Whether, read as cp1252, what is not ASCII is letters within words that are mostly ASCII, or punctuation."""
    try:
        text = sample.decode("cp1252")
    except UnicodeDecodeError:
        return False
    high = [char for char in text if not char.isascii()]
    letters = [char for char in high if char in WESTERN]
    odd = len(high) - len(letters) - sum(char in TYPOGRAPHIC for char in high)
    runs = re.findall(f"[{WESTERN}]{{3,}}", text)
    inside = re.findall(f"[^\\W\\d_][{re.escape(TYPOGRAPHIC.replace('’', ''))}][^\\W\\d_]", text)
    return odd <= len(high) / 50 and not runs and len(inside) <= len(high) / 4
