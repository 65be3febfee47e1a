"""What is predicted where words have tags, or questions have answers in documents. Light."""

from __future__ import annotations

from bertkit.data.cell_kinds import LIST
from bertkit.data.profile import Column
from bertkit.data.written import items
from bertkit.errors import RequestError
from bertkit.heads.squad_chars import is_cjk
from bertkit.request.guess import Guess
from bertkit.request.labels_guess import Named
from bertkit.request.layout_guess import answers_written, tag_scheme, tags_written
from bertkit.request.own_flags import HeadName
from bertkit.request.roles import File, Roles


def guess_tags(file: File, roles: Roles) -> Guess:
    """What tagged words ask for. Raises RequestError for tags of no scheme where some look like chunks'."""
    assert roles.tags is not None
    column = file.profile.by_name[roles.tags]
    asked = file.flags.head
    counts = column.items or _spaced(column)
    every = [tag for tag in counts if tag not in ("_", "None", "null")]
    scheme = tag_scheme(file, column.name, every)
    if asked == "chunk-tagging" and scheme is None:
        raise RequestError(
            f"--head chunk-tagging: {file.name}: the tags of {column.name} are of no scheme (BIO, IOB1, BIOES, BILOU): "
            f"{', '.join(every[:6])}"
        )
    if not every:
        raise RequestError(f"{file.name}: {column.name} has no tags but '_'; CoNLL-U has ten columns with tabs between")
    if asked is None and all(tag.isdigit() for tag in every):
        raise RequestError(
            f"{file.name}: the tags of {column.name} are numbers ({', '.join(sorted(every, key=int)[:6])}), whose "
            "names the file does not say: give the names, or say --head tagging to learn the numbers"
        )
    head: HeadName = "tagging" if asked == "tagging" or scheme is None else "chunk-tagging"
    if asked is None and scheme is None:
        _refuse_half_scheme(file, column, every)
    if len(every) < 2:
        raise RequestError(f"{file.name}: every word has the tag {''.join(every)}: there is nothing to learn")
    why = (
        f"{len(every):,} tags, of the scheme {scheme}"
        if head == "chunk-tagging"
        else f"{len(every):,} tags of no scheme"
    )
    names = tuple(sorted(every))
    labels = Named(names=names, rows={name: counts[name] for name in names}, notes=())
    return Guess(
        head=head,
        why=why,
        labels=labels,
        written=_written(file, roles),
        scheme=scheme if head == "chunk-tagging" else None,
    )


def _refuse_half_scheme(file: File, column: Column, tags: list[str]) -> None:
    """Raise RequestError if some tags look like those of chunks, and others do not."""
    chunks = [tag for tag in tags if tag[:2] in ("B-", "I-", "E-", "S-", "L-", "U-")]
    if chunks and len(chunks) >= 0.3 * len(tags):
        odd = [tag for tag in tags if tag not in chunks and tag != "O"] or tags
        raise RequestError(
            f"{file.name}: the tags of {column.name} are of no scheme: beside {', '.join(chunks[:3])} there is "
            f"{', '.join(odd[:3])}; correct them, or say --head tagging to learn them as they are"
        )


def _spaced(column: Column) -> dict[str, int]:
    counts: dict[str, int] = {}
    for text, rows in column.values.items():
        for tag in items(text):
            counts[tag] = counts.get(tag, 0) + rows
    return counts


def guess_answers(file: File, roles: Roles) -> Guess:
    """What questions on documents ask for."""
    assert roles.answers is not None
    column = file.profile.by_name[roles.answers]
    marked = file.profile.by_name.get("is_impossible")
    impossible = marked is not None and any(text.strip().lower() in ("true", "1") for text in marked.values)
    empty = column.has(LIST) or column.filled < file.profile.rows
    lists = [row.get(column.name) for row in file.profile.sample]
    hollow = any(isinstance(cell, dict) and cell.get("text") == [] for cell in lists)
    silent = impossible or empty or hollow
    how = answers_written(column)
    written = {"answers": how} if how else {}
    by_chars = not silent and _is_unspaced(file, roles)
    why = f"questions on documents, {'some' if silent else 'none'} without an answer"
    why += ", in text without spaces: scored by characters" if by_chars else ""
    return Guess(head="qa", why=why, written=written, no_answer=silent, by_chars=by_chars)


def _is_unspaced(file: File, roles: Roles) -> bool:
    """Whether most letters of the first documents are Chinese characters or kana."""
    letters = [char for row in file.profile.sample for char in str(row.get(roles.context or "", "")) if char.isalpha()]
    return sum(map(is_cjk, letters)) > len(letters) / 2


def _written(file: File, roles: Roles) -> dict[str, str]:
    """How words and tags are written in their cells, where they are no lists."""
    named = {"words": roles.words, "tags": roles.tags}
    found = {role: tags_written(file.profile.by_name[name]) for role, name in named.items() if name is not None}
    return {role: how for role, how in found.items() if how is not None}
