"""What simple models need to know of a head to answer its rows without an encoder. Light."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bertkit.heads.numbers import Number

Gives = Literal["label", "labels", "number", "tags", "span", "choice", "places", "candidate"]


@dataclass(frozen=True, kw_only=True)
class Simple:
    """How a simple model answers a row, from the columns before the gold one (`Head.roles`).

    gives      what an answer is: the name of a label, a list of them, a number, a tag for each word, a text of the
               last of these columns, the place of one of a row's choices, or of its candidates the places of those that
               are right, or the text of one
    number     its bounds, if it is one
    no_answer  whether "" is the answer of some rows
    """

    gives: Gives
    number: Number | None = None
    no_answer: bool = False
