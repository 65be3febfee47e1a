"""What a file is, by its first bytes, where it is none that holds rows, and what to do with it. Light."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

from bertkit.data.packed import opened
from bertkit.errors import DataError

HEAD = 1 << 10
SHEET = "in the spreadsheet program, save the sheet as CSV (UTF-8)"
WHAT = {
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": f"an old Office file (.xls or .doc): {SHEET}",
    b"%PDF": "a PDF: its text has to be copied out, a row a line of a CSV",
    b"SQLite format 3\0": "an SQLite database: save the table as CSV (sqlite3 -header -csv FILE 'select * from TABLE')",
    b"(\xb5/\xfd": "packed with zstd: unpack it (zstd -d)",
    b"\x04\x22\x4d\x18": "packed with lz4: unpack it (lz4 -d)",
    b"7z\xbc\xaf'\x1c": "a 7z archive: unpack it (7z x)",
    b"Rar!\x1a\x07": "a RAR archive: unpack it",
    b"\x89HDF\r\n\x1a\n": "an HDF5 file: save the table as CSV or Parquet",
    b"ARROW1": "an Arrow (Feather) file: save the table as Parquet",
    b"\xff\xff\xff\xffH": "an Arrow stream: save the table as Parquet",
    b"Obj\x01": "an Avro file: save the table as Parquet or JSON Lines",
    b"ORC": "an ORC file: save the table as Parquet",
    b"\x93NUMPY": "a NumPy array: save the rows as CSV",
    b"\x89PNG": "a picture (PNG)",
    b"\xff\xd8\xff": "a picture (JPEG)",
    b"\x7fELF": "a program (ELF)",
    b"{\\rtf": "a rich text file (RTF): save it as plain text",
    b"version https://git-lfs": "a pointer that Git LFS left for the file: fetch the file itself (git lfs pull)",
}
OFFICE = {"xl/": f"a spreadsheet (.xlsx): {SHEET}", "word/": "a Word document (.docx): save its rows as CSV"}
OFFICE |= {"ppt/": "a presentation (.pptx)", "META-INF/manifest.xml": f"an OpenDocument file (.ods, .odt): {SHEET}"}
PICKLE = "a pickle, which may run any code as it is opened and is never read: save the rows as CSV or Parquet"


def refuse_foreign(path: Path) -> None:
    """Raise DataError if the file is none that holds rows: a spreadsheet, a PDF, a pickle, a database, a web page."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    what = _office(path) if head.startswith(b"PK") else _what(head)
    if what is None:
        with opened(path) as inside:
            what = _what(inside.read(HEAD))
    if what is not None:
        raise DataError(f"{path} is {what}")


def _what(head: bytes) -> str | None:
    known = next((what for mark, what in WHAT.items() if head.startswith(mark)), None)
    if known is None and head[257:262] == b"ustar":
        return "a tar archive: unpack it (tar -xf), and name the file or folder to read"
    if known is None and re.match(rb"\x80[\x02-\x05](?:[\x95}\]c(]|$)", head):
        return PICKLE
    if known is None and re.match(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype html|html)", head, re.I):
        return "a web page (HTML), perhaps the page about a file instead of the file"
    if known is None and re.match(rb"(?:\xef\xbb\xbf)?\s*<\?xml", head):
        return "XML: save its rows as CSV or JSON Lines"
    return known


def _office(path: Path) -> str | None:
    """What a zip is that holds the parts of a document, or a PyTorch or NumPy file."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return None
    found = next((what for start, what in OFFICE.items() if any(name.startswith(start) for name in names)), None)
    if found is None and any(name.endswith("data.pkl") for name in names):
        return PICKLE
    if found is None and names and all(name.endswith(".npy") for name in names):
        return "a NumPy archive (.npz): save the rows as CSV"
    return found
