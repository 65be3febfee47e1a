"""Whether a file has tagged words, or questions on documents; else it has texts and labels. Light."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bertkit.data.cell_kinds import JSON_LIST, LIST, OBJECTS, TEXT, is_missing, spelt
from bertkit.data.columns import tagged_lines
from bertkit.data.profile import Column
from bertkit.data.written import items
from bertkit.errors import RequestError
from bertkit.heads.schemes import recognise
from bertkit.request.column_names import (
    ANSWERS,
    CONTEXTS,
    LOCAL_TAGS,
    QUESTIONS,
    STARTS,
    TAGS,
    WORDS,
    is_id,
    plain,
)
from bertkit.request.roles import File, Roles

LISTS = (LIST, JSON_LIST)
INSIDE = 0.8
"""The share of the first rows whose answer must be in the document, for it to be an answer."""


def find_questions(file: File) -> Roles | None:
    """The columns of questions, documents and answers; None if it has none. Raises RequestError."""
    flags, columns = file.flags, file.profile.columns
    question = _one(file, "--question-column", flags.question_column, QUESTIONS)
    context = _one(file, "--context-column", flags.context_column, CONTEXTS)
    answers = _one(file, "--answers-column", flags.answers_column, ANSWERS)
    typed = flags.head == "qa" or flags.answers_column is not None
    missing = [
        (what, flag)
        for what, flag, found in (
            ("the question", "--question-column", question),
            ("the document", "--context-column", context),
            ("the answers", "--answers-column", answers),
        )
        if found is None
    ]
    if missing and typed:
        raise file.lacking(*missing[0])
    if question is None or context is None or answers is None:
        return None
    start = next((one.name for one in columns if plain(one.name) in STARTS), None)
    if not _are_answers(file, context, answers, typed):
        return None
    return Roles(
        question=question.name,
        context=context.name,
        answers=answers.name,
        start=start,
        why={"answers": "by their names"},
    )


def _one(file: File, flag: str, typed: str | None, names: frozenset[str]) -> Column | None:
    if typed is not None:
        return file.column(flag, typed)
    found = [one for one in file.profile.columns if plain(one.name) in names]
    return found[0] if found and file.named else None


def _are_answers(file: File, context: Column, answers: Column, typed: bool) -> bool:
    """Whether the cells are answers, and not labels. Raises RequestError if they are not in their documents."""
    if answers.has(OBJECTS) or answers.has(LIST):
        return True
    if answers.has(JSON_LIST) or answers.first.startswith("{"):
        return True
    rows = [row for row in file.profile.sample if not is_missing(row.get(answers.name)) and row.get(answers.name) != ""]
    inside = sum(spelt(row[answers.name]).strip() in spelt(row.get(context.name)) for row in rows)
    if rows and inside >= INSIDE * len(rows):
        return True
    few = not answers.more and len(answers.values) <= max(2, 0.2 * answers.filled)
    if few and not typed:
        return False
    raise RequestError(
        f"{file.name}: {len(rows) - inside} of the first {len(rows)} answers ({answers.name}) are not in their "
        f"document ({context.name}), such as '{answers.first}': an answer is a stretch of its document"
    )


def answers_written(answers: Column) -> str | None:
    """How answers are written in their cells: as lists or mappings, or as their text alone."""
    if answers.has(OBJECTS):
        return None
    return "json" if answers.has(JSON_LIST) or answers.first.startswith("{") else "text"


def find_words(file: File) -> Roles | None:
    """The columns of words and of their tags; None if it has none. Raises RequestError if several could be the tags."""
    flags = file.flags
    asked = flags.head in ("tagging", "chunk-tagging")
    typed_words = file.column("--words-column", flags.words_column) if flags.words_column else None
    typed_tags = file.column("--tags-column", flags.tags_column) if flags.tags_column else None
    words = typed_words or next(iter(_words(file)), None)
    if words is None:
        _refuse_single_words(file)
    if words is None:
        if asked or flags.tags_column:
            raise file.lacking("the words", "--words-column")
        return None
    found = [typed_tags] if typed_tags else _tags(file, words, asked or bool(flags.words_column))
    if not found:
        _refuse_unequal(file, words)
    if not found:
        if asked or flags.words_column:
            raise file.lacking("the words' tags", "--tags-column")
        return None
    if len(found) > 1:
        exact = [one for one in found if plain(one.name) in ("tags", "upos")]
        found = exact or found
    if len(found) > 1:
        raise file.ambiguous("the tags", found, "--tags-column")
    why = {"tags": "as --tags-column says" if typed_tags else "as many as words"}
    return Roles(words=words.name, tags=found[0].name, why=why)


def _refuse_single_words(file: File) -> None:
    """Raise RequestError for a table with one word a row, and its tag."""
    words = [one for one in file.profile.columns if plain(one.name) in ("word", "words", "token", "tokens", "form")]
    named = [one for one in words if one.mean_words < 1.1 and not any(c.mean_words >= 3 for c in file.profile.columns)]
    tags = [one for one in file.profile.columns if plain(one.name) in TAGS | LOCAL_TAGS and one not in named]
    if named and tags and not file.flags.text_column:
        raise RequestError(
            f"{file.name}: one word a row ({named[0].name}, {tags[0].name}): {tagged_lines('tags')}, or as CoNLL "
            "columns, a word and its tag a line and a blank line between sentences"
        )


def _refuse_unequal(file: File, words: Column) -> None:
    """Raise RequestError if there are lists of tags, and they have other lengths than those of words."""
    tags = [one for one in file.profile.columns if plain(one.name) in TAGS | LOCAL_TAGS and one.only(*LISTS)]
    tags = [one for one in tags if one is not words]
    if not tags or not words.only(*LISTS):
        return
    for number, row in enumerate(file.profile.sample, 1):
        counts = len(items(row.get(words.name))), len(items(row.get(tags[0].name)))
        if counts[0] != counts[1]:
            raise RequestError(
                f"{file.name}, row {number}: {counts[0]} in {words.name} but {counts[1]} in {tags[0].name}: a tag for "
                "each word is needed"
            )


def _words(file: File) -> list[Column]:
    """The columns that may be words, lists first."""
    named = [one for one in file.profile.columns if plain(one.name) in WORDS and one.filled]
    lists = [one for one in named if one.only(*LISTS)]
    return lists or [one for one in named if one.kinds.get(TEXT, 0) > 0.5 * one.filled and one.mean_words >= 2]


def _tags(file: File, words: Column, asked: bool) -> list[Column]:
    """The columns that have as many tags in each of the first rows as it has words."""
    found = []
    for column in file.profile.columns:
        named = plain(column.name) in TAGS | LOCAL_TAGS or plain(column.name).endswith(("_tags", "_labels"))
        if column is words or not column.filled or is_id(column.name) or column.name == "lines":
            continue
        if not (named or column.only(*LISTS)):
            continue
        rows = [row for row in file.profile.sample if row.get(column.name) not in (None, "")]
        equal = sum(len(items(row[column.name])) == len(items(row.get(words.name))) for row in rows)
        vocabulary = {tag for row in rows for tag in items(row[column.name])}
        lengths = [len(items(row.get(words.name))) for row in rows]
        few = len(vocabulary) <= max(2, sum(lengths) / 2)
        spaced = column.only(TEXT) and not recognise(_in_order(file, column.name))
        if rows and equal >= 0.9 * len(rows) and max(lengths) > 1 and few and (asked or not spaced):
            found.append(column)
    return found


def _in_order(file: File, name: str) -> list[str | None]:
    """The tags of the first rows in the text's order, with None between sentences."""
    return [tag for row in file.profile.sample for tag in (*items(row.get(name)), None)]


def tag_scheme(file: File, name: str, every: Sequence[str] | Mapping[str, int]) -> str | None:
    """The scheme of a column's tags, of which `every` are all; None if they are of none."""
    if recognise(set(every)) is None:
        return None
    return recognise(_in_order(file, name)) or recognise(set(every))


def tags_written(column: Column) -> str | None:
    """How the words or tags of its cells are written; None if they are lists."""
    return None if column.only(LIST) else "json" if column.only(JSON_LIST, LIST) else "space"
