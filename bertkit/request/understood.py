"""What a file was taken for, in lines for whoever asked. Light."""

from __future__ import annotations

from collections.abc import Sequence

from bertkit.data.header import MISSING
from bertkit.data.profile import Profile
from bertkit.request.column_names import SPLIT_COLUMNS, plain
from bertkit.request.guess import Guess
from bertkit.request.own_files import OwnFiles
from bertkit.request.roles import Roles
from bertkit.sources import FileFormat, HoldOut
from bertkit.task import Recipe

SHOWN = 8
"""Labels that a line names."""
WIDE = 70
"""Characters of the names in a line."""
DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars", " ": "white space"}
KINDS = {
    "jsonl": "JSON Lines", "json": "JSON", "parquet": "Parquet", "conllu": "CoNLL-U",
    "conll": "CoNLL columns", "folders": "a folder of texts for each class", "npz": "NumPy's arrays (.npz)",
}  # fmt: skip
COSTLY = 1_000
TAGGED = ("tagging", "chunk-tagging")


def about(roles: Roles, guess: Guess) -> str:
    """One line: what goes in, what comes out."""
    if guess.head == "qa":
        return f"{roles.question}, {roles.context} -> the answer's span"
    if guess.head == "multiple-choice":
        asked = ", ".join((*roles.text, *([roles.question] if roles.question else []), *roles.choices))
        return f"{asked} -> {roles.label[0]}: the right choice"
    inputs = roles.vectors or roles.words or ", ".join(" + ".join(part) for part in (roles.text, roles.pair) if part)
    return f"{inputs} -> {_outcome(roles, guess)}"


def _outcome(roles: Roles, guess: Guess) -> str:
    if guess.head == "regression":
        return f"{roles.label[0]}, a number"
    names = guess.labels.names
    shown = ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
    return f"{roles.tags or ' / '.join(roles.label)[:60]}: {shown}"


def understood(
    files: OwnFiles, profiles: dict[str, Profile], roles: Roles, guess: Guess, recipe: Recipe, held: HoldOut | None
) -> tuple[str, ...]:
    """Three lines: what was read, which columns are which and why, and what is learnt with what."""
    return (_read(files, profiles, held), _columns(profiles, roles), _learnt(guess, recipe))


def _read(files: OwnFiles, profiles: dict[str, Profile], held: HoldOut | None) -> str:
    parts = []
    for split, found in profiles.items():
        parts.append(f"{split} {files.called(split)} ({found.rows:,} rows)")
    if held and "train" in profiles:
        parts.append(f"dev: {held.share:.0%} of train, held out")
    split = next(iter(profiles))
    return f"rows: {', '.join(parts)}; {layout(files.formats[split]) if files.formats else 'on the Hub'}"


def layout(form: FileFormat) -> str:
    """A format's description."""
    words = KINDS.get(form.kind, f"columns separated by {DELIMITERS.get(form.delimiter, form.delimiter)}")
    if form.kind in ("csv", "tsv"):
        words += ", the first line names them" if form.header else ", without a line of names"
    return words if form.encoding in ("utf-8", "utf-8-sig") else f"{words}, {form.encoding}"


def _columns(profiles: dict[str, Profile], roles: Roles) -> str:
    parts = []
    for role, names in roles.columns.items():
        why = f" ({roles.why[role]})" if roles.why.get(role) else ""
        shown = " + ".join(names[:SHOWN]) + (f" + {len(names) - SHOWN} more" if len(names) > SHOWN else "")
        parts.append(f"{role.replace('text_pair', 'second text')} {shown}{why}")
    used = {name for names in roles.columns.values() for name in names}
    found = profiles[next(iter(profiles))]
    aside = [one.name or "''" for one in found.columns if one.name not in used and one.name != "lines"]
    shown = ", ".join(aside[:SHOWN]) + (f" and {len(aside) - SHOWN} more" if len(aside) > SHOWN else "")
    return f"columns: {', '.join(parts)}" + (f"; left aside: {shown}" if aside else "")


def _learnt(guess: Guess, recipe: Recipe) -> str:
    names = guess.labels.names
    labels = f": {_shortly(names)}" if names else ""
    f1 = f"; F1 is that of {names[1]}" if guess.head == "classification" and len(names) == 2 else ""
    passes = f"by default {recipe.epochs:g} epochs, {recipe.window.max_length} tokens"
    return f"head: {guess.head} ({guess.why}){labels}{f1}; {passes}"


def notes_of(profiles: dict[str, Profile], guess: Guess) -> tuple[str, ...]:
    """What is to be known: spellings taken as one, labels of one row, many labels, a column that names splits."""
    labels = guess.labels
    notes = list(labels.notes)
    single = [name for name, rows in labels.rows.items() if rows == 1]
    if single:
        notes.append(f"{_listed(single)}: one row only, too few to learn and to score")
    missing = [name for name in labels.names if name.casefold() in MISSING and guess.head not in TAGGED]
    if missing:
        notes.append(f"{_listed(missing)}: taken as a label; if it stands for none, empty those cells")
    if len(labels.names) >= COSTLY:
        notes.append(
            f"{len(labels.names):,} labels: the output layer alone has {len(labels.names):,} x the encoder's width "
            "parameters, and each label few rows"
        )
    split = next((one for one in profiles[next(iter(profiles))].columns if plain(one.name) in SPLIT_COLUMNS), None)
    if split is not None and any(text.strip().lower() in ("train", "test", "dev") for text in split.values):
        notes.append(f"{split.name} seems to say which rows train and which test: it is not read; make a file of each")
    return tuple(notes)


def _shortly(names: Sequence[str]) -> str:
    """The first names, as many as a line has room for."""
    shown = [name for k, name in enumerate(names[:SHOWN]) if sum(map(len, names[: k + 1])) <= WIDE or k == 0]
    return ", ".join(shown) + (f" and {len(names) - len(shown):,} more" if len(names) > len(shown) else "")


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else "")
    return f"label{'s' * (len(names) > 1)} {shown}"
