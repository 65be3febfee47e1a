"""What is predicted, by what the label's column holds: a label, several, a number, tags, answers. Light."""

from __future__ import annotations

from bertkit.data.cell_kinds import (
    BOOLEAN,
    COMMA,
    DATE,
    DECIMAL,
    JSON_LIST,
    LIST,
    NUMBERS,
    OBJECTS,
    TEXT,
    kind_of,
    parts_of,
)
from bertkit.data.cells import YES
from bertkit.data.profile import MOST_VALUES, Column
from bertkit.errors import RequestError
from bertkit.request.choices_guess import guess_choices
from bertkit.request.guess import Guess
from bertkit.request.labels_guess import Named, named
from bertkit.request.own_flags import HeadName
from bertkit.request.roles import File, Roles
from bertkit.request.separated import UNREADABLE, best_separated, may_be_decimal, may_have_thousands, rare_mark
from bertkit.request.tags_guess import guess_answers, guess_tags
from bertkit.request.text_guess import INDICATING, ONE_OR_ZERO
from bertkit.request.vectors_guess import guess_vectors

MOST_WHOLE = 20
"""Distinct whole numbers up to which they are taken as labels."""


def guess_of(file: File, roles: Roles) -> Guess:
    """What the file asks for. Raises RequestError if that cannot be, or is not clear."""
    if roles.choices:
        return guess_choices(file, roles)
    if roles.vectors is not None:
        return guess_vectors(file, roles, None if roles.tags else _of_label(file, roles.label[0]))
    if roles.answers is not None:
        return guess_answers(file, roles)
    if roles.tags is not None:
        return guess_tags(file, roles)
    if len(roles.label) > 1:
        return _indicators(file, roles.label)
    return _of_label(file, roles.label[0])


def _of_label(file: File, label: str) -> Guess:
    """What a column with one cell of labels a row asks for."""
    column = file.profile.by_name[label]
    asked = file.flags.head
    if asked in ("tagging", "chunk-tagging", "qa"):
        raise RequestError(f"--head {asked}: {file.name} has a label a row, {column.name}")
    return _asked(file, column, asked) if asked else _found(file, column)


def _found(file: File, column: Column) -> Guess:
    """The head that the label's cells ask for."""
    _refuse_unreadable(file, column)
    _refuse_odd(file, column)
    if column.only(LIST, JSON_LIST):
        return _lists(file, column)
    if may_be_decimal(column):
        raise RequestError(
            f"{file.name}: {column.name} has cells such as '{_example(column, COMMA)}': say --head multi-label, for "
            "labels with commas between them, or --head regression, for numbers with a decimal comma"
        )
    if column.only(*NUMBERS):
        return _numbers(file, column)
    split = best_separated(column)
    if split and split.is_sure:
        return _separated(file, column, split.mark, f"several labels a cell, with '{split.mark}' between them")
    if split and (split.shared > 0 or split.mark != ","):
        raise RequestError(
            f"{file.name}: {column.name} has cells such as '{_with(column, split.mark)}': say --head multi-label, if "
            f"it is several labels with '{split.mark}' between them, or --head classification, if it is one"
        )
    mark = rare_mark(column)
    if mark:
        raise RequestError(
            f"{file.name}: {column.name} has cells such as '{_with(column, mark)}': say --head multi-label, if it is "
            f"several labels with '{mark}' between them, or --head classification, if it is one"
        )
    return _classes(file, column, "labels by name")


def _with(column: Column, mark: str) -> str:
    """A cell that has the mark between two parts, shortened."""
    return next(text for text in column.values if len(parts_of(text, mark)) > 1)[:60]


def _refuse_unreadable(file: File, column: Column) -> None:
    """Raise RequestError for cells that look like lists whose items cannot be told apart."""
    odd = next((t for t in column.values if UNREADABLE.fullmatch(t.strip()) and kind_of(t) == TEXT), None)
    if odd is not None:
        raise RequestError(
            f"{file.name}: {column.name} has cells such as '{odd[:60]}', a list that is neither JSON nor with a mark "
            'between its labels: write it as ["a", "b"], or as a|b'
        )


def _asked(file: File, column: Column, head: HeadName) -> Guess:
    """The head that --head names."""
    why = "as --head says"
    if head == "regression":
        usable = sum(column.kinds.get(kind, 0) for kind in (*NUMBERS, COMMA))
        if usable < 0.5 * max(column.filled, 1):
            raise RequestError(f"--head regression: {file.name}: {column.name} has no numbers, but '{column.first}'")
        if len(column.values) == 1 and not column.more:
            raise _one_only(file, column)
        if may_have_thousands(column):
            raise RequestError(
                f"{file.name}: {column.name} has cells such as '{_with(column, ',')}': if the comma separates "
                "thousands, leave it out; if it is a decimal comma, write a point"
            )
        return Guess(head=head, why=why, written={"label": "comma"} if column.has(COMMA) else {})
    if head == "multi-label":
        if column.only(LIST, JSON_LIST):
            return _lists(file, column)
        _refuse_unreadable(file, column)
        split = best_separated(column)
        return _separated(file, column, split.mark if split else rare_mark(column) or "|", why)
    if column.has(LIST, OBJECTS):
        raise RequestError(f"--head classification: {file.name}: {column.name} has lists, several labels a row")
    return _classes(file, column, why)


