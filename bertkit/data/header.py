"""Tell whether the first record of a table names its columns or is a row, by what stands in it and below it. Light."""

from __future__ import annotations

import re
import statistics
from collections import Counter
from collections.abc import Sequence

COMMON = """
text texts sentence sentences review reviews content contents body title headline subject message messages
comment comments tweet tweets document doc abstract summary description utterance query queries question
questions answer answers context passage paragraph premise hypothesis sentence1 sentence2 text1 text2 text_a
text_b text_pair sentence_a sentence_b question1 question2 string s1 s2 sent sent1 sent2 string1 string2 source
target src tgt input output label labels class classes category categories cat topic topics genre sentiment
emotion emotions polarity intent intents star stars rating ratings score scores tag tags ner_tags pos_tags ner
pos upos xpos word words token tokens form lemma id ids idx index guid row_id uid uuid sent_id qid qid1 qid2
pairid gold_label annotator name date time timestamp created_at url user user_id author author_id lang language
split fold group group_id is_duplicate similarity relatedness_score quality position sense file filename path
key value v1 v2 y x pred prediction domain product product_id rater toxic severe_toxic obscene threat insult
identity_hate
文本 内容 标签 类别 句子 评论 标题 情感 编号 序号 分类 text_id textid comment_text review_text review_body tweet_text
texto etiqueta clase categoría categoria comentario texte étiquette classe avis kategorie klasse bewertung satz
"""
NAMES = frozenset(COMMON.split())
"""Names that people give to columns, in small letters."""
NUMBER = re.compile(r"[-+]?(\d+([.,]\d+)*|[.,]\d+)([eE][-+]?\d+)?%?")
SURE = 2
"""Points by which one reading must outweigh the other."""
LONG = 60
"""Characters from which a cell is no name; half of it for CJK."""


def is_header(records: Sequence[Sequence[str]]) -> bool | None:
    """Whether the first of the records, all of one width, names the columns; None if it may or may not.

    For it speak names that people use, a word above numbers, and a short cell above long texts; for a row speak
    numbers, a cell that stands in its column again, and a sentence.
    """
    first, rest = [cell.strip() for cell in records[0]], records[1:]
    columns = [[row[place].strip() for row in rest] for place in range(len(first))]
    if first[-len(first) :] == [str(place) for place in range(len(first))] and len(first) > 1 and not _numeric(columns):
        return True  # pandas names columns so
    known = sum(is_known(cell) and cell not in below for cell, below in zip(first, columns, strict=True))
    names = 2 * min(known, 3) + sum(
        3 for cell, below in zip(first, columns, strict=True) if _heads_numbers(cell, below)
    )
    names += _shape(first, columns)
    row = sum(4 for cell in first if NUMBER.fullmatch(cell))
    row += sum(_again(cell, below) for cell, below in zip(first, columns, strict=True))
    row += 2 * any(map(_is_sentence, first))
    if abs(names - row) < SURE:
        return None
    return names > row


def is_known(cell: str) -> bool:
    """Whether people call columns so."""
    folded = cell.strip().casefold().strip("#").strip().replace(" ", "_").replace("-", "_")
    return folded in NAMES or bool(re.fullmatch(r"(text|sentence|label|question|column|unnamed:?)_?\d*", folded))


def _numeric(columns: Sequence[Sequence[str]]) -> bool:
    return all(_are_numbers(below) for below in columns)


def _are_numbers(cells: Sequence[str]) -> bool:
    given = [cell for cell in cells if cell]
    return bool(given) and sum(bool(NUMBER.fullmatch(cell)) for cell in given) >= 0.9 * len(given)


def _heads_numbers(cell: str, below: Sequence[str]) -> bool:
    return bool(cell) and not NUMBER.fullmatch(cell) and _are_numbers(below)


def _again(cell: str, below: Sequence[str]) -> int:
    """Points for a row of a cell that stands in its column again; fewer if most of its cells are unlike."""
    if not cell or cell not in below:
        return 0
    return 3 if len(set(below)) <= len(below) / 2 else 2


def _shape(first: Sequence[str], columns: Sequence[Sequence[str]]) -> int:
    """Points for a header: short names above long texts, and above classes of which none occurs once alone."""
    points = 0
    for cell, below in zip(first, columns, strict=True):
        given = [value for value in below if value]
        if not cell or not given or _is_sentence(cell):
            continue
        lengths = [len(value) for value in given]
        points += len(given) >= 5 and statistics.median(lengths) >= max(20, 3 * len(cell)) and min(lengths) > len(cell)
        counts = Counter(given)
        points += len(given) >= 10 and len(counts) <= len(given) / 5 and cell not in counts and min(counts.values()) > 1
    return points


def _is_sentence(cell: str) -> bool:
    wide = sum("\u2e80" <= char <= "\u9fff" or "\uac00" <= char <= "\ud7af" for char in cell)
    return len(cell) + wide > LONG or len(cell.split()) > 5
