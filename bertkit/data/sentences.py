"""Split running text into sentences by its punctuation: Latin scripts, Chinese and Japanese. Light.

No library: what is installed must not change how a corpus is cut, and none takes text whose language is not said.
"""

from __future__ import annotations

import re

LONGEST = 1 << 14
"""Characters of a sentence from which it is cut between words: text without punctuation."""

CLOSING = "\"'”’»)\\]}」』）】》〉"
OPENING = "\"'“‘«([{「『（【《〈¿¡—-"
ENDS = re.compile(
    f"(?<![.!?…])[.!?…]++[{CLOSING}]*+\\s++|[。！？｡…]+[{CLOSING}]*\\s*|(?<![!?])[!?]++[{CLOSING}]*+(?=[\u3040-\u30ff\u4e00-\u9fff“「『（《])"
)
"""What may end a sentence, with the white space after it."""

WIDE = re.compile("[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]")
NEVER = re.compile(
    "mrs?|ms|messrs|mme|mlle|dr|prof|st|mt|ft|gen|col|maj|capt|cmdr|lt|sgt|cpl|rev|hon|pres|gov|sen|rep|supt|sr|fr"
    r"|e\.g|i\.e|viz|cf|vs|al|approx|ca"
)
"""Abbreviations, in lower case, that a name or a word follows, so that a sentence hardly ever ends with them."""
NUMBERED = re.compile("nos?|vols?|pp?|figs?|ch|chap|art|sec|eq|ed|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec")
"""Abbreviations where a number follows."""
MAYBE = re.compile("etc|jr|inc|ltd|co|corp|bros|dept|univ|ave|blvd|esq")
"""Abbreviations that end a sentence where one of STARTERS follows; and so do those with full stops in them."""
STARTERS = re.compile(
    r"(?:The|This|That|These|Those|There|Then|Thus|An?|He|She|It|We|They|You|I|His|Her|Its|Our|Their|My|Your|In|On|At"
    r"|For|But|And|Or|So|If|When|While|As|After|Before|By|From|With|What|Who|Why|How|Where|Not?|Yes|One)\b"
)
NUMERAL = re.compile(r"[0-9]+(?:\.[0-9]+)*|[IVXLC]+|[A-Za-z]")
"""The number of a chapter or of an item, at the start of a sentence."""


def sentences(paragraph: str) -> list[str]:
    """The sentences of a paragraph, stripped; without the white space between them they are its text again.

    'Mr. Bly (of St. Ives) left. "Why?" he said.' gives 'Mr. Bly (of St. Ives) left.' and '"Why?" he said.';
    "他来了。我走了！" gives "他来了。" and "我走了！".
    """
    start, found = 0, []
    for match in ENDS.finditer(paragraph):
        end = match.end()
        if end < len(paragraph) and _is_end(paragraph, start, match):
            found.append(paragraph[start:end])
            start = end
    found.append(paragraph[start:])
    stripped = [text for part in found if (text := part.strip())]
    return stripped if len(paragraph) <= LONGEST else [piece for part in stripped for piece in _cut(part)]


def _is_end(text: str, start: int, match: re.Match[str]) -> bool:
    """Whether a sentence that began at `start` ends with this match."""
    mark, end = match.group(), match.end()
    if "…" in mark and not mark[-1].isspace():
        return mark[-1] != "…" and WIDE.match(text, end) is not None
    if mark[0] not in ".!?…":
        return True
    following = end
    while following < len(text) and text[following] in OPENING:
        following += 1
    if text[following : following + 1].islower():
        return False
    return mark[0] != "." or mark[1:2] == "." or _ends_at_stop(text, start, match.start(), following)


def _ends_at_stop(text: str, start: int, stop: int, following: int) -> bool:
    """Whether the full stop at `stop` ends a sentence, and not only an abbreviation or a number."""
    begin = max(text.rfind(" ", start, stop) + 1, start)
    word = text[begin:stop].lstrip(OPENING)
    if not word:  # ". . ." or, in text whose tokens are set apart, the end of a sentence
        return text[start:stop].rstrip()[-1:] not in ("", ".")
    if NUMERAL.fullmatch(word) and text[start:begin].strip(OPENING + " ") == "":
        return False
    lowered = word.lower()
    if NEVER.fullmatch(lowered):
        return False
    if NUMBERED.fullmatch(lowered):
        return not text[following : following + 1].isdigit()
    if (len(word) == 1 and word.isalpha() and word != "I") or MAYBE.fullmatch(lowered) or _is_dotted(word):
        return STARTERS.match(text, following) is not None
    return True


def _is_dotted(word: str) -> bool:
    """Whether these are single letters with full stops between them: U.S, p.m."""
    return len(word) > 2 and all(len(part) == 1 and part.isalpha() for part in word.split("."))


def _cut(sentence: str) -> list[str]:
    """The sentence in pieces of at most LONGEST characters, cut at white space if there is some."""
    pieces, start = [], 0
    while len(sentence) - start > LONGEST:
        place = sentence.rfind(" ", start + LONGEST // 2, start + LONGEST) + 1 or start + LONGEST
        pieces.append(sentence[start:place])
        start = place
    return [text for piece in [*pieces, sentence[start:]] if (text := piece.strip())]
