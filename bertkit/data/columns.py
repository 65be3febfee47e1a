"""Match a file's columns to roles, by the task's own names, or by general ones where that is unambiguous."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bertkit.errors import DataError

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
TEXT_PAIRS = (("text", "text_pair"), ("text1", "text2"), ("sentence1", "sentence2"))
GOLDS = {"label": ("label", "labels", "class", "target"), "tags": ("tags",)}
"""Common column names, tried where a task's own are missing."""


def match_columns(
    present: Sequence[str], candidates: Mapping[str, Sequence[str]], roles: Sequence[str], where: str
) -> dict[str, str]:
    """For each role the name of its column among those `present`; roles without one are left out.

    Names match whatever their case and outer spaces, an exact one first. Of a head's `roles` those that lack their own
    column take one by a general name (TEXT_PAIRS, GOLDS) if just one is present. Raises DataError, naming `where`, if
    two columns match the same name.
    """
    by_name: dict[str, list[str]] = {}
    for name in present:
        by_name.setdefault(_folded(name), []).append(name)
    found = {}
    for role, names in candidates.items():
        own = next((match for name in names if (match := _match(name, by_name, where))), None)
        if own is not None:
            found[role] = own
    for role, name in _general(by_name, [role for role in roles if role not in found], roles, where).items():
        if name not in found.values():
            found[role] = name
    return found


def _folded(name: str) -> str:
    return str(name).strip().casefold()


def _match(name: str, by_name: Mapping[str, list[str]], where: str) -> str | None:
    matches = by_name.get(_folded(name), [])
    if name in matches:
        return name
    if len(matches) > 1:
        raise DataError(f"{where}: which column is '{name}': {' or '.join(map(repr, matches))}? Rename one of them")
    return matches[0] if matches else None


def _general(
    by_name: Mapping[str, list[str]], missing: Sequence[str], roles: Sequence[str], where: str
) -> dict[str, str]:
    """Columns by general names for the roles that are missing, where that is unambiguous."""
    named: dict[str, str] = {}
    wanted = [role for role in ("text", "text_pair") if role in missing]
    pairs = [pair for pair in TEXT_PAIRS if set(pair) <= set(by_name)]
    if wanted == ["text", "text_pair"] and len(pairs) == 1:
        named = dict(zip(wanted, pairs[0], strict=True))
    elif wanted == ["text"] and "text_pair" not in roles and not pairs and "text" in by_name:
        named = {"text": "text"}
    for role in missing:
        golds = [name for name in GOLDS.get(role, ()) if name in by_name]
        if len(golds) == 1:
            named[role] = golds[0]
    return {role: match for role, name in named.items() if (match := _match(name, by_name, where))}


def lacking(role: str, present: Sequence[str], candidates: Mapping[str, Sequence[str]], where: str) -> DataError:
    """The error for a file in which `role` has no column; `where` is the place of its first row."""
    file = where.rpartition(", ")[0] or where
    wanted = f"'{candidates.get(role, (role,))[0]}'"
    if ", question " in where:
        return DataError(
            f"{file}: no column {wanted}: this is SQuAD's layout, for question answering (squad, squad_v2)"
        )
    if role == "text" and "text_pair" not in candidates and wanted != "'text'":
        wanted += " or 'text'"
    odd = next((mark for mark in DELIMITERS if len(present) == 1 and mark in str(present[0])), None)
    looks = f"; it looks separated by {DELIMITERS[odd]}, but its lines have different numbers of columns" if odd else ""
    return DataError(f"{file}: no column {wanted} for the {role}{looks}; it has {', '.join(map(str, present))}")


def tagged_lines(tags: str) -> str:
    """How words and their tags are given that are not in CoNLL-U."""
    return f'give words and tags as JSON Lines, a sentence a line: {{"words": [...], "{tags}": [...]}}'
