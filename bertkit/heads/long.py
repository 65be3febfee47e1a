"""Texts longer than the window: their start, their head and tail, or all of them in overlapping windows.

Of two texts the longer one is shortened or split first. R rows, W windows of a row, T tokens of a window.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bertkit.errors import RequestError
from bertkit.heads.window import Window

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bertkit.heads.features import Features

LONG_FLAGS = frozenset({"long", "doc_stride", "max_windows"})
"""The fields of Window, besides max_length, of heads that call `features_of`."""

SEVERAL = "rows are read in several windows"
"""The count of these rows."""


def check_long(window: Window, pair: bool) -> None:
    """Raise RequestError if two windows cannot share `doc_stride` tokens. A pair's shorter text is in each of them."""
    room = (window.max_length - 4) // 2 if pair else window.max_length - 2
    if window.long == "windows" and window.doc_stride >= room:
        raise RequestError(
            f"--doc-stride {window.doc_stride} does not fit --max-length {window.max_length}: a window may show only "
            f"{room} tokens of a {'text beside the other' if pair else 'text'}, and must share fewer with the next"
        )


def features_of(texts: Sequence[Sequence[str]], tokenizer: Any, window: Window) -> Features:
    """A feature for each of R rows, without targets, from one or two columns of texts.

    Of a row of more than `max_length` tokens it has, by `window.long`:

    truncate   the start
    head-tail  a quarter of what fits from the start, and the rest from the end (Sun et al. 2019, "How to Fine-Tune
               BERT for Text Classification?", section 5.3.1: 128 and 382 tokens of 510)
    windows    W windows, each with its special tokens, one after another; `places[WINDOWS]` has the T of each
    """
    import numpy as np

    from bertkit.heads.features import Features, token_inputs

    columns = [list(column) for column in texts]
    encoding = tokenizer(*columns, add_special_tokens=True, return_attention_mask=False, verbose=False)
    long = np.array([len(ids) > window.max_length for ids in encoding["input_ids"]], bool)
    if window.long != "truncate":
        return _of_parts(encoding, long, window)
    if long.any():
        encoding = tokenizer(*columns, truncation=True, max_length=window.max_length, return_attention_mask=False)
    return Features(row=np.arange(len(long)), inputs=token_inputs(encoding), targets=None, cut=long)


def _of_parts(encoding: Any, long: NDArray[Any], window: Window) -> Features:
    """The features of whole texts' tokens, of the `long` ones the parts that are read."""
    import numpy as np

    from bertkit.heads.features import WINDOWS, Features, Ragged, token_inputs

    inputs = {name: list(runs) for name, runs in encoding.items()}
    lengths = [[len(ids)] for ids in inputs["input_ids"]]
    cut = np.zeros(len(long), bool)
    for i in np.flatnonzero(long).tolist():
        parts = _parts(encoding.sequence_ids(i), window)
        read = np.concatenate(parts)
        cut[i] = len(np.unique(read)) < lengths[i][0]
        lengths[i] = [len(part) for part in parts]
        for runs in inputs.values():
            runs[i] = np.asarray(runs[i])[read]
    several = np.array([len(windows) > 1 for windows in lengths])
    windowed = window.long == "windows"
    return Features(
        row=np.arange(len(long)),
        inputs=token_inputs(inputs),
        targets=None,
        cut=cut,
        places={WINDOWS: Ragged.of(lengths, "int32")} if windowed else {},
        counts={SEVERAL: several.astype(np.int32)} if windowed else {},
    )


def _parts(texts: Sequence[int | None], window: Window) -> list[NDArray[Any]]:
    """The places of the tokens that are read of a long row, (T,) for each window or one for head and tail.

    texts  of each token its text, 0 or 1; None for a special one, which every window has
    """
    import numpy as np

    of = np.array([-1 if text is None else text for text in texts])
    special, *both = (np.flatnonzero(of == text) for text in (-1, 0, 1))
    shorter, longer = sorted(both, key=len)
    room = window.max_length - len(special)
    beside = min(len(shorter), room // 2)
    size = room - beside
    if window.long == "head-tail":
        return [np.sort(np.concatenate([special, ends(longer, size), ends(shorter, beside)]))]
    always = np.concatenate([special, shorter[:beside]])
    step = max(1, size - window.doc_stride)
    count = min(1 + math.ceil((len(longer) - size) / step), window.max_windows)
    return [np.sort(np.concatenate([always, longer[k * step : k * step + size]])) for k in range(count)]


def ends(places: NDArray[Any], most: int) -> NDArray[Any]:
    """At most so many of the places, a quarter of them the first and the others the last."""
    import numpy as np

    if len(places) <= most:
        return places
    head = (most + 2) // 4
    return np.concatenate([places[:head], places[head - most :]])
