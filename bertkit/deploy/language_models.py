"""Find a language model by its name, and check that it can do what is asked, before torch is loaded. Light."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from bertkit.encoders import Encoder, LanguageKind, check_folder, check_weights, language_kind, locate_encoder
from bertkit.errors import EncoderError
from bertkit.hub import access
from bertkit.spec import SAMPLE


@dataclass(frozen=True, kw_only=True)
class FoundModel:
    """A language model that was found, and is not loaded yet.

    mask  its mask token as its tokenizer's files name it; None if they do not
    """

    encoder: Encoder
    kind: LanguageKind
    mask: str | None


def find_language_model(name: str, revision: str | None, wanted: tuple[LanguageKind, ...]) -> FoundModel:
    """The model of a Hub id, a folder, or a run. Of one on the Hub the weights are not downloaded yet.

    Raises EncoderError if it is none that is `wanted`, HubError if it cannot be fetched.
    """
    if name == SAMPLE:
        raise EncoderError("sample: MiniLM has no language-model head, because it was trained for sentence embeddings")
    encoder = locate_encoder(name, revision, weights=False)
    folder = encoder.folder or _fetched(encoder)
    kind = language_kind(name, folder, wanted)
    if encoder.folder:
        check_weights(folder)
    return FoundModel(encoder=encoder, kind=kind, mask=_mask_in(folder))


def _fetched(encoder: Encoder) -> Path:
    access.prepare([encoder], [], instead="give a model's folder")
    from bertkit.hub.fetch import fetch_model

    folder, _ = fetch_model(encoder, weights=False)
    check_folder(folder, weights=False)
    return folder


def _mask_in(folder: Path) -> str | None:
    """The mask token that a tokenizer's files name."""
    for name in ("tokenizer_config.json", "special_tokens_map.json"):
        try:
            found = json.loads((folder / name).read_text("utf-8")).get("mask_token")
        except (OSError, ValueError, AttributeError):
            continue
        token = found.get("content") if isinstance(found, dict) else found
        if isinstance(token, str) and token:
            return token
    return None
