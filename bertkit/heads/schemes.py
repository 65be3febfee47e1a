"""Schemes of chunk tags: recognise one by its tags, and find words whose tag breaks it. Light.

A tag is a prefix, "-" and a type (`B-PER`, `I-PER.NAM`), a bare prefix where there is one type only (`B`, `I`), or `O`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import pairwise

from bertkit.errors import RequestError

OUTSIDE = "O"
PREFIXES = {"BIO": "BI", "IOB1": "BI", "BIOES": "BIES", "BILOU": "BILU"}
"""The schemes, and the prefixes of each besides `O`."""
NAMES = {"IOB2": "BIO", "IOB": "IOB1", "IOBES": "BIOES", "BIOLU": "BILOU"}
"""Other names of the same schemes."""
ENDS = {"BIOES": ("E", "S"), "BILOU": ("L", "U")}
"""The prefixes of an entity's last word, and of the one word of a short one."""


def scheme_called(name: str) -> str:
    """The scheme's name as it is used here: BIO for IOB2. Raises RequestError for what is no scheme."""
    known = NAMES.get(name.upper(), name.upper())
    if known not in PREFIXES:
        raise RequestError(f"no scheme of chunk tags is called '{name}'; there are {', '.join(PREFIXES)}")
    return known


def split_tag(tag: str) -> tuple[str, str]:
    """A chunk tag's prefix and type: ("B", "PER"), ("B", "") of a bare one, ("O", "") of `O`; ("", "") of any other."""
    prefix, dash, kind = tag.partition("-")
    if prefix not in ("B", "I", "E", "S", "L", "U") or bool(dash) != bool(kind):
        return (OUTSIDE, "") if tag == OUTSIDE else ("", "")
    return prefix, kind


def is_tag_of(tag: str, scheme: str) -> bool:
    """Whether a tag may occur in the scheme."""
    prefix = split_tag(tag)[0]
    return prefix != "" and prefix in PREFIXES[scheme] + OUTSIDE


def recognise(tags: Iterable[str | None]) -> str | None:
    """The scheme of these tags: BIO (IOB2), IOB1, BIOES (IOBES) or BILOU; None if they are of no scheme.

    BIO and IOB1 have the same tags. In IOB1 an entity begins with `I-`, and with `B-` only right behind another of its
    type; so it is IOB1 where more entities begin its way. For that the tags come in the order of the text, with a None
    between sentences; a set or a mapping has no order, and says BIO unless most types lack a `B-`.
    """
    given = sorted(tag for tag in tags if tag is not None) if isinstance(tags, AbstractSet | Mapping) else list(tags)
    parts = [None if tag is None else split_tag(tag) for tag in given]
    prefixes = {part[0] for part in parts if part} - {OUTSIDE}
    kinds = {part[1] for part in parts if part and part[0] != OUTSIDE}
    if (
        not prefixes
        or "" in prefixes
        or (kinds == {""} and not _may_be_bare(prefixes))
        or (len(kinds) > 1 and "" in kinds)
    ):
        return None
    if prefixes <= set("BI"):
        return "IOB1" if _begins_with_i(parts) else "BIO"
    fitting = [scheme for scheme, ends in ENDS.items() if _fits(prefixes, scheme, ends, (OUTSIDE, "") in parts)]
    return fitting[0] if fitting else None


def _may_be_bare(prefixes: Collection[str]) -> bool:
    """Single letters may be anything; those of one type's chunks have a `B`."""
    return "B" in prefixes


def _fits(prefixes: set[str], scheme: str, ends: tuple[str, str], has_outside: bool) -> bool:
    """Whether long entities have a first and a last word; one-word ones alone are recognised beside an `O` only."""
    last, single = ends
    if not prefixes <= set(PREFIXES[scheme]):
        return False
    return {"B", last} <= prefixes or (prefixes == {single} and has_outside)


def _begins_with_i(parts: Sequence[tuple[str, str] | None]) -> bool:
    """Whether more entities begin with I- than with a B- that is not right behind another entity of its type."""
    begun = {"B": 0, "I": 0}
    for before, here in pairwise([None, *parts]):
        inside = before is not None and before[0] != OUTSIDE and here is not None and before[1] == here[1]
        if here is not None and here[0] in begun and not inside:
            begun[here[0]] += 1
    return begun["I"] > begun["B"]


def broken(tags: Sequence[str | None], scheme: str) -> list[int]:
    """The words of a sentence whose tag cannot stand behind that of the word before, or at its end, by the scheme.

    A missing tag breaks nothing.
    """
    parts = [("", "") if tag is None else split_tag(tag) for tag in tags]
    found = [
        i for i, (one, other) in enumerate(pairwise([(OUTSIDE, ""), *parts])) if not _may_follow(one, other, scheme)
    ]
    open_at_end = bool(parts) and scheme in ENDS and parts[-1][0] in ("B", "I")
    return sorted({*found, len(parts) - 1} if open_at_end else found)


def _may_follow(before: tuple[str, str], here: tuple[str, str], scheme: str) -> bool:
    if "" in (before[0], here[0]):
        return True
    same = before[1] == here[1] and before[0] != OUTSIDE
    if scheme == "IOB1":
        return here[0] != "B" or same
    goes_on = here[0] in ("I", *ENDS.get(scheme, ())[:1])
    opened = before[0] in ("B", "I")
    if scheme == "BIO":
        return not goes_on or (same and opened)
    return goes_on == opened and (same or not goes_on)
