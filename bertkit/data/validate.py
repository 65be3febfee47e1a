"""Raw rows -> the columns a head asks for, labels by name: how the data spells them ends here. Light.

Every function raises DataError, naming the file and line that it is given as `where`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from bertkit.errors import DataError
from bertkit.heads import Classification, Head, Number, Span, Tagging
from bertkit.sources import Source


def tidy(
    raw: Iterable[tuple[str, dict[str, Any]]], source: Source, head: Head, golds: bool
) -> Iterator[dict[str, Any]]:
    """Raw rows as the head's columns, labels by name. Raises DataError at the first that does not fit."""
    names: dict[str, str] | None = None
    readers: dict[type, Callable[..., dict[str, Any]]]
    readers = {Classification: _classified, Tagging: _tagged, Span: _asked}
    read = readers[type(head)]
    for index, (where, row) in enumerate(raw):
        if names is None:
            names = _column_names(row, where, source, head, golds)
        try:
            values = {role: row[name] for role, name in names.items()}
        except KeyError as error:
            raise DataError(f"{where}: no column {error}") from error
        tidied = read(where, values, source, head)
        ident = values.get("id")
        tidied["row_id"] = str(index if ident is None else ident)
        tidied["group"] = str(values.get("group") or "")
        yield tidied


def _column_names(row: Mapping[str, Any], where: str, source: Source, head: Head, golds: bool) -> dict[str, str]:
    """For each role the name its column has here."""
    found = {}
    gold = head.roles[-1]
    for role, candidates in source.columns.items():
        name = next((name for name in candidates if name in row), None)
        if name is not None and (golds or role != gold):
            found[role] = name
        elif role in head.roles and (golds or role != gold):
            raise DataError(
                f"{where.partition(', line')[0]}: no column '{candidates[0]}' for the {role}; "
                f"it has {', '.join(map(str, row))}"
            )
    return found


