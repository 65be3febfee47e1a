"""A model's tokenizer, read without torch where its folder has a tokenizer.json; and a text in its tokens."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from bertkit.deploy.text_row import TextRow, begins_of
from bertkit.encoders import locate_encoder
from bertkit.errors import DataError, EncoderError, one_line
from bertkit.models.vocabularies import pieces_of
from bertkit.objectives.rows import Pieces

FILE, SETTINGS = "tokenizer.json", ("tokenizer_config.json", "special_tokens_map.json")
ROLES = {
    "unk_token": ("[UNK]", "<unk>"),
    "cls_token": ("[CLS]", "<s>"),
    "sep_token": ("[SEP]", "</s>"),
    "pad_token": ("[PAD]", "<pad>"),
    "mask_token": ("[MASK]", "<mask>"),
    "eos_token": ("</s>",),
}
"""Special tokens, and how they are called where no file names them, as in BERT's own folders on the Hub."""


class FileTokenizer:
    """A tokenizer.json with what objectives ask of a tokenizer in transformers' form."""

    def __init__(self, folder: Path) -> None:
        """Read it. Raises what its parser raises."""
        from tokenizers import Tokenizer

        self.backend_tokenizer = Tokenizer.from_file(str(folder / FILE))
        self.backend_tokenizer.no_truncation()
        self.backend_tokenizer.no_padding()
        settings: dict[str, Any] = {}
        for file in SETTINGS:
            settings |= json.loads((folder / file).read_text("utf-8")) if (folder / file).is_file() else {}
        named = any(role in settings for role in ROLES)
        for role, usual in ROLES.items():
            asked = [settings.get(role)] if named else list(usual)
            contents = (one.get("content") if isinstance(one, dict) else one for one in asked)
            ids = (self.backend_tokenizer.token_to_id(one) for one in contents if one)
            setattr(self, f"{role}_id", next((number for number in ids if number is not None), None))
        added = self.backend_tokenizer.get_added_tokens_decoder()
        given = {getattr(self, f"{role}_id") for role in ROLES} - {None}
        self.all_special_ids = sorted(given | {number for number, token in added.items() if token.special})

    def convert_ids_to_tokens(self, ids: Iterable[int]) -> list[str]:
        """The name of each token."""
        return [self.backend_tokenizer.id_to_token(number) or "" for number in ids]


class Tokens:
    """A text in a tokenizer's tokens."""

    def __init__(self, text: str, name: str, revision: str | None = None) -> None:
        """Tokenise the text with the tokenizer of the model called `name`. Raises EncoderError or DataError."""
        self._tokenizer = tokenizer_of(name, revision)
        self._backend = self._tokenizer.backend_tokenizer
        self._bytes = "ByteLevel" in type(self._backend.decoder).__name__
        encoding = self._backend.encode(text, add_special_tokens=False)
        if not encoding.ids:
            raise DataError(f"--tokenizer {name}: it finds no token in the text")
        self.row = TextRow(tokens=encoding.ids, begins=begins_of(text, [end for _, end in encoding.offsets]))

    @cached_property
    def pieces(self) -> Pieces:
        """What objectives know of its vocabulary."""
        return pieces_of(self._tokenizer)

    def names(self, tokens: Iterable[int]) -> list[str]:
        """The tokens' names; bytes are shown as the characters that they are, if they are whole ones."""
        listed = list(tokens)
        return [self._name(token, name) for token, name in zip(listed, self._raw(listed), strict=True)]

    def text(self, tokens: Sequence[int]) -> str:
        """Their names, with a space between two."""
        return " ".join(self.names(tokens))

    def _raw(self, tokens: list[int]) -> list[str]:
        return list(self._tokenizer.convert_ids_to_tokens(tokens))

    def _name(self, token: int, name: str) -> str:
        if not self._bytes or self.pieces.special[token]:
            return name
        text = self._backend.decode([token], skip_special_tokens=False)
        return name if "\ufffd" in text or not text.strip() else name[: name.startswith("Ġ")] + text.strip()


def tokenizer_of(name: str, revision: str | None = None) -> Any:
    """The tokenizer of a model: a Hub id, a folder, a run, or "sample". Raises EncoderError."""
    encoder = locate_encoder(name, revision, weights=False)
    folder = encoder.folder
    if folder is None:
        from bertkit.hub.fetch import fetch_model

        folder, _ = fetch_model(encoder, weights=False)
    try:
        if (folder / FILE).is_file():
            return FileTokenizer(folder)
        from transformers import AutoTokenizer

        found = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    except Exception as error:  # parsers raise whatever they like, plain Exception among it
        raise EncoderError(f"--tokenizer {name}: it cannot be read: {one_line(error, lines=1)}") from error
    if not found.is_fast:
        raise EncoderError(f"--tokenizer {name}: only a slow tokenizer could be made")
    return found
