"""Tell whether the first record of a table names its columns or is a row, by what stands in it and below it. Light."""

from __future__ import annotations

import re
import statistics
from collections import Counter
from collections.abc import Sequence
from unicodedata import category

COMMON = """
text texts sentence sentences review reviews content contents body title headline subject message
messages msg sms post posts comment comments tweet tweets document doc abstract summary description
utterance utt query queries question questions answer answers context passage paragraph premise
hypothesis sentence1 sentence2 text1 text2 text_a text_b text_pair string s1 s2 sent sent1 sent2
source target src tgt input output email mail note notes feedback article snippet claim reply
response transcript prompt completion data phrase caption label labels class classes category
categories cat topic topics genre sentiment emotion emotions polarity intent intents star stars
rating ratings score scores tag tags ner_tags pos_tags ner pos upos xpos word words token tokens
form lemma gold_label is_duplicate similarity relatedness_score quality stance sense priority status
severity type verdict outcome grade airline_sentiment id ids idx index guid row_id uid uuid sent_id
qid qid1 qid2 pairid annotator name date time timestamp created_at url user user_id username author
author_id lang language split fold group group_id position file filename path key value v1 v2 y x
pred prediction domain product product_id rater doc_id text_id textid comment_text review_text
review_body tweet_text review_title tweet_id source_url texto etiqueta clase categoría categoria
comentario título texte étiquette classe avis titre catégorie kategorie klasse bewertung satz titel
beschreibung frage antwort testo etichetta recensione rótulo avaliação 文本 内容 标签 类别 句子 评论 标题 情感 编号 序号
分类 正文 ラベル テキスト 本文 カテゴリ текст метка класс отзыв категория 라벨 문장 텍스트
"""
NAMES = frozenset(COMMON.split())
"""Names that people give to columns, in small letters."""
NUMBERED = re.compile(r"(text|sentence|label|question|column|unnamed:?|class)_?[\da-c]*")
NUMBER = re.compile(r"[-+]?(\d+([.,]\d+)*|[.,]\d+)([eE][-+]?\d+)?%?")
MISSING = frozenset(
    {"", "na", "n/a", "nan", "null", "none", "nil", "-", "--", "?", ".", "missing", "unknown", "#n/a", "<na>"}
)
SURE = 2
"""Points by which one reading must outweigh the other."""
LONG = 60
"""Characters from which a cell is no name; half of it for CJK."""


def is_header(first: Sequence[str], rest: Sequence[Sequence[str]]) -> bool | None:
    """Whether the first record names the columns of the `rest`; None if it may or may not.

    For it speak names that people use, a word above numbers, and a short cell above long texts; for a row speak
    numbers, a cell that stands in its column again, and a sentence.
    """
    cells = [cell.strip() for cell in first]
    if any(map(is_known, cells)):
        rest = [row for row in rest if list(row) != list(first)]  # files put together, each with its header line
    columns = [[row[place].strip() for row in rest] for place in range(len(cells))]
    if len(cells) > 1 and cells[0] in ("0", "1") and cells == [str(int(cells[0]) + k) for k in range(len(cells))]:
        return None if all(map(_are_numbers, columns)) else True  # as pandas numbers columns
    pairs = list(zip(cells, columns, strict=True))
    known = sum(is_known(cell) and cell not in below for cell, below in pairs)
    names = 2 * min(known, 3) + sum(3 for cell, below in pairs if _heads_numbers(cell, below))
    names += sum(_stands_out(cell, below) for cell, below in pairs)
    row = sum(4 for cell in cells if NUMBER.fullmatch(cell))
    row += sum(_again(cell, below) for cell, below in pairs)
    row += 2 * any(map(_is_sentence, cells))
    return None if abs(names - row) < SURE else names > row


def is_known(cell: str) -> bool:
    """Whether people call columns so, whatever the case and the marks around it."""
    folded = re.sub(r"[\s_.-]+", "_", cell.strip().strip("#*:'\"").strip().casefold())
    return folded in NAMES or bool(NUMBERED.fullmatch(folded))


def _are_numbers(cells: Sequence[str]) -> bool:
    given = [cell for cell in cells if cell.casefold() not in MISSING]
    return bool(given) and sum(bool(NUMBER.fullmatch(cell)) for cell in given) >= 0.9 * len(given)


def _heads_numbers(cell: str, below: Sequence[str]) -> bool:
    return cell.casefold() not in MISSING and not NUMBER.fullmatch(cell) and _are_numbers(below)


def _again(cell: str, below: Sequence[str]) -> int:
    """Points for a row of a cell that stands in its column again; fewer if most of its cells are unlike."""
    if cell.casefold() in MISSING or cell not in below:
        return 0
    return 3 if len(set(below)) <= len(below) / 2 else 2


def _stands_out(cell: str, below: Sequence[str]) -> int:
    """Points for a header: a short name above long texts, or above classes of which none occurs just once."""
    given = [value for value in below if value]
    letters = "".join(char for char in cell if category(char)[0] != "M")
    if cell.casefold() in MISSING or len(given) < 20 or not re.fullmatch(r"\w[\w /()#.-]{0,30}", letters):
        return 0
    lengths = [len(value) for value in given]
    if statistics.median(lengths) >= max(20, 3 * len(cell)) and min(lengths) > len(cell):
        return 1
    counts = Counter(given)
    return int(len(counts) <= len(given) / 5 and cell not in counts and min(counts.values()) > 1)


def _is_sentence(cell: str) -> bool:
    wide = sum("\u2e80" <= char <= "\u9fff" or "\uac00" <= char <= "\ud7af" for char in cell)
    words = len(cell.split())
    return len(cell) + wide > LONG or words > 5 or (words > 1 and cell.endswith((".", "!", "?")))