def _text(where: str, role: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        kind = "empty" if value is None or isinstance(value, str) else f"a {type(value).__name__}, not text"
        raise DataError(f"{where}: the {role} is {kind}")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise DataError(f"{where}: the {role} holds half a surrogate pair, which is no character") from error
    return value


def _classified(where: str, values: Mapping[str, Any], source: Source, head: Classification) -> dict[str, Any]:
    row: dict[str, Any] = {"text": _text(where, "text", values["text"]), "text_pair": None, "label": None}
    if head.pair:
        row["text_pair"] = _text(where, "text_pair", values["text_pair"])
    if values.get("label") is not None:
        row["label"] = _label(where, values["label"], source, head)
    elif "label" in values:
        raise DataError(f"{where}: no label: a split without labels can be predicted, not trained on or scored")
    return row


def _label(where: str, raw: Any, source: Source, head: Classification) -> str | float:
    if isinstance(head.labels, Number):
        return _number(where, raw, head.labels)
    names = head.labels if isinstance(head.labels, tuple) else ()
    known = {name.lower(): name for name in names}
    known |= {spelt.lower(): name for spelt, name in source.labels.items()}
    label = known.get(str(raw).strip().lower())
    if label is None and str(raw).strip() in ("", "-1"):
        raise DataError(f"{where}: no label: a split without labels can be predicted, not trained on or scored")
    if label is None:
        raise DataError(f"{where}: unknown label '{raw}'; expected one of {', '.join(names)}")
    return label


def _number(where: str, raw: Any, span: Number) -> float:
    try:
        number = float(raw)
    except (TypeError, ValueError):
        raise DataError(f"{where}: '{raw}' is not a number") from None
    if not span.low <= number <= span.high:
        raise DataError(f"{where}: {number:g} is not between {span.low:g} and {span.high:g}")
    return number


def _tagged(where: str, values: Mapping[str, Any], source: Source, head: Tagging) -> dict[str, Any]:
    words = _list(where, "words", values["words"])
    for word in words:
        _text(where, "word", word)
    if not words:
        raise DataError(f"{where}: a sentence without words")
    tags = None
    if values.get("tags") is not None:
        given = _list(where, "tags", values["tags"])
        tags = [source.labels.get(tag, tag) if isinstance(tag, str) else tag for tag in given]
        if len(tags) != len(words):
            raise DataError(f"{where}: {len(words)} words but {len(tags)} tags")
        known = head.labels if isinstance(head.labels, tuple) else tags
        unknown = [tag for tag in tags if tag not in known or not isinstance(tag, str)]
        if unknown:
            raise DataError(f"{where}: unknown tag '{unknown[0]}'; expected one of {', '.join(known)}")
    return {"words": words, "tags": tags}


def _asked(where: str, values: Mapping[str, Any], source: Source, head: Span) -> dict[str, Any]:
    name = f"{where} ('{values.get('id')}')"
    context = _text(name, "context", values["context"])
    row: dict[str, Any] = {"question": _text(name, "question", values["question"]), "context": context}
    row["answers"] = None
    golds = values.get("answers")
    if golds is None:
        return row
    golds = _golds(name, golds)
    if not golds and not head.no_answer:
        raise DataError(f"{name}: no answer; questions without one are for squad_v2")
    for gold in golds:
        if not isinstance(gold["text"], str) or type(gold["start"]) is not int or not gold["text"]:
            raise DataError(f"{name}: an answer needs its text and its offset (answer_start)")
    row["answers"], misplaced = _rightly_placed(context, golds)
    if misplaced and not row["answers"]:
        raise DataError(f"{name}: {_misplaced(context, **misplaced[0])}")
    return row


def _rightly_placed(context: str, golds: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The golds that stand at their offset in the document, and those that do not."""
    kept: list[dict[str, Any]] = []
    dropped: list[dict[str, Any]] = []
    for gold in golds:
        start, end = gold["start"], gold["start"] + len(gold["text"])
        (kept if start >= 0 and context[start:end] == gold["text"] else dropped).append(gold)
    return kept, dropped


UNITS = {"UTF-16 units": ("utf-16-le", 2), "UTF-8 bytes": ("utf-8", 1)}
"""What other languages count offsets in: JavaScript, Java and C# the former, Go and Rust the latter."""


def _misplaced(context: str, text: str, start: int) -> str:
    """What is wrong with a gold's offset: in other units than code points, or just not where the text is."""
    line = f"the answer '{text[:60]}' is not at its offset {start} of the document"
    for name, (encoding, size) in UNITS.items():
        before = context.encode(encoding)[: max(start, 0) * size].decode(encoding, "ignore")
        if context.startswith(text, len(before)) and len(before.encode(encoding)) == start * size:
            return f"{line}, but found at {len(before)}; offsets must count code points, these look like {name}"
    place = context.find(text)
    return f"{line}, but found at {place}" if place >= 0 else f"{line}, nor anywhere else in it"


def _golds(name: str, golds: Any) -> list[dict[str, Any]]:
    """Answers as {"text", "start"}, from SQuAD's JSON, or from `datasets`, which has texts beside offsets."""
    if isinstance(golds, Mapping) and isinstance(golds.get("text"), list):
        starts = _list(name, "answers' offsets", golds.get("answer_start"))
        if len(starts) != len(golds["text"]):
            raise DataError(f"{name}: {len(golds['text'])} texts of answers but {len(starts)} offsets (answer_start)")
        golds = [{"text": text, "start": start} for text, start in zip(golds["text"], starts, strict=True)]
    for gold in _list(name, "answers", golds):
        if not isinstance(gold, Mapping):
            raise DataError(f"{name}: an answer needs its text and its offset (answer_start)")
    return [{"text": gold.get("text"), "start": gold.get("start", gold.get("answer_start"))} for gold in golds]


def _list(where: str, what: str, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise DataError(f"{where}: the {what} are a {type(value).__name__}, not a list")
    return value
