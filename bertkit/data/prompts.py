"""Prompts for a causal language model: a template, examples drawn from the train rows, and their tokens.

R rows, C labels, k examples (shots). A prompt is k filled templates, then one without its label; each part is
tokenised by itself, so that all prompts of a draw begin with the same tokens.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bertkit.errors import RequestError

if TYPE_CHECKING:
    from bertkit.data.table import Columns

ONE_TEXT = "Text: {text}\nLabel: {label}"
TWO_TEXTS = "First text: {text}\nSecond text: {text_pair}\nLabel: {label}"
BETWEEN = "\n\n"
"""What stands between two examples, and before the text that is asked about."""
CONTENT_FREE = ("N/A", "[MASK]", "")
"""Texts that say nothing: what a model answers to them, on average, is its bias (Zhao et al. 2021, section 5)."""
PLACES = re.compile(r"\{(\w*)\}")
LABEL = "{label}"


@dataclass(frozen=True, kw_only=True)
class Template:
    """How a row is written: a text with the places {text}, for two texts {text_pair}, and at its end {label}."""

    text: str
    pair: bool

    def __post_init__(self) -> None:
        """Raise RequestError unless it has these places, each once, and the label at its end."""
        wanted = ("text", "text_pair", "label") if self.pair else ("text", "label")
        found = PLACES.findall(self.text)
        shown = f"--template '{self.text}'"
        if unknown := [name for name in found if name not in wanted]:
            places = ", ".join(f"{{{name}}}" for name in wanted)
            raise RequestError(f"{shown}: it has {{{unknown[0]}}}; this task's places are {places}")
        for name in wanted:
            if found.count(name) != 1:
                raise RequestError(f"{shown}: it must have {{{name}}} once, not {found.count(name)} times")
        if not self.text.endswith(LABEL):
            raise RequestError(f"{shown}: it must end in {LABEL}, because a causal model continues a text")
        if not self.asked(("", "")):
            raise RequestError(f"{shown}: it must say something besides its places")

    def asked(self, texts: Sequence[str]) -> str:
        """The template with a row's texts, up to the white space before its label."""
        places = dict(zip(("text", "text_pair"), texts, strict=False))
        before = self.text.removesuffix(LABEL).rstrip()
        return PLACES.sub(lambda place: places[place[1]], before)

    def answer(self, word: str) -> str:
        """What follows for a label that is written so: the white space before it, and the word."""
        before = self.text.removesuffix(LABEL)
        return before[len(before.rstrip()) :] + word


def template_of(typed: str | None, pair: bool) -> Template:
    r"""The template as typed, in which \n is a line break, or the default one. Raises RequestError."""
    default = TWO_TEXTS if pair else ONE_TEXT
    return Template(text=default if typed is None else typed.replace("\\n", "\n"), pair=pair)


def draw_examples(golds: Sequence[str], labels: Sequence[str], shots: int, seed: int, draw: int) -> list[int]:
    """The train rows of the `shots` examples of a draw, in their order in the prompt.

    They are as many of each label; what is left over goes to labels that are drawn. (seed, draw) decides all.
    Raises RequestError where a label has too few rows.
    """
    import numpy as np

    generator = np.random.default_rng([seed, draw])
    more = {labels[k] for k in generator.permutation(len(labels))[: shots % len(labels)]}
    found: list[int] = []
    for label in labels:
        rows, count = [row for row, gold in enumerate(golds) if gold == label], shots // len(labels) + (label in more)
        if len(rows) < count:
            raise RequestError(f"--shots {shots}: it takes {count} rows of '{label}', and train has {len(rows)}")
        found += [rows[k] for k in generator.permutation(len(rows))[:count]]
    return [found[k] for k in generator.permutation(len(found))]


def cut_texts(columns: Columns, pair: bool, tokenizer: Any, most: int) -> list[tuple[str, ...]]:
    """(R) the texts of each row, cut so that they have `most` tokens together; of two texts the longer one is cut."""
    roles = ("text", "text_pair")[: 1 + pair]
    read = [tokenizer(list(columns[role]), add_special_tokens=False, return_offsets_mapping=True) for role in roles]
    ends = [[[end for _, end in offsets] for offsets in one["offset_mapping"]] for one in read]
    found = []
    for row, texts in enumerate(zip(*(columns[role] for role in roles), strict=True)):
        room = _room([len(one[row]) for one in ends], most)
        found.append(
            tuple(
                text if count >= len(one[row]) else text[: one[row][count - 1]] if count else ""
                for text, one, count in zip(texts, ends, room, strict=True)
            )
        )
    return found


def _room(lengths: Sequence[int], most: int) -> list[int]:
    """How many tokens are kept of each text.

    >>> _room([10, 3], 8), _room([10, 9], 8), _room([3], 8)
    ([5, 3], [4, 4], [3])
    """
    if len(lengths) == 1 or sum(lengths) <= most:
        return [min(length, most) for length in lengths]
    first, second = lengths
    kept = max(min(first, most - second), min(first, most - most // 2))
    return [kept, most - kept]


class PromptReader:
    """Reads prompts as tokens."""

    def __init__(self, template: Template, tokenizer: Any, words: Mapping[str, str]) -> None:
        """`words` are how labels are written, in the labels' order.

        Raises RequestError where one has no token, or two have the same ones.
        """
        self.template, self.words, self._tokenizer = template, words, tokenizer
        self._start = _opening(tokenizer)
        self.labels = [self._ids(template.answer(word)) for word in words.values()]
        seen: dict[tuple[int, ...], str] = {}
        for (label, word), ids in zip(words.items(), self.labels, strict=True):
            if not word.strip() or not ids:
                raise RequestError(f"--verbalise {label}={word}: the tokenizer reads no token in it; give another word")
            if other := seen.get(tuple(ids)):
                raise RequestError(
                    f"--verbalise {label}={word}: the tokenizer reads the same in '{words[other]}', the word for "
                    f"{other}; give another"
                )
            seen[tuple(ids)] = label

    def examples(self, texts: Sequence[Sequence[str]], golds: Sequence[str]) -> list[int]:
        """The tokens of the examples, with those that the tokenizer puts before every text."""
        found = list(self._start)
        for place, (one, gold) in enumerate(zip(texts, golds, strict=True)):
            whole = self.template.asked(one) + self.template.answer(self.words[gold])
            found += self._ids(BETWEEN * bool(place) + whole)
        return found

    def asked(self, texts: Sequence[Sequence[str]], after_examples: bool) -> list[list[int]]:
        """(R) the tokens of each row's texts, up to its label."""
        return [self._ids(BETWEEN * after_examples + self.template.asked(one)) for one in texts]

    def content_free(self, after_examples: bool) -> list[list[int]]:
        """The tokens of prompts that say nothing."""
        return self.asked([(text,) * (1 + self.template.pair) for text in CONTENT_FREE], after_examples)

    def _ids(self, text: str) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])


def _opening(tokenizer: Any) -> list[int]:
    """The special tokens that a tokenizer puts before a text: of GPT-2's there are none."""
    whole, bare = tokenizer("a")["input_ids"], tokenizer("a", add_special_tokens=False)["input_ids"]
    starts = [k for k in range(len(whole) - len(bare) + 1) if whole[k : k + len(bare)] == bare]
    return list(whole[: starts[0]]) if starts else []
