"""The names of a file's labels, as it spells them, in a stable order. Light."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bertkit.data.cell_kinds import NUMBERS, kind_of

SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class Named:
    """Label names in order, with the rows of each, and a line for what is to be known of them.

    names    each label's name: its commonest spelling, without outer spaces
    rows     name -> rows
    notes    spellings that are taken as one
    spellings  spelling -> name, of labels that have several
    """

    names: tuple[str, ...]
    rows: Mapping[str, int]
    notes: tuple[str, ...] = ()
    spellings: Mapping[str, str] = field(default_factory=dict)


def key_of(text: str, numbered: bool) -> str:
    """What spellings of one label have in common: case and outer spaces do not count, 1.0 is 1, true beside 1 is 1."""
    key = text.strip().lower()
    if re.fullmatch(r"[+-]?\d+\.0+", key):
        key = key.partition(".")[0]
    return {"true": "1", "false": "0"}.get(key, key) if numbered else key


def named(values: Mapping[str, int]) -> Named:
    """The labels of these values -> rows."""
    numbered = any(kind_of(text) in NUMBERS for text in values)
    spellings: dict[str, dict[str, int]] = {}
    for text, rows in values.items():
        spellings.setdefault(key_of(text, numbered), {})[text] = rows
    found = {_name(key, texts): texts for key, texts in spellings.items()}
    names = in_order(found)
    notes = [_merged(found[name]) for name in names if _differ(found[name])]
    more = f" (and {len(notes) - SHOWN} more such labels)" if len(notes) > SHOWN else ""
    notes = [*notes[: SHOWN - 1], notes[SHOWN - 1] + more] if len(notes) > SHOWN else notes
    others = {text.strip(): name for name, texts in found.items() for text in texts if text.strip() != name}
    counts = {name: sum(found[name].values()) for name in names}
    return Named(names=names, rows=counts, notes=tuple(notes), spellings=others)


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """Numbers by their size; else by their letters, whatever their case."""
    listed = list(names)
    if all(kind_of(name) in NUMBERS for name in listed):
        return tuple(sorted(listed, key=lambda name: (float(name), name)))
    return tuple(sorted(listed, key=lambda name: (name.casefold(), name)))


def _name(key: str, texts: Mapping[str, int]) -> str:
    """The commonest spelling, the first one of equals; of numbers the key, in which 1.0 is 1."""
    if re.fullmatch(r"[+-]?\d+", key):
        return key
    spelt: dict[str, int] = {}
    for text, rows in texts.items():
        spelt[text.strip()] = spelt.get(text.strip(), 0) + rows
    return max(spelt, key=lambda text: spelt[text])


def _differ(texts: Mapping[str, int]) -> bool:
    return len(texts) > 1


def _merged(texts: Mapping[str, int]) -> str:
    shown = " and ".join(
        f"'{text}' ({rows:,})" for text, rows in sorted(texts.items(), key=lambda one: -one[1])[:SHOWN]
    )
    return f"{shown} are taken as one label: case, outer spaces and .0 do not tell labels apart"
