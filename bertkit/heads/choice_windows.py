"""Each choice of a row beside its text, in one sequence, or in a sequence for each window of a long text.

R rows, C choices of a row, W windows of its text, T tokens of a sequence.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bertkit.errors import DataError
from bertkit.heads.long import SEVERAL, ends
from bertkit.heads.window import Window

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bertkit.heads.features import Features, Ragged

LEAST = 8
"""Tokens of a text that every window must have room for, beside the question and a choice."""
TOGETHER = 4_000
"""Texts that are tokenised in one call to count their tokens."""

Rows = Mapping[str, Sequence[Any]]


def seconds_of(rows: Rows, place: int, separator: str) -> list[str]:
    """What stands beside the text of a row: each choice, after the question if there is one.

    [CLS] text [SEP] question [SEP] choice [SEP], as CLUE's baseline has it (run_c3.py; Xu et al. 2020).
    """
    question = rows["question"][place] if "question" in rows else None
    return [f"{question}{separator}{choice}" if question else choice for choice in rows["choices"][place]]


def separator_of(tokenizer: Any) -> str:
    """What stands between a question and a choice: the tokenizer's separator, or a space where it has none."""
    return f" {tokenizer.sep_token} " if getattr(tokenizer, "sep_token", None) else " "


def check_rows(rows: Rows, tokenizer: Any, window: Window) -> None:
    """Raise DataError, naming the row, if a question with a choice leaves no room for the text in `window`."""
    separator, names, texts = separator_of(tokenizer), rows.get("row_id"), rows["text"]
    special = {paired: tokenizer.num_special_tokens_to_add(pair=paired) for paired in (False, True)}
    seconds = [seconds_of(rows, place, separator) for place in range(len(texts))]
    counts = _counts(tokenizer, [second for those in seconds for second in those])
    beside = [[next(counts) + special[bool(text)] for _ in those] for text, those in zip(texts, seconds, strict=True)]
    tight = [place for place, those in enumerate(beside) if max(those) + LEAST > window.max_length]
    lengths = _counts(tokenizer, [texts[place] for place in tight])  # of texts that may be shorter than LEAST
    for place, long in zip(tight, lengths, strict=True):
        for count, second in zip(beside[place], seconds[place], strict=True):
            _room(long, count, second, window, names[place] if names else place)


def choice_features(rows: Rows, tokenizer: Any, window: Window, targets: Ragged | None) -> Features:
    """A feature a row: its C x W sequences, one after another, those of a choice together.

    All choices are read beside the same W windows of the text, none of them cut; of a longer text it reads what
    `window.long` says. `places[WINDOWS]` has the T of each sequence, `places[CHOICES]` the C of each row.
    """
    import numpy as np

    from bertkit.heads.features import CHOICES, WINDOWS, Features, Ragged, token_inputs

    inputs: dict[str, list[Any]] = {}
    lengths: list[list[int]] = []
    cut, several = np.zeros(len(rows["text"]), bool), np.zeros(len(rows["text"]), np.int32)
    for place, sequences in enumerate(_encoded(rows, tokenizer)):
        kept, cut[place], several[place] = _kept(rows, place, sequences, tokenizer, window)
        lengths.append([len(places) for those in kept for places in those])
        for name in sequences[0][1]:
            parts = [np.asarray(one[name])[places] for (_, one), those in zip(sequences, kept, strict=True)
                     for places in those]  # fmt: skip
            inputs.setdefault(name, []).append(np.concatenate(parts))
    return Features(
        row=np.arange(len(lengths)),
        inputs=token_inputs(inputs),
        targets=targets,
        cut=cut,
        places={
            WINDOWS: Ragged.of(lengths, "int32"),
            CHOICES: Ragged.of([[len(choices)] for choices in rows["choices"]], "int32"),
        },
        counts={SEVERAL: several} if window.long == "windows" else {},
    )


Sequenced = list[tuple[list[int | None], dict[str, list[int]]]]
"""For each choice the text that each token is of, and its inputs by name."""


def _encoded(rows: Rows, tokenizer: Any) -> Iterator[Sequenced]:
    """For each row its choices' whole sequences."""
    separator = separator_of(tokenizer)
    for place, text in enumerate(rows["text"]):
        seconds = seconds_of(rows, place, separator)
        both = ([text] * len(seconds), seconds) if text else (seconds,)
        encoding = tokenizer(*both, add_special_tokens=True, return_attention_mask=False, verbose=False)
        texts = [_texts(encoding, k, bool(text)) for k in range(len(seconds))]
        yield [(texts[k], {name: runs[k] for name, runs in encoding.items()}) for k in range(len(seconds))]


def _texts(encoding: Any, place: int, paired: bool) -> list[int | None]:
    """Of each token 0 for the text, 1 for question and choice, None for a special one."""
    found = list(encoding.sequence_ids(place))
    return found if paired else [None if one is None else 1 for one in found]


def _counts(tokenizer: Any, texts: Sequence[str]) -> Iterator[int]:
    """How many tokens each text has, special ones not counted: as many by itself as in a pair."""
    for start in range(0, len(texts), TOGETHER):
        part = list(texts[start : start + TOGETHER])
        yield from map(len, tokenizer(part, add_special_tokens=False, verbose=False)["input_ids"])


def _room(long: int, beside: int, second: str, window: Window, name: Any) -> int:
    """How many of the text's `long` tokens fit beside a choice, of `beside` tokens with the special ones.

    Raises DataError if these are too few.
    """
    room = window.max_length - beside
    if room < min(long, LEAST):
        raise DataError(
            f"row {name}: no window has room for its text: beside the choice '{_shown(second)}' with its question "
            f"({beside} tokens) --max-length {window.max_length} leaves {max(room, 0)}; give a larger --max-length"
        )
    return room


def _shown(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:40]}…"


def _kept(
    rows: Rows, place: int, sequences: Sequenced, tokenizer: Any, window: Window
) -> tuple[list[list[NDArray[Any]]], bool, bool]:
    """For each choice the places of the tokens of each window; whether text is left out; whether W > 1."""
    import numpy as np

    names = rows.get("row_id")
    seconds = seconds_of(rows, place, separator_of(tokenizer))
    of = [np.array([-1 if one is None else one for one in texts]) for texts, _ in sequences]
    lengths = [int((one == 0).sum()) for one in of]
    rooms = [_room(long, len(one) - long, second, window, names[place] if names else place)
             for long, one, second in zip(lengths, of, seconds, strict=True)]  # fmt: skip
    parts = _parts(lengths[0], min(rooms), window)
    kept = [
        [np.sort(np.concatenate([np.flatnonzero(one != 0), np.flatnonzero(one == 0)[part]])) for part in parts]
        for one in of
    ]
    read = len(np.unique(np.concatenate(parts)))
    return kept, read < lengths[0], len(parts) > 1


def _parts(length: int, room: int, window: Window) -> list[NDArray[Any]]:
    """Which of the text's tokens each window has, where `room` of them fit."""
    import numpy as np

    every = np.arange(length)
    if length <= room:
        return [every]
    if window.long == "truncate":
        return [every[:room]]
    if window.long == "head-tail":
        return [ends(every, room)]
    step = max(room - window.doc_stride, (room + 1) // 2)
    count = min(1 + math.ceil((length - room) / step), window.max_windows)
    return [every[k * step : k * step + room] for k in range(count)]