def _refuse_odd(file: File, column: Column) -> None:
    """Raise RequestError for dates, for mixed kinds of cells, and for one value only."""
    kinds = column.kinds
    if column.has(DATE):
        raise RequestError(
            f"{file.name}: {column.name} has dates, such as '{_example(column, DATE)}': they are no labels; "
            "say which column is with --label-column"
        )
    groups = {
        "lists": kinds.get(LIST, 0) + kinds.get(JSON_LIST, 0),
        "numbers": sum(kinds.get(kind, 0) for kind in NUMBERS),
        "text": kinds.get(TEXT, 0),
        "objects": kinds.get(OBJECTS, 0),
    }
    if groups["objects"]:
        raise RequestError(
            f"{file.name}: {column.name} has objects, such as {_example(column, OBJECTS)[:60]}: a label is a word or "
            "number"
        )
    if best_separated(column) is not None and not groups["lists"]:
        return
    if {text.strip().lower() for text in column.values} - ONE_OR_ZERO and groups["numbers"]:
        groups["booleans"] = kinds.get(BOOLEAN, 0)
    there = {name: rows for name, rows in groups.items() if rows}
    if len(there) > 1:
        said = " and ".join(f"{name} ({rows:,} rows)" for name, rows in there.items())
        raise RequestError(
            f"{file.name}: {column.name} mixes {said}: correct it, or say what it is with --head "
            "(classification takes every value as a label; regression leaves out what is no number)"
        )


def _example(column: Column, kind: str) -> str:
    return next((text for text in column.values if kind_of(text) == kind), column.first)


def _one_only(file: File, column: Column) -> RequestError:
    return RequestError(
        f"{file.name}: every row has the label '{column.first}' ({column.name}): there is nothing to learn"
    )


def _numbers(file: File, column: Column) -> Guess:
    if len(column.values) == 1 and not column.more:
        raise _one_only(file, column)
    if column.has(DECIMAL):
        return Guess(head="regression", why="numbers with decimals")
    if column.more or len(column.values) > MOST_WHOLE:
        many = f"more than {MOST_VALUES:,}" if column.more else f"{len(column.values):,}"
        raise RequestError(
            f"{file.name}: {column.name} has whole numbers, {many} different ones: say --head classification, if each "
            "is a label, or --head regression, if they are amounts"
        )
    return _classes(file, column, "whole numbers, few different ones")


def _classes(file: File, column: Column, why: str) -> Guess:
    labels = named(column.values)
    if column.more and not column.is_unique:
        raise RequestError(
            f"{file.name}: {column.name} has more than {MOST_VALUES:,} different values: too many for labels"
        )
    if file.scored:
        return Guess(head="classification", why=why, labels=labels)
    if len(labels.names) == 1:
        raise _one_only(file, column)
    if column.is_unique:
        raise RequestError(
            f"{file.name}: {column.name} is another one in every row, such as '{column.first}': that is an id or "
            "a text, no label; say which column is the label with --label-column"
        )
    return Guess(head="classification", why=why, labels=labels)


def _lists(file: File, column: Column) -> Guess:
    labels = named(column.items)
    written = column.has(JSON_LIST)
    if set(labels.names) <= ONE_OR_ZERO and labels.names:
        raise RequestError(
            f"{file.name}: {column.name} has lists of 0 and 1, such as {column.first}, which name no labels: give the "
            "labels' names, or a column of 0 and 1 for each of them"
        )
    if len(labels.names) < 2:
        raise RequestError(
            f"{file.name}: {column.name} has lists of {len(labels.names)} different labels: 2 are needed"
        )
    why = "lists of labels" if not written else "lists of labels, written in the cells"
    return Guess(head="multi-label", why=why, labels=labels, separator="json" if written else ",")


def _separated(file: File, column: Column, mark: str, why: str) -> Guess:
    counts: dict[str, int] = {}
    for text, rows in column.values.items():
        for part in dict.fromkeys(parts_of(text, mark)):
            counts[part] = counts.get(part, 0) + rows
    labels = named(counts)
    if len(labels.names) < 2 and not file.scored:
        raise _one_only(file, column)
    return Guess(head="multi-label", why=why, labels=labels, separator=mark)


def _indicators(file: File, columns: tuple[str, ...]) -> Guess:
    if file.flags.head not in (None, "multi-label"):
        raise RequestError(f"--head {file.flags.head} takes one --label-column, not {len(columns)}")
    counts = {}
    for name in columns:
        column = file.profile.by_name[name]
        odd = next((text for text in column.values if text.strip().lower() not in INDICATING), None)
        if odd is not None or column.more:
            raise RequestError(
                f"{file.name}: {name} has '{odd or column.first}': of several label columns each is 0 or 1"
            )
        counts[name] = sum(rows for text, rows in column.values.items() if text.strip().lower() in YES)
    rows = file.profile.sample
    ones = {sum(str(row.get(name)).strip().lower() in YES for name in columns) for row in rows}
    if ones == {1} and len(rows) > 3 and file.flags.head is None:
        raise RequestError(
            f"{file.name}: of {', '.join(columns)[:80]} exactly one is 1 in each of the first {len(rows)} rows: say "
            "--head multi-label to take them as labels that go together, or give one column with the label's name"
        )
    labels = Named(names=columns, rows=counts, notes=())
    return Guess(head="multi-label", why=f"{len(columns)} columns of 0 and 1", labels=labels, indicators=columns)
