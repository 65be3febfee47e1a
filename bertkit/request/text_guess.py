"""Which columns are the text, the second text of a pair, and the label. Light."""

from __future__ import annotations

from collections.abc import Sequence

from bertkit.data.cell_kinds import COMMA, DATE, DECIMAL, JSON_LIST, LIST, NUMBERS, OBJECTS, TEXT
from bertkit.data.profile import Column
from bertkit.errors import RequestError
from bertkit.request.column_names import (
    CHOICES,
    PAIRS,
    WEAK,
    is_id,
    is_text,
    is_title,
    label_rank,
    plain,
    second_of,
)
from bertkit.request.roles import File
from bertkit.request.separated import is_separated

ONE_OR_ZERO = {"0", "1", "0.0", "1.0", "true", "false"}
YES_OR_NO = {"yes", "no"}
MARKS = {"spam", "is_spam", "duplicate", "is_duplicate", "is_positive", "sarcasm", "is_sarcastic", "irony", "hate"}
MARKS |= {"offensive", "toxic", "toxicity"}
"""Names that are the label, or of several labels the one that a row has or has not."""
NLI = {"entailment", "neutral", "contradiction", "not_entailment"}
"""Labels of pairs of texts."""
ASKED = {"question", "query", "answer", "prompt", "response"}
"""Names of half a pair, whose other half has a text's name."""
INDICATING = ONE_OR_ZERO | YES_OR_NO
ANNOTATED = ("label", "spans", "accept", "relations")
MOSTLY_EMPTY = 0.05
"""Share of the rows of the fullest column of text up to which another is taken for none."""
TEXT_FLAGS = "--text-column (twice to join both), or with --text-column and --text-pair-column as a pair"

Found = tuple[tuple[str, ...], str]
"""Names of columns, and why it is these; () if there are none."""


def is_textual(column: Column) -> bool:
    """Whether its cells are mostly text."""
    return column.kinds.get(TEXT, 0) > 0.5 * max(column.filled, 1)


def reads_as_text(column: Column) -> bool:
    """Whether its cells are sentences by what is in them: words, mostly different ones."""
    if not is_textual(column) or may_be_label(column):
        return False
    latin = column.first.isascii()
    long = column.mean_words >= 3 if latin else column.mean_characters >= 6
    not_kept = column.filled - sum(column.values.values())  # long ones, which are counted as different
    return long and (column.more or len(column.values) + not_kept >= 0.5 * column.filled)


def is_label_like(column: Column) -> bool:
    """Whether it has few values, short and repeated ones, as a label has."""
    if column.more or column.has(DATE, LIST, OBJECTS) or not 2 <= len(column.values) <= 200:
        return False
    few = len(column.values) <= max(2, 0.5 * column.filled) and not column.is_unique
    return few and column.mean_characters <= 40 and column.mean_words <= 5


def is_indicator(column: Column) -> bool:
    """Whether its cells are 0 and 1 only."""
    return bool(column.values) and not column.more and {value.strip().lower() for value in column.values} <= INDICATING


def find_label(file: File, taken: Sequence[str]) -> Found:
    """The label's column, or the columns of 0 and 1 of each label. Raises RequestError if several could be it."""
    rest = [one for one in file.profile.columns if one.name not in taken and one.filled]
    _refuse_verdicts(file, rest)
    named = [one for one in rest if label_rank(one.name)] if file.named else []
    best = [one for one in named if label_rank(one.name) == min(label_rank(other.name) for other in named)]
    marks = [one for one in rest if is_indicator(one) and not is_id(one.name)]
    if best and not _is_one_of(best, marks, rest):
        return _best_named(file, best)
    free = [one for one in rest if not (file.named and is_id(one.name))]
    if file.flags.head == "regression":
        return _number(file, free)
    others = [one for one in free if one not in marks and (may_be_label(one) or one.only(*NUMBERS, COMMA))]
    others = [one for one in others if not one.is_unique or one.has(DECIMAL, COMMA)]
    if len(marks) > 1 and not any(may_be_label(one) for one in others):
        return tuple(one.name for one in marks), "they are 0 or 1 in every row"
    likely = [one for one in (*marks, *others) if may_be_label(one)]
    likely = likely or marks or [one for one in others if one.has(DECIMAL)] or others
    if len(likely) > 1:
        raise file.ambiguous("the label", likely, "--label-column")
    return ((likely[0].name,), _content_reason(likely[0])) if likely else ((), "")


def _refuse_verdicts(file: File, columns: Sequence[Column]) -> None:
    """Raise RequestError for rows that say of their own annotation that it is rejected, as Prodigy writes them."""
    answer = next((one for one in columns if plain(one.name) == "answer"), None)
    annotated = [one.name for one in columns if plain(one.name) in ANNOTATED]
    if (
        answer is None
        or not annotated
        or not {"reject", "ignore"} & set(answer.values)
        or "accept" not in answer.values
    ):
        return
    raise RequestError(
        f"{file.name}: {answer.name} says of each row whether its {annotated[0]} is accepted: keep the rows with "
        "'accept' only, or say --label-column"
    )


def _is_one_of(best: Sequence[Column], marks: Sequence[Column], rest: Sequence[Column]) -> bool:
    """Whether what is named as the label is one of several labels, each with a column of 0 and 1, or of its share."""
    if label_rank(best[0].name) == 1 or (len(best) == 1 and plain(best[0].name) not in MARKS):
        return False
    if all(map(is_indicator, best)):
        return len(marks) > 1
    shares = [one for one in rest if one.only(*NUMBERS) and one.has(DECIMAL) and not is_id(one.name)]
    return best[0] in shares and len(shares) > 1


