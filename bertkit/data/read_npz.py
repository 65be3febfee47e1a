"""Read rows from NumPy's archives (.npz): vectors, and columns beside them. Never a pickle.

N rows, T vectors of a row at most, S = sum of lengths, D numbers of a vector.

vectors  (N, T, D) padded at the end, or (S, D) one row after the other
lengths  (N,) vectors of each row: needed for (S, D), and without it every row has all T
others   (N,) a cell of each row; (S,) or (N, T) a cell of each vector
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bertkit.data.packed import DAMAGED
from bertkit.data.read_json import RawRow
from bertkit.errors import DataError, one_line

VECTORS, LENGTHS = "vectors", "lengths"


def is_npz(path: Path) -> bool:
    """Whether a file is an archive of NumPy's arrays."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return False
    return bool(names) and all(name.endswith(".npy") for name in names)


def read_npz(path: Path) -> Iterator[RawRow]:
    """The rows, each with its number. Raises DataError for a missing array, one of objects, or one of another shape."""
    import numpy as np

    arrays = _arrays(path)
    if VECTORS not in arrays:
        raise DataError(f"{path} has no array '{VECTORS}'; it has {', '.join(arrays)}")
    vectors = arrays.pop(VECTORS)
    if vectors.ndim not in (2, 3):
        raise DataError(f"{path}: {VECTORS} has the shape {vectors.shape}, and is (rows, vectors, numbers) or, with "
                        f"{LENGTHS}, (vectors of all rows, numbers)")  # fmt: skip
    lengths = _lengths(path, vectors, arrays.pop(LENGTHS, None))
    ends = np.cumsum(lengths)
    kinds = {name: _kind(path, name, array, vectors, len(lengths)) for name, array in arrays.items()}
    for row, length in enumerate(lengths.tolist()):
        run = slice(int(ends[row]) - length, int(ends[row]))
        found = {VECTORS: (vectors[row, :length] if vectors.ndim == 3 else vectors[run]).tolist()}
        for name, array in arrays.items():
            cell = {"row": row, "padded": (row, slice(length)), "run": run}[kinds[name]]
            found[name] = array[cell].tolist()
        yield row + 1, found


def _arrays(path: Path) -> dict[str, Any]:
    import numpy as np

    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, MemoryError, *DAMAGED) as error:
        if "allow_pickle" in str(error):
            raise DataError(
                f"{path}: an array of objects is a pickle, which may run any code as it is opened and is never read: "
                f"pad the vectors to one array, or put them one after the other, and add {LENGTHS}"
            ) from error
        raise DataError(f"{path} cannot be read as an archive of NumPy: {one_line(error, lines=1)}") from error


def _lengths(path: Path, vectors: Any, given: Any) -> Any:
    """(N,) how many vectors each row has. Raises DataError where `lengths` does not fit."""
    import numpy as np

    if given is None and vectors.ndim == 2:
        raise DataError(f"{path}: {VECTORS} has the shape {vectors.shape}: it needs {LENGTHS}, the vectors of each row")
    if given is None:
        return np.full(len(vectors), vectors.shape[1], np.int64)
    if given.ndim != 1 or given.dtype.kind not in "iu":
        raise DataError(f"{path}: {LENGTHS} is no list of whole numbers, but {given.dtype} of shape {given.shape}")
    lengths = given.astype(np.int64)
    if (lengths < 0).any():
        raise DataError(f"{path}: {LENGTHS} has {int(lengths.min())} in row {int(lengths.argmin()) + 1}")
    if vectors.ndim == 2 and lengths.sum() != len(vectors):
        raise DataError(f"{path}: {LENGTHS} add up to {int(lengths.sum()):,}, and {VECTORS} has {len(vectors):,}")
    if vectors.ndim == 3 and len(lengths) != len(vectors):
        raise DataError(f"{path}: {len(lengths):,} {LENGTHS}, and {VECTORS} of {len(vectors):,} rows")
    if vectors.ndim == 3 and (lengths > vectors.shape[1]).any():
        row = int((lengths > vectors.shape[1]).argmax())
        raise DataError(f"{path}, row {row + 1}: a length of {int(lengths[row])}, and room for {vectors.shape[1]}")
    return lengths


def _kind(path: Path, name: str, array: Any, vectors: Any, rows: int) -> str:
    """Whether an array has a cell a row, or one a vector, "padded" or in a "run". Raises DataError for neither."""
    if array.dtype.kind not in "iufbU":
        raise DataError(f"{path}: {name} holds {array.dtype}, and is read as numbers or text")
    if vectors.ndim == 3 and array.shape == vectors.shape[:2]:
        return "padded"
    if array.shape == (rows,):
        return "row"
    if vectors.ndim == 2 and array.shape == (len(vectors),):
        return "run"
    raise DataError(f"{path}: {name} has the shape {array.shape}: neither a cell for each of {rows:,} rows nor one for "
                    "each vector")  # fmt: skip
