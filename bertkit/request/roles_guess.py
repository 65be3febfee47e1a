"""All roles of a file's columns: those that flags name, then those that are found. Light."""

from __future__ import annotations

from dataclasses import replace

from bertkit.errors import RequestError
from bertkit.request.choices_guess import find_choices
from bertkit.request.column_names import is_id, plain
from bertkit.request.layout_guess import find_questions, find_words
from bertkit.request.roles import File, Roles
from bertkit.request.text_guess import find_label, find_texts
from bertkit.request.vectors_guess import find_vectors

OF_TEXT = ("classification", "multi-label", "regression")


def roles_of(file: File) -> Roles:
    """The columns of each role. Raises RequestError if one is missing, or several could be it."""
    found = find_vectors(file) or find_choices(file) or _questions(file) or _words(file) or _texts(file)
    return _with_id(file, found)


def _questions(file: File) -> Roles | None:
    flags = file.flags
    others = flags.text_column or flags.label_column or flags.words_column or flags.tags_column
    if flags.head not in (None, "qa") or others:
        return None
    return find_questions(file)


def _words(file: File) -> Roles | None:
    flags = file.flags
    if flags.head in OF_TEXT or flags.text_column or flags.label_column:
        return None
    return find_words(file)


def _texts(file: File) -> Roles:
    flags = file.flags
    if flags.text_pair_column and not flags.text_column:
        raise RequestError("--text-pair-column needs --text-column, the first text of the pair")
    text = file.columns("--text-column", flags.text_column)
    pair: tuple[str, ...] = (
        (file.column("--text-pair-column", flags.text_pair_column).name,) if flags.text_pair_column else ()
    )
    label = file.columns("--label-column", flags.label_column)
    why = {"text": "as --text-column says", "label": "as --label-column says"}
    if not label:
        label, why["label"] = find_label(file, (*text, *pair))
    if not text:
        (text, why["text"]), (pair, _) = find_texts(file, label)
    if not label:
        raise file.lacking("the label", "--label-column")
    return Roles(text=text, pair=pair, label=label, why=why)


def _with_id(file: File, roles: Roles) -> Roles:
    flags, used = file.flags, {name for names in roles.columns.values() for name in names}
    if flags.id_column:
        ident: str | None = file.column("--id-column", flags.id_column).name
    else:
        free = [one for one in file.profile.columns if one.name not in used and one.filled == file.profile.rows]
        ident = next((c.name for c in free if c.is_unique and is_id(c.name) and _says_id(c.name)), None)
    group = file.column("--group-column", flags.group_column).name if flags.group_column else None
    if group is None and roles.context is not None:
        title = next((one for one in file.profile.columns if plain(one.name) == "title"), None)
        group = title.name if title is not None and len(title.values) >= 10 else roles.context
    return replace(roles, id=ident, group=group)


def _says_id(name: str) -> bool:
    return "id" in plain(name) or plain(name) in ("key", "index", "hash")
