"""Whether a file is a multiple choice: the columns of its texts and choices, and how it spells the right one. Light."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bertkit.data.cell_kinds import JSON_LIST, LIST, is_missing, spelt
from bertkit.data.profile import Column
from bertkit.data.written import items
from bertkit.errors import RequestError
from bertkit.findings import MOST_BAD
from bertkit.request.column_names import CHOICES, CONTEXTS, QUESTIONS, is_id, is_text, plain
from bertkit.request.guess import Guess
from bertkit.request.labels_guess import Named, key_of
from bertkit.request.roles import File, Roles
from bertkit.request.text_guess import find_label, is_textual

HEAD = "multiple-choice"
TEXTS = CONTEXTS | {"premise", "ctx", "startphrase", "sent1", "context_text"}
"""Names of a text that choices go with, besides those of any text."""
GOLDS = (
    "label",
    "gold",
    "answer",
    "answer_idx",
    "answer_index",
    "answerkey",
    "answer_key",
    "correct",
    "correct_answer",
)
"""Names of the right choice, the likeliest first."""
LETTERS = "ABCDEFGHIJ"
MOST = len(LETTERS)
FROM_1 = "the right one by its place, counted from 1"
FROM_1_MAYBE = f"{FROM_1}, as no row says 0"
AS_IN_RUN = "the right one by its place, counted as in the model's run"


def find_choices(file: File) -> Roles | None:
    """The columns of a multiple choice; None if it is none. Raises RequestError if one is missing or ambiguous."""
    flags = file.flags
    typed = file.columns("--choices-column", flags.choices_column)
    if flags.head not in (None, HEAD) or (flags.text_column and flags.label_column and not typed and not flags.head):
        if typed:
            raise RequestError(f"--choices-column: a {flags.head} head has no choices")
        return None
    choices, why = (typed, "as --choices-column says") if typed else (_named_choices(file), "by their names")
    if not choices:
        if flags.head == HEAD:
            raise file.lacking("the choices", "--choices-column")
        return None
    _refuse_single(file, choices)
    label, because = _label(file, choices)
    text, question = _texts(file, (*choices, *label))
    return Roles(
        text=text, question=question, choices=choices, label=label, why={"choices": why, "label": because}
    )  # fmt: skip


def _named_choices(file: File) -> tuple[str, ...]:
    """Columns that are called choices: the one that has lists, or two and more."""
    found = [one.name for one in file.profile.columns if CHOICES.fullmatch(plain(one.name)) and one.filled]
    lists = [name for name in found if file.profile.by_name[name].only(LIST, JSON_LIST)]
    return (lists[0],) if len(lists) == 1 else tuple(found) if len(found) > 1 and not lists else ()


def _refuse_single(file: File, choices: tuple[str, ...]) -> None:
    if len(choices) > MOST:
        raise RequestError(f"--choices-column: {len(choices)} columns; a row has at most {MOST} choices")
    column = file.profile.by_name[choices[0]]
    if len(choices) == 1 and not column.only(LIST, JSON_LIST):
        raise RequestError(
            f"{file.name}: {column.name} has one choice a row, such as '{column.first}': give a list in JSON, or name "
            "every column with --choices-column"
        )


def _label(file: File, choices: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    typed = file.columns("--label-column", file.flags.label_column)
    if len(typed) > 1:
        raise RequestError(f"--label-column: of choices one is right, in one column, not {len(typed)}")
    if typed:
        return typed, "as --label-column says"
    rest = {plain(one.name): one.name for one in reversed(file.profile.columns) if one.name not in choices}
    named = next((rest[name] for name in GOLDS if name in rest), None)
    found = ((named,), "by its name") if named else find_label(file, choices)
    if len(found[0]) != 1:
        raise file.lacking("the right choice", "--label-column")
    return found


def _texts(file: File, taken: tuple[str, ...]) -> tuple[tuple[str, ...], str | None]:
    """The text and the question; a question alone is the text. Raises RequestError if several could be the text."""
    flags = file.flags
    text = file.columns("--text-column", flags.text_column) or file.columns(
        "--context-column", [flags.context_column] if flags.context_column else None
    )
    question = file.column("--question-column", flags.question_column).name if flags.question_column else None
    free = [one for one in file.profile.columns if one.name not in (*taken, *text, question) and one.filled]
    free = [one for one in free if is_textual(one) and not is_id(one.name)]
    if question is None and not flags.text_column:
        question = next((one.name for one in free if plain(one.name) in QUESTIONS), None)
        free = [one for one in free if one.name != question]
    if not text:
        named = [one for one in free if plain(one.name) in TEXTS] or [one for one in free if is_text(one.name)]
        text = _only(file, named or ([] if question else free))
    if not text and question is None:
        raise file.lacking("the text", "--text-column")
    return (text, question) if text else ((str(question),), None)


def _only(file: File, found: list[Column]) -> tuple[str, ...]:
    if len(found) > 1:
        raise file.ambiguous("the text", found, "--text-column (and --question-column)")
    return tuple(one.name for one in found)


def guess_choices(file: File, roles: Roles) -> Guess:
    """How the right choice is spelt, by all rows' labels and the first rows' choices. Raises RequestError."""
    column = file.profile.by_name[roles.label[0]]
    written = {"choices": "json"} if file.profile.by_name[roles.choices[0]].has(JSON_LIST) else {}
    spelling, places = _spelling(file, roles, column)
    labels = Named(names=(), rows={}, spellings=places or {})
    return Guess(head="multiple-choice", why=spelling, labels=labels, written=written, by_text=places is None)


def _spelling(file: File, roles: Roles, column: Column) -> tuple[str, Mapping[str, str] | None]:
    """How the right choice is spelt, and for each spelling its place; None where it is the choice's text."""
    usual = _usual(column)
    values = {key_of(text, numbered=True) for text in usual}
    names = {plain(name): str(k) for k, name in enumerate(roles.choices)}
    if len(names) > 1 and {plain(text) for text in column.values} <= set(names):
        return "the right one by its column's name", {t: names[plain(t)] for t in column.values}
    numbers = not column.more and all(value.isdecimal() for value in values)
    letters = not column.more and {text.strip().upper() for text in usual} <= set(LETTERS)
    counted = {str(k): str(k) for k in range(MOST)} if "0" in values else {str(k + 1): str(k) for k in range(MOST)}
    places = counted if numbers else {t: str(LETTERS.index(t.strip().upper())) for t in usual} if letters else {}
    found = [_found(row, roles, column.name, places) for row in file.profile.sample]
    given = [one for one in found if one is not None]
    if given and all(by_text for by_text, _ in given) and not (places and all(by_place for _, by_place in given)):
        return "the right one by its text", None
    if numbers and "0" in values:
        return f"the right one by its place, counted from 0{_also_texts(given)}", {}
    if numbers:
        return FROM_1 if any(_is_last(row, roles, column.name) for row in file.profile.sample) else FROM_1_MAYBE, places
    if letters:
        letter = {sign: str(k) for k, sign in enumerate(LETTERS)}
        return "the right one by its letter", {**letter, **{sign.lower(): place for sign, place in letter.items()}}
    odd = next((row for row, one in zip(file.profile.sample, found, strict=True) if one and not one[0]), None)
    shown = spelt(odd[column.name]) if odd else column.first
    raise RequestError(
        f"{file.name}: {column.name} has '{shown[:60]}', which is none of its row's choices, no letter and no place"
    )


