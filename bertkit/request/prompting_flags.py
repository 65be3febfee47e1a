"""The flags of `bertkit compare prompting`, checked: how many examples, drawn how often, and how labels are written."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from bertkit.data.prompts import Template, template_of
from bertkit.errors import RequestError
from bertkit.request.keywords import Options
from bertkit.request.option import Option
from bertkit.task import Task

PROMPT = "Prompt"
"""The panel of --help."""
MOST_DRAWS = 100


@dataclass(frozen=True, kw_only=True)
class Prompting:
    """What a study of prompts asks for.

    shots  numbers of examples, ascending; draws  of examples and their order; words  how labels are written, by name,
    where it is not their names
    """

    shots: tuple[int, ...]
    draws: int
    words: Mapping[str, str]
    template: Template

    def words_of(self, labels: Sequence[str]) -> dict[str, str]:
        """How each of these labels is written, in their order. Raises RequestError for a word of no label."""
        if unknown := [name for name in self.words if name not in labels]:
            shown = f"{', '.join(labels[:10])}{', ...' if len(labels) > 10 else ''}"
            raise RequestError(f"--verbalise {unknown[0]}: the task has no such label; there are {shown}")
        return {label: self.words.get(label, label) for label in labels}


@dataclass(frozen=True, kw_only=True)
class PromptingFlags:
    """The flags of prompts, as given."""

    shots: Annotated[str, Option("--shots", PROMPT, "Numbers of examples in the prompt, separated by commas.")] = (
        "0,1,8"
    )
    draws: Annotated[
        int, Option("--draws", PROMPT, "How often the examples and their order are drawn; 0 shots draw nothing.")
    ] = 5
    verbalise: Annotated[
        str | None,
        Option("--verbalise", PROMPT, "Words for labels: positive=great,negative=terrible. [default: their names]"),
    ] = None
    template: Annotated[
        str | None,
        Option(
            "--template",
            PROMPT,
            r"How a row is written, with {text}, for two texts {text_pair}, and {label} at its end; \n is a line "
            r"break. [default: Text: {text}\nLabel: {label}]",
        ),
    ] = None

    def asked(self, task: Task) -> Prompting:
        """What they ask for of this task. Raises RequestError, also for a task whose answers are no single labels."""
        head = task.head
        simple = head.simple
        if simple is None or simple.gives != "label" or head.roles[0] != "text":
            raise RequestError(
                f"{task.name}: prompting asks for one label of one text or two; the answers of a {head.kind} task "
                f"are {_given(simple.gives if simple else None)}"
            )
        if not 1 <= self.draws <= MOST_DRAWS:
            raise RequestError(f"--draws {self.draws}: it must be from 1 to {MOST_DRAWS}")
        words = words_of(self.verbalise)
        template = template_of(self.template, pair="text_pair" in head.roles)
        found = Prompting(shots=shots_of(self.shots), draws=self.draws, words=words, template=template)
        if head.label_names:
            found.words_of(head.label_names)
        return found


def _given(gives: str | None) -> str:
    known = {"labels": "sets of labels", "number": "numbers", "tags": "tags", "span": "spans", "choice": "choices"}
    return known.get(gives or "", "of another kind")


def shots_of(typed: str) -> tuple[int, ...]:
    """The numbers in "0,1,8", ascending, each once. Raises RequestError."""
    parts = [part.strip() for part in typed.split(",")]
    if not all(part.isascii() and part.isdigit() and len(part) < 6 for part in parts):
        raise RequestError(f"--shots {typed}: it must be numbers of examples, such as 0,1,8")
    return tuple(sorted({int(part) for part in parts}))


def words_of(typed: str | None) -> dict[str, str]:
    """Words by label, of `positive=great,negative=terrible`, or of a JSON object. Raises RequestError."""
    if typed is None:
        return {}
    wrong = f"--verbalise '{typed}': it must be labels with their words, such as positive=great,negative=terrible"
    try:
        pairs = json.loads(typed, object_pairs_hook=list) if typed.lstrip().startswith("{") else None
    except ValueError:
        raise RequestError(wrong) from None
    if pairs is None:
        if not all("=" in one for one in typed.split(",")):
            raise RequestError(wrong)
        pairs = [tuple(side.strip() for side in one.split("=", 1)) for one in typed.split(",")]
    if not pairs or not all(isinstance(side, str) for pair in pairs for side in pair):
        raise RequestError(wrong)
    names = [name for name, _ in pairs]
    if double := next((name for name in names if names.count(name) > 1), None):
        raise RequestError(f"--verbalise '{typed}': label {double} stands there twice")
    if lacking := next((name for name, word in pairs if not word.strip()), None):
        raise RequestError(f"--verbalise '{typed}': no word stands there for {lacking}")
    return dict(pairs)


class PromptingOptions(Options, total=False):
    """The options of `bertkit compare prompting` as keywords, for type checkers."""

    shots: str
    draws: int
    verbalise: str | None
    template: str | None
