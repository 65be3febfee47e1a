"""Where the tokens of a window are in its document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray


def document_chars(
    offsets: Sequence[tuple[int, int]], parts: Sequence[int | None], solid: NDArray[Any]
) -> NDArray[Any]:
    """(T, 2) the offsets of each token in the document, -1 for the question's and special tokens.

    Some tokenizers count the space before a word as its token's: an answer does not begin with it. `solid` is
    for each character of the document the first from there on that is no space.
    """
    import numpy as np

    places = np.asarray(offsets, np.int32).reshape(-1, 2)
    inside = np.fromiter((part == 1 for part in parts), bool, len(parts))
    places[~inside] = -1
    first = solid[np.where(inside, places[:, 0], 0)]
    places[:, 0] = np.where(inside & (first < places[:, 1]), first, places[:, 0])
    return places


def first_solid(context: str) -> NDArray[Any]:
    """For each character, and for the end, the first from there on that is no space; the end if none is."""
    import numpy as np

    spaces = np.fromiter((char.isspace() for char in context), bool, len(context))
    places = np.append(np.where(spaces, len(context), np.arange(len(context))), len(context))
    return np.minimum.accumulate(places[::-1])[::-1]