def _also_texts(given: list[tuple[bool, bool]]) -> str:
    """What is to be known where each label of the first rows is the text of a choice too."""
    return ", though each is also the text of one of its choices" if given and all(text for text, _ in given) else ""


def _usual(column: Column) -> list[str]:
    """The spellings of a label but for odd ones: numbers and letters of a choice, where nearly all rows have these."""
    plain = {text: rows for text, rows in column.values.items() if _is_number(text) or text.strip().upper() in LETTERS}
    kinds = [[text for text in plain if _is_number(text) is numbers] for numbers in (True, False)]
    usual = max(kinds, key=lambda kind: sum(plain[text] for text in kind))
    odd = sum(column.values.values()) - sum(plain[text] for text in usual)
    return usual if usual and odd <= MOST_BAD * sum(column.values.values()) else list(column.values)


def _is_number(text: str) -> bool:
    return key_of(text, numbered=True).isdecimal()


def _is_last(row: Mapping[str, Any], roles: Roles, label: str) -> bool:
    """Whether the row's label is the number of its choices, so that they are counted from 1."""
    raw = row.get(label)
    return not is_missing(raw) and key_of(spelt(raw), numbered=True) == str(len(_choices(row, roles)))


def _choices(row: Mapping[str, Any], roles: Roles) -> list[str]:
    several = items(row.get(roles.choices[0])) if len(roles.choices) == 1 else [row.get(n) for n in roles.choices]
    return [spelt(one).strip() for one in several if not is_missing(one)]


def _found(row: Mapping[str, Any], roles: Roles, label: str, places: Mapping[str, str]) -> tuple[bool, bool] | None:
    """Whether the row's label is the text of a choice, and whether it is the place of one; None where it has none."""
    raw = row.get(label)
    if is_missing(raw) or not spelt(raw).strip():
        return None
    texts = _choices(row, roles)
    place = places.get(key_of(spelt(raw), numbered=True), places.get(spelt(raw)))
    return spelt(raw).strip() in texts, place is not None and int(place) < len(texts)