def _number(file: File, columns: Sequence[Column]) -> Found:
    """The one column of numbers."""
    found = [one for one in columns if one.only(*NUMBERS, COMMA) and len(one.values) > 2]
    if len(found) > 1:
        raise file.ambiguous("the number", found, "--label-column")
    return ((found[0].name,), "the one column of numbers") if found else ((), "")


def _best_named(file: File, best: Sequence[Column]) -> Found:
    usable = [one for one in best if may_be_label(one) or one.only(*NUMBERS, COMMA)] if len(best) > 1 else best
    if len(usable) != 1:
        raise file.ambiguous("the label", best, "--label-column")
    return (usable[0].name,), "by its name"


def may_be_label(column: Column) -> bool:
    """Whether its cells are a label, or several."""
    return is_label_like(column) or column.only(LIST, JSON_LIST) or is_separated(column)


def _content_reason(column: Column) -> str:
    if column.only(LIST, JSON_LIST):
        return "the one column of lists"
    if column.has(DECIMAL):
        return "the one column of numbers"
    if not is_label_like(column):
        return "the one column of few labels, several in a cell"
    return f"the one column of few values, {len(column.values):,} in {column.filled:,} rows"


def find_texts(file: File, label: Sequence[str]) -> tuple[Found, Found]:
    """The text's columns and, of a pair of texts, the second's. Raises RequestError if several could be it."""
    rest = [one for one in file.profile.columns if one.name not in label and one.filled and is_textual(one)]
    _refuse_choices(file)
    if file.named:
        rest = [one for one in rest if not is_id(one.name)]
        pair = _named_pair(rest)
        if pair:
            _refuse_third(file, rest, pair)
            return ((pair[0].name,), "by their names"), ((pair[1].name,), "by their names")
        named = _named_text(file, rest)
        if named[0]:
            return named, ((), "")
    return _by_content(file, rest, label)


def _refuse_choices(file: File) -> None:
    """Raise RequestError for the columns of a multiple choice, where another head was asked for."""
    found = [one.name for one in file.profile.columns if CHOICES.fullmatch(plain(one.name))]
    lists = [name for name in found if file.profile.by_name[name].only(LIST, JSON_LIST)]
    if lists or len(found) > 1:
        asked = f"; leave --head {file.flags.head} out" if file.flags.head else ""
        raise RequestError(
            f"{file.name}: {', '.join(found)}: a multiple choice{asked}, or say --text-column and --label-column to "
            "leave the choices aside"
        )


def _refuse_third(file: File, columns: Sequence[Column], pair: tuple[Column, Column]) -> None:
    """Raise RequestError if a third column is a text too, and neither a title nor made from one of the pair."""
    names = tuple(plain(one.name) for one in pair)
    others = [one for one in columns if one not in pair and not is_title(one.name) and reads_as_text(one)]
    others = [one for one in others if not plain(one.name).startswith(names)]
    if others:
        raise file.ambiguous("the text", [*pair, *others], TEXT_FLAGS)


def _named_pair(columns: Sequence[Column]) -> tuple[Column, Column] | None:
    """The two columns of a pair by its names, such as sentence1 and sentence2."""
    texts = [one for one in columns if not is_label_like(one) or is_text(one.name) or one.mean_words >= 3]
    by_name = {plain(one.name): one for one in reversed(texts)}
    for first in texts:
        second = by_name.get(second_of(first.name) or "")
        if second is not None and second is not first:
            return first, second
    plainly = [one for one in texts if is_text(one.name)]
    for one, other in PAIRS:
        if one in by_name and other in by_name and not [t for t in plainly if plain(t.name) not in (one, other)]:
            return by_name[one], by_name[other]
    return None


def _named_text(file: File, columns: Sequence[Column]) -> Found:
    """The text's column by its name, with its title's before it; () if no name says it."""
    texts = [one for one in columns if is_text(one.name)]
    if len(texts) > 1:
        texts = [one for one in texts if not is_label_like(one)] or texts
    if len(texts) > 1:
        raise file.ambiguous("the text", texts, TEXT_FLAGS)
    asked = [one for one in columns if plain(one.name) in ASKED and one.mean_words >= 3]
    if texts and asked:
        raise file.ambiguous("the text", [*texts, *asked], TEXT_FLAGS)
    titles = [one for one in columns if is_title(one.name)]
    if texts and len(titles) == 1:
        return (titles[0].name, texts[0].name), "by their names, joined"
    if texts:
        return (texts[0].name,), "by its name"
    likely = [one for one in columns if is_title(one.name) or plain(one.name) in WEAK]
    others = [one for one in columns if one not in likely and reads_as_text(one)]
    if len(likely) == 1 and not others:
        return (likely[0].name,), "by its name"
    return (), ""


def _by_content(file: File, columns: Sequence[Column], label: Sequence[str]) -> tuple[Found, Found]:
    most = max((one.filled for one in columns), default=0)
    columns = [one for one in columns if one.filled > MOSTLY_EMPTY * most]  # what commas in a text leave behind it
    likely = [one for one in columns if reads_as_text(one)]
    likely = likely or [one for one in columns if not is_label_like(one)]
    if len(likely) == 1:
        words = f"{likely[0].mean_words:.0f} words a row" if likely[0].first.isascii() else "longest cells"
        return ((likely[0].name,), f"the one column of text, {words}"), ((), "")
    if len(likely) == 2 and not file.named and len(label) == 1 and label[0] == file.profile.columns[0].name:
        if {value.strip().lower() for value in file.profile.by_name[label[0]].values} <= NLI:
            return ((likely[0].name,), "the two columns of text"), ((likely[1].name,), "the two columns of text")
        return (tuple(one.name for one in likely), "two columns of text behind the label, joined"), ((), "")
    if likely:
        raise file.ambiguous("the text", likely, TEXT_FLAGS)
    raise file.lacking("the text", "--text-column")
