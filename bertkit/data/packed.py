"""Open a file's bytes, unpacked where it is gzip, bz2, xz or a zip of one file, by content and not by suffix. Light."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import shutil
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO, cast

from bertkit.data.cache import cache_folder
from bertkit.errors import DataError, one_line

PACKED = {b"\x1f\x8b\x08": "gzip", b"\xfd7zXZ\0": "xz", b"PK\x03\x04": "zip", b"PK\x05\x06": "zip"}
RATIO, LEAST = 1_000, 1 << 30
"""A file that unpacks to more bytes than LEAST, and to more than RATIO times its own size, is taken for a zip bomb."""
CHECKED = 1 << 26
"""Unpacked bytes between two looks at the free disk."""
ASIDE = ("readme", "license", "licence", "copying", "changelog")
"""How the names of files begin that are packed beside the data."""
DAMAGED = (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError)


def packing_of(head: bytes) -> str | None:
    """How a file that begins with these bytes is packed: "gzip", "bz2", "xz" or "zip"; None if it is not."""
    if head[:3] == b"BZh" and head[4:10] == b"1AY&SY":
        return "bz2"
    return next((name for mark, name in PACKED.items() if head.startswith(mark)), None)


def opened(path: Path) -> IO[bytes]:
    """The file's bytes, unpacked as they are read.

    Raises DataError for an archive that is damaged, cut short, encrypted, a zip bomb, packed twice, or a zip of several
    files, and where one is while it is read.
    """
    file = path.open("rb")
    packing = packing_of(file.read(16))
    file.seek(0)
    if packing is None:
        return file
    try:
        stream = cast(BinaryIO, _unpacking(path, file, packing))
        unpacked = io.BufferedReader(_Unpacked(path, packing, file, stream), 1 << 16)
        if packing_of(unpacked.peek(16)):
            raise DataError(f"{path} is packed twice: unpack it once")
    except BaseException:
        file.close()
        raise
    return unpacked


def size_of(path: Path) -> int | None:
    """The unpacked size in bytes, where it is known without unpacking."""
    with path.open("rb") as file:
        return path.stat().st_size if packing_of(file.read(16)) is None else None


def _unpacking(path: Path, file: IO[bytes], packing: str) -> Any:
    if packing == "gzip":
        return gzip.GzipFile(fileobj=file)
    if packing == "bz2":
        return bz2.BZ2File(file)
    if packing == "xz":
        return lzma.LZMAFile(file)
    try:
        archive = zipfile.ZipFile(file)
        return archive.open(_member(path, archive))
    except DAMAGED as error:
        raise DataError(f"{path} cannot be unpacked (zip: {one_line(error)}): pack or download it again") from error


def _member(path: Path, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    """The data file of a zip. Raises DataError unless there is just one, under a plain name and not encrypted."""
    members = [member for member in archive.infolist() if not member.is_dir()]
    for member in members:
        name = PurePosixPath(member.filename.replace("\\", "/"))
        if ".." in name.parts or name.is_absolute() or member.filename[1:2] == ":":
            raise DataError(
                f"{path}: a member is called '{member.filename}', a path out of the archive: unpack it by hand"
            )
    named = [member for member in members if not _is_hidden(member.filename)]
    data = [member for member in named if not PurePosixPath(member.filename).name.lower().startswith(ASIDE)] or named
    if not data:
        raise DataError(f"{path}: the zip holds no file")
    if len(data) > 1:
        names = ", ".join(member.filename for member in data[:5])
        more = f" and {len(data) - 5} more" if len(data) > 5 else ""
        raise DataError(f"{path}: the zip holds {len(data)} files ({names}{more}): unpack it, and name the one to read")
    if data[0].flag_bits & 1:
        raise DataError(f"{path}: the zip is encrypted: unpack it")
    return data[0]


def _is_hidden(name: str) -> bool:
    """Whether a member is none of the user's own, such as macOS adds."""
    return any(part.startswith((".", "__MACOSX")) for part in PurePosixPath(name).parts)


class _Unpacked(io.RawIOBase):
    """The unpacked bytes of a stream; reading raises DataError where the archive is damaged or a zip bomb."""

    def __init__(self, path: Path, packing: str, file: IO[bytes], stream: BinaryIO) -> None:
        self.path = path
        self.packing = packing
        self.file = file
        self.stream = stream
        self.read_bytes = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self.stream.read(len(buffer))
        except DAMAGED as error:
            raise self._damaged(error) from error
        except OSError as error:
            if error.errno is not None:
                raise
            raise self._damaged(error) from error
        buffer[: len(data)] = data
        before = self.read_bytes // CHECKED
        self.read_bytes += len(data)
        if self.read_bytes // CHECKED > before:
            self._check_size()
        return len(data)

    def _damaged(self, error: Exception) -> DataError:
        what = "is cut short" if isinstance(error, EOFError) else f"is damaged ({one_line(error)})"
        return DataError(f"{self.path}: the {self.packing} file {what}: pack or download it again")

    def _check_size(self) -> None:
        packed = self.path.stat().st_size
        if self.read_bytes > max(LEAST, RATIO * packed):
            raise DataError(
                f"{self.path} unpacks to more than {RATIO:,} times its {packed:,} bytes: this looks like a zip bomb"
            )
        free = _free()
        if self.read_bytes > free:
            raise DataError(f"{self.path} unpacks to more than the {free:,} bytes that are free on the disk")

    def close(self) -> None:
        if not self.closed:
            self.stream.close()
            self.file.close()
        super().close()


def _free() -> int:
    """The free bytes of the disk that rows are written to."""
    folder = cache_folder("rows")
    return shutil.disk_usage(next((place for place in (folder, *folder.parents) if place.exists()), ".")).free
