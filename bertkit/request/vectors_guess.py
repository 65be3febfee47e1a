"""Whether a file's rows are sequences of vectors, and what is predicted of them. Light."""

from __future__ import annotations

from dataclasses import replace

from bertkit.data.cell_kinds import LIST, is_missing
from bertkit.data.profile import Column
from bertkit.errors import RequestError
from bertkit.heads.vectors import has_vectors
from bertkit.request.column_names import TAGS, plain
from bertkit.request.guess import Guess
from bertkit.request.labels_guess import Named
from bertkit.request.roles import File, Roles
from bertkit.request.text_guess import find_label

HEADS = ("classification", "regression", "tagging")


def find_vectors(file: File) -> Roles | None:
    """The columns of the vectors and of their labels; None if it has no vectors. Raises RequestError."""
    flags = file.flags
    typed = flags.vectors_column is not None
    if not typed and (flags.text_column or flags.words_column or flags.choices_column or flags.context_column):
        return None
    vectors = file.column("--vectors-column", flags.vectors_column) if flags.vectors_column else _found(file)
    if vectors is None:
        return None
    if flags.head not in (None, *HEADS):
        raise RequestError(f"--head {flags.head}: of vectors there is {', '.join(HEADS[:-1])} or {HEADS[-1]}")
    tags = file.column("--tags-column", flags.tags_column) if flags.tags_column else None
    label = file.columns("--label-column", flags.label_column)
    if len(label) > 1:
        raise RequestError(f"--label-column: of vectors there is one label, in one column, not {len(label)}")
    tags = tags or _tags(file, vectors, label)
    why = {"vectors": "as --vectors-column says" if typed else "lists of lists of numbers"}
    if tags is not None:
        return Roles(vectors=vectors.name, tags=tags.name, why={**why, "tags": "a list in each row"})
    if not label:
        label, why["label"] = find_label(file, (vectors.name,))
    if len(label) != 1:
        raise file.lacking("the label", "--label-column")
    return Roles(vectors=vectors.name, label=label, why=why)


def _found(file: File) -> Column | None:
    """The one column whose first cells are lists of lists of numbers. Raises RequestError for several."""
    names = [one for one in file.profile.columns if _are_vectors(file, one.name)]
    if len(names) > 1:
        raise file.ambiguous("the vectors", names, "--vectors-column")
    return names[0] if names else None


def _are_vectors(file: File, name: str) -> bool:
    cells = [row[name] for row in file.profile.sample if not is_missing(row.get(name))]
    return bool(cells) and sum(map(has_vectors, cells)) > len(cells) / 2


def _tags(file: File, vectors: Column, label: tuple[str, ...]) -> Column | None:
    """The column with a list of labels in each row, by its flag or its name."""
    lists = [one for one in file.profile.columns if one.only(LIST) and one is not vectors]
    if label:
        return next((one for one in lists if one.name == label[0]), None)
    if file.flags.head in ("classification", "regression"):
        return None
    named = [one for one in lists if plain(one.name) in (*TAGS, "label", "labels")]
    return named[0] if len(named) == 1 else None


def guess_vectors(file: File, roles: Roles, of_label: Guess | None) -> Guess:
    """What the rows ask for: that of their one label, or a tag for each vector. Raises RequestError."""
    assert roles.vectors is not None
    cells = (row.get(roles.vectors) for row in file.profile.sample)
    width = next((len(cell[0]) for cell in cells if cell is not None and has_vectors(cell)), None)
    if width is None:
        raise RequestError(
            f"{file.name}: {roles.vectors} has no lists of lists of numbers, but "
            f"'{file.profile.by_name[roles.vectors].first}'"
        )
    if of_label is not None:
        if of_label.head not in HEADS:
            raise RequestError(f"{file.name}: {roles.label[0]} has several labels a row: of vectors there is one")
        return replace(of_label, width=width)
    counts = file.profile.by_name[str(roles.tags)].items
    names = tuple(sorted(name for name in counts if name not in ("_", "None", "null")))
    if len(names) < 2 and not file.scored:
        raise RequestError(f"{file.name}: every vector has the tag {''.join(names)}: there is nothing to learn")
    labels = Named(names=names, rows={name: counts[name] for name in names}, notes=())
    return Guess(head="tagging", why=f"{len(names):,} tags, one for each vector", labels=labels, width=width)
