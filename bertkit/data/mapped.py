"""Plain arrays in files that are mapped into memory when they are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def write_array(path: Path, values: NDArray[Any]) -> None:
    """Write an array of one dimension as its bytes."""
    path.write_bytes(np.ascontiguousarray(values).tobytes())


def mapped(path: Path, dtype: str) -> NDArray[Any]:
    """The array that a file holds, mapped, not to be written to."""
    if not path.stat().st_size:  # an empty file cannot be mapped
        return np.empty(0, dtype)
    return np.memmap(path, dtype, "r").view(np.ndarray)
