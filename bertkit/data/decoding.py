"""Decode a file into lines: UTF-8 only; other encodings and CR line ends are named in the error."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from bertkit.errors import DataError

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


def lines(path: Path, carriage_return: bool = False) -> Iterator[tuple[int, str]]:
    """Lines split at LF only (some texts hold other line separators), without it and without a BOM.

    A CR before the LF is dropped, unless `carriage_return` is set. Raises DataError for bytes that are not UTF-8.
    """
    with path.open("rb") as file:
        _check_wide(path, file)
        for number, raw in enumerate(file, 1):
            try:
                line = raw.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                found = f"{path}, line {number}: byte {raw[error.start]:#04x} is not UTF-8"
                raise DataError(f"{found}; {_remedy(path, raw)}") from error
            line = line.removesuffix("\n")
            yield number, line if carriage_return else line.removesuffix("\r")


def check_line_ends(path: Path) -> None:
    """Raise DataError if the lines of the file end in CR alone, so that it looks like one line."""
    with path.open("rb") as file:
        first, more = file.readline(), file.read(1)
    if b"\r" in first.rstrip(b"\r\n") and not more:
        raise DataError(
            f"{path}, line 1: the lines end in CR alone (old Mac): save the file with LF line ends (tr '\\r' '\\n')"
        )


def _check_wide(path: Path, file: IO[bytes]) -> None:
    """Raise DataError if the file is UTF-16 or UTF-32."""
    name = _wide(file.read(HEAD))
    file.seek(0)
    if name:
        raise DataError(f"{path}, line 1: the file is {name}: save it as UTF-8 ({_iconv(name)})")


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


def _remedy(path: Path, bad: bytes) -> str:
    """How to fix the line `bad`; names the file's most likely encoding, if there is one."""
    with path.open("rb") as file:
        sample = [line for line in file.read(SAMPLE).split(b"\n")[:-1] if not line.isascii()]
    if sum(map(_is_utf8, sample)) > len(sample) / 2:
        return "other lines are UTF-8: correct this one"
    likely = _likely(b"\n".join([bad.rstrip(b"\n"), *sample])[: 1 << 16])
    if not likely:
        return f"save the file as UTF-8 ({_iconv('encoding')})"
    command = _iconv(likely[0] if len(likely) == 1 else "encoding")
    return f"the file is most likely {' or '.join(likely)}: save it as UTF-8 ({command})"


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
