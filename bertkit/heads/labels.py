"""Label names: matched between data, tasks and checkpoints, never by position."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bertkit.errors import EncoderError


def folded(name: str) -> str:
    """A label's name in lower case, without `_`, `-` and spaces."""
    return "".join(char for char in name.lower() if char not in "_- ")


def read_label(raw: Any, names: Sequence[str], spellings: Mapping[str, str]) -> str | None:
    """The label that a raw value stands for; None if there is none, or if it is ambiguous.

    In turn: a name or one of the data's spellings, without regard to case; a whole number written as 1.0; true and
    false for 1 and 0; the name without `_`, `-` and spaces; a beginning of one name alone, of three letters or more.
    """
    known = {name.lower(): name for name in names} | {spelt.lower(): name for spelt, name in spellings.items()}
    if isinstance(raw, float) and raw.is_integer():
        raw = int(raw)
    text = str(raw).strip().lower()
    if re.fullmatch(r"[+-]?\d+\.0+", text):
        text = text.partition(".")[0]
    if text in ("true", "false") and text not in known:
        text = str(int(text == "true"))
    if text in known:
        return known[text]
    matches = {name for spelt, name in known.items() if text[:1].isalpha() and folded(spelt) == folded(text)}
    if not matches and len(text) >= 3 and text.isalpha():
        matches = {name for name in names if folded(name).startswith(text)}
    return matches.pop() if len(matches) == 1 else None


def as_written(raw: Any) -> str:
    """A label that has no other name than the raw value: whole numbers, true and false as 1, 0 and so on."""
    whole = isinstance(raw, bool) or (isinstance(raw, float) and raw.is_integer())
    return str(int(raw) if whole else raw).strip()


def exact_label(raw: Any, names: Sequence[str], spellings: Mapping[str, str]) -> str | None:
    """The label that a raw value is the name of, whatever its case; None if there is none.

    A name in the case given comes first, then one of the data's spellings; a whole number is written without ".0". If
    there are no `names`, every value is one.
    """
    whole = isinstance(raw, float) and raw.is_integer()
    text = str(int(raw) if whole else raw).strip()
    if text in names or text in spellings:
        return spellings.get(text, text)
    if not names:
        return text or None
    known = {name.casefold(): name for name in (*names, *spellings)}
    found = known.get(text.casefold())
    return None if found is None else spellings.get(found, found)


def match_names(ours: Sequence[str], theirs: Sequence[str], model: str) -> tuple[str, ...]:
    """Our names in the order of a checkpoint's names, matched by `folded`.

    Raises EncoderError if they are not the same set, as with LABEL_0: without names the order is unknown.
    """
    known = {folded(name): name for name in ours}
    if {folded(name) for name in theirs} != set(known) or len(theirs) != len(ours):
        raise EncoderError(
            f"{model} has the labels {', '.join(theirs)}; the task's are {', '.join(ours)}: "
            "name them by --label-map, or in its config.json (id2label), for they are matched by name"
        )
    return tuple(known[folded(name)] for name in theirs)


def is_made_up(name: str) -> bool:
    """Whether a checkpoint's label name says nothing: LABEL_0, as transformers makes them up, or a number."""
    return re.fullmatch(r"(LABEL_)?\d+", name) is not None


def mapped(names: Sequence[str], label_map: Mapping[str, str], ours: Sequence[str], model: str) -> list[str]:
    """A checkpoint's label `names` under a map to our names. Raises EncoderError if a name is unknown or missing."""
    unknown = [name for name in label_map if name not in names]
    missing = [name for name in names if name not in label_map]
    if unknown or missing:
        what = f"has no label {unknown[0]}" if unknown else f"has the label {missing[0]} too"
        raise EncoderError(f"--label-map: {model} {what}; give each of {', '.join(names)}")
    known = {folded(name) for name in ours}
    strange = [name for name in label_map.values() if folded(name) not in known]
    if ours and strange:
        raise EncoderError(f"--label-map: the task has no label {strange[0]}; its labels are {', '.join(ours)}")
    return [label_map[name] for name in names]


def write_names(config: object, names: Sequence[str]) -> None:
    """Write label names into a transformers config."""
    config.id2label = dict(enumerate(names))  # type: ignore[attr-defined]  # transformers has no types
    config.label2id = {name: i for i, name in enumerate(names)}  # type: ignore[attr-defined]
    config.num_labels = len(names)  # type: ignore[attr-defined]
