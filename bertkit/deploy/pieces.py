"""A vocabulary's tokens as text. Light: it asks a tokenizer that is loaded."""

from __future__ import annotations

import re
from typing import Any

from bertkit.deploy.blanks import Piece, Spaces
from bertkit.deploy.words import UNSPACED_CHARS

BESIDE = re.compile(rf"(?<={UNSPACED_CHARS}) | (?={UNSPACED_CHARS})")
"""A space beside a character of a script without spaces."""


def spaces_of(tokenizer: Any) -> Spaces:
    """Whose the spaces of a text are in a tokenizer's vocabulary."""
    if _leaves_out_spaces(tokenizer):
        return "no token's"
    names = tokenizer.convert_ids_to_tokens(
        tokenizer(f"a {tokenizer.mask_token}", add_special_tokens=False)["input_ids"]
    )
    return "a token's, also before a blank" if names[-2:-1] in (["Ġ"], ["▁"]) else "a token's"


def _leaves_out_spaces(tokenizer: Any) -> bool:
    return type(tokenizer.backend_tokenizer.model).__name__ in ("WordPiece", "WordLevel")


def piece_of(tokenizer: Any, token: int) -> Piece:
    """A token of the vocabulary as text."""
    name, backend = tokenizer.convert_ids_to_tokens(token), tokenizer.backend_tokenizer
    if token in tokenizer.all_special_ids:
        return Piece(text=name, begins=True)
    if _leaves_out_spaces(tokenizer):
        prefix = getattr(backend.model, "continuing_subword_prefix", None) or "##"
        continues = name.startswith(prefix) and len(name) > len(prefix)
        return Piece(text=name.removeprefix(prefix) if continues else name, begins=not continues)
    return Piece(text=backend.decode([token], skip_special_tokens=False).strip(" "), begins=name[:1] in ("Ġ", "▁"))


def decoded(tokenizer: Any, ids: list[int]) -> str:
    """Tokens as text, special ones left out; without the spaces that WordPiece puts between Chinese characters."""
    text = str(tokenizer.decode(ids, skip_special_tokens=True))
    return BESIDE.sub("", text) if _leaves_out_spaces(tokenizer) else text


def continued(tokenizer: Any, prompt: list[int], new: list[int]) -> str:
    """The new tokens as text behind that of the prompt, with the space between them if there is one."""
    before, both = decoded(tokenizer, prompt), decoded(tokenizer, [*prompt, *new])
    return both.removeprefix(before) if both.startswith(before) else decoded(tokenizer, new)
