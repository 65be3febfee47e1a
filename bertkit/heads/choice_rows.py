"""The choices of a row and its gold, as a file has them, checked. Each raises DataError that begins with `where`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from bertkit.errors import DataError
from bertkit.heads import checks

FEWEST, MOST = 2, 10
"""Choices of a row."""


def listed_choices(where: str, raw: Any) -> list[str]:
    """The choices: a list of 2 to 10 texts, also one that is written as JSON."""
    if isinstance(raw, str) and raw.lstrip().startswith("["):
        try:
            raw = json.loads(raw)
        except (ValueError, RecursionError):
            raise DataError(f"{where}: the choices '{raw[:60]}' are no list in JSON") from None
    if raw is None or raw == "":
        raise DataError(f"{where}: it has no choices")
    several = [_text(one) for one in checks.listed(where, "choices", raw)]
    if len(several) < FEWEST:
        raise DataError(f"{where}: {len(several)} choice{'s' * (len(several) != 1)}: at least {FEWEST} are needed")
    if len(several) > MOST:
        raise DataError(f"{where}: {len(several)} choices: at most {MOST} can be read")
    return [checks.text(where, f"choice {place}", one) for place, one in enumerate(several, 1)]


def _text(raw: Any) -> Any:
    """A number as its text: choices may be years, or amounts."""
    return str(raw) if isinstance(raw, int | float) and not isinstance(raw, bool) and raw == raw else raw


def place_of(where: str, raw: Any, choices: Sequence[str], spellings: Mapping[str, str], by_text: bool) -> str:
    """The place of the gold among the choices, "0" the first: by its text, by its spelling, or as it is.

    Of two choices with the gold's text the first, where it is given by its text: C3's train has two such rows.
    """
    given = str(raw).strip()
    if by_text:
        places = [k for k, choice in enumerate(choices) if choice.strip() == given]
        if not places:
            raise DataError(f"{where}: the label '{given[:60]}' is none of its {len(choices)} choices")
    else:
        whole = given.removesuffix(".0")  # an empty cell elsewhere in the column makes its numbers floats
        place = spellings.get(whole, "") if spellings else whole
        places = [int(place)] if place.isdecimal() and int(place) < len(choices) else []
        if not places:
            known = [name for name, at in spellings.items() if int(at) < len(choices)] or range(len(choices))
            upper = [name for name in known if str(name) == str(name).upper()]  # letters may be written small
            shown = f"{upper[0]} to {upper[-1]}"
            raise DataError(f"{where}: the label is '{given[:60]}', and it has {len(choices)} choices: {shown}")
    gold = choices[places[0]].strip()
    if not by_text and sum(choice.strip() == gold for choice in choices) > 1:
        raise DataError(f"{where}: the right choice '{gold[:60]}' is there twice")
    return str(places[0])
